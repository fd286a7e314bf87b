package event

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"
)

// AppendJSON appends the event in its canonical form: one line of compact JSON, attributes in a fixed order, data
// ascending by name, the shortest form of every number, nothing that is absent. Decoding it gives the event again.
func (e *Event) AppendJSON(dst []byte) []byte { return e.appendJSON(dst, true) }

// MarshalJSON returns the canonical form.
func (e *Event) MarshalJSON() ([]byte, error) { return e.AppendJSON(nil), nil }

// UnmarshalJSON reads an event as [Decode] does, without a bound on its time; its problems are joined into the error.
func (e *Event) UnmarshalJSON(raw []byte) error {
	decoded, problems := Decode(raw, time.Time{})
	if len(problems) > 0 {
		errs := make([]error, len(problems))
		for i, p := range problems {
			errs[i] = p
		}
		return fmt.Errorf("decode event: %w", errors.Join(errs...))
	}
	*e = decoded
	return nil
}

func (e *Event) appendJSON(dst []byte, sent bool) []byte {
	dst = append(dst, `{"specversion":"1.0","id":`...)
	dst = appendString(dst, e.ID)
	dst = appendMember(dst, "source", e.Source)
	dst = appendMember(dst, "type", e.Type)
	if e.Version > 1 {
		dst = append(dst, `,"dataschema":"`+schemaPrefix...)
		dst = append(append(dst, e.Type...), ':')
		dst = append(strconv.AppendInt(dst, int64(e.Version), 10), '"')
	}
	dst = appendMember(dst, "subject", e.Subject)
	dst = appendTime(dst, "time", e.Time)
	dst = appendMember(dst, "study", e.Study)
	if sent {
		dst = appendTime(dst, "sent", e.Sent)
	}
	dst = appendMember(dst, "timezone", e.Timezone)
	dst = appendMember(dst, "component", e.Component)
	dst = appendMember(dst, "channel", string(e.Channel))
	dst = appendMember(dst, "actorrole", string(e.ActorRole))
	dst = appendMember(dst, "modality", string(e.Modality))
	dst = appendMember(dst, "appversion", e.AppVersion)
	dst = appendMember(dst, "sdkversion", e.SDKVersion)
	if e.IsTest {
		dst = append(dst, `,"istest":true`...)
	}
	if len(e.Data) > 0 {
		dst = e.Data.AppendJSON(append(dst, `,"data":`...))
	}
	return append(dst, '}')
}

// appendMember appends a string member unless it is empty.
func appendMember(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	dst = append(append(dst, ',', '"'), name...)
	return appendString(append(dst, '"', ':'), value)
}

// appendTime appends a time member unless it is zero.
func appendTime(dst []byte, name string, value Instant) []byte {
	if value.IsZero() {
		return dst
	}
	dst = append(append(dst, ',', '"'), name...)
	return append(value.append(append(dst, '"', ':', '"')), '"')
}

// AppendJSON appends the data as a canonical JSON object.
func (d Data) AppendJSON(dst []byte) []byte {
	if len(d) == 1 && d[0].Name == DefinitionAttribute && d[0].Value.Kind == KindObject {
		return append(dst, d[0].Value.Object...)
	}
	dst = append(dst, '{')
	for i := range d {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendString(dst, d[i].Name), ':')
		dst = d[i].Value.appendJSON(dst)
	}
	return append(dst, '}')
}

func (v *Value) appendJSON(dst []byte) []byte {
	switch v.Kind {
	case KindString:
		return appendString(dst, v.Str)
	case KindNumber:
		return appendNumber(dst, v.Num)
	case KindBool:
		return strconv.AppendBool(dst, v.Bool)
	case KindMap:
		return appendMap(dst, v.Map)
	case KindObject:
		return append(dst, v.Object...)
	}
	return append(dst, "null"...)
}

func appendMap(dst []byte, m map[string]string) []byte {
	dst = append(dst, '{')
	for i, key := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendString(dst, key), ':')
		dst = appendString(dst, m[key])
	}
	return append(dst, '}')
}

// appendNumber appends the shortest form of a finite number; others, which no valid event has, become null.
func appendNumber(dst []byte, n float64) []byte {
	switch {
	case n == math.Trunc(n) && math.Abs(n) < 1e15:
		return strconv.AppendInt(dst, int64(n), 10)
	case math.IsInf(n, 0) || math.IsNaN(n):
		return append(dst, "null"...)
	case math.Abs(n) < 1e-6 || math.Abs(n) >= 1e21:
		return strconv.AppendFloat(dst, n, 'e', -1, 64)
	}
	return strconv.AppendFloat(dst, n, 'f', -1, 64)
}

// appendString appends a string in quotes, with no escape but those that JSON demands.
func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(append(dst, s[start:]...), '"')
}

// appendToken appends a value that is neither an array nor an object; numbers in their shortest form where that is
// exact.
func appendToken(dst []byte, tok token) []byte {
	switch tok.kind {
	case tokenString:
		return appendString(dst, tok.text)
	case tokenNumber:
		if n := numberOf(tok.text); math.Abs(n) < 1e15 {
			return appendNumber(dst, n)
		}
		return append(dst, tok.text...)
	case tokenTrue:
		return append(dst, "true"...)
	case tokenFalse:
		return append(dst, "false"...)
	}
	return append(dst, "null"...)
}
