package importer

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/study/document"
)

const maxEvents = 200

func (r *reader) events(o *document.Object, timezone *Zone) []EventSpec {
	v := o.Need("events", "list what events a row makes")
	items := r.List(v, "events")
	switch {
	case v != nil && v.Kind == document.KindList && len(items) == 0:
		r.Fault(v, "events", "is empty: list what events a row makes")
	case len(items) > maxEvents:
		r.Fault(v, "events", "has more than "+strconv.Itoa(maxEvents)+" events: split the mapping")
		return nil
	}
	seen := map[string]int{}
	var specs []EventSpec
	for i, item := range items {
		spec := r.event(item, document.Index("events", i), timezone)
		r.Once(seen, item, document.Index("events", i), "name", spec.Name)
		specs = append(specs, spec)
	}
	return specs
}

func (r *reader) event(v *document.Value, path string, timezone *Zone) EventSpec {
	o := r.Object(v, path)
	var spec EventSpec
	if name := o.Need("name", "name the event within the mapping, such as enrolled; the name must never change"); name != nil {
		spec.Name = r.Pattern(name, o.At("name"), eventPattern, "must be 1 to 32 lower-case letters, digits, _ or -, beginning with a letter")
	}
	spec.Type = r.eventType(o)
	spec.When = r.conditions(o, "when")
	if t := o.Need("time", "say which column holds the time, such as {column: enrolled_on}"); t != nil {
		spec.Time = r.moment(r.Object(t, o.At("time")))
	}
	spec.Timezone = r.timezone(o, "timezone", timezone)
	spec.Component = o.Name("component", "")
	spec.Channel = document.Choice(o, "channel", event.Channels(), "")
	spec.ActorRole = document.Choice(o, "actorrole", event.ActorRoles(), "")
	spec.Empty = document.Choice(o, "empty", []OnEmpty{EmptyVoid, EmptySkip, EmptyRefuse}, EmptyVoid)
	spec.Data = r.data(o, spec.Type)
	o.Close()
	return spec
}

// eventType reads the type; a registry export cannot speak of the study itself or of the record.
func (r *reader) eventType(o *document.Object) *event.Type {
	v := o.Need("type", "say which event of the catalogue it is, such as participant.enrolled")
	if v == nil {
		return nil
	}
	typ, ok := event.Lookup(v.Text)
	switch {
	case v.Kind != document.KindText:
		r.WrongKind(v, o.At("type"), "text")
	case !ok:
		r.Fault(v, o.At("type"), "event type "+document.Quote(v.Text)+" is not in the catalogue"+likeType(v.Text))
	case typ.StudyLevel || typ.SubjectOptional:
		r.Fault(v, o.At("type"), "events of type "+typ.Name+" are not about one participant: they cannot be imported")
	default:
		return typ
	}
	return nil
}

func likeType(given string) string {
	var names []string
	for _, t := range event.Types() {
		names = append(names, t.Name)
	}
	if near := document.Nearest(given, names); near != "" {
		return ": did you mean " + near + "?"
	}
	return ": throughline schema lists the types"
}

// moment reads the parts of a mapping that say where a time comes from.
func (r *reader) moment(o *document.Object) Moment {
	m := r.momentParts(o)
	m.Column = r.needColumn(o)
	o.Close()
	return m
}

func (r *reader) momentParts(o *document.Object) Moment {
	m := Moment{Layouts: r.formats(o, r.layouts), At: r.clock(o, "at")}
	if zone := r.place(o, "zone", r.zone); zone != nil {
		m.Zone = *zone
	}
	return m
}

func (r *reader) data(o *document.Object, typ *event.Type) []DataSpec {
	path := o.At("data")
	fields := r.Mapping(o.Get("data"), path)
	if typ == nil {
		return nil
	}
	var specs []DataSpec
	for _, f := range fields {
		at := document.Join(path, f.Name)
		attribute, ok := typ.Attribute(f.Name)
		if !ok {
			r.Problems = append(r.Problems, document.Problem{Line: f.Line, Column: f.Column, Field: at,
				Detail: "events of type " + typ.Name + " have no such attribute: they have " + attributeNames(typ)})
			continue
		}
		specs = append(specs, r.datum(f.Value, at, attribute))
	}
	for i := range typ.Attributes {
		if a := &typ.Attributes[i]; a.Required && o.Valid && !given(fields, a.Name) {
			r.Fault(o.Value, document.Join(path, a.Name), "is missing: events of type "+typ.Name+" must have it")
		}
	}
	slices.SortFunc(specs, func(a, b DataSpec) int { return strings.Compare(a.Attribute.Name, b.Attribute.Name) })
	return specs
}

