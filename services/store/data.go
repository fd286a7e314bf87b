package store

import (
	"bytes"
	"strconv"
	"unicode/utf8"

	"github.com/throughline-trials/throughline/pkg/event"
)

// maxNames bounds the memory of attribute names; the catalogue has far fewer.
const maxNames = 1024

// dataReader reads the data column: canonical JSON as [event.Data.AppendJSON] writes it.
type dataReader struct {
	names map[string]string
	raw   []byte
	i     int
}

// parse returns the data of an event of a type. Text that is not canonical, which only somebody else can have written,
// becomes one nameless attribute that holds it, so that it is seen to differ.
func (p *dataReader) parse(raw []byte, typ string) event.Data {
	if len(raw) == 0 || string(raw) == "{}" {
		return nil
	}
	if typ == event.TypeDefinition {
		return event.Data{{Name: event.DefinitionAttribute, Value: objectOf(raw)}}
	}
	p.raw, p.i = raw, 0
	data, ok := p.object()
	if !ok || p.i != len(raw) {
		return event.Data{{Value: objectOf(raw)}}
	}
	return data
}

func objectOf(raw []byte) event.Value {
	return event.Value{Kind: event.KindObject, Object: bytes.Clone(raw)}
}

func (p *dataReader) object() (event.Data, bool) {
	data := make(event.Data, 0, bytes.Count(p.raw, []byte(`":`)))
	if !p.take('{') {
		return nil, false
	}
	for {
		name, ok := p.name()
		if !ok {
			return nil, false
		}
		value, ok := p.value()
		if !ok {
			return nil, false
		}
		data = append(data, event.Attribute{Name: name, Value: value})
		if !p.take(',') {
			return data, p.take('}')
		}
	}
}

func (p *dataReader) take(c byte) bool {
	if p.i < len(p.raw) && p.raw[p.i] == c {
		p.i++
		return true
	}
	return false
}

func (p *dataReader) takeWord(word string) bool {
	if bytes.HasPrefix(p.raw[p.i:], []byte(word)) {
		p.i += len(word)
		return true
	}
	return false
}

// name reads a member's name and colon; equal names share one string.
func (p *dataReader) name() (string, bool) {
	raw, ok := p.text()
	if !ok || !p.take(':') {
		return "", false
	}
	name, ok := p.names[string(raw)]
	if !ok {
		name = string(raw)
		if p.names == nil {
			p.names = make(map[string]string)
		}
		if len(p.names) < maxNames {
			p.names[name] = name
		}
	}
	return name, true
}

func (p *dataReader) value() (event.Value, bool) {
	if p.i >= len(p.raw) {
		return event.Value{}, false
	}
	switch p.raw[p.i] {
	case '"':
		text, ok := p.text()
		return event.Value{Kind: event.KindString, Str: string(text)}, ok
	case '{':
		return p.levels()
	case 't':
		return event.Value{Kind: event.KindBool, Bool: true}, p.takeWord("true")
	case 'f':
		return event.Value{Kind: event.KindBool}, p.takeWord("false")
	case 'n':
		return event.Value{}, p.takeWord("null")
	}
	return p.number()
}

func (p *dataReader) number() (event.Value, bool) {
	start := p.i
	for p.i < len(p.raw) && p.raw[p.i] != ',' && p.raw[p.i] != '}' {
		p.i++
	}
	n, err := strconv.ParseFloat(string(p.raw[start:p.i]), 64)
	return event.Value{Kind: event.KindNumber, Num: n}, err == nil
}

// levels reads an object of strings.
func (p *dataReader) levels() (event.Value, bool) {
	v := event.Value{Kind: event.KindMap, Map: make(map[string]string)}
	p.i++
	if p.take('}') {
		return v, true
	}
	for {
		name, ok := p.name()
		if !ok {
			return v, false
		}
		text, ok := p.text()
		if !ok {
			return v, false
		}
		v.Map[name] = string(text)
		if !p.take(',') {
			return v, p.take('}')
		}
	}
}

// text reads a string in quotes; without escapes it is not copied.
func (p *dataReader) text() ([]byte, bool) {
	if !p.take('"') {
		return nil, false
	}
	start := p.i
	for ; p.i < len(p.raw); p.i++ {
		switch p.raw[p.i] {
		case '"':
			p.i++
			return p.raw[start : p.i-1], true
		case '\\':
			return p.escaped(bytes.Clone(p.raw[start:p.i]))
		}
	}
	return nil, false
}

// escaped goes on with a string from its first escape on.
func (p *dataReader) escaped(text []byte) ([]byte, bool) {
	for p.i < len(p.raw) {
		c := p.raw[p.i]
		p.i++
		switch {
		case c == '"':
			return text, true
		case c != '\\':
			text = append(text, c)
			continue
		case p.i >= len(p.raw):
			return nil, false
		}
		var ok bool
		if text, ok = p.escape(text); !ok {
			return nil, false
		}
	}
	return nil, false
}

// escape reads what follows a backslash, as far as the canonical form has it.
func (p *dataReader) escape(text []byte) ([]byte, bool) {
	c := p.raw[p.i]
	p.i++
	switch c {
	case '"', '\\':
		return append(text, c), true
	case 'n':
		return append(text, '\n'), true
	case 't':
		return append(text, '\t'), true
	case 'u':
		if p.i+4 > len(p.raw) {
			return nil, false
		}
		r, err := strconv.ParseUint(string(p.raw[p.i:p.i+4]), 16, 16)
		p.i += 4
		return utf8.AppendRune(text, rune(r)), err == nil
	}
	return nil, false
}
