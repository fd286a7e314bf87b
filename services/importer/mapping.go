package importer

import (
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
)

// Mapping says what the rows of a file mean. It is made by [ParseMapping]; deploy/examples has one with every part
// explained.
type Mapping struct {
	ID       string // part of the identity of every event: never change it between imports of the same file
	Study    string // empty: told at import
	Source   string // source of the events; default /import/<id>
	Format   Format
	RowKey   []string // columns that together name a row for ever
	Subject  Subject
	Timezone *Zone       // zone that events carry as the participant's; nil: none
	When     []Condition // rows that do not hold these are left out
	Events   []EventSpec
}

// Format is how the file is written.
type Format struct {
	Delimiter   rune     // default: comma
	Encoding    string   // utf-8 (default), latin-1 or windows-1252
	EmptyValues []string // cells that mean nothing is there, beside the empty one
	Decimal     string   // decimal sign of numbers: "." (default) or ","
}

// Subject says how a row's pseudonym is made.
type Subject struct {
	Column string
	Prefix string
	Pad    int  // least length of the cell's text, filled with zeros on the left
	Hash   bool // keyed hash of the cell; row keys are hashed likewise
}

// OnEmpty says what an empty cell means for the event that it would make.
type OnEmpty string

// What an empty cell can mean.
const (
	EmptyVoid   OnEmpty = "void"   // there is no event; one that was imported before is voided (default)
	EmptySkip   OnEmpty = "skip"   // there is no event; one that was imported before stays
	EmptyRefuse OnEmpty = "refuse" // the cell must be filled
)

// EventSpec is one event that a row can make.
type EventSpec struct {
	Name      string // unique in the mapping; part of the event's identity
	Type      *event.Type
	When      []Condition // a row that does not hold these is as if the time were empty
	Time      Moment
	Timezone  *Zone // nil: that of the mapping
	Component string
	Channel   event.Channel
	ActorRole event.ActorRole
	Empty     OnEmpty
	Data      []DataSpec // ascending by name
}

// DataSpec fills one attribute of an event's data, or one entry of a map attribute.
type DataSpec struct {
	Attribute *event.AttributeSpec
	Value     ValueSpec   // unless the attribute is a map
	Entries   []EntrySpec // of a map, ascending by name
}

// EntrySpec fills one entry of a map attribute.
type EntrySpec struct {
	Name  string
	Value ValueSpec
}

// OnEmptyValue says what an empty cell means for one value of an event.
type OnEmptyValue string

// What an empty cell can mean for a value.
const (
	ValueOmit   OnEmptyValue = "omit"   // the event goes without the value (default)
	ValueNone   OnEmptyValue = "none"   // there is no event: see OnEmpty
	ValueRefuse OnEmptyValue = "refuse" // the cell must be filled
)

// OnUnmapped says what a cell means that the value's map does not have.
type OnUnmapped string

// What an unmapped cell can mean.
const (
	UnmappedRefuse OnUnmapped = "refuse" // default
	UnmappedKeep   OnUnmapped = "keep"   // the cell itself is the value
	UnmappedEmpty  OnUnmapped = "empty"  // as if it were empty
)

// ValueSpec is where one value comes from: a constant, or a column.
type ValueSpec struct {
	Constant *string // as text; nil: from the column
	Column   string
	Prefix   string
	Map      map[string]string // cell to value
	Unmapped OnUnmapped
	Empty    OnEmptyValue
	Default  *string // value of an empty cell
	Moment   *Moment // of attributes that are times
}

// Moment is where a time comes from.
type Moment struct {
	Column  string
	Layouts []layout // tried in turn
	Zone    Zone     // of texts without an offset of their own
	At      time.Duration
}

// Zone is where a time zone comes from: a name, a column of names, or a column of offsets.
type Zone struct {
	Location *time.Location // fixed
	Column   string         // of IANA names
	Offset   string         // column of offsets from UTC, east positive
	Unit     OffsetUnit
}

// OffsetUnit is how a column of offsets is written.
type OffsetUnit string

// The units of offsets.
const (
	OffsetText    OffsetUnit = "text" // such as -04:00, +0530 or -4 (default)
	OffsetSeconds OffsetUnit = "seconds"
	OffsetMinutes OffsetUnit = "minutes"
	OffsetHours   OffsetUnit = "hours"
)

// Condition is what a row must hold. Exactly one of its parts is set beside the column.
type Condition struct {
	Column string
	Filled *bool
	OneOf  []string
	NoneOf []string
}

// columns returns every column that the mapping reads, with the field that names it first.
func (m *Mapping) columns() []columnUse {
	var c columnList
	for _, name := range m.RowKey {
		c.add(name, "row_key")
	}
	c.add(m.Subject.Column, "subject.column")
	c.zone(m.Timezone, "timezone")
	c.conditions(m.When, "when")
	for _, e := range m.Events {
		at := "events." + e.Name
		c.moment(&e.Time, at+".time")
		c.zone(e.Timezone, at+".timezone")
		c.conditions(e.When, at+".when")
		for _, d := range e.Data {
			c.value(&d.Value, at+".data."+d.Attribute.Name)
			for _, entry := range d.Entries {
				c.value(&entry.Value, at+".data."+d.Attribute.Name+"."+entry.Name)
			}
		}
	}
	return c.uses
}

// columnUse is a column and one place of the mapping that reads it.
type columnUse struct{ column, field string }

type columnList struct {
	uses []columnUse
	seen map[string]bool
}

func (c *columnList) add(column, field string) {
	if column == "" || c.seen[column] {
		return
	}
	if c.seen == nil {
		c.seen = map[string]bool{}
	}
	c.seen[column] = true
	c.uses = append(c.uses, columnUse{column, field})
}

func (c *columnList) zone(z *Zone, field string) {
	if z != nil {
		c.add(z.Column, field)
		c.add(z.Offset, field)
	}
}

func (c *columnList) moment(m *Moment, field string) {
	c.add(m.Column, field)
	c.zone(&m.Zone, field+".zone")
}

func (c *columnList) conditions(conditions []Condition, field string) {
	for _, condition := range conditions {
		c.add(condition.Column, field)
	}
}

func (c *columnList) value(v *ValueSpec, field string) {
	c.add(v.Column, field)
	if v.Moment != nil {
		c.moment(v.Moment, field)
	}
}
