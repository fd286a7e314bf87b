package importer

import (
	"regexp"
	"strings"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/study/document"
)

var (
	mappingPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)
	eventPattern   = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,31}$`)
	prefixPattern  = regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`)
)

const (
	maxColumn = 256 // characters of the name of a column
	maxPad    = 32
)

// ParseMapping reads a mapping from YAML or JSON. The error is [document.Problems]: everything wrong with it, in the order
// of the text; filename only names the file in it and may be empty.
func ParseMapping(text []byte, filename string) (*Mapping, error) {
	top, problems := document.Read(text, filename)
	r := &reader{Reader: document.Reader{Problems: problems}}
	var m *Mapping
	if top != nil {
		m = r.mapping(top)
	}
	if len(r.Problems) > 0 {
		return nil, r.Problems.Finish(filename)
	}
	return m, nil
}

// reader reads the sections of a mapping; every method reports what is wrong and goes on.
type reader struct {
	document.Reader
	layouts []layout // formats of times where an event gives none
	zone    *Zone    // zone of texts where an event gives none
}

func (r *reader) mapping(top *document.Value) *Mapping {
	o := r.Object(top, "")
	m := &Mapping{}
	if v := o.Need("mapping", "give the mapping an id that never changes, such as registry-participants"); v != nil {
		m.ID = r.Pattern(v, "mapping", mappingPattern, "must be 1 to 40 lower-case letters, digits or -, beginning with a letter or digit")
	}
	if v := o.Get("study"); v != nil && (v.Kind != document.KindText || !event.ValidStudy(v.Text)) {
		r.Fault(v, "study", "must be the id of a study, such as hope-2026")
	} else if v != nil {
		m.Study = v.Text
	}
	m.Source = r.source(o, m.ID)
	m.Format = r.format(o)
	m.RowKey = r.rowKey(o)
	m.Subject = r.subject(o)
	r.times(o)
	m.Timezone = r.timezone(o, "timezone", nil)
	m.When = r.conditions(o, "when")
	m.Events = r.events(o, m.Timezone)
	o.Close()
	return m
}

func (r *reader) source(o *document.Object, id string) string {
	v := o.Get("source")
	if v == nil {
		return "/import/" + id
	}
	if v.Kind != document.KindText || v.Text == "" || len(v.Text) > event.MaxText || strings.ContainsAny(v.Text, " \t\r\n\"<>\\^`{|}") {
		r.Fault(v, "source", "must be a URI reference of at most 128 characters, such as /registry/export")
		return ""
	}
	return v.Text
}

func (r *reader) format(o *document.Object) Format {
	f := r.Object(o.Get("file"), "file")
	format := Format{Delimiter: ',', Encoding: encodingUTF8, EmptyValues: r.texts(f, "empty_values"), Decimal: "."}
	delimiters := map[string]rune{"comma": ',', "semicolon": ';', "tab": '\t', "pipe": '|', ",": ',', ";": ';', "\t": '\t', "|": '|'}
	format.Delimiter = delimiters[document.Choice(f, "delimiter", []string{"comma", "semicolon", "tab", "pipe", ",", ";", "\t", "|"}, "comma")]
	format.Encoding = document.Choice(f, "encoding", []string{encodingUTF8, encodingLatin1, encodingWindows}, encodingUTF8)
	if sign := document.Choice(f, "decimal", []string{"point", "comma", ".", ","}, "point"); sign == "comma" || sign == "," {
		format.Decimal = ","
	}
	f.Close()
	return format
}

// texts reads one text or a list of texts; numbers and flags stand for what they are written as.
func (r *reader) texts(o *document.Object, name string) []string {
	v := o.Get(name)
	if v == nil {
		return nil
	}
	if v.Kind != document.KindList {
		return []string{r.plain(v, o.At(name))}
	}
	var texts []string
	for i, item := range v.Items {
		texts = append(texts, r.plain(item, document.Index(o.At(name), i)))
	}
	return texts
}

// plain reads a scalar as the text it is written as.
func (r *reader) plain(v *document.Value, path string) string {
	switch v.Kind {
	case document.KindText, document.KindNumber, document.KindFlag:
		return v.Text
	}
	r.WrongKind(v, path, "text, a number, true or false")
	return ""
}

// column reads the name of a column.
func (r *reader) column(v *document.Value, path string) string {
	name := strings.TrimSpace(r.plain(v, path))
	if name == "" && v.Kind == document.KindText || len(name) > maxColumn {
		r.Fault(v, path, "must be the name of a column, as the first row of the file has it")
	}
	return name
}

func (r *reader) rowKey(o *document.Object) []string {
	v := o.Need("row_key", "name the column, or the list of columns, whose values together name a row for ever")
	if v == nil {
		return nil
	}
	if v.Kind != document.KindList {
		return []string{r.column(v, "row_key")}
	}
	if len(v.Items) == 0 {
		r.Fault(v, "row_key", "is empty: name at least one column")
	}
	var columns []string
	seen := map[string]int{}
	for i, item := range v.Items {
		path := document.Index("row_key", i)
		columns = append(columns, r.column(item, path))
		r.Once(seen, item, path, "", columns[i])
	}
	return columns
}

