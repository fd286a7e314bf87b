package study_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/throughline-trials/throughline/services/study"
)

// TestParseIsBounded feeds the largest texts of the worst shapes: each must be answered quickly and briefly.
func TestParseIsBounded(t *testing.T) {
	var keys strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&keys, "k%d: 1\n", i)
	}
	texts := map[string]string{
		"many keys":      keys.String(),
		"one key":        strings.Repeat("a: 1\n", 50_000),
		"lists":          strings.Repeat("[", 200_000),
		"maps":           strings.Repeat("{", 200_000),
		"dashes":         strings.Repeat("- ", 100_000),
		"json lists":     `{"a":` + strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000) + "}",
		"questions":      strings.Repeat("? ", 100_000),
		"anchors":        strings.Repeat("&a ", 80_000),
		"documents":      strings.Repeat("---\n", 60_000),
		"quotes":         strings.Repeat(`"`, 200_000),
		"indented":       strings.Repeat(" ", 200_000) + "a: b",
		"long line":      "title: " + strings.Repeat("x", 250_000),
		"too large":      strings.Repeat("x", study.MaxBytes+1),
		"not UTF-8":      "id: \xff",
		"aliases nested": "a: &a [" + strings.Repeat("1,", 300) + "]\nb: [" + strings.Repeat("*a,", 50_000) + "]",
	}
	for name, text := range texts {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			_, err := study.Parse([]byte(text), "")
			if err == nil {
				t.Fatal("accepted")
			}
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("took %s", took)
			}
			if n := len(err.Error()); n > 200<<10 {
				t.Errorf("the report has %d bytes", n)
			}
		})
	}
}
