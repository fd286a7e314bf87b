package importer

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
)

// builder makes the events that rows say should be there.
type builder struct {
	mapping *Mapping
	namer   namer
	columns map[string]int
	now     func() time.Time
	zones   map[string]*time.Location // remembered by cell; nil: no zone
}

// wish is what one row says of one of its events: the event as it should be, or that there should be none.
type wish struct {
	row, line int
	spec      *EventSpec
	subject   string
	id        string
	event     *event.Event // nil: there should be none
	keep      bool         // with no event: one that was imported before stays
}

// row is one row being read.
type row struct {
	*builder
	record
	subject string
	name    string
}

// fault is why a cell, or the event made of it, is refused. It never repeats the cell.
type fault struct {
	column string
	code   string
	reason string
}

// The codes of refusals beside those of events.
const (
	CodeRow   = "unreadable_row"
	CodeTwice = "duplicate_row_key"
	CodeCell  = "invalid_cell"
	CodeEmpty = "empty_cell"
	CodeMoved = "moved_participant"
	CodeType  = "changed_type"
)

func cellFault(column, reason string) *fault {
	return &fault{column: column, code: CodeCell, reason: reason}
}

// key returns the cells that name the row.
func (r *row) key() ([]string, *fault) {
	key := make([]string, len(r.mapping.RowKey))
	for i, column := range r.mapping.RowKey {
		if key[i] = r.cell(column); key[i] == "" {
			return nil, &fault{column, CodeEmpty, "is empty: the row cannot be known again without its key"}
		}
	}
	return key, nil
}

// cell returns the text of a cell, empty if it is one of the values that mean so.
func (r *row) cell(column string) string {
	i, ok := r.columns[column]
	if !ok || i < 0 || i >= len(r.cells) || slices.Contains(r.mapping.Format.EmptyValues, r.cells[i]) {
		return ""
	}
	return r.cells[i]
}

func (r *row) holds(conditions []Condition) bool {
	return !slices.ContainsFunc(conditions, func(c Condition) bool {
		cell := r.cell(c.Column)
		switch {
		case c.Filled != nil:
			return (cell != "") != *c.Filled
		case c.OneOf != nil:
			return !slices.Contains(c.OneOf, cell)
		}
		return slices.Contains(c.NoneOf, cell)
	})
}

// wish says what the row wants of one event.
func (r *row) wish(spec *EventSpec) (wish, *fault) {
	w := wish{row: r.row, line: r.line, spec: spec, subject: r.subject, id: r.mapping.ID + "/" + r.name + "/" + spec.Name}
	w.keep = spec.Empty == EmptySkip
	if !r.holds(spec.When) {
		return w, nil
	}
	if r.cell(spec.Time.Column) == "" {
		if spec.Empty == EmptyRefuse {
			return w, &fault{spec.Time.Column, CodeEmpty, "is empty: the event needs its time"}
		}
		return w, nil
	}
	e, present, fault := r.event(spec, w.id)
	if fault != nil || !present {
		return w, fault
	}
	w.event = e
	return w, nil
}

// event makes the event; present is false where an empty cell says that there is none.
func (r *row) event(spec *EventSpec, id string) (e *event.Event, present bool, f *fault) {
	zone, timezone, f := r.timezone(spec.Timezone)
	if f != nil {
		return nil, false, f
	}
	at, f := r.moment(&spec.Time, zone)
	if f != nil {
		return nil, false, f
	}
	data, present, f := r.data(spec, zone)
	if f != nil || !present {
		return nil, false, f
	}
	return r.checked(spec, &event.Event{
		ID: id, Source: r.mapping.Source, Type: spec.Type.Name, Version: spec.Type.Version, Study: r.namer.study, Subject: r.subject,
		Time: at, Timezone: timezone, Component: spec.Component, Channel: spec.Channel, ActorRole: spec.ActorRole,
		Modality: event.ModalityImported, Data: data,
	})
}

