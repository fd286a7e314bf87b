package projector

import (
	"context"
	"fmt"
	"time"

	"github.com/throughline-trials/throughline/services/log"
	"github.com/throughline-trials/throughline/services/store"
)

// resume makes the writer that goes on where the table ends. A table that cannot be trusted is emptied first, and
// projected anew from the first message.
func (f *follower) resume(ctx context.Context, l *lease) (*writer, error) {
	f.writing.Lock()
	defer f.writing.Unlock()
	f.side.Lock() // a rebuild of the table that failed is given up
	defer f.side.Unlock()
	f.round++
	f.writer = nil
	s := f.projector.config.Store
	for _, table := range []string{f.table, store.Next(f.table)} {
		if err := s.AwaitInserts(ctx, table); err != nil {
			return nil, err
		}
	}
	if err := s.DropNext(ctx, f.table); err != nil { // of a rebuild that was interrupted
		return nil, err
	}
	info, err := f.projector.config.Log.Info(ctx, f.stream)
	if err != nil {
		return nil, err
	}
	created := info.Created.UTC().Truncate(time.Microsecond)
	checkpoint, err := s.Checkpoint(ctx, f.table)
	if err != nil {
		return nil, err
	}
	reason, err := f.distrust(ctx, checkpoint, info, created)
	if err != nil {
		return nil, err
	}
	if reason != "" {
		if !l.held() {
			return nil, ErrLeaseLost
		}
		if checkpoint, err = f.empty(ctx, reason); err != nil {
			return nil, err
		}
	}
	w := f.newWriter(f.table, checkpoint, created)
	if err := w.dedup.load(ctx, checkpoint.Rows); err != nil {
		return nil, err
	}
	f.writer = w
	f.track.set(w.seq, w.received)
	f.projector.wake()
	return w, nil
}

func (f *follower) newWriter(table string, at store.Checkpoint, created time.Time) *writer {
	p := f.projector
	return &writer{
		table: table, stream: f.stream, seq: at.Seq, received: at.Received, created: created,
		dedup: deduper{store: p.config.Store, table: table, filter: newFilter(at.Rows)},
		block: p.config.Store.NewBlock(), trace: p.config.Trace, seconds: p.metrics.insertSeconds.WithLabelValues(string(f.stream)),
	}
}

// distrust returns why the table cannot be what was projected from this stream, empty if it can.
func (f *follower) distrust(ctx context.Context, c store.Checkpoint, info log.Info, created time.Time) (string, error) {
	detached, err := f.projector.config.Store.DetachedParts(ctx, f.table)
	switch {
	case err != nil:
		return "", err
	case detached > 0:
		return fmt.Sprintf("the database has set %d damaged parts of it aside", detached), nil
	case len(c.Created) > 1 || len(c.Created) == 1 && !c.Created[0].Equal(created):
		return "it was projected from another log", nil
	case c.Seq > info.Last:
		return fmt.Sprintf("it goes up to message %d and the log only to %d", c.Seq, info.Last), nil
	}
	return "", nil
}

// empty puts an empty table in the place of one that cannot be trusted.
func (f *follower) empty(ctx context.Context, reason string) (store.Checkpoint, error) {
	f.logger.Error("a fact table cannot be trusted and is projected anew from the log", "table", f.table, "reason", reason)
	f.projector.metrics.resets.WithLabelValues(string(f.stream)).Inc()
	s := f.projector.config.Store
	if err := s.MakeNext(ctx, f.table); err != nil {
		return store.Checkpoint{}, err
	}
	if err := s.SwapNext(ctx, f.table); err != nil {
		return store.Checkpoint{}, err
	}
	f.projector.progress.reset()
	f.projector.config.Reset(f.stream)
	return store.Checkpoint{}, s.DropNext(ctx, f.table)
}
