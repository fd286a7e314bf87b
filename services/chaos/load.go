package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// manner is how a load sends.
type manner int

const (
	flatOut manner = iota // as fast as answers come
	steady                // [steadyRate] at most
	bursts                // a batch from every worker at once, whenever all that was answered is in the facts
)

// steadyRate is well above what must be in flight at a kill, and bounds what a long run leaves to be verified.
const steadyRate = 6000

// load sends batches from several workers until it is told to finish.
type load struct {
	run    *run
	manner manner
	cancel context.CancelFunc
	done   sync.WaitGroup
	turns  chan struct{} // a worker sends when it gets one; closed where no turns are waited for

	start time.Time
	acked atomic.Int64 // events, of this load
	ended atomic.Int64 // nanoseconds that the load lasted, 0 while it lasts
	stop  atomic.Bool
	fault atomic.Pointer[error]
}

func (r *run) load(ctx context.Context, how manner) *load {
	ctx, cancel := context.WithCancel(ctx)
	l := &load{run: r, manner: how, cancel: cancel, turns: make(chan struct{}), start: time.Now()}
	for range r.Workers {
		l.done.Go(func() { l.work(ctx) })
	}
	l.done.Go(func() { l.give(ctx) })
	return l
}

func (l *load) work(ctx context.Context) {
	for ctx.Err() == nil {
		if _, open := <-l.turns; !open {
			return
		}
		if err := l.run.send(ctx, l.run.ledger.take()); err != nil {
			l.fault.CompareAndSwap(nil, &err)
			l.stop.Store(true)
			return
		}
		l.acked.Add(batchSize)
	}
}

// give hands out turns until the load is to stop.
func (l *load) give(ctx context.Context) {
	defer close(l.turns)
	const idle = time.Millisecond
	for n := 0; !l.stop.Load() && ctx.Err() == nil; {
		if !l.due(n) {
			pause(ctx, idle)
			continue
		}
		turns := 1
		if l.manner == bursts {
			turns = l.run.Workers
		}
		for given := 0; given < turns && !l.stop.Load(); {
			select {
			case l.turns <- struct{}{}:
				given++
			case <-time.After(100 * idle): // whoever would take it may be gone
			case <-ctx.Done():
				return
			}
		}
		n += turns
	}
}

// due reports whether the turn after n others has come.
func (l *load) due(n int) bool {
	switch l.manner {
	case steady:
		return time.Since(l.start) >= time.Duration(n)*batchSize*time.Second/steadyRate
	case bursts:
		return l.run.ledger.inFlight() == 0 && l.run.caughtUp()
	}
	return true
}

func (l *load) acknowledged() int { return l.run.ledger.size() }

// rate is the number of acknowledged events per second of the load.
func (l *load) rate() float64 {
	lasted := time.Duration(l.ended.Load())
	if lasted == 0 {
		lasted = time.Since(l.start)
	}
	return float64(l.acked.Load()) / lasted.Seconds()
}

func (l *load) failure() error {
	if p := l.fault.Load(); p != nil {
		return *p
	}
	return nil
}

// finish lets every request end and returns the first failure.
func (l *load) finish() error {
	l.ended.CompareAndSwap(0, int64(time.Since(l.start)))
	l.stop.Store(true)
	l.done.Wait()
	l.cancel()
	return l.failure()
}

// finishKilled ends a load whose server was killed: requests without an answer stay in the ledger as such.
func (l *load) finishKilled() {
	l.ended.CompareAndSwap(0, int64(time.Since(l.start)))
	l.stop.Store(true)
	l.done.Wait()
	l.cancel()
}

// send posts a batch and enters the acknowledgement of all of it.
func (r *run) send(ctx context.Context, b batch) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.target.http+"/v1/events", bytes.NewReader(r.ledger.body(b)))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/cloudevents-batch+json")
	res, err := r.target.client.Do(req)
	if err != nil {
		return fmt.Errorf("send batch: %w", err)
	}
	defer res.Body.Close()
	var answer struct {
		Accepted, Duplicates int
		Position             string
	}
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if res.StatusCode != http.StatusAccepted {
		return fmt.Errorf("send batch: %s: %.300s", res.Status, text)
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if answer.Accepted+answer.Duplicates != batchSize {
		return fmt.Errorf("%d of %d events were accepted", answer.Accepted+answer.Duplicates, batchSize)
	}
	r.ledger.acknowledge(b, answer.Position)
	return nil
}

// leastRate is what must be in flight at a kill, in events per second.
const leastRate = 2000

// warmUp returns when the load runs as fast as it must and a random while has passed, or after twenty seconds.
func (r *run) warmUp(ctx context.Context, l *load) error {
	const patience, step = 20 * time.Second, 10 * time.Millisecond
	pause(ctx, time.Duration(200+r.rng.IntN(500))*time.Millisecond)
	for l.rate() < leastRate*5/4 && time.Since(l.start) < patience && ctx.Err() == nil {
		if err := l.failure(); err != nil {
			return fmt.Errorf("load: %w", err)
		}
		pause(ctx, step)
	}
	return ctx.Err()
}

// aim waits until the process seems to be at the wanted moment, freezes it a little later, kills it if it stands at that
// moment, else lets it go on and waits for the next. It returns the moment at which the process was killed.
// After five seconds any moment is good enough.
func (r *run) aim(ctx context.Context, l *load, want Moment) (Moment, error) {
	if want == ProjectorOnly {
		return ProjectorOnly, r.target.killProjector()
	}
	deadline := time.Now().Add(5 * time.Second)
	for ctx.Err() == nil {
		if err := l.failure(); err != nil {
			return want, fmt.Errorf("load: %w", err)
		}
		late := time.Now().After(deadline)
		if seen, ok := r.moment(); !late && (!ok || seen != want) {
			pause(ctx, 300*time.Microsecond)
			continue
		}
		pause(ctx, time.Duration(r.rng.IntN(8000))*time.Microsecond) // not always where the moment begins
		if err := r.target.freeze(ctx); err != nil {
			return want, err
		}
		if got, ok := r.moment(); ok && (got == want || late) {
			return got, r.target.kill()
		}
		if err := r.target.thaw(); err != nil {
			return want, err
		}
	}
	return want, ctx.Err()
}

// moment says where the process stands: for certain if it is frozen.
func (r *run) moment() (Moment, bool) {
	m, err := r.target.readMarker()
	switch {
	case err != nil:
		return 0, false
	case m.inserting:
		return InsideInsert, true // whatever else is on its way
	case sequence(r.ledger.position()) > max(m.inserted, r.settled):
		return BeforeInsert, true
	case r.ledger.inFlight() > 0:
		return BeforeAnswer, true
	}
	return 0, false
}

// caughtUp reports whether all that was answered is in the facts.
func (r *run) caughtUp() bool {
	m, err := r.target.readMarker()
	return err == nil && !m.inserting && max(m.inserted, r.settled) >= sequence(r.ledger.position())
}