// checked checks the event as the gateway will, and returns it as the log will hold it.
func (r *row) checked(spec *EventSpec, e *event.Event) (*event.Event, bool, *fault) {
	decoded, problems := event.Decode(e.AppendJSON(nil), r.now())
	if len(problems) > 0 {
		p := problems[0]
		return nil, false, &fault{column: spec.columnOf(p.Field), code: string(p.Code), reason: p.Detail}
	}
	return &decoded, true, nil
}

// columnOf returns the column that fills a field of the event, or the field itself where no column does.
func (s *EventSpec) columnOf(field string) string {
	name, ok := strings.CutPrefix(field, "data.")
	if !ok && field == "time" {
		return s.Time.Column
	}
	for _, d := range s.Data {
		if d.Attribute.Name == name && d.Value.Column != "" {
			return d.Value.Column
		}
	}
	return field
}

// timezone returns the zone that the event carries; nil and empty where it carries none.
func (r *row) timezone(z *Zone) (*time.Location, string, *fault) {
	switch {
	case z == nil:
		return nil, "", nil
	case z.Location != nil:
		return z.Location, z.Location.String(), nil
	}
	name := r.cell(z.Column)
	if name == "" {
		return nil, "", nil
	}
	location := r.named(name)
	if location == nil {
		return nil, "", cellFault(z.Column, "is not a known time zone: it must be an IANA name such as America/New_York")
	}
	return location, name, nil
}

// named returns the zone of an IANA name, nil if there is none.
func (b *builder) named(name string) *time.Location {
	location, known := b.zones[name]
	if !known {
		location, _ = event.Zone(name)
		if len(b.zones) < 2048 {
			b.zones[name] = location
		}
	}
	return location
}

// place returns the zone in which texts without an offset are read, UTC if the mapping says none.
func (r *row) place(z *Zone) (*time.Location, *fault) {
	switch {
	case z.Location != nil:
		return z.Location, nil
	case z.Column != "":
		location, _, f := r.timezone(z)
		if location == nil && f == nil {
			return nil, &fault{z.Column, CodeEmpty, "is empty: the time cannot be read without its zone"}
		}
		return location, f
	case z.Offset != "":
		cell := r.cell(z.Offset)
		if cell == "" {
			return nil, &fault{z.Offset, CodeEmpty, "is empty: the time cannot be read without its offset"}
		}
		location, ok := parseOffset(cell, z.Unit)
		if !ok {
			return nil, cellFault(z.Offset, "is not an offset from UTC between -12 and +14 hours, in "+string(z.Unit))
		}
		return location, nil
	}
	return time.UTC, nil
}

// moment reads a time. It is written in the event's zone if it carries one, else as its own text or zone has it.
func (r *row) moment(m *Moment, zone *time.Location) (event.Instant, *fault) {
	place, f := r.place(&m.Zone)
	if f != nil {
		return event.Instant{}, f
	}
	read, ok := parseMoment(r.cell(m.Column), m.Layouts, place)
	if !ok {
		formats := make([]string, len(m.Layouts))
		for i, l := range m.Layouts {
			formats[i] = l.text
		}
		return event.Instant{}, cellFault(m.Column, "is not a time written as "+strings.Join(formats, " or "))
	}
	t := read.time
	if read.date {
		year, month, day := t.Date()
		hours := int(m.At / time.Hour)
		t = time.Date(year, month, day, hours, 0, 0, int(m.At-time.Duration(hours)*time.Hour), t.Location())
	}
	switch {
	case zone != nil:
		t = t.In(zone)
	case isUTC(t.Location()):
		t = t.UTC()
	}
	return localAt(t, zone), nil
}

func parseMoment(cell string, layouts []layout, place *time.Location) (moment, bool) {
	for _, l := range layouts {
		if read, err := l.read(cell, place); err == nil && read.time.Year() >= 1 && read.time.Year() <= 9999 {
			return read, true
		}
	}
	return moment{}, false
}

func isUTC(l *time.Location) bool {
	return l == time.UTC || l.String() == "UTC" || l.String() == "Etc/UTC"
}

