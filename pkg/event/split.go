package event

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
)

var errNotArray = errors.New("split array: not a JSON array")

// SplitArray returns the elements of a JSON array, uncopied and in order. Brackets and strings are followed, so that a
// fault inside an element stays its own: [Decode] tells it. An array that cannot be followed is an error. Past
// [MaxBatchEvents] elements it stops: a caller sees one more than allowed and the rest is not looked at.
func SplitArray(body []byte) ([][]byte, error) {
	s := splitter{body: body}
	if s.space() != '[' {
		return nil, errNotArray
	}
	s.i++
	var elements [][]byte
	if s.space() == ']' {
		s.i++
		return elements, s.end()
	}
	for len(elements) <= MaxBatchEvents {
		element, err := s.element()
		if err != nil {
			return nil, err
		}
		elements = append(elements, element)
		c := s.space()
		s.i++
		if c == ']' {
			return elements, s.end()
		}
		if c != ',' {
			return nil, s.fail("misses a comma or the closing bracket")
		}
	}
	return elements, nil
}

// splitter finds the ends of the elements of an array.
type splitter struct {
	body []byte
	i    int
	open []byte // closing brackets awaited
}

func (s *splitter) fail(reason string) error {
	return fmt.Errorf("split array: the batch %s (byte %d)", reason, min(s.i, len(s.body)))
}

func (s *splitter) space() byte {
	for ; s.i < len(s.body); s.i++ {
		if c := s.body[s.i]; c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return c
		}
	}
	return 0
}

func (s *splitter) end() error {
	if s.space(); s.i < len(s.body) {
		return s.fail("goes on after its end")
	}
	return nil
}

// element reads up to the comma or bracket after an element.
func (s *splitter) element() ([]byte, error) {
	s.space()
	start := s.i
	for ; s.i < len(s.body); s.i++ {
		switch c := s.body[s.i]; c {
		case '"':
			if !s.text() {
				return nil, s.fail("ends inside a string")
			}
		case '{':
			s.open = append(s.open, '}')
		case '[':
			s.open = append(s.open, ']')
		case '}', ']':
			if len(s.open) == 0 {
				return s.cut(start)
			}
			if s.open[len(s.open)-1] != c {
				return nil, s.fail("has brackets that do not match")
			}
			s.open = s.open[:len(s.open)-1]
		case ',':
			if len(s.open) == 0 {
				return s.cut(start)
			}
		}
	}
	return nil, s.fail("ends too early")
}

func (s *splitter) cut(start int) ([]byte, error) {
	element := bytes.TrimRight(s.body[start:s.i:s.i], " \n\t\r")
	if len(element) == 0 {
		return nil, s.fail("misses an element")
	}
	return element, nil
}

// text moves to the closing quote of a string.
func (s *splitter) text() bool {
	body := s.body
	for i := s.i + 1; i < len(body); i++ {
		switch body[i] {
		case '"':
			s.i = i
			return true
		case '\\':
			i++
		}
	}
	s.i = len(body)
	return false
}

// SplitLines returns the lines of NDJSON, uncopied and without the white space around them; empty ones are skipped.
func SplitLines(body []byte) [][]byte {
	var lines [][]byte
	for line := range Lines(body) {
		lines = append(lines, line)
	}
	return lines
}

// Lines goes through the lines of NDJSON as [SplitLines] returns them, for callers that may stop early.
func Lines(body []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for len(body) > 0 {
			line := body
			if i := bytes.IndexByte(body, '\n'); i >= 0 {
				line, body = body[:i:i], body[i+1:]
			} else {
				body = nil
			}
			if line = bytes.Trim(line, " \t\r"); len(line) > 0 && !yield(line) {
				return
			}
		}
	}
}