func given(fields []document.Field, name string) bool {
	return slices.ContainsFunc(fields, func(f document.Field) bool { return f.Name == name && f.Value.Kind != document.KindNull })
}

func attributeNames(typ *event.Type) string {
	names := make([]string, len(typ.Attributes))
	for i := range typ.Attributes {
		names[i] = typ.Attributes[i].Name
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

func (r *reader) datum(v *document.Value, path string, attribute *event.AttributeSpec) DataSpec {
	spec := DataSpec{Attribute: attribute}
	if attribute.Kind != event.KindMap {
		spec.Value = r.value(v, path, attribute)
		return spec
	}
	for _, f := range r.Mapping(v, path) {
		at := document.Join(path, f.Name)
		if !event.ValidName(f.Name) {
			r.Problems = append(r.Problems, document.Problem{Line: f.Line, Column: f.Column, Field: at, Detail: document.NameWords})
		}
		text := &event.AttributeSpec{Name: f.Name, Kind: event.KindString}
		spec.Entries = append(spec.Entries, EntrySpec{Name: f.Name, Value: r.value(f.Value, at, text)})
	}
	slices.SortFunc(spec.Entries, func(a, b EntrySpec) int { return strings.Compare(a.Name, b.Name) })
	return spec
}

// value reads a constant, or a mapping that says from which column and how.
func (r *reader) value(v *document.Value, path string, attribute *event.AttributeSpec) ValueSpec {
	if v.Kind == document.KindNull {
		r.Fault(v, path, "says nothing: give a constant or {column: …}")
		return ValueSpec{}
	}
	if v.Kind != document.KindMap {
		return ValueSpec{Constant: r.constant(v, path, attribute)}
	}
	o := r.Object(v, path)
	spec := ValueSpec{
		Column:   r.needColumn(o),
		Map:      r.table(o, attribute),
		Unmapped: document.Choice(o, "unmapped", []OnUnmapped{UnmappedRefuse, UnmappedKeep, UnmappedEmpty}, UnmappedRefuse),
		Empty:    document.Choice(o, "empty", []OnEmptyValue{ValueOmit, ValueNone, ValueRefuse}, ValueOmit),
	}
	if p := o.Get("prefix"); p != nil {
		spec.Prefix = r.Pattern(p, o.At("prefix"), prefixPattern, "must be 1 to 32 letters, digits, _ or -")
	}
	if d := o.Get("default"); d != nil {
		spec.Default = r.constant(d, o.At("default"), attribute)
	}
	if attribute.Format == event.FormatTime {
		m := r.momentParts(o)
		m.Column, spec.Moment = spec.Column, &m
	}
	if spec.Map == nil && o.Value.Field("unmapped") != nil {
		o.Fault("unmapped", "stands without map: remove it or give the map")
	}
	o.Close()
	return spec
}

// table reads the map from cells to values.
func (r *reader) table(o *document.Object, attribute *event.AttributeSpec) map[string]string {
	fields := r.Mapping(o.Get("map"), o.At("map"))
	if len(fields) == 0 {
		return nil
	}
	table := make(map[string]string, len(fields))
	for _, f := range fields {
		if text := r.constant(f.Value, document.Join(o.At("map"), f.Name), attribute); text != nil {
			table[strings.TrimSpace(f.Name)] = *text
		}
	}
	return table
}

// constant reads a value that the mapping itself gives, and checks that the attribute can hold it.
func (r *reader) constant(v *document.Value, path string, attribute *event.AttributeSpec) *string {
	text := r.plain(v, path)
	if text == "" {
		if v.Kind == document.KindText {
			r.Fault(v, path, "is blank: give a value")
		}
		return nil
	}
	if _, fault := convert(text, attribute, "."); fault != "" {
		r.Fault(v, path, fault)
	}
	if pattern := attribute.Format.Pattern(); pattern != "" && !regexp.MustCompile(pattern).MatchString(text) {
		r.Fault(v, path, "must match "+pattern)
	}
	r.Personal(v, path)
	return &text
}
