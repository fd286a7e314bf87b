package event

import (
	"unicode/utf16"
	"unicode/utf8"
)

// tokenKind is the JSON kind of a [token].
type tokenKind uint8

const (
	tokenNone tokenKind = iota
	tokenNull
	tokenTrue
	tokenFalse
	tokenString
	tokenNumber
	tokenArray
	tokenObject
)

// token is one JSON value.
type token struct {
	kind tokenKind
	text string // a string decoded; a number, array or object as written
	size int    // members of an object
}

// scanner reads JSON strictly: one grammar, valid UTF-8, whole surrogate pairs, a bound on depth. It stops at the first
// fault; a name used twice in an object is noted and reading goes on.
type scanner struct {
	s     string
	i     int
	fault string // what is wrong at i, empty so far

	twice bool // a name is used twice in an object
}

func (sc *scanner) fail(reason string) bool {
	if sc.fault == "" {
		sc.fault = reason
	}
	return false
}

// space skips white space and returns the byte after it, 0 at the end.
func (sc *scanner) space() byte {
	for sc.i < len(sc.s) {
		c := sc.s[sc.i]
		if c > ' ' {
			return c
		}
		if c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return c
		}
		sc.i++
	}
	return 0
}

// end reports whether only white space is left.
func (sc *scanner) end() bool {
	if sc.space(); sc.i < len(sc.s) {
		return sc.fail("goes on after its end")
	}
	return true
}

// value reads one value. Arrays and objects are checked whole and returned as written.
func (sc *scanner) value(depth int) (token, bool) {
	c := sc.space()
	switch {
	case c == '"':
		s, ok := sc.str()
		return token{kind: tokenString, text: s}, ok
	case c == '-' || isDigit(c):
		start := sc.i
		ok := sc.number()
		return token{kind: tokenNumber, text: sc.s[start:sc.i]}, ok
	case c == '{' || c == '[':
		return sc.nested(c, depth)
	case c == 't':
		return token{kind: tokenTrue}, sc.word("true")
	case c == 'f':
		return token{kind: tokenFalse}, sc.word("false")
	case c == 'n':
		return token{kind: tokenNull}, sc.word("null")
	case sc.i >= len(sc.s):
		return token{}, sc.fail("ends too early")
	}
	return token{}, sc.fail("has a character where a value should begin")
}

func (sc *scanner) nested(open byte, depth int) (token, bool) {
	if depth >= maxDepth {
		return token{}, sc.fail("is nested too deeply")
	}
	start := sc.i
	if open == '{' {
		size, ok := sc.skipObject(depth)
		return token{kind: tokenObject, text: sc.s[start:sc.i], size: size}, ok
	}
	ok := sc.skipArray(depth)
	return token{kind: tokenArray, text: sc.s[start:sc.i]}, ok
}

func (sc *scanner) skipObject(depth int) (size int, ok bool) {
	var names nameSet
	for more := sc.open('{', '}'); more; more = sc.more('}') {
		key, ok := sc.key()
		if !ok {
			return size, false
		}
		if !names.add(key) {
			sc.twice = true
		}
		if _, ok := sc.value(depth + 1); !ok {
			return size, false
		}
		size++
	}
	return size, sc.fault == ""
}

func (sc *scanner) skipArray(depth int) bool {
	for more := sc.open('[', ']'); more; more = sc.more(']') {
		if _, ok := sc.value(depth + 1); !ok {
			return false
		}
	}
	return sc.fault == ""
}

// open reads the opening bracket and reports whether a member follows; if not, the closing one is read.
func (sc *scanner) open(opening, closing byte) bool {
	if sc.space() != opening {
		return sc.fail("is not what should begin here")
	}
	sc.i++
	if sc.space() == closing {
		sc.i++
		return false
	}
	return true
}

// more reads what follows a member and reports whether another one does.
func (sc *scanner) more(closing byte) bool {
	switch sc.space() {
	case ',':
		sc.i++
		return true
	case closing:
		sc.i++
		return false
	}
	if sc.i >= len(sc.s) {
		return sc.fail("ends too early")
	}
	return sc.fail("misses a comma or a closing bracket")
}

// key reads the name of a member and its colon.
func (sc *scanner) key() (string, bool) {
	if sc.space() != '"' {
		return "", sc.fail("misses a name in double quotes")
	}
	s, ok := sc.str()
	if !ok {
		return "", false
	}
	if sc.space() != ':' {
		return "", sc.fail("misses a colon after a name")
	}
	sc.i++
	return s, true
}

func (sc *scanner) word(w string) bool {
	if len(sc.s)-sc.i < len(w) || sc.s[sc.i:sc.i+len(w)] != w {
		return sc.fail("has a word that is neither true, false nor null")
	}
	sc.i += len(w)
	return true
}

func (sc *scanner) digits() bool {
	start := sc.i
	for sc.i < len(sc.s) && isDigit(sc.s[sc.i]) {
		sc.i++
	}
	return sc.i > start
}

