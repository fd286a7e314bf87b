package event

import (
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// value brings a token to the value that an attribute may hold; it reports what cannot be.
func (d *decoder) value(prefix string, spec *AttributeSpec, tok *token) (Value, bool) {
	switch tok.kind {
	case tokenString:
		return Value{Kind: KindString, Str: tok.text}, true
	case tokenNumber:
		return Value{Kind: KindNumber, Num: numberOf(tok.text)}, true
	case tokenTrue, tokenFalse:
		return Value{Kind: KindBool, Bool: tok.kind == tokenTrue}, true
	case tokenNull:
		return Value{}, true
	case tokenObject:
		if spec.Kind == KindMap {
			return d.textMap(prefix, spec, tok)
		}
	}
	d.report(spec.refusal(), prefix, spec.Name, "is not "+spec.kindNames())
	d.examine(prefix, member{spec.Name, *tok})
	return Value{}, false
}

// numberOf reads a JSON number, infinite if it is too large to be one.
func numberOf(s string) float64 {
	if len(s) < 16 {
		n, digits := int64(0), s
		if s[0] == '-' {
			digits = s[1:]
		}
		for i := range len(digits) {
			if !isDigit(digits[i]) {
				return parseFloat(s)
			}
			n = 10*n + int64(digits[i]-'0')
		}
		if len(digits) < len(s) {
			n = -n
		}
		return float64(n)
	}
	return parseFloat(s)
}

func parseFloat(s string) float64 {
	f, _ := strconv.ParseFloat(s, 64) // out of range is infinite
	return f + 0                      // no negative zero
}

// textMap reads an object of strings.
func (d *decoder) textMap(prefix string, spec *AttributeSpec, tok *token) (Value, bool) {
	v := Value{Kind: KindMap, Map: make(map[string]string, min(tok.size, maxMembers))}
	sc := scanner{s: tok.text}
	good := true
	for more := sc.open('{', '}'); more; more = sc.more('}') {
		key, _ := sc.key()
		entry, _ := sc.value(0)
		if entry.kind != tokenString || !ValidName(key) || len(v.Map) >= maxMembers {
			good = false
			d.examine(prefix, member{key, entry})
			continue
		}
		if d.text(prefix, spec, entry.text, textValue) {
			v.Map[key] = entry.text
		} else {
			d.examine(prefix, member{key, token{}})
		}
	}
	if !good {
		d.report(CodeInvalidValue, prefix, spec.Name, "is not an object of at most 64 names, each with a string")
	}
	return v, good
}

// refusal is the code of a value that does not fit.
func (a *AttributeSpec) refusal() Code {
	if a.code == "" {
		return CodeInvalidValue
	}
	return a.code
}

// check reports whether a value fits its attribute, tells what does not, and brings the value to its canonical form.
func (d *decoder) check(prefix string, spec *AttributeSpec, v *Value) bool {
	if !spec.takes(v.Kind) {
		d.report(spec.refusal(), prefix, spec.Name, "is not "+spec.kindNames())
		if v.Kind == KindString {
			d.text(prefix, spec, v.Str, textValue)
		}
		return false
	}
	switch v.Kind {
	case KindString:
		return d.checkString(prefix, spec, v)
	case KindNumber:
		return d.checkNumber(prefix, spec, v.Num)
	case KindMap:
		return d.checkMap(prefix, spec, v.Map)
	}
	return true
}

func (d *decoder) checkNumber(prefix string, spec *AttributeSpec, n float64) bool {
	if !(n >= spec.Min && n <= spec.Max) { // not a number fails too
		d.report(CodeInvalidValue, prefix, spec.Name, "is outside "+bound(spec.Min)+" to "+bound(spec.Max))
		return false
	}
	if spec.Whole && n != math.Trunc(n) {
		d.report(CodeInvalidValue, prefix, spec.Name, "is not a whole number")
		return false
	}
	return true
}

func bound(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

func (d *decoder) checkMap(prefix string, spec *AttributeSpec, m map[string]string) bool {
	good := len(m) <= maxMembers
	for key, text := range m {
		good = good && ValidName(key) && d.text(prefix, spec, text, textValue)
	}
	if !good {
		d.report(CodeInvalidValue, prefix, spec.Name, "is not an object of at most 64 names, each with a string")
	}
	return good
}

// checkString checks a string for the form or the set of its attribute, and for personal data where these leave room
// for any.
func (d *decoder) checkString(prefix string, spec *AttributeSpec, v *Value) bool {
	first := len(d.problems)
	switch {
	case len(spec.Values) > 0:
		d.inSet(prefix, spec, v)
	case spec.Format == FormatTime:
		d.time(prefix, spec, v)
	case spec.Format == FormatZone:
		if _, err := Zone(v.Str); err != nil {
			d.report(spec.refusal(), prefix, spec.Name, spec.Format.advice())
		}
	case v.Str == "" && spec.Format != FormatOpaque:
		d.report(spec.refusal(), prefix, spec.Name, "is empty; leave it out or give it a value")
	case !spec.Format.matches(v.Str):
		d.report(spec.refusal(), prefix, spec.Name, spec.Format.advice())
	}
	good := len(d.problems) == first
	if good && spec.closed() {
		return true
	}
	return d.text(prefix, spec, v.Str, spec.use()) && good
}

// closed reports whether nothing that fits can be personal data.
func (a *AttributeSpec) closed() bool {
	return len(a.Values) > 0 || a.Format != FormatText && a.Format != FormatURI && a.Format != FormatVersion
}

func (a *AttributeSpec) use() textUse {
	if a.Format == FormatVersion {
		return textVersion
	}
	return textValue
}

// inSet checks that a string is of a closed set.
func (d *decoder) inSet(prefix string, spec *AttributeSpec, v *Value) {
	for _, known := range spec.Values {
		if v.Str == known {
			v.Str = known // the set's own memory, not the event's
			return
		}
	}
	d.report(spec.refusal(), prefix, spec.Name, "is none of "+strings.Join(spec.Values, ", "))
}

// time checks an RFC 3339 time, and the bounds of the time of the event itself.
func (d *decoder) time(prefix string, spec *AttributeSpec, v *Value) {
	at, ok := ParseInstant(v.Str)
	if !ok || at.Year() < earliestYear || at.Year() > latestYear {
		d.report(CodeInvalidTime, prefix, spec.Name, FormatTime.advice())
		return
	}
	d.instant = at
	if prefix != "" { // kept as text
		v.Str = canonicalTime(v.Str, at)
	}
	switch {
	case spec != &envelope[attrTime]:
	case at.Before(earliest):
		d.report(CodeTooOld, prefix, spec.Name, "is before 1990; set the clock of the device")
	case !d.at.IsZero() && at.After(d.at.Add(MaxAhead)):
		d.report(CodeFutureTime, prefix, spec.Name, "is more than 24 hours ahead; set the clock of the device")
	}
}

// canonicalTime returns the canonical text of an instant, which is often the text it was read from.
func canonicalTime(s string, at Instant) string {
	var buf [40]byte
	if text := at.append(buf[:0]); string(text) != s {
		return string(text)
	}
	return s
}

// text checks a text for characters that do not print and for personal data.
func (d *decoder) text(prefix string, spec *AttributeSpec, s string, use textUse) bool {
	if harmless(s) {
		return true
	}
	good := true
	if !printable(s, use) {
		d.report(spec.refusal(), prefix, spec.Name, "holds characters that do not print; take them out")
		good = false
	}
	if what := personal(s, use); what != "" {
		d.report(CodePersonalData, prefix, spec.Name, "holds "+what+"; never send it")
		good = false
	}
	return good
}

// printable reports whether every character can be seen or is a blank; a definition may have lines.
func printable(s string, use textUse) bool {
	for _, r := range s {
		line := use == textDefinition && (r == '\n' || r == '\r' || r == '\t')
		if !unicode.IsGraphic(r) && !line || r == utf8.RuneError {
			return false
		}
	}
	return true
}
