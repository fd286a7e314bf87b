package event

import "unicode/utf8"

// walker goes through any JSON value that a scanner found valid: it looks at every text and, where out is not nil,
// writes the value there in compact form, keys as they came.
type walker struct {
	scanner
	use textUse
	out []byte

	personal    string // what was found first
	unprintable bool
	long        bool
}

func (w *walker) value(depth int) {
	switch w.space() {
	case '{':
		w.members(depth)
		return
	case '[':
		w.elements(depth)
		return
	}
	tok, ok := w.scanner.value(depth)
	if !ok {
		return
	}
	if tok.kind == tokenString {
		w.text(tok.text)
	}
	if w.out != nil {
		w.out = appendToken(w.out, tok)
	}
}

func (w *walker) members(depth int) {
	w.write('{')
	first := true
	for more := w.open('{', '}'); more; more = w.more('}') {
		key, ok := w.key()
		if !ok {
			return
		}
		if !first {
			w.write(',')
		}
		first = false
		w.text(key)
		if w.out != nil {
			w.out = append(appendString(w.out, key), ':')
		}
		w.value(depth + 1)
	}
	w.write('}')
}

func (w *walker) elements(depth int) {
	w.write('[')
	first := true
	for more := w.open('[', ']'); more; more = w.more(']') {
		if !first {
			w.write(',')
		}
		first = false
		w.value(depth + 1)
	}
	w.write(']')
}

func (w *walker) write(c byte) {
	if w.out != nil {
		w.out = append(w.out, c)
	}
}

// text looks at one text.
func (w *walker) text(s string) {
	if harmless(s) {
		return
	}
	w.unprintable = w.unprintable || !printable(s, w.use)
	w.long = w.long || w.use == textDefinition && len(s) > MaxDefinitionText && utf8.RuneCountInString(s) > MaxDefinitionText
	if w.personal == "" {
		w.personal = personal(s, w.use)
	}
}