func (sc *scanner) number() bool {
	const reason = "has a number that is not JSON"
	if sc.s[sc.i] == '-' {
		sc.i++
	}
	if sc.i < len(sc.s) && sc.s[sc.i] == '0' {
		sc.i++
	} else if !sc.digits() {
		return sc.fail(reason)
	}
	if sc.i < len(sc.s) && sc.s[sc.i] == '.' {
		sc.i++
		if !sc.digits() {
			return sc.fail(reason)
		}
	}
	if sc.i < len(sc.s) && sc.s[sc.i]|0x20 == 'e' {
		sc.i++
		if sc.i < len(sc.s) && (sc.s[sc.i] == '+' || sc.s[sc.i] == '-') {
			sc.i++
		}
		if !sc.digits() {
			return sc.fail(reason)
		}
	}
	if sc.i < len(sc.s) && (isDigit(sc.s[sc.i]) || isLetter(sc.s[sc.i])) {
		return sc.fail(reason)
	}
	return true
}

// str reads a string. Without escapes the text is a part of the scanned one and costs nothing.
func (sc *scanner) str() (string, bool) {
	start := sc.i + 1
	var all byte
	for i := start; i < len(sc.s); i++ {
		c := sc.s[i]
		switch {
		case c == '"':
			sc.i = i + 1
			text := sc.s[start:i]
			if all >= utf8.RuneSelf && !utf8.ValidString(text) {
				return "", sc.fail("is not valid UTF-8")
			}
			return text, true
		case c == '\\':
			return sc.escaped(start, i)
		case c < ' ':
			sc.i = i
			return "", sc.fail("has a control character inside a string")
		}
		all |= c
	}
	sc.i = len(sc.s)
	return "", sc.fail("ends inside a string")
}

// escaped reads the rest of a string whose first escape is at i.
func (sc *scanner) escaped(start, i int) (string, bool) {
	text := append(make([]byte, 0, i-start+16), sc.s[start:i]...)
	sc.i = i
	for sc.i < len(sc.s) {
		c := sc.s[sc.i]
		switch {
		case c == '"':
			sc.i++
			if !utf8.Valid(text) {
				return "", sc.fail("is not valid UTF-8")
			}
			return string(text), true
		case c == '\\':
			r, ok := sc.escape()
			if !ok {
				return "", false
			}
			text = utf8.AppendRune(text, r)
		case c < ' ':
			return "", sc.fail("has a control character inside a string")
		default:
			text = append(text, c)
			sc.i++
		}
	}
	return "", sc.fail("ends inside a string")
}

// escape reads one escape, a pair of surrogates included.
func (sc *scanner) escape() (rune, bool) {
	if sc.i+1 >= len(sc.s) {
		return 0, sc.fail("ends inside a string")
	}
	c := sc.s[sc.i+1]
	if c != 'u' {
		sc.i += 2
		switch c {
		case '"', '\\', '/':
			return rune(c), true
		case 'b':
			return '\b', true
		case 'f':
			return '\f', true
		case 'n':
			return '\n', true
		case 'r':
			return '\r', true
		case 't':
			return '\t', true
		}
		return 0, sc.fail("has an unknown escape")
	}
	r, ok := sc.unit()
	if !ok || !utf16.IsSurrogate(r) {
		return r, ok
	}
	if sc.i+1 < len(sc.s) && sc.s[sc.i] == '\\' && sc.s[sc.i+1] == 'u' {
		low, ok := sc.unit()
		if !ok {
			return 0, false
		}
		if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
			return r, true
		}
	}
	return 0, sc.fail("has half of a surrogate pair")
}

// unit reads \uXXXX.
func (sc *scanner) unit() (rune, bool) {
	if sc.i+6 > len(sc.s) {
		return 0, sc.fail("ends inside a string")
	}
	var r rune
	for _, c := range []byte(sc.s[sc.i+2 : sc.i+6]) {
		d := unhex(c)
		if d < 0 {
			return 0, sc.fail("has an unknown escape")
		}
		r = r<<4 | rune(d)
	}
	sc.i += 6
	return r, true
}

// nameSet tells which names of an object were seen; a few without allocating.
type nameSet struct {
	few  [8]string
	n    int
	many map[string]struct{}
}

// add notes a name and reports whether it is new.
func (s *nameSet) add(name string) bool {
	if s.many != nil {
		if _, ok := s.many[name]; ok {
			return false
		}
		s.many[name] = struct{}{}
		return true
	}
	for i := range s.n {
		if s.few[i] == name {
			return false
		}
	}
	if s.n < len(s.few) {
		s.few[s.n] = name
		s.n++
		return true
	}
	s.many = make(map[string]struct{}, 2*len(s.few))
	for _, n := range s.few {
		s.many[n] = struct{}{}
	}
	return s.add(name)
}
