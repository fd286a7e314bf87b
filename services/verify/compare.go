package verify

import (
	"context"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/log"
	"github.com/throughline-trials/throughline/services/projector"
	"github.com/throughline-trials/throughline/services/store"
)

// windowRows is about how many rows the database sorts by sequence at a time.
const windowRows = 2_000_000

// stepMessages is how many messages lie between two calls of progress.
const stepMessages = 4096

// comparison is of one stream and its table.
type comparison struct {
	log      *log.Log
	store    *store.Store
	stream   event.Stream
	table    string
	end      uint64
	report   *Report
	progress func(Step)

	created    time.Time
	converter  projector.Converter
	differ     store.Differ
	expected   []store.Row
	next       uint64    // lowest sequence that is not compared yet
	received   time.Time // of the last message, as projected
	gaps       bool      // messages are missing from the log: times of receipt may rest on theirs
	candidates uint64    // events of the log that stand by themselves
	doubtful   doubtful
}

func (c *comparison) run(ctx context.Context) error {
	_, created, err := c.log.Last(ctx, c.stream)
	if err != nil {
		return err
	}
	c.created = created
	checkpoint, err := c.store.Checkpoint(ctx, c.table)
	if err != nil {
		return err
	}
	window := max(c.end, 1)
	if checkpoint.Rows > windowRows {
		window = max(uint64(float64(c.end)*windowRows/float64(checkpoint.Rows)), 1)
	}
	c.next, c.doubtful = 1, newDoubtful()
	for from := uint64(1); from <= c.end; from += window {
		if err := c.window(ctx, from, min(from+window-1, c.end)); err != nil {
			return err
		}
	}
	if err := c.beyond(ctx, checkpoint.Seq); err != nil {
		return err
	}
	return c.decisions(ctx)
}

// window compares a range of sequences.
func (c *comparison) window(ctx context.Context, from, to uint64) error {
	facts := openCursor(ctx, c.store, store.Query{Tables: []string{c.table}, From: from, To: to, BySequence: true})
	defer facts.close()
	err := c.log.ReadTo(ctx, c.stream, from, to, func(m log.Message) error { return c.message(m, facts) })
	if err != nil {
		return err
	}
	c.next = to + 1
	if err := c.skip(facts, to+1); err != nil {
		return err
	}
	c.progress(Step{Stream: c.stream, Seq: to, Last: c.end})
	return nil
}

// message compares the rows of one message.
func (c *comparison) message(m log.Message, facts *cursor) error {
	c.gaps = c.gaps || m.Seq != c.next
	c.next = m.Seq + 1
	if err := c.skip(facts, m.Seq); err != nil {
		return err
	}
	if m.Seq%stepMessages == 0 {
		c.progress(Step{Stream: c.stream, Seq: m.Seq, Last: c.end})
	}
	c.expected = c.converter.Append(c.expected[:0], m, c.created)
	c.received = projector.Later(c.received, m.Time)
	for i := range c.expected {
		c.expected[i].Received = c.received
		c.count(&c.expected[i])
		if err := c.line(&c.expected[i], facts); err != nil {
			return err
		}
	}
	return c.skip(facts, m.Seq+1)
}

// skip names the rows before a sequence that no message has asked for.
func (c *comparison) skip(facts *cursor, seq uint64) error {
	for {
		got, err := facts.head()
		if err != nil || got == nil || got.Seq >= seq {
			return err
		}
		c.countRow(got)
		c.unlogged(got)
		facts.pass()
	}
}

func (c *comparison) unlogged(got *store.Row) {
	c.name(Unlogged, got, "")
	c.doubtful.addUnlogged(got)
}

// line compares one line of a message with its row.
func (c *comparison) line(want *store.Row, facts *cursor) error {
	found := false
	for {
		got, err := facts.head()
		if err != nil {
			return err
		}
		if got == nil || got.Seq != want.Seq || got.Index > want.Index {
			break
		}
		c.countRow(got)
		switch {
		case got.Index < want.Index:
			c.unlogged(got)
		case found:
			c.name(Doubled, got, "")
		default:
			found = true
			c.row(want, got)
		}
		facts.pass()
	}
	if !found {
		c.name(Missing, want, "")
		c.doubtful.addMissing(want)
	}
	return nil
}

// row compares a row with what it must be, whoever was first.
func (c *comparison) row(want, got *store.Row) {
	identity := want.Identity
	if want.Kind == store.KindEvent {
		switch {
		case got.Kind == store.KindDuplicate:
			projector.MarkDuplicate(want)
		case got.Kind == store.KindRefused && got.Code == event.CodeIDReused:
			projector.MarkReused(want)
		}
	}
	field := c.differ.Field(want, got)
	if field == "received" && c.gaps && got.Received.After(want.Received) {
		c.received, field = got.Received, "" // as a message had it that was purged
	}
	if field == "" {
		return
	}
	c.name(Altered, want, field)
	c.doubtful.addAltered(identity, got.Identity)
}

// name adds a difference to the report.
func (c *comparison) name(kind string, r *store.Row, field string) {
	d := Difference{Kind: kind, Stream: c.stream, Seq: r.Seq, Index: r.Index, Study: r.Event.Study, Field: field}
	if r.Identity != (event.Identity{}) {
		d.Identity = r.Identity.String()
	}
	c.report.add(d)
}

// count counts a line of the log; who was first is counted later.
func (c *comparison) count(want *store.Row) {
	switch want.Kind {
	case store.KindEvent:
		c.candidates++
	case store.KindDuplicate:
		c.report.Duplicates++
	case store.KindRefused:
		c.report.Quarantined++
	}
}

func (c *comparison) countRow(got *store.Row) {
	if got.Kind == store.KindEvent {
		c.report.FactEvents++
	}
}

// beyond names the rows past the end of the log. What comes in meanwhile is left alone: the last row was looked for
// before the last message.
func (c *comparison) beyond(ctx context.Context, lastRow uint64) error {
	last, _, err := c.log.Last(ctx, c.stream)
	if err != nil || lastRow <= last {
		return err
	}
	q := store.Query{Tables: []string{c.table}, From: last + 1, To: lastRow, BySequence: true}
	return c.store.Facts(ctx, q, func(r *store.Row) error {
		c.countRow(r)
		c.name(Unlogged, r, "")
		return nil
	})
}
