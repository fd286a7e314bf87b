package event

import (
	"slices"
	"strings"
)

// Stream is the stream of the log on which a type travels.
type Stream string

// The streams. Voids and corrections travel on [StreamEvents], on [StreamStudies] if they carry no subject, on
// [StreamAllocations] if their target is an allocation.
const (
	StreamEvents      Stream = "events"
	StreamAllocations Stream = "allocations"
	StreamStudies     Stream = "studies"
)

// The types that others treat apart.
const (
	TypeDefinition = "definition.published"
	TypeRandomised = "participant.randomised"
	TypeOutage     = "outage.declared"
	TypeUnblinding = "unblinding.performed"
	TypeVoided     = "event.voided"
	TypeCorrected  = "event.corrected"
)

// Type is one type of event. It is shared: callers must not change it.
type Type struct {
	Name            string
	Group           string // heading of the catalogue, e.g. "app and web"
	Description     string
	Scope           Scope // what a credential needs to send it
	Stream          Stream
	Version         int  // latest version of its schema
	StudyLevel      bool // carries no subject
	SubjectOptional bool // carries a subject unless its target is of the study
	Attributes      []AttributeSpec
}

// AttributeSpec is what one attribute may hold. It is shared: callers must not change it.
type AttributeSpec struct {
	Name        string
	Kind        Kind
	Also        Kind     // another kind taken, KindNull if none
	Format      Format   // of a string
	Values      []string // closed set of a string; empty: any
	Suggested   []string // values of an open set that are in use
	Min, Max    float64  // of a number, both included
	Whole       bool     // the number is an integer
	Required    bool
	NotBefore   string // another attribute of the type, a time that this one may not precede
	Description string

	code Code // of a value that does not fit; empty means CodeInvalidValue
}

// Lookup returns the type of a name and whether the catalogue has it.
func Lookup(typ string) (*Type, bool) {
	t, ok := catalogue.byName[typ]
	return t, ok
}

// Types returns every type, in the order of the catalogue.
func Types() []*Type { return slices.Clone(catalogue.types) }

// Attribute returns the attribute of a name and whether the type has it.
func (t *Type) Attribute(name string) (*AttributeSpec, bool) {
	for i := range t.Attributes {
		if t.Attributes[i].Name == name {
			return &t.Attributes[i], true
		}
	}
	return nil, false
}

// attributeNames lists the attributes of the type for people.
func (t *Type) attributeNames() string {
	if len(t.Attributes) == 0 {
		return "none"
	}
	names := make([]string, len(t.Attributes))
	for i := range t.Attributes {
		names[i] = t.Attributes[i].Name
	}
	return strings.Join(names, ", ")
}

// takes reports whether a value of the kind fits.
func (a *AttributeSpec) takes(k Kind) bool {
	return k == a.Kind || k == a.Also && k != KindNull
}

// kindNames says what kinds of value fit.
func (a *AttributeSpec) kindNames() string {
	if a.Also == KindNull {
		return a.Kind.article()
	}
	return a.Kind.article() + " or " + a.Also.article()
}

func (k Kind) article() string {
	switch k {
	case KindString:
		return "a string"
	case KindNumber:
		return "a number"
	case KindBool:
		return "true or false"
	case KindMap:
		return "an object of strings"
	case KindObject:
		return "an object"
	}
	return "null"
}

// index is the catalogue, made ready once and never changed.
type index struct {
	types        []*Type
	byName       map[string]*Type
	replacements map[string][]*AttributeSpec // what event.corrected may replace: every spec of each name
}

var catalogue = newIndex(rows)

func newIndex(rows []row) index {
	ix := index{byName: map[string]*Type{}, replacements: map[string][]*AttributeSpec{}}
	for _, r := range rows {
		for name := range strings.FieldsSeq(r.types) {
			t := &Type{
				Name: name, Group: r.group, Description: r.about, Scope: r.scope, Stream: r.stream, Version: 1,
				StudyLevel: r.studyLevel, SubjectOptional: r.subjectOptional, Attributes: r.attributes,
			}
			ix.types = append(ix.types, t)
			ix.byName[name] = t
		}
		if r.attributes != nil {
			ix.addReplacements(r.attributes)
		}
	}
	return ix
}

func (ix *index) addReplacements(specs []AttributeSpec) {
	for i := range specs {
		if spec := &specs[i]; spec.Kind != KindObject {
			ix.replacements[spec.Name] = append(ix.replacements[spec.Name], spec)
		}
	}
}
