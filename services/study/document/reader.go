package document

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/throughline-trials/throughline/pkg/event"
)

// NamePattern is the form of the ids of arms, components, sites and factors.
var NamePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

// NameWords is [NamePattern] in words.
const NameWords = "must be 1 to 64 letters, digits, _ or -, beginning with a letter or digit"

var (
	wholePattern  = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,8})$`)
	numberPattern = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,15})?$`)
)

const maxText = 1000

// Reader collects everything that is wrong while the sections of a document are read. Its methods report and go on: what
// they return after a fault is empty.
type Reader struct{ Problems Problems }

// Fault reports something about a value.
func (r *Reader) Fault(v *Value, path, detail string) {
	r.Problems = append(r.Problems, Problem{Line: v.Line, Column: v.Column, Field: path, Detail: detail})
}

// WrongKind reports a value of the wrong type.
func (r *Reader) WrongKind(v *Value, path, want string) {
	hint := ""
	if want == "text" && (v.Kind == KindNumber || v.Kind == KindFlag) {
		hint = ": write it in quotes"
	}
	r.Fault(v, path, fmt.Sprintf("must be %s and is %s%s", want, v.Kind, hint))
}

// Object is a mapping being read: it remembers which names were asked for, so that Close finds the unknown ones.
type Object struct {
	Reader *Reader
	Value  *Value
	Path   string
	Valid  bool // false: absent or not a mapping, which is reported; nothing in it is missed
}

// Object begins the reading of a mapping. A nil value reads as a mapping without fields.
func (r *Reader) Object(v *Value, path string) *Object {
	if v == nil {
		return &Object{Reader: r, Value: &Value{Kind: KindMap}, Path: path}
	}
	if v.Kind != KindMap {
		r.WrongKind(v, path, "a mapping")
		return &Object{Reader: r, Value: &Value{Kind: KindMap}, Path: path}
	}
	return &Object{Reader: r, Value: v, Path: path, Valid: true}
}

// At returns the path of a field.
func (o *Object) At(name string) string { return Join(o.Path, name) }

// Get returns the value of a field, nil if absent or empty.
func (o *Object) Get(name string) *Value {
	if !slices.Contains(o.Value.order, name) {
		o.Value.order = append(o.Value.order, name)
	}
	if f := o.Value.Field(name); f != nil && f.Value != nil && f.Value.Kind != KindNull {
		return f.Value
	}
	return nil
}

// Need is Get, and reports an absent field.
func (o *Object) Need(name, hint string) *Value {
	v := o.Get(name)
	if v == nil && o.Valid {
		o.Reader.Fault(o.Value, o.At(name), "is missing: "+hint)
	}
	return v
}

// Fault reports something about a field of the object.
func (o *Object) Fault(name, detail string) {
	at := o.Value
	if f := o.Value.Field(name); f != nil && f.Value != nil {
		at = f.Value
	}
	o.Reader.Fault(at, o.At(name), detail)
}

// Close reports the fields that nobody asked for.
func (o *Object) Close() {
	for _, f := range o.Value.Fields {
		if slices.Contains(o.Value.order, f.Name) {
			continue
		}
		detail := "is not known here: remove it; known are " + strings.Join(o.Value.order, ", ")
		if near := Nearest(f.Name, o.Value.order); near != "" {
			detail = "is not known here: did you mean " + near + "?"
		}
		o.Reader.Problems = append(o.Reader.Problems, Problem{Line: f.Line, Column: f.Column, Field: o.At(f.Name), Detail: detail})
	}
}

// Text reads words for people, otherwise if absent.
func (o *Object) Text(name, otherwise string) string {
	v := o.Get(name)
	if v == nil {
		return otherwise
	}
	return o.Reader.Text(v, o.At(name))
}

// Text reads words for people: up to 1,000 characters without e-mail address or phone number.
func (r *Reader) Text(v *Value, path string) string {
	switch {
	case v.Kind != KindText:
		r.WrongKind(v, path, "text")
	case strings.TrimSpace(v.Text) == "":
		r.Fault(v, path, "is blank: write a few words or leave it out")
	case utf8.RuneCountInString(v.Text) > maxText:
		r.Fault(v, path, fmt.Sprintf("is longer than %d characters: shorten it", maxText))
	case strings.ContainsFunc(v.Text, func(c rune) bool { return unicode.IsControl(c) && c != '\n' && c != '\t' }):
		r.Fault(v, path, "holds a control character: remove it")
	default:
		r.Personal(v, path)
		return v.Text
	}
	return ""
}

// Pattern reads an identifier.
func (r *Reader) Pattern(v *Value, path string, pattern *regexp.Regexp, words string) string {
	if v.Kind != KindText {
		r.WrongKind(v, path, "text")
		return ""
	}
	if !pattern.MatchString(v.Text) {
		r.Fault(v, path, words)
		return ""
	}
	r.Personal(v, path)
	return v.Text
}

// Name reads an id, otherwise if absent.
func (o *Object) Name(name, otherwise string) string {
	v := o.Get(name)
	if v == nil {
		return otherwise
	}
	return o.Reader.Pattern(v, o.At(name), NamePattern, NameWords)
}

