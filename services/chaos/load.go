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

// load sends batches from several workers until it is told to finish.
type load struct {
	run    *run
	cancel context.CancelFunc
	done   sync.WaitGroup

	start time.Time
	acked atomic.Int64 // events, of this load
	ended atomic.Int64 // nanoseconds that the load lasted, 0 while it lasts
	stop  atomic.Bool
	fault atomic.Pointer[error]
}

func (r *run) load(ctx context.Context) *load {
	ctx, cancel := context.WithCancel(ctx)
	l := &load{run: r, cancel: cancel, start: time.Now()}
	for range r.Workers {
		l.done.Go(func() { l.work(ctx) })
	}
	return l
}

func (l *load) work(ctx context.Context) {
	for !l.stop.Load() && ctx.Err() == nil {
		if err := l.run.send(ctx, l.run.ledger.take()); err != nil {
			l.fault.CompareAndSwap(nil, &err)
			return
		}
		l.acked.Add(batchSize)
	}
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

// aim freezes the process again and again until it stands at the wanted moment, kills it there and returns the moment.
func (r *run) aim(ctx context.Context, l *load, want Moment) (Moment, error) {
	if want == ProjectorOnly {
		return ProjectorOnly, r.target.killProjector()
	}
	deadline := time.Now().Add(5 * time.Second)
	for ctx.Err() == nil {
		if err := l.failure(); err != nil {
			return want, fmt.Errorf("load: %w", err)
		}
		if err := r.target.freeze(); err != nil {
			return want, err
		}
		got, ok := r.moment()
		if ok && (got == want || time.Now().After(deadline)) {
			return got, r.target.kill()
		}
		if err := r.target.thaw(); err != nil {
			return want, err
		}
		pause(ctx, time.Duration(r.rng.IntN(3000))*time.Microsecond)
	}
	return want, ctx.Err()
}

// moment says where the frozen process stands.
func (r *run) moment() (Moment, bool) {
	m, err := r.target.readMarker()
	switch {
	case err != nil:
		return 0, false
	case m.inserting:
		return InsideInsert, true
	case sequence(r.ledger.position()) > m.inserted:
		return BeforeInsert, true
	case r.ledger.inFlight() > 0:
		return BeforeAnswer, true
	}
	return 0, false
}