func (r *reader) subject(o *document.Object) Subject {
	s := r.Object(o.Need("subject", "say how pseudonyms are made, such as {column: participant, prefix: p-}"), "subject")
	subject := Subject{Column: r.needColumn(s)}
	if v := s.Get("prefix"); v != nil {
		subject.Prefix = r.Pattern(v, "subject.prefix", prefixPattern, "must be 1 to 32 letters, digits, _ or -")
	}
	subject.Pad, _ = s.Whole("pad", document.Between(1, maxPad))
	subject.Hash = s.Flag("hash", false)
	if subject.Hash && subject.Pad > 0 {
		s.Fault("pad", "stands beside hash: a hash has its length already")
	}
	s.Close()
	return subject
}

func (r *reader) needColumn(o *document.Object) string {
	v := o.Need("column", "name the column")
	if v == nil {
		return ""
	}
	return r.column(v, o.At("column"))
}

// times reads how the file writes times unless an event says otherwise.
func (r *reader) times(o *document.Object) {
	t := r.Object(o.Get("times"), "times")
	iso, _ := newLayout("iso")
	r.layouts = r.formats(t, []layout{iso})
	r.zone = r.place(t, "zone", nil)
	t.Close()
}

func (r *reader) formats(o *document.Object, otherwise []layout) []layout {
	v := o.Get("formats")
	if v == nil {
		return otherwise
	}
	items, path := []*document.Value{v}, o.At("formats")
	if v.Kind == document.KindList {
		items = v.Items
	}
	if len(items) == 0 {
		r.Fault(v, path, "is empty: list at least one format, or leave it out for iso")
	}
	var layouts []layout
	for i, item := range items {
		at := path
		if v.Kind == document.KindList {
			at = document.Index(path, i)
		}
		l, err := newLayout(r.plain(item, at))
		if err != nil {
			r.Fault(item, at, strings.TrimPrefix(err.Error(), "read time format: "))
		}
		layouts = append(layouts, l)
	}
	return layouts
}

// timezone reads the zone that events carry; offsets do not name one.
func (r *reader) timezone(o *document.Object, name string, otherwise *Zone) *Zone {
	if v := o.Get(name); v != nil && v.Kind == document.KindText && v.Text == "none" {
		return nil
	}
	z := r.place(o, name, otherwise)
	if z != nil && z.Offset != "" {
		o.Fault(name, "is an offset, which names no place: an offset goes under zone of the time, and the event carries it there")
		return nil
	}
	return z
}

// place reads a zone: a name, {column: …} or {offset: …, unit: …}.
func (r *reader) place(o *document.Object, name string, otherwise *Zone) *Zone {
	v := o.Get(name)
	if v == nil {
		return otherwise
	}
	if v.Kind != document.KindMap {
		_, location := o.Zone(name, "")
		return &Zone{Location: location}
	}
	z := r.Object(v, o.At(name))
	zone := &Zone{Unit: OffsetText}
	column, offset := z.Get("column"), z.Get("offset")
	switch {
	case column != nil && offset == nil:
		zone.Column = r.column(column, z.At("column"))
	case offset != nil && column == nil:
		zone.Offset = r.column(offset, z.At("offset"))
	default:
		r.Fault(v, o.At(name), "must give either column (of zone names) or offset (a column of offsets from UTC)")
	}
	zone.Unit = document.Choice(z, "unit", []OffsetUnit{OffsetText, OffsetSeconds, OffsetMinutes, OffsetHours}, OffsetText)
	if offset == nil && z.Value.Field("unit") != nil {
		z.Fault("unit", "is of offsets only: remove it")
	}
	z.Close()
	return zone
}

func (r *reader) conditions(o *document.Object, name string) []Condition {
	v := o.Get(name)
	if v == nil {
		return nil
	}
	items := []*document.Value{v}
	if v.Kind == document.KindList {
		items = v.Items
	}
	var conditions []Condition
	for i, item := range items {
		path := o.At(name)
		if v.Kind == document.KindList {
			path = document.Index(path, i)
		}
		conditions = append(conditions, r.condition(item, path))
	}
	return conditions
}

func (r *reader) condition(v *document.Value, path string) Condition {
	c := r.Object(v, path)
	condition := Condition{Column: r.needColumn(c)}
	if c.Get("filled") != nil {
		filled := c.Flag("filled", true)
		condition.Filled = &filled
	}
	condition.OneOf, condition.NoneOf = r.texts(c, "is"), r.texts(c, "is_not")
	parts := 0
	for _, given := range []bool{condition.Filled != nil, condition.OneOf != nil, condition.NoneOf != nil} {
		if given {
			parts++
		}
	}
	if c.Valid && parts != 1 {
		r.Fault(v, path, "must say one of filled: true or false, is: values, is_not: values")
	}
	c.Close()
	return condition
}

// clock reads a time of day such as 23:59 or 23:59:59.
func (r *reader) clock(o *document.Object, name string) time.Duration {
	v := o.Get(name)
	if v == nil {
		return 0
	}
	text := r.plain(v, o.At(name))
	for _, pattern := range []string{"15:04", "15:04:05"} {
		if t, err := time.Parse(pattern, text); err == nil {
			return t.Sub(t.Truncate(24 * time.Hour))
		}
	}
	r.Fault(v, o.At(name), "must be a time of day in quotes, such as \"23:59\"")
	return 0
}