// NeedName reads an id that must be there.
func (o *Object) NeedName(name, hint string) string {
	v := o.Need(name, hint)
	if v == nil {
		return ""
	}
	return o.Reader.Pattern(v, o.At(name), NamePattern, NameWords)
}

// Span is the range of a whole number.
type Span struct{ From, To int }

// Between returns the range with both its ends.
func Between(from, to int) Span { return Span{From: from, To: to} }

// Whole reads a whole number in plain digits.
func (r *Reader) Whole(v *Value, path string, s Span) (int, bool) {
	if v.Kind != KindNumber {
		r.WrongKind(v, path, "a whole number")
		return 0, false
	}
	if !wholePattern.MatchString(v.Text) {
		r.Fault(v, path, fmt.Sprintf("must be a whole number from %d to %d, in plain digits", s.From, s.To))
		return 0, false
	}
	n, err := strconv.Atoi(v.Text)
	if err != nil || n < s.From || n > s.To {
		r.Fault(v, path, fmt.Sprintf("is %s: must be from %d to %d", v.Text, s.From, s.To))
		return 0, false
	}
	return n, true
}

// Whole reads a whole number; ok says whether a good one was given.
func (o *Object) Whole(name string, s Span) (n int, ok bool) {
	v := o.Get(name)
	if v == nil {
		return 0, false
	}
	return o.Reader.Whole(v, o.At(name), s)
}

// WholeOr reads a whole number, otherwise if absent or bad.
func (o *Object) WholeOr(name string, s Span, otherwise int) int {
	if n, ok := o.Whole(name, s); ok {
		return n
	}
	return otherwise
}

// Flag reads true or false, otherwise if absent or bad.
func (o *Object) Flag(name string, otherwise bool) bool {
	v := o.Get(name)
	switch {
	case v == nil:
		return otherwise
	case v.Kind != KindFlag:
		o.Reader.WrongKind(v, o.At(name), "true or false")
		return otherwise
	}
	return IsTrue(v)
}

// List returns the items of a list; a nil or wrong value has none.
func (r *Reader) List(v *Value, path string) []*Value {
	if v == nil {
		return nil
	}
	if v.Kind != KindList {
		r.WrongKind(v, path, "a list")
		return nil
	}
	return v.Items
}

// Mapping returns the fields of a mapping with free names; a nil or wrong value has none.
func (r *Reader) Mapping(v *Value, path string) []Field {
	if v == nil {
		return nil
	}
	if v.Kind != KindMap {
		r.WrongKind(v, path, "a mapping")
		return nil
	}
	return v.Fields
}

// Choice reads one word of a closed set.
func Choice[T ~string](o *Object, name string, set []T, otherwise T) T {
	v := o.Get(name)
	if v == nil {
		return otherwise
	}
	words := make([]string, len(set))
	for i, word := range set {
		words[i] = string(word)
	}
	switch {
	case v.Kind == KindText && slices.Contains(words, v.Text):
		return T(v.Text)
	case v.Kind == KindList || v.Kind == KindMap:
		o.Reader.WrongKind(v, o.At(name), "one of "+strings.Join(words, ", "))
	default:
		o.Reader.Fault(v, o.At(name), Quote(v.Text)+" is not known: must be "+OneOf(words, v.Text))
	}
	return otherwise
}

// OneOf lists the words that were possible, with the one that was probably meant.
func OneOf(words []string, given string) string {
	list := "one of " + strings.Join(words, ", ")
	if near := Nearest(given, words); near != "" {
		list += "; did you mean " + near + "?"
	}
	return list
}

// Once reports an item of a list whose identifying field another item has already; the field is empty where the item
// itself identifies.
func (r *Reader) Once(seen map[string]int, v *Value, path, name, id string) {
	if id == "" {
		return
	}
	if f := v.Field(name); f != nil {
		v, path = f.Value, Join(path, name)
	}
	if line, dup := seen[id]; dup {
		r.Fault(v, path, fmt.Sprintf("%s is there already, on line %d: every one needs its own", Quote(id), line))
		return
	}
	seen[id] = v.Line
}

// Personal reports an e-mail address or a phone number, and never repeats it.
func (r *Reader) Personal(v *Value, path string) {
	what, found := event.PersonalData(v.Text)
	if found && (strings.Contains(what, "e-mail") || strings.Contains(what, "phone")) {
		r.Fault(v, path, "holds "+what+": remove it")
	}
}

// Zone reads an IANA zone, otherwise if absent. The location is nil after a fault.
func (o *Object) Zone(name, otherwise string) (string, *time.Location) {
	text := otherwise
	if v := o.Get(name); v != nil {
		text = v.Text
		if v.Kind != KindText {
			o.Reader.WrongKind(v, o.At(name), "text")
			return otherwise, nil
		}
	}
	location, err := time.LoadLocation(text)
	if err != nil || text == "" || text == "Local" || len(text) > 64 {
		o.Fault(name, Quote(text)+" is not a known time zone: write an IANA name such as America/New_York")
		return otherwise, nil
	}
	return text, location
}
