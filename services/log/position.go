package log

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/throughline-trials/throughline/pkg/event"
)

// Position is a point in the log: the last sequence of each stream that counts as passed. Zero means nothing of it.
type Position struct {
	Events, Allocations, Studies, Quarantine uint64
}

// At returns the sequence of one stream, 0 for a stream that positions do not name.
func (p Position) At(s event.Stream) uint64 {
	switch s {
	case event.StreamEvents:
		return p.Events
	case event.StreamAllocations:
		return p.Allocations
	case event.StreamStudies:
		return p.Studies
	case StreamQuarantine:
		return p.Quarantine
	}
	return 0
}

// With returns p with the sequence of one stream replaced.
func (p Position) With(s event.Stream, seq uint64) Position {
	switch s {
	case event.StreamEvents:
		p.Events = seq
	case event.StreamAllocations:
		p.Allocations = seq
	case event.StreamStudies:
		p.Studies = seq
	case StreamQuarantine:
		p.Quarantine = seq
	}
	return p
}

// Max returns the position that covers both.
func (p Position) Max(o Position) Position {
	return Position{
		Events: max(p.Events, o.Events), Allocations: max(p.Allocations, o.Allocations),
		Studies: max(p.Studies, o.Studies), Quarantine: max(p.Quarantine, o.Quarantine),
	}
}

// Covers reports whether whatever o has passed, p has passed too.
func (p Position) Covers(o Position) bool { return p.Max(o) == p }

// IsZero reports whether nothing is passed.
func (p Position) IsZero() bool { return p == Position{} }

// String writes the position, e.g. "e12.a3.s4.q0". [ParsePosition] reads it.
func (p Position) String() string {
	return fmt.Sprintf("e%d.a%d.s%d.q%d", p.Events, p.Allocations, p.Studies, p.Quarantine)
}

// ParsePosition reads a position; streams may be left out ("e12", "a3.s4") and stand for 0. The error says what is wrong
// without repeating the text.
func ParsePosition(text string) (Position, error) {
	var p Position
	if text == "" {
		return p, fmt.Errorf("parse position: it is empty; give one as an answer names it, like e12.a3.s4.q0")
	}
	seen := make(map[byte]bool)
	for part := range strings.SplitSeq(text, ".") {
		stream, ok := positionStream(part)
		if !ok || seen[part[0]] {
			return Position{}, fmt.Errorf("parse position: each part is one of e, a, s, q with a number, once each, like e12.a3.s4.q0")
		}
		seen[part[0]] = true
		seq, err := strconv.ParseUint(part[1:], 10, 63)
		if err != nil {
			return Position{}, fmt.Errorf("parse position: the part of stream %s has no sequence number", stream)
		}
		p = p.With(stream, seq)
	}
	return p, nil
}

func positionStream(part string) (event.Stream, bool) {
	if part == "" {
		return "", false
	}
	switch part[0] {
	case 'e':
		return event.StreamEvents, true
	case 'a':
		return event.StreamAllocations, true
	case 's':
		return event.StreamStudies, true
	case 'q':
		return StreamQuarantine, true
	}
	return "", false
}
