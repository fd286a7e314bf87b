package study

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

var (
	studyPattern  = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,62}$`)
	namePattern   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)
	codePattern   = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)
	wholePattern  = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,8})$`)
	numberPattern = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,15})?$`)
)

const (
	nameWords = "must be 1 to 64 letters, digits, _ or -, beginning with a letter or digit"
	maxText   = 1000
	maxLevel  = 128
)

// reader collects everything that is wrong while sections of a definition are read.
type reader struct{ problems Problems }

func (r *reader) fault(v *value, path, detail string) {
	r.problems = append(r.problems, Problem{Line: v.line, Column: v.column, Field: path, Detail: detail})
}

func (r *reader) wrongKind(v *value, path, want string) {
	hint := ""
	if want == "text" && (v.kind == kindNumber || v.kind == kindFlag) {
		hint = ": write it in quotes"
	}
	r.fault(v, path, fmt.Sprintf("must be %s and is %s%s", want, v.kind, hint))
}

// object is a mapping being read: it remembers which names were asked for, so that close finds the unknown ones.
type object struct {
	r     *reader
	v     *value
	path  string
	valid bool // false: not a mapping, already reported; nothing in it is missed
}

// object begins the reading of a mapping. A nil value reads as a mapping without fields.
func (r *reader) object(v *value, path string) *object {
	if v == nil {
		return &object{r: r, v: &value{kind: kindMap}, path: path}
	}
	if v.kind != kindMap {
		r.wrongKind(v, path, "a mapping")
		return &object{r: r, v: &value{kind: kindMap}, path: path}
	}
	return &object{r: r, v: v, path: path, valid: true}
}

func (o *object) at(name string) string { return join(o.path, name) }

// get returns the value of a field, nil if absent or empty.
func (o *object) get(name string) *value {
	if !slices.Contains(o.v.order, name) {
		o.v.order = append(o.v.order, name)
	}
	if f := o.v.field(name); f != nil && f.value != nil && f.value.kind != kindNull {
		return f.value
	}
	return nil
}

// need is get, and reports an absent field.
func (o *object) need(name, hint string) *value {
	v := o.get(name)
	if v == nil && o.valid {
		o.r.fault(o.v, o.at(name), "is missing: "+hint)
	}
	return v
}

// fault reports something about a field of the object.
func (o *object) fault(name, detail string) {
	at := o.v
	if f := o.v.field(name); f != nil && f.value != nil {
		at = f.value
	}
	o.r.fault(at, o.at(name), detail)
}

// close reports the fields that nobody asked for.
func (o *object) close() {
	for _, f := range o.v.fields {
		if slices.Contains(o.v.order, f.name) {
			continue
		}
		detail := "is not known here: remove it; known are " + strings.Join(o.v.order, ", ")
		if near := nearest(f.name, o.v.order); near != "" {
			detail = "is not known here: did you mean " + near + "?"
		}
		o.r.problems = append(o.r.problems, Problem{Line: f.line, Column: f.column, Field: o.at(f.name), Detail: detail})
	}
}

func (o *object) text(name, otherwise string) string {
	v := o.get(name)
	if v == nil {
		return otherwise
	}
	return o.r.text(v, o.at(name))
}

// text reads words for people: up to 1,000 characters without e-mail address or phone number.
func (r *reader) text(v *value, path string) string {
	switch {
	case v.kind != kindText:
		r.wrongKind(v, path, "text")
	case strings.TrimSpace(v.text) == "":
		r.fault(v, path, "is blank: write a few words or leave it out")
	case utf8.RuneCountInString(v.text) > maxText:
		r.fault(v, path, fmt.Sprintf("is longer than %d characters: shorten it", maxText))
	case strings.ContainsFunc(v.text, func(c rune) bool { return unicode.IsControl(c) && c != '\n' && c != '\t' }):
		r.fault(v, path, "holds a control character: remove it")
	default:
		r.personal(v, path)
		return v.text
	}
	return ""
}

// pattern reads an identifier.
func (r *reader) pattern(v *value, path string, pattern *regexp.Regexp, words string) string {
	if v.kind != kindText {
		r.wrongKind(v, path, "text")
		return ""
	}
	if !pattern.MatchString(v.text) {
		r.fault(v, path, words)
		return ""
	}
	r.personal(v, path)
	return v.text
}

func (o *object) name(name, otherwise string) string {
	v := o.get(name)
	if v == nil {
		return otherwise
	}
	return o.r.pattern(v, o.at(name), namePattern, nameWords)
}

func (o *object) needName(name, hint string) string {
	v := o.need(name, hint)
	if v == nil {
		return ""
	}
	return o.r.pattern(v, o.at(name), namePattern, nameWords)
}

// span is the range of a whole number.
type span struct{ from, to int }

func (r *reader) whole(v *value, path string, s span) (int, bool) {
	if v.kind != kindNumber {
		r.wrongKind(v, path, "a whole number")
		return 0, false
	}
	if !wholePattern.MatchString(v.text) {
		r.fault(v, path, fmt.Sprintf("must be a whole number from %d to %d, in plain digits", s.from, s.to))
		return 0, false
	}
	n, err := strconv.Atoi(v.text)
	if err != nil || n < s.from || n > s.to {
		r.fault(v, path, fmt.Sprintf("is %s: must be from %d to %d", v.text, s.from, s.to))
		return 0, false
	}
	return n, true
}

// whole reads a whole number; ok says whether a good one was given.
func (o *object) whole(name string, s span) (n int, ok bool) {
	v := o.get(name)
	if v == nil {
		return 0, false
	}
	return o.r.whole(v, o.at(name), s)
}

func (o *object) wholeOr(name string, s span, otherwise int) int {
	if n, ok := o.whole(name, s); ok {
		return n
	}
	return otherwise
}

func (o *object) flag(name string, otherwise bool) bool {
	v := o.get(name)
	switch {
	case v == nil:
		return otherwise
	case v.kind != kindFlag:
		o.r.wrongKind(v, o.at(name), "true or false")
		return otherwise
	}
	return isTrue(v)
}

// list returns the items of a list; a nil or wrong value has none.
func (r *reader) list(v *value, path string) []*value {
	if v == nil {
		return nil
	}
	if v.kind != kindList {
		r.wrongKind(v, path, "a list")
		return nil
	}
	return v.items
}

// mapping returns the fields of a mapping with free names; a nil or wrong value has none.
func (r *reader) mapping(v *value, path string) []field {
	if v == nil {
		return nil
	}
	if v.kind != kindMap {
		r.wrongKind(v, path, "a mapping")
		return nil
	}
	return v.fields
}

// choice reads one word of a closed set.
func choice[T ~string](o *object, name string, set []T, otherwise T) T {
	v := o.get(name)
	if v == nil {
		return otherwise
	}
	words := make([]string, len(set))
	for i, word := range set {
		words[i] = string(word)
	}
	switch {
	case v.kind == kindText && slices.Contains(words, v.text):
		return T(v.text)
	case v.kind == kindList || v.kind == kindMap:
		o.r.wrongKind(v, o.at(name), "one of "+strings.Join(words, ", "))
	default:
		o.r.fault(v, o.at(name), quote(v.text)+" is not known: must be "+oneOf(words, v.text))
	}
	return otherwise
}

func oneOf(words []string, given string) string {
	list := "one of " + strings.Join(words, ", ")
	if near := nearest(given, words); near != "" {
		list += "; did you mean " + near + "?"
	}
	return list
}

// once reports an item of a list whose identifying field another item has already; the field is empty where the item
// itself identifies.
func (r *reader) once(seen map[string]int, v *value, path, name, id string) {
	if id == "" {
		return
	}
	if f := v.field(name); f != nil {
		v, path = f.value, join(path, name)
	}
	if line, dup := seen[id]; dup {
		r.fault(v, path, fmt.Sprintf("%s is there already, on line %d: every one needs its own", quote(id), line))
		return
	}
	seen[id] = v.line
}
