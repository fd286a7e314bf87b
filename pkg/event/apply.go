package event

import (
	"slices"
	"strings"
)

// Apply returns the target as a correction says it should have been: the same identity, type, study and subject, with
// the attributes replaced that the correction holds. The result is checked against the type of the target; with problems
// the correction has no effect and the target is returned as it was. Both must have been decoded without problems, and
// the correction must be an event.corrected whose target_source and target_id name the target.
func Apply(target Event, correction Event) (Event, []Problem) {
	d := decoder{event: target}
	d.event.Data = slices.Clone(target.Data)
	kind, ok := Lookup(target.Type)
	switch {
	case correction.Type != TypeCorrected || !correction.targets(&target):
		d.report(CodeInvalidValue, dataPrefix, "target_id", "names another event")
	case !ok || !kind.correctable():
		d.report(CodeInvalidValue, "", "type", "is not corrected: void the event, or publish anew")
	default:
		d.kind = kind
		d.apply(correction.Data)
	}
	if len(d.problems) > 0 {
		return target, inOrder(d.problems)
	}
	return d.event, nil
}

func (e *Event) targets(target *Event) bool {
	return e.Study == target.Study && e.Data.Text("target_source") == target.Source && e.Data.Text("target_id") == target.ID
}

// correctable reports whether events of the type can be corrected: not what is about the record itself, and not
// definitions, which a new one supersedes.
func (t *Type) correctable() bool {
	return t.Name != TypeDefinition && t.Name != TypeVoided && t.Name != TypeCorrected
}

func (d *decoder) apply(replacements Data) {
	own := catalogue.byName[TypeCorrected]
	for _, r := range replacements {
		if _, ok := own.Attribute(r.Name); ok {
			continue
		}
		if spec, place := d.replaced(r.Name); place != attrUnknown {
			d.replaceEnvelope(place, r.Value)
		} else if spec != nil {
			d.replaceData(spec, r.Value)
		} else {
			d.report(CodeUnknownProperty, dataPrefix, strings.TrimPrefix(r.Name, dataPrefix),
				"is not an attribute of the target's type; it takes "+d.kind.attributeNames())
		}
	}
	if len(d.event.Data) == 0 {
		d.event.Data = nil
	}
	d.complete(d.event.Data)
}

// replaced finds what a name of a correction means for the target: an attribute of its data, else a place in its
// envelope. On an event of the study, which no component, channel or role sends, a name that both have is of the data.
func (d *decoder) replaced(name string) (spec *AttributeSpec, place int) {
	bare, inData := strings.CutPrefix(name, dataPrefix)
	spec, known := d.kind.Attribute(bare)
	place = envelopePlace(bare)
	if !inData && replaceable(place) && !(known && d.kind.StudyLevel) {
		return nil, place
	}
	if !known {
		return nil, attrUnknown
	}
	return spec, attrUnknown
}

func (d *decoder) replaceEnvelope(place int, v Value) {
	spec := &envelope[place]
	if v.Kind == KindNull {
		if spec.Required {
			d.report(CodeMissingAttribute, dataPrefix, spec.Name, "cannot be removed; every event has it")
			return
		}
		d.event.set(place, Value{}, Instant{})
		return
	}
	if d.check(dataPrefix, spec, &v) {
		d.event.set(place, v, d.instant)
	}
}

func (d *decoder) replaceData(spec *AttributeSpec, v Value) {
	data := slices.DeleteFunc(d.event.Data, func(a Attribute) bool { return a.Name == spec.Name })
	if v.Kind != KindNull && d.check(dataPrefix, spec, &v) {
		data = append(data, Attribute{Name: spec.Name, Value: v})
	}
	d.event.Data = data.sorted()
}
