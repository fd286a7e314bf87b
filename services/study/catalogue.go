package study

import (
	"fmt"
	"slices"
	"strings"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/study/document"
)

// usable reports whether an event type may stand in a rule: usage events do, what a registry says does not.
func (r *reader) usable(v *document.Value, path string) bool {
	typ, known := event.Lookup(v.Text)
	switch {
	case !known:
		r.Fault(v, path, "event type "+document.Quote(v.Text)+" is not in the catalogue"+meant(v.Text))
	case typ.Scope != event.ScopeEmit:
		r.Fault(v, path, "event type "+document.Quote(v.Text)+" is no usage event: it cannot count as use")
	default:
		return true
	}
	return false
}

func meant(typ string) string {
	var names []string
	for _, t := range event.Types() {
		if t.Scope == event.ScopeEmit {
			names = append(names, t.Name)
		}
	}
	if near := document.Nearest(typ, names); near != "" {
		return ": did you mean " + near + "?"
	}
	return ": throughline schema lists the types"
}

// fit checks that every type of a rule has the attributes of its conditions, and that the conditions can hold.
func (r *reader) fit(where *document.Value, path string, rule Rule) {
	for _, f := range where.Fields {
		at := document.Join(path, f.Name)
		for _, typ := range rule.Types {
			spec, ok := attribute(typ, f.Name)
			if !ok {
				r.Fault(f.Value, at, "events of type "+typ+" have no such attribute"+suggestion(typ, f.Name)+
					"; conditions on some of the types go into a rule of their own under any_of")
				break
			}
			if fault := misfit(spec, rule.Where[f.Name]); fault != "" {
				r.Fault(f.Value, at, fault)
				break
			}
		}
	}
}

// attribute returns what an attribute of a type may hold, derived ones included.
func attribute(typ, name string) (*event.AttributeSpec, bool) {
	if name == AttributeVisitSeconds && typ == "kiosk.visit_started" {
		return &event.AttributeSpec{Name: name, Kind: event.KindNumber}, true
	}
	t, ok := event.Lookup(typ)
	if !ok {
		return nil, false
	}
	return t.Attribute(name)
}

func suggestion(typ, name string) string {
	t, _ := event.Lookup(typ)
	var names []string
	for _, a := range t.Attributes {
		names = append(names, a.Name)
	}
	if near := document.Nearest(name, names); near != "" {
		return ": did you mean " + near + "?"
	}
	return ", they have " + strings.Join(names, ", ")
}

// misfit says why a condition can never hold for an attribute, empty if it can.
func misfit(spec *event.AttributeSpec, c Condition) string {
	if (c.Min != nil || c.Max != nil) && spec.Kind != event.KindNumber {
		return "has min or max, but is not a number in the catalogue: use equals"
	}
	switch want := c.Equals.(type) {
	case string:
		if spec.Kind != event.KindString {
			return "must equal what the attribute holds, which is not text"
		}
		if len(spec.Values) > 0 && !slices.Contains(spec.Values, want) {
			return fmt.Sprintf("can never be %s: must be %s", document.Quote(want), document.OneOf(spec.Values, want))
		}
	case float64:
		if spec.Kind != event.KindNumber {
			return "must equal what the attribute holds, which is not a number"
		}
	case bool:
		if spec.Kind != event.KindBool {
			return "must equal what the attribute holds, which is not true or false"
		}
	}
	return ""
}
