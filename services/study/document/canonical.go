package document

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// Canonical writes what was written as compact JSON. Names that the reader asked for come in its order, all others
// ascending; what is empty is left out; numbers are in their shortest plain form. It must only see values without faults.
func Canonical(v *Value) []byte {
	var b bytes.Buffer
	write(&b, v)
	return b.Bytes()
}

func write(b *bytes.Buffer, v *Value) {
	switch v.Kind {
	case KindText:
		writeText(b, v.Text)
	case KindNumber:
		b.WriteString(plain(v.Text))
	case KindFlag:
		b.WriteString(map[bool]string{true: "true", false: "false"}[IsTrue(v)])
	case KindList:
		b.WriteByte('[')
		for i, item := range v.Items {
			comma(b, i)
			write(b, item)
		}
		b.WriteByte(']')
	case KindMap:
		writeMap(b, v)
	default:
		b.WriteString("null")
	}
}

func writeMap(b *bytes.Buffer, v *Value) {
	fields := slices.Clone(v.Fields)
	slices.SortFunc(fields, func(x, y Field) int {
		if d := rank(v, x.Name) - rank(v, y.Name); d != 0 {
			return d
		}
		return strings.Compare(x.Name, y.Name)
	})
	fields = slices.DeleteFunc(fields, func(f Field) bool { return f.Value.Kind == KindNull })
	b.WriteByte('{')
	for i, f := range fields {
		comma(b, i)
		writeText(b, f.Name)
		b.WriteByte(':')
		write(b, f.Value)
	}
	b.WriteByte('}')
}

func rank(v *Value, name string) int {
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

// IsTrue reads a value of [KindFlag].
func IsTrue(v *Value) bool { return strings.EqualFold(v.Text, "true") }
