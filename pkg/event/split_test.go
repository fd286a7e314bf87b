package event_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/throughline-trials/throughline/pkg/event"
)

func TestSplitArray(t *testing.T) {
	for body, want := range map[string]string{ // elements parted by |
		"[]":                        "",
		" [ ] \n":                   "",
		"[1]":                       "1",
		`[{"a":[1,2]}, "x,]\"" ,3]`: `{"a":[1,2]}|"x,]\""|3`,
		"[{},{}]":                   "{}|{}",
		`[{"a":}, {"b":1}]`:         `{"a":}|{"b":1}`,
		"[ {\n} \t]":                "{\n}",
		`["\\"]`:                    `"\\"`,
		"[" + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + "]": strings.Repeat("[", 5000) + strings.Repeat("]", 5000),
	} {
		elements, err := event.SplitArray([]byte(body))
		if got := string(bytes.Join(elements, []byte("|"))); err != nil || got != want {
			t.Errorf("%.40q: got %.40q, %v; want %.40q", body, got, err, want)
		}
	}
	for _, body := range []string{
		"", " ", "{}", "null", "[", "[1", "[1,", "[1,]", "[,1]", "[,]", "[1]]", "[1] x", "[1][2]", `["a`, `["a\`, "[{]", "[{]}]", "[1 2", "[}", "x[1]", "[\x00",
		strings.Repeat("[", 100_000),
	} {
		if elements, err := event.SplitArray([]byte(body)); err == nil {
			t.Errorf("%.40q: got %q", body, elements)
		}
	}
}

// TestSplitArrayStops shows that a batch of millions costs no more than one that is a little too large.
func TestSplitArrayStops(t *testing.T) {
	body := "[" + strings.Repeat("0,", 1_000_000) + "0]"
	elements, err := event.SplitArray([]byte(body))
	if err != nil || len(elements) != event.MaxBatchEvents+1 {
		t.Errorf("got %d elements, %v", len(elements), err)
	}
	full := "[" + strings.Repeat("0,", event.MaxBatchEvents-1) + "0]"
	if elements, err := event.SplitArray([]byte(full)); err != nil || len(elements) != event.MaxBatchEvents {
		t.Errorf("got %d elements, %v", len(elements), err)
	}
}

func TestSplitIsUncopied(t *testing.T) {
	body := []byte("[11,22]")
	elements, err := event.SplitArray(body)
	if err != nil {
		t.Fatal(err)
	}
	if &elements[0][0] != &body[1] {
		t.Error("an element was copied")
	}
	_ = append(elements[0], "xxxx"...)
	if string(body) != "[11,22]" {
		t.Error("appending to an element writes into the body")
	}
}

func TestSplitLines(t *testing.T) {
	lines := event.SplitLines([]byte("\n{}\r\n\n  \n\t{\"a\":1} \n[]"))
	if got := string(bytes.Join(lines, []byte("|"))); got != `{}|{"a":1}|[]` {
		t.Errorf("got %q", got)
	}
	if lines := event.SplitLines(nil); len(lines) != 0 {
		t.Errorf("got %q", lines)
	}
	for line := range event.Lines([]byte("a\nb")) {
		if string(line) != "a" {
			t.Errorf("got %q", line)
		}
		break
	}
}
