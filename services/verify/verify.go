// Package verify holds the facts against the log, event by event, and names every difference.
//
// Two passes for each fact table, both streaming, so that memory is bounded whatever their size:
//
//	log  ─▶ expected rows ┐
//	                      ├─ by (seq, idx): missing, doubled, altered, unlogged
//	facts ────────────────┘
//	facts by (identity, seq, idx): the first is the event, equal ones are duplicates, others are refused
//
// What a single message must become is worked out by the projector's own [projector.Converter]; who was first is decided
// here again, in another way than the projector decides it.
package verify

import (
	"context"
	"errors"
	"fmt"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/log"
	"github.com/throughline-trials/throughline/services/projector"
	"github.com/throughline-trials/throughline/services/store"
)

// maxDifferences bounds how many differences a report names; all are counted.
const maxDifferences = 100

// The kinds of difference.
const (
	Missing  = "missing"  // the log has it, the facts do not
	Doubled  = "doubled"  // the facts have it more than once
	Altered  = "altered"  // the facts say something else
	Unlogged = "unlogged" // the facts have it, the log does not
)

// Report is what was found. Counts are of lines of messages and rows; OK means that there is no difference.
type Report struct {
	OK          bool         `json:"ok"`
	LogEvents   uint64       `json:"log_events"`  // different accepted events in the log
	FactEvents  uint64       `json:"fact_events"` // rows that count
	Quarantined uint64       `json:"quarantined"` // refused, at the door or after
	Duplicates  uint64       `json:"duplicates"`  // sent once more
	Missing     uint64       `json:"missing"`
	Doubled     uint64       `json:"doubled"`
	Altered     uint64       `json:"altered"`
	Unlogged    uint64       `json:"unlogged"`
	Position    string       `json:"position"`    // up to where was compared
	Differences []Difference `json:"differences"` // the first hundred
}

// Difference names one place where log and facts differ.
type Difference struct {
	Kind     string       `json:"kind"`
	Stream   event.Stream `json:"stream"`
	Seq      uint64       `json:"seq"`
	Index    uint32       `json:"index"`
	Study    string       `json:"study,omitempty"`
	Identity string       `json:"identity,omitempty"`
	Field    string       `json:"field,omitempty"` // the column that was altered
}

// Step tells how far a pass over one stream has come.
type Step struct {
	Stream event.Stream
	Seq    uint64 // compared up to this message
	Last   uint64 // of so many
}

// Verify compares everything up to the end that the log has when it begins, after waiting until the facts have reached
// it; it returns [ErrNotProjected] if they stand still before. Progress, which may be nil, is called now and then.
func Verify(ctx context.Context, l *log.Log, s *store.Store, progress func(Step)) (Report, error) {
	if progress == nil {
		progress = func(Step) {}
	}
	end, err := l.End(ctx)
	if err != nil {
		return Report{}, fmt.Errorf("verify: %w", err)
	}
	if err := awaitFacts(ctx, l, s, end); err != nil {
		return Report{}, fmt.Errorf("verify: %w", err)
	}
	report := Report{Position: end.String(), Differences: []Difference{}}
	for _, stream := range projector.Streams() {
		c := comparison{log: l, store: s, stream: stream, table: string(stream), end: end.At(stream), report: &report, progress: progress}
		if err := c.run(ctx); err != nil {
			return Report{}, fmt.Errorf("verify %s: %w", stream, err)
		}
	}
	report.OK = report.Missing+report.Doubled+report.Altered+report.Unlogged == 0
	return report, nil
}

func (r *Report) add(d Difference) {
	switch d.Kind {
	case Missing:
		r.Missing++
	case Doubled:
		r.Doubled++
	case Altered:
		r.Altered++
	case Unlogged:
		r.Unlogged++
	}
	if len(r.Differences) < maxDifferences {
		r.Differences = append(r.Differences, d)
	}
}

// ErrDifferent is for callers that want an error of a report that is not OK.
var ErrDifferent = errors.New("the facts differ from the log")

// Err returns [ErrDifferent] unless the report is OK.
func (r Report) Err() error {
	if r.OK {
		return nil
	}
	return ErrDifferent
}