// localAt returns the instant, with its offset where the event names a place.
func localAt(t time.Time, zone *time.Location) event.Instant {
	instant := event.At(t)
	if zone != nil && !isUTC(zone) {
		instant.Local = true
	}
	return instant
}

// data fills the attributes; present is false where an empty cell says that there is no event.
func (r *row) data(spec *EventSpec, zone *time.Location) (data event.Data, present bool, f *fault) {
	for _, d := range spec.Data {
		v, state, f := r.attribute(&d, zone)
		if f != nil || state == valueNone {
			return nil, false, f
		}
		if state == valueThere {
			data = append(data, event.Attribute{Name: d.Attribute.Name, Value: v})
		}
	}
	return data, true, nil
}

// valueState is what came of one value.
type valueState uint8

const (
	valueThere valueState = iota
	valueAbsent
	valueNone // there is no event
)

func (r *row) attribute(d *DataSpec, zone *time.Location) (event.Value, valueState, *fault) {
	if d.Attribute.Kind != event.KindMap {
		return r.value(&d.Value, d.Attribute, zone)
	}
	entries := map[string]string{}
	text := &event.AttributeSpec{Kind: event.KindString}
	for _, entry := range d.Entries {
		v, state, f := r.value(&entry.Value, text, zone)
		switch {
		case f != nil || state == valueNone:
			return event.Value{}, state, f
		case state == valueThere:
			entries[entry.Name] = v.Str
		}
	}
	if len(entries) == 0 {
		return event.Value{}, valueAbsent, nil
	}
	return event.Value{Kind: event.KindMap, Map: entries}, valueThere, nil
}

func (r *row) value(spec *ValueSpec, attribute *event.AttributeSpec, zone *time.Location) (event.Value, valueState, *fault) {
	if spec.Constant != nil {
		v, _ := convert(*spec.Constant, attribute, ".") // checked when the mapping was read
		return v, valueThere, nil
	}
	text, state, f := r.text(spec)
	if f != nil || state != valueThere {
		return event.Value{}, state, f
	}
	if spec.Moment != nil && text == r.cell(spec.Column) {
		at, f := r.moment(spec.Moment, zone)
		return event.Value{Kind: event.KindString, Str: at.String()}, valueThere, f
	}
	decimal := r.mapping.Format.Decimal
	if spec.Map != nil || spec.Default != nil && r.cell(spec.Column) == "" {
		decimal = "."
	}
	v, reason := convert(spec.Prefix+text, attribute, decimal)
	if reason != "" {
		return v, valueNone, cellFault(spec.Column, reason)
	}
	return v, valueThere, nil
}

// text returns what a cell says by the value's map, and what it means if it is empty.
func (r *row) text(spec *ValueSpec) (string, valueState, *fault) {
	cell := r.cell(spec.Column)
	if cell != "" && spec.Map != nil {
		mapped, ok := spec.Map[cell]
		switch {
		case ok:
			return mapped, valueThere, nil
		case spec.Unmapped == UnmappedKeep:
			return cell, valueThere, nil
		case spec.Unmapped == UnmappedRefuse:
			return "", valueNone, cellFault(spec.Column, "is none of the values that the mapping's map has")
		}
		cell = ""
	}
	switch {
	case cell != "":
		return cell, valueThere, nil
	case spec.Default != nil:
		return *spec.Default, valueThere, nil
	case spec.Empty == ValueRefuse:
		return "", valueNone, &fault{spec.Column, CodeEmpty, "is empty: the event needs it"}
	case spec.Empty == ValueNone:
		return "", valueNone, nil
	}
	return "", valueAbsent, nil
}

// refusal is a fault at its place.
func (r *row) refusal(name string, f *fault) Refusal {
	return Refusal{Row: r.row, Line: r.line, Column: f.column, Event: name, Code: f.code, Reason: f.reason}
}

// String writes the fault for people.
func (f *fault) String() string { return fmt.Sprintf("%s %s", f.column, f.reason) }
