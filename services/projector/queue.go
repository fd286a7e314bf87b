package projector

import (
	"context"
	"sync"
	"time"

	"github.com/throughline-trials/throughline/services/store"
)

// queue is what was read and is not yet being written: rows of whole messages, in order. One reader puts, one writer
// takes all there is. It is bounded: a full queue holds the reader up.
type queue struct {
	maxRows, maxBytes int

	mu       sync.Mutex
	rows     []store.Row
	bytes    int
	messages int
	spare    []store.Row // the memory of what was taken before
	since    time.Time   // when the first of the rows came

	arrived chan struct{} // rows came
	taken   chan struct{} // rows were taken
	filled  chan struct{} // the bound was reached
}

func newQueue(maxRows, maxBytes int) *queue {
	return &queue{
		maxRows: maxRows, maxBytes: maxBytes,
		arrived: make(chan struct{}, 1), taken: make(chan struct{}, 1), filled: make(chan struct{}, 1),
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// put lets add append the rows of one message of a size. It waits while the queue is full.
func (q *queue) put(ctx context.Context, bytes int, add func([]store.Row) []store.Row) error {
	for {
		q.mu.Lock()
		if len(q.rows) < q.maxRows && q.bytes < q.maxBytes {
			break
		}
		q.mu.Unlock()
		select {
		case <-q.taken:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	defer q.mu.Unlock()
	if len(q.rows) == 0 {
		q.since = time.Now()
	}
	q.rows = add(q.rows)
	q.bytes += bytes
	q.messages++
	if len(q.rows) >= q.maxRows || q.bytes >= q.maxBytes {
		signal(q.filled)
	}
	signal(q.arrived)
	return nil
}

// pending is how many rows wait, and since when.
func (q *queue) pending() (rows int, since time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.rows), q.since
}

// take returns all rows and how many messages they are of; nil if there are none. The caller gives the slice back.
func (q *queue) take() (rows []store.Row, messages int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.rows) == 0 {
		return nil, 0
	}
	rows, messages = q.rows, q.messages
	q.rows, q.spare, q.bytes, q.messages = q.spare[:0], nil, 0, 0
	select {
	case <-q.filled:
	default:
	}
	signal(q.taken)
	return rows, messages
}

// giveBack returns the memory of rows that were taken.
func (q *queue) giveBack(rows []store.Row) {
	clear(rows)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.spare = rows[:0]
}

// next waits until rows are there that are worth an INSERT: at once if the queue is full or half so, else when they have
// waited for gather and notBefore has come.
func (q *queue) next(ctx context.Context, notBefore time.Time, gather time.Duration) error {
	for {
		rows, since := q.pending()
		if rows == 0 {
			if err := waitFor(ctx, q.arrived, nil); err != nil {
				return err
			}
			continue
		}
		due := since.Add(gather)
		if notBefore.After(due) {
			due = notBefore
		}
		wait := time.Until(due)
		if wait <= 0 || rows >= q.maxRows/2 {
			return nil
		}
		timer := time.NewTimer(wait)
		err := waitFor(ctx, q.filled, timer.C)
		timer.Stop()
		return err
	}
}

func waitFor(ctx context.Context, c <-chan struct{}, timer <-chan time.Time) error {
	select {
	case <-c:
	case <-timer:
	case <-ctx.Done():
	}
	return ctx.Err()
}
