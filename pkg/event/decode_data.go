package event

import (
	"slices"
	"strings"
)

// data reads the data of the event by its type.
func (d *decoder) data(tok *token) {
	switch {
	case tok.kind > tokenNull && tok.kind != tokenObject:
		d.report(CodeInvalidValue, "", "data", "is not an object")
		d.examine("", member{"data", *tok})
	case d.kind == nil:
		if tok.kind == tokenObject {
			d.examine("", member{"data", *tok})
		}
	case d.kind.Name == TypeDefinition:
		d.definition(tok)
	default:
		d.attributes(tok)
	}
}

// attributes reads data that is a list of attributes.
func (d *decoder) attributes(tok *token) {
	if tok.size > 0 {
		d.event.Data = make(Data, 0, min(tok.size, maxMembers))
		d.object("data.", tok.text)
		d.event.Data = d.event.Data.sorted()
	}
	d.complete(d.event.Data)
}

// object reads the members of an object of data.
func (d *decoder) object(prefix, s string) {
	corrects := d.kind.Name == TypeCorrected
	sc := scanner{s: s}
	for more := sc.open('{', '}'); more; more = sc.more('}') {
		key, _ := sc.key()
		tok, _ := sc.value(1)
		switch spec, ok := d.kind.Attribute(key); {
		case ok && prefix == "data.":
			d.add(prefix, key, &tok, spec)
		case corrects && key == "data" && tok.kind == tokenObject && prefix == "data.":
			d.object("data.data.", tok.text)
		case corrects:
			d.replacement(prefix, key, &tok)
		default:
			d.report(CodeUnknownProperty, prefix, tellable(key), "is not an attribute of the type; it takes "+d.kind.attributeNames())
			d.examine(prefix, member{key, tok})
		}
	}
}

// add checks a value and adds it to the data under a name; one of the specs has to take it.
func (d *decoder) add(prefix, name string, tok *token, specs ...*AttributeSpec) {
	before := len(d.problems)
	for i, spec := range specs {
		first := len(d.problems)
		if v, ok := d.value(prefix, spec, tok); ok && d.check(prefix, spec, &v) {
			if i > 0 { // an earlier spec of the name did not fit, this one does
				d.problems = d.problems[:before]
			}
			d.event.Data = append(d.event.Data, Attribute{Name: name, Value: v})
			return
		}
		if i > 0 { // told once is enough
			d.problems = d.problems[:first]
		}
	}
}

// complete checks what only the whole data shows: what is missing, and times in the wrong order.
func (d *decoder) complete(data Data) {
	for i := range d.kind.Attributes {
		spec := &d.kind.Attributes[i]
		if spec.Required && !d.told("data.", spec.Name) {
			if v, ok := data.Get(spec.Name); !ok || v.Kind == KindNull {
				d.report(CodeMissingAttribute, "data.", spec.Name, "is missing; this type has to say it")
			}
		}
		if spec.NotBefore != "" {
			d.ordered(data, spec)
		}
	}
}

// told reports whether a problem of the field was told already.
func (d *decoder) told(prefix, name string) bool {
	return slices.ContainsFunc(d.problems, func(p Problem) bool { return p.Field == prefix+name })
}

func (d *decoder) ordered(data Data, spec *AttributeSpec) {
	end, ok := data.Instant(spec.Name)
	begin, both := data.Instant(spec.NotBefore)
	if ok && both && end.Before(begin.Time) {
		d.report(CodeInvalidValue, "data.", spec.Name, "is before "+spec.NotBefore+"; correct one of them")
	}
}

// Instant returns a time attribute and whether it is there.
func (d Data) Instant(name string) (Instant, bool) {
	v, ok := d.Get(name)
	if !ok || v.Kind != KindString {
		return Instant{}, false
	}
	return ParseInstant(v.Str)
}

// sorted brings attributes into order, and drops all but the first of a name.
func (d Data) sorted() Data {
	slices.SortStableFunc(d, func(a, b Attribute) int { return strings.Compare(a.Name, b.Name) })
	if len(d) == 0 {
		return nil
	}
	return slices.CompactFunc(d, func(a, b Attribute) bool { return a.Name == b.Name })
}

// dataPrefix marks, in a correction, an attribute of the target's data whose name the correction itself or the envelope
// uses too, e.g. data.reason.
const dataPrefix = "data."

// replacement reads an attribute that a correction puts in place of the target's.
func (d *decoder) replacement(prefix, key string, tok *token) {
	name := strings.TrimPrefix(key, dataPrefix)
	inData := catalogue.replacements[name]
	place := envelopePlace(name)
	nested := prefix != dataPrefix || name != key
	switch {
	case len(inData) > 0 && (nested || !replaceable(place)):
		d.addOnce(prefix, correctionName(name), tok, inData...)
	case replaceable(place) && name == key:
		d.addOnce(prefix, name, tok, &envelope[place])
	default:
		d.report(CodeUnknownProperty, prefix, tellable(name), "is no attribute that a correction can replace; take it out")
		d.examine(prefix, member{key, *tok})
	}
}

// addOnce adds a replacement, whose name may stand flat or nested but not both; null removes the attribute.
func (d *decoder) addOnce(prefix, name string, tok *token, specs ...*AttributeSpec) {
	for i := range d.event.Data {
		if d.event.Data[i].Name == name {
			d.report(CodeInvalidValue, prefix, strings.TrimPrefix(name, dataPrefix), "is given twice; give it once")
			return
		}
	}
	switch {
	case tok.kind != tokenNull:
		d.add(prefix, name, tok, specs...)
	case specs[0] == &envelope[attrTime]:
		d.report(CodeInvalidValue, prefix, name, "cannot be removed; every event has it")
	default:
		d.event.Data = append(d.event.Data, Attribute{Name: name}) // removes it
	}
}

// correctionName returns the name under which a correction holds the replacement of an attribute of the target's data.
func correctionName(name string) string {
	if _, own := catalogue.byName[TypeCorrected].Attribute(name); own || replaceable(envelopePlace(name)) {
		return dataPrefix + name
	}
	return name
}

// definition takes the definition of a study whole: what it means is not for this package to say.
func (d *decoder) definition(tok *token) {
	if tok.kind != tokenObject {
		d.report(CodeMissingAttribute, "", "data", "is missing; publish the whole study definition in it")
		return
	}
	w := walker{scanner: scanner{s: tok.text}, use: textDefinition, out: make([]byte, 0, len(tok.text))}
	w.value(0)
	if w.personal != "" {
		d.report(CodePersonalData, "", "data", "holds "+w.personal+" in a text; take it out")
	}
	if w.unprintable {
		d.report(CodeInvalidValue, "", "data", "holds characters that do not print in a text; take them out")
	}
	if w.long {
		d.report(CodeInvalidValue, "", "data", "holds a text of more than 1,000 characters; shorten it")
	}
	d.event.Data = Data{{Name: DefinitionAttribute, Value: Value{Kind: KindObject, Object: w.out}}}
}
