package projector

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/store"
)

// writer appends blocks to one table. It belongs to one goroutine at a time.
type writer struct {
	table    string
	stream   event.Stream
	seq      uint64    // last message in the table
	received time.Time // of that message, as stored
	created  time.Time // when the stream was made
	dedup    deduper
	block    *store.Block
	trace    func(TracePoint)
	seconds  prometheus.Observer // of INSERTs
}

// prepare makes rows final: who was first, and times of receipt that never go back.
func (w *writer) prepare(ctx context.Context, rows []store.Row) error {
	if err := w.dedup.decide(ctx, rows); err != nil {
		return err
	}
	received := w.received
	w.block.Reset()
	for i := range rows {
		r := &rows[i]
		received = Later(received, r.Received)
		r.Received = received
		w.block.Append(r)
	}
	return nil
}

// Later returns the time of receipt of a message that follows on one received at last: never before it, to the
// microsecond.
func Later(last, received time.Time) time.Time {
	received = received.Truncate(time.Microsecond)
	if received.Before(last) {
		return last
	}
	return received
}

// insert stores the prepared rows. The end of ctx does not stop it.
func (w *writer) insert(ctx context.Context, rows []store.Row) error {
	last := &rows[len(rows)-1]
	point := TracePoint{Phase: PhaseInsertBegin, Stream: w.stream, Seq: last.Seq, Rows: len(rows)}
	w.trace(point)
	began := time.Now()
	if err := w.block.Insert(ctx, w.table); err != nil {
		point.Phase = PhaseInsertFailed
		w.trace(point)
		return err
	}
	w.seconds.Observe(time.Since(began).Seconds())
	w.seq, w.received = last.Seq, last.Received
	point.Phase = PhaseInsertEnd
	w.trace(point)
	return nil
}
