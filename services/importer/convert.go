package importer

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/throughline-trials/throughline/pkg/event"
)

// convert turns text into the value of an attribute. A fault says what the text should be and never repeats it; whether
// a text has the form of its attribute is checked with the whole event.
func convert(text string, attribute *event.AttributeSpec, decimal string) (v event.Value, fault string) {
	switch attribute.Kind {
	case event.KindNumber:
		n, ok := number(text, decimal)
		if !ok && attribute.Also == event.KindString {
			return event.Value{Kind: event.KindString, Str: text}, ""
		}
		if !ok {
			return v, "is not a number"
		}
		return event.Value{Kind: event.KindNumber, Num: n}, ""
	case event.KindBool:
		b, ok := truth(text)
		if !ok {
			return v, "is neither true nor false: write true, false, yes, no, 1 or 0, or give a map"
		}
		return event.Value{Kind: event.KindBool, Bool: b}, ""
	case event.KindString:
		if len(attribute.Values) > 0 && !slices.Contains(attribute.Values, text) {
			return v, "is not one of " + strings.Join(attribute.Values, ", ") + ": give a map"
		}
		return event.Value{Kind: event.KindString, Str: text}, ""
	}
	return v, "cannot be filled from a text"
}

func number(text, decimal string) (float64, bool) {
	if decimal == "," {
		if strings.Contains(text, ".") {
			return 0, false
		}
		text = strings.Replace(text, ",", ".", 1)
	}
	if strings.ContainsAny(text, "xXpP_iInN") {
		return 0, false
	}
	n, err := strconv.ParseFloat(text, 64)
	return n, err == nil && !math.IsInf(n, 0)
}

func truth(text string) (value, ok bool) {
	switch strings.ToLower(text) {
	case "true", "t", "yes", "y", "1":
		return true, true
	case "false", "f", "no", "n", "0":
		return false, true
	}
	return false, false
}
