package study

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// canonical writes what was written as compact JSON. Names that the reader asked for come in its order, all others
// ascending; what is empty is left out; numbers are in their shortest plain form. It must only see values without faults.
func canonical(v *value) []byte {
	var b bytes.Buffer
	write(&b, v)
	return b.Bytes()
}

func write(b *bytes.Buffer, v *value) {
	switch v.kind {
	case kindText:
		writeText(b, v.text)
	case kindNumber:
		b.WriteString(plain(v.text))
	case kindFlag:
		b.WriteString(map[bool]string{true: "true", false: "false"}[isTrue(v)])
	case kindList:
		b.WriteByte('[')
		for i, item := range v.items {
			comma(b, i)
			write(b, item)
		}
		b.WriteByte(']')
	case kindMap:
		writeMap(b, v)
	default:
		b.WriteString("null")
	}
}

func writeMap(b *bytes.Buffer, v *value) {
	fields := slices.Clone(v.fields)
	slices.SortFunc(fields, func(x, y field) int {
		if d := rank(v, x.name) - rank(v, y.name); d != 0 {
			return d
		}
		return strings.Compare(x.name, y.name)
	})
	fields = slices.DeleteFunc(fields, func(f field) bool { return f.value.kind == kindNull })
	b.WriteByte('{')
	for i, f := range fields {
		comma(b, i)
		writeText(b, f.name)
		b.WriteByte(':')
		write(b, f.value)
	}
	b.WriteByte('}')
}

func rank(v *value, name string) int {
	if i := slices.Index(v.order, name); i >= 0 {
		return i
	}
	return len(v.order)
}

func comma(b *bytes.Buffer, i int) {
	if i > 0 {
		b.WriteByte(',')
	}
}

func writeText(b *bytes.Buffer, s string) {
	encoder := json.NewEncoder(b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(s) // a string always encodes
	b.Truncate(b.Len() - 1)
}

// plain shortens a plain decimal: no zeros at the end of its fraction, no minus before zero.
func plain(number string) string {
	if strings.Contains(number, ".") {
		number = strings.TrimSuffix(strings.TrimRight(number, "0"), ".")
	}
	if number == "-0" {
		return "0"
	}
	return number
}

func isTrue(v *value) bool { return strings.EqualFold(v.text, "true") }
