package projector

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/log"
	"github.com/throughline-trials/throughline/services/store"
)

// Errors of [Projector.Rebuild].
var (
	ErrNotProjecting = errors.New("the projector is not at work: it waits for its lease or for the database")
	ErrRebuilding    = errors.New("a rebuild is already under way")
	ErrRebuildBroken = errors.New("the rebuild was broken off by a fault of projection; the facts are as they were, run it again")
)

// RebuildStep tells how far the rebuild of one table has come.
type RebuildStep struct {
	Stream event.Stream
	Seq    uint64 // last message that is in the new table
	Last   uint64 // last message of the log
	Done   bool   // the new table is in its place
}

// Rebuild projects every stream once more from its first message into a table beside, while projection goes on, and
// swaps the two at the same sequence. Report, which may be nil, is called now and then. It returns when all four tables
// are new, or with an error and the tables that were not swapped as they were; what an interrupted rebuild leaves is
// removed when projection begins again.
func (p *Projector) Rebuild(ctx context.Context, report func(RebuildStep)) error {
	select {
	case p.rebuild <- struct{}{}:
		defer func() { <-p.rebuild }()
	default:
		return ErrRebuilding
	}
	if report == nil {
		report = func(RebuildStep) {}
	}
	for _, f := range p.followers {
		if err := f.rebuild(ctx, report); err != nil {
			return fmt.Errorf("rebuild %s: %w", f.table, err)
		}
	}
	return nil
}

// rebuilding is a rebuild of one table.
type rebuilding struct {
	*follower
	writer *writer // of the table beside
	rows   []store.Row
	bytes  int
	turn   int // the round that it belongs to
	report func(RebuildStep)
	last   uint64
}

func (f *follower) rebuild(ctx context.Context, report func(RebuildStep)) (err error) {
	r, err := f.begin(ctx, report)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.clear()) }()
	for {
		if r.last, _, err = f.projector.config.Log.Last(ctx, f.stream); err != nil {
			return err
		}
		goal := f.track.seq()
		if err := r.fill(ctx, goal); err != nil {
			return err
		}
		if behind := f.track.seq() - goal; behind < uint64(f.projector.config.MaxRows)/4 {
			return r.swap(ctx)
		}
	}
}

// begin makes the table beside and its writer.
func (f *follower) begin(ctx context.Context, report func(RebuildStep)) (*rebuilding, error) {
	f.writing.Lock()
	defer f.writing.Unlock()
	f.side.Lock()
	defer f.side.Unlock()
	if f.writer == nil {
		return nil, ErrNotProjecting
	}
	if err := f.projector.config.Store.MakeNext(ctx, f.table); err != nil {
		return nil, err
	}
	f.round++
	w := f.newWriter(store.Next(f.table), store.Checkpoint{}, f.writer.created)
	w.trace = func(TracePoint) {}
	return &rebuilding{follower: f, writer: w, turn: f.round, report: report}, nil
}

// fill projects into the table beside up to a message of the log.
func (r *rebuilding) fill(ctx context.Context, upTo uint64) error {
	config := r.projector.config
	var c Converter
	err := config.Log.ReadTo(ctx, r.stream, r.writer.seq+1, upTo, func(m log.Message) error {
		r.rows = c.Append(r.rows, m, r.writer.created)
		r.bytes += len(m.Payload)
		if len(r.rows) < config.MaxRows && r.bytes < config.MaxBytes {
			return nil
		}
		return r.flush(ctx)
	})
	if err != nil {
		return err
	}
	return r.flush(ctx)
}

func (r *rebuilding) flush(ctx context.Context) error {
	if len(r.rows) == 0 {
		return nil
	}
	r.side.Lock()
	defer r.side.Unlock()
	if r.round != r.turn || !r.projector.holdsLease() {
		return ErrRebuildBroken
	}
	if err := r.writer.prepare(ctx, r.rows); err != nil {
		return err
	}
	if err := r.writer.insert(ctx, r.rows); err != nil {
		return err
	}
	clear(r.rows)
	r.rows, r.bytes = r.rows[:0], 0
	r.report(RebuildStep{Stream: r.stream, Seq: r.writer.seq, Last: max(r.last, r.writer.seq)})
	return nil
}

// swap holds projection up while the table beside gets the last messages and takes its place.
func (r *rebuilding) swap(ctx context.Context) error {
	r.writing.Lock()
	defer r.writing.Unlock()
	live := r.follower.writer
	if live == nil {
		return ErrRebuildBroken
	}
	if err := r.fill(ctx, live.seq); err != nil {
		return err
	}
	r.side.Lock()
	defer r.side.Unlock()
	if r.round != r.turn || !r.projector.holdsLease() {
		return ErrRebuildBroken
	}
	s := r.projector.config.Store
	if err := r.check(ctx, live.seq); err != nil {
		return err
	}
	if err := s.SwapNext(ctx, r.table); err != nil {
		return err
	}
	r.writer.table, r.writer.dedup.table, r.writer.trace = r.table, r.table, live.trace
	// Messages that were purged at the end of the log are passed all the same: there is nothing of them to come.
	r.writer.seq, r.writer.received = max(r.writer.seq, live.seq), later(r.writer.received, live.received)
	r.follower.writer = r.writer
	r.projector.progress.renew()
	r.projector.config.Reset(r.stream)
	r.projector.wake()
	r.report(RebuildStep{Stream: r.stream, Seq: r.writer.seq, Last: max(r.last, r.writer.seq), Done: true})
	return nil
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// check makes sure that the table beside ends where it is thought to.
func (r *rebuilding) check(ctx context.Context, live uint64) error {
	c, err := r.projector.config.Store.Checkpoint(ctx, store.Next(r.table))
	if err != nil {
		return err
	}
	if c.Seq != r.writer.seq || c.Seq > live {
		return fmt.Errorf("the new table ends at message %d, not at %d: %w", c.Seq, r.writer.seq, ErrRebuildBroken)
	}
	return nil
}

// clear drops the table beside, whichever it is by now.
func (r *rebuilding) clear() error {
	r.side.Lock()
	defer r.side.Unlock()
	if r.round != r.turn {
		return nil
	}
	r.round++
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return r.projector.config.Store.DropNext(ctx, r.table)
}
