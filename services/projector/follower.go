package projector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/log"
	"github.com/throughline-trials/throughline/services/store"
)

// Pauses after an error.
const (
	firstPause   = 100 * time.Millisecond
	longestPause = 5 * time.Second
)

// ErrLeaseLost ends what was being done when another projector may have taken over.
var ErrLeaseLost = errors.New("the lease of the projector was lost")

// follower projects one stream into one table.
type follower struct {
	projector *Projector
	stream    event.Stream
	table     string
	logger    *slog.Logger
	track     track

	writing sync.Mutex // held by whoever may write the table: the writer block by block, or a rebuild that swaps
	writer  *writer    // nil until the table was looked at

	side  sync.Mutex // held by whoever uses the table beside: a rebuild block by block
	round int        // counts the uses of that table: a rebuild whose round is over must not touch it
}

func newFollower(p *Projector, stream event.Stream) *follower {
	return &follower{
		projector: p, stream: stream, table: string(stream),
		logger: p.config.Logger.With("stream", string(stream)),
	}
}

// run projects until ctx ends, beginning again after errors.
func (f *follower) run(ctx context.Context, l *lease) {
	wait := firstPause
	for ctx.Err() == nil {
		began := f.track.seq()
		err := f.follow(ctx, l)
		if ctx.Err() != nil {
			return
		}
		if f.track.seq() > began {
			wait = firstPause
		}
		f.projector.metrics.errors.WithLabelValues(string(f.stream)).Inc()
		f.logger.Warn("projection of a stream failed, trying again", "error", err, "pause", wait)
		pause(ctx, wait)
		wait = min(2*wait, longestPause)
	}
}

// follow finds out where the table stands and projects from there, until an error or the end of ctx. No INSERT is
// running when it returns.
func (f *follower) follow(ctx context.Context, l *lease) error {
	w, err := f.resume(ctx, l)
	if err != nil {
		return err
	}
	q := newQueue(f.projector.config.MaxRows, f.projector.config.MaxBytes)
	defer f.abandon()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return f.read(ctx, w.seq+1, w.created, q) })
	group.Go(func() error { return f.write(ctx, l, q) })
	return group.Wait()
}

// abandon ends writing, and a rebuild with it. When it returns no INSERT is running that this follower began.
func (f *follower) abandon() {
	f.writing.Lock()
	defer f.writing.Unlock()
	f.side.Lock()
	defer f.side.Unlock()
	f.writer = nil
	f.round++
}

// read puts the rows of every message into the queue.
func (f *follower) read(ctx context.Context, from uint64, created time.Time, q *queue) error {
	var c Converter
	return f.projector.config.Log.Read(ctx, f.stream, from, func(m log.Message) error {
		return q.put(ctx, len(m.Payload), func(rows []store.Row) []store.Row { return c.Append(rows, m, created) })
	})
}

// write stores what the queue holds, block by block.
func (f *follower) write(ctx context.Context, l *lease, q *queue) error {
	config := f.projector.config
	var began time.Time
	for {
		if err := q.next(ctx, began.Add(config.Interval), config.Gather); err != nil {
			return err
		}
		began = time.Now()
		rows, messages := q.take()
		err := f.writeBlock(ctx, l, rows, messages)
		q.giveBack(rows)
		if err != nil {
			return err
		}
	}
}

func (f *follower) writeBlock(ctx context.Context, l *lease, rows []store.Row, messages int) error {
	f.writing.Lock()
	defer f.writing.Unlock()
	w := f.writer
	first := rows[0].Seq
	if first <= w.seq {
		return fmt.Errorf("message %d comes after message %d", first, w.seq)
	}
	f.projector.config.Trace(TracePoint{Phase: PhaseReceived, Stream: f.stream, Seq: rows[len(rows)-1].Seq, Rows: len(rows)})
	if err := w.prepare(ctx, rows); err != nil {
		return err
	}
	if !l.held() {
		return ErrLeaseLost
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := w.insert(ctx, rows); err != nil {
		return err
	}
	f.projector.metrics.projected(f.stream, rows, messages)
	f.track.advance(w.seq, w.received)
	f.projector.wake()
	return nil
}
