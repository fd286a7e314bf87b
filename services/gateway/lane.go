package gateway

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/throughline-trials/throughline/pkg/event"
	tlog "github.com/throughline-trials/throughline/services/log"
)

// maxCommitBytes bounds what one commit publishes.
const maxCommitBytes = 4 << 20

// errFull is returned when a lane holds as much as it may.
var errFull = errors.New("too much is waiting for the log")

// part is what one request adds to one subject.
type part struct {
	out    tlog.Outgoing // its payload is lines, each ended by a newline but the last
	ticket *ticket
}

// ticket waits for all parts of one request.
type ticket struct {
	done     chan struct{} // closed when every part is settled
	waiting  atomic.Int64
	mu       sync.Mutex
	err      error
	position tlog.Position
}

// newTicket returns a ticket that one holder keeps open: it is settled when that holder has called settle once and all
// parts have.
func newTicket() *ticket {
	t := &ticket{done: make(chan struct{})}
	t.waiting.Store(1)
	return t
}

// settle records the end of one part, or of the holder's own.
func (t *ticket) settle(stream event.Stream, seq uint64, err error) {
	t.mu.Lock()
	if err != nil && t.err == nil {
		t.err = err
	}
	if err == nil && seq > t.position.At(stream) {
		t.position = t.position.With(stream, seq)
	}
	t.mu.Unlock()
	if t.waiting.Add(-1) == 0 {
		close(t.done)
	}
}

// result returns what became of a settled ticket.
func (t *ticket) result() (tlog.Position, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.position, t.err
}

// lane commits what concurrent requests add to one stream in groups: while one group is being synced, the next one
// gathers. Parts of the same subject and credential travel in one message.
type lane struct {
	log     *tlog.Log
	stream  event.Stream
	limit   int // bytes that may wait
	observe func(commit)

	mu      sync.Mutex
	ready   sync.Cond
	queue   []part
	bytes   int // waiting
	closing bool
	workers sync.WaitGroup
	last    atomic.Uint64 // highest sequence known to be on disk
}

func newLane(l *tlog.Log, stream event.Stream, limit, workers int, observe func(commit)) *lane {
	ln := &lane{log: l, stream: stream, limit: limit, observe: observe}
	ln.ready.L = &ln.mu
	for range workers {
		ln.workers.Go(ln.work)
	}
	return ln
}

// add queues parts, all or none. Each settles its ticket once. The error is errFull, or that the lane is closing.
func (ln *lane) add(parts []part) error {
	if len(parts) == 0 {
		return nil
	}
	size := 0
	for i := range parts {
		size += len(parts[i].out.Payload)
	}
	ln.mu.Lock()
	defer ln.mu.Unlock()
	if ln.closing {
		return errClosing
	}
	if ln.bytes > 0 && ln.bytes+size > ln.limit {
		return errFull
	}
	for i := range parts {
		parts[i].ticket.waiting.Add(1)
	}
	ln.queue = append(ln.queue, parts...)
	ln.bytes += size
	ln.ready.Signal()
	return nil
}

// close lets the lane commit what waits and returns when all is settled.
func (ln *lane) close() {
	ln.mu.Lock()
	ln.closing = true
	ln.ready.Broadcast()
	ln.mu.Unlock()
	ln.workers.Wait()
}

func (ln *lane) work() {
	for {
		group := ln.take()
		if group == nil {
			return
		}
		ln.commit(group)
	}
}

// group is what one commit publishes: messages, and the parts in them.
type group struct {
	out     []tlog.Outgoing
	tickets []*ticket // of the parts
	message []int     // in out, of each part
	own     []bool    // whether the payload of a message is the group's to append to, not that of its first part
	bytes   int
}

type groupKey struct{ subject, credential string }

// take waits for parts and packs as many as one commit holds; nil when the lane is closed and empty.
func (ln *lane) take() *group {
	ln.mu.Lock()
	defer ln.mu.Unlock()
	for len(ln.queue) == 0 {
		if ln.closing {
			return nil
		}
		ln.ready.Wait()
	}
	g, open, n := &group{}, make(map[groupKey]int), 0
	for n < len(ln.queue) && g.add(&ln.queue[n], open) {
		n++
	}
	rest := copy(ln.queue, ln.queue[n:])
	clear(ln.queue[rest:])
	ln.queue = ln.queue[:rest]
	ln.bytes -= g.bytes
	if rest > 0 {
		ln.ready.Signal()
	}
	return g
}

// add packs one part, unless the group is full.
func (g *group) add(p *part, open map[groupKey]int) bool {
	size := len(p.out.Payload)
	if len(g.out) > 0 && g.bytes+size > maxCommitBytes {
		return false
	}
	key := groupKey{p.out.Subject, p.out.Credential}
	i, ok := open[key]
	switch {
	case ok && p.out.ExpectLastSubjectSeq == nil && len(g.out[i].Payload)+1+size <= tlog.MaxPayload:
		g.extend(i, p.out.Payload)
	case len(g.out) == tlog.MaxBatch:
		return false
	default:
		i = len(g.out)
		if p.out.ExpectLastSubjectSeq == nil {
			open[key] = i
		}
		g.out, g.own = append(g.out, p.out), append(g.own, false)
	}
	g.tickets, g.message = append(g.tickets, p.ticket), append(g.message, i)
	g.bytes += size
	return true
}

// extend appends lines to a message.
func (g *group) extend(i int, lines []byte) {
	payload := g.out[i].Payload
	if !g.own[i] {
		payload = append(make([]byte, 0, 2*(len(payload)+len(lines))), payload...)
		g.own[i] = true
	}
	g.out[i].Payload = append(append(payload, '\n'), lines...)
}

// commit publishes a group and settles its parts.
func (ln *lane) commit(g *group) {
	c := startCommit(ln.stream, len(g.out), g.bytes)
	// A commit is never cancelled: what it stored must be known. The log bounds its time.
	ctx := context.Background()
	seqs, err := ln.log.Publish(ctx, g.out)
	if errors.Is(err, tlog.ErrConflict) {
		ln.commitApart(ctx, g, seqs)
		ln.observe(c.end(nil))
		return
	}
	ln.settle(g, seqs, func(int) error { return err })
	ln.observe(c.end(err))
}

// commitApart publishes the messages of a group that were not stored one by one, because one of them came too late for
// its subject.
func (ln *lane) commitApart(ctx context.Context, g *group, seqs []uint64) {
	errs := make([]error, len(g.out))
	for i := range g.out {
		if seqs[i] != 0 {
			continue
		}
		var stored []uint64
		if stored, errs[i] = ln.log.Publish(ctx, g.out[i:i+1]); errs[i] == nil {
			seqs[i] = stored[0]
		}
	}
	ln.settle(g, seqs, func(i int) error { return errs[i] })
}

// settle tells every part what became of its message: stored if it has a sequence, else the error.
func (ln *lane) settle(g *group, seqs []uint64, failure func(message int) error) {
	for i, t := range g.tickets {
		at := g.message[i]
		if at < len(seqs) && seqs[at] != 0 {
			ln.passed(seqs[at])
			t.settle(ln.stream, seqs[at], nil)
			continue
		}
		err := failure(at)
		if err == nil {
			err = errUnavailable // no sequence, no success
		}
		t.settle(ln.stream, 0, err)
	}
}

// passed records that a sequence is on disk.
func (ln *lane) passed(seq uint64) {
	for last := ln.last.Load(); last < seq && !ln.last.CompareAndSwap(last, seq); last = ln.last.Load() {
	}
}
