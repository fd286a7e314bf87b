// Package projector turns the log into facts: every line of every message of four streams into one row of the fact table
// of the same name, exactly once, whatever dies when.
//
// The checkpoint is a property of the data: a row carries the sequence of its message, one INSERT is one part of whole
// messages, so the largest sequence in a table says what it holds, and projection goes on after it. What makes that true:
// one writer (a lease keeps others out), an INSERT that is never cancelled, and after any error a look at the table that
// waits until no INSERT is running.
//
//	          ┌ lease: one projector at a time ┐
//	log ─▶ reader ─▶ queue ─▶ writer ─▶ table        four times: events, allocations, studies, quarantine
//	       (decode,  (what is  (dedup,    │
//	        check)    there)    INSERT)   ▼
//	                              monitor ─▶ Progress ─▶ analyst, API, other processes
//
// Each stream has a reader and a writer goroutine; they end together and are begun again, with growing pauses, after an
// error. The monitor compares what is projected with the end of the log.
package projector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/log"
	"github.com/throughline-trials/throughline/services/store"
)

// Config is what a projector needs. Log and Store are required.
type Config struct {
	Log        *log.Log
	Store      *store.Store
	Registerer prometheus.Registerer // of the metrics; none are registered if nil
	Logger     *slog.Logger          // [slog.Default] if nil

	MaxRows  int           // rows of one INSERT, give or take one message; 25,000 if 0
	MaxBytes int           // payload bytes of one INSERT, give or take one message; 16 MiB if 0
	Gather   time.Duration // how long the first rows after a pause wait for others; 20 ms if 0
	Interval time.Duration // least time between the beginnings of two small INSERTs; 150 ms if 0
	LeaseTTL time.Duration // a holder that has been silent for so long is taken for dead; 3 s if 0

	Trace func(TracePoint) // told what is being done, for fault injection; may be nil

	// Reset is called when the rows of a table are not those that were there before: it was emptied because it could
	// not be trusted, or replaced by a rebuild. May be nil.
	Reset func(stream event.Stream)
}

// Validate returns all that is wrong with the configuration.
func (c Config) Validate() error {
	var errs []error
	if c.Log == nil {
		errs = append(errs, errors.New("Log is missing"))
	}
	if c.Store == nil {
		errs = append(errs, errors.New("Store is missing"))
	}
	if c.MaxRows < 0 || c.MaxRows > store.MaxInsertRows/2 {
		errs = append(errs, fmt.Errorf("MaxRows is %d: want 1 to %d", c.MaxRows, store.MaxInsertRows/2))
	}
	if c.MaxBytes < 0 || c.MaxBytes > 64<<20 {
		errs = append(errs, fmt.Errorf("MaxBytes is %d: want 1 to %d", c.MaxBytes, 64<<20))
	}
	for name, d := range map[string]time.Duration{"Gather": c.Gather, "Interval": c.Interval, "LeaseTTL": c.LeaseTTL} {
		if d < 0 || d > time.Minute {
			errs = append(errs, fmt.Errorf("%s is %s: want 0 to 1m", name, d))
		}
	}
	return errors.Join(errs...)
}

func (c Config) withDefaults() Config {
	setDefault(&c.Logger, slog.Default())
	setDefault(&c.MaxRows, 25_000)
	setDefault(&c.MaxBytes, 16<<20)
	setDefault(&c.Gather, 20*time.Millisecond)
	setDefault(&c.Interval, 150*time.Millisecond)
	setDefault(&c.LeaseTTL, 3*time.Second)
	if c.Trace == nil {
		c.Trace = func(TracePoint) {}
	}
	if c.Reset == nil {
		c.Reset = func(event.Stream) {}
	}
	return c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Streams returns the streams that are projected.
func Streams() []event.Stream {
	return []event.Stream{event.StreamEvents, event.StreamAllocations, event.StreamStudies, log.StreamQuarantine}
}

// Projector projects the log. Its methods are safe for concurrent use.
type Projector struct {
	config    Config
	metrics   *metrics
	progress  *Progress
	followers []*follower
	lease     atomic.Pointer[lease] // the last that was acquired
	woken     chan struct{}         // something was projected
	readying  sync.Once
	ready     chan struct{}
	rebuild   chan struct{} // holds one token: one rebuild at a time
}

// New makes a projector; [Projector.Run] sets it to work.
func New(config Config) (*Projector, error) {
	if err := config.Validate(); err != nil {
		return nil, fmt.Errorf("check projector configuration: %w", err)
	}
	config = config.withDefaults()
	p := &Projector{
		config: config, progress: newEpoch(), woken: make(chan struct{}, 1),
		ready: make(chan struct{}), rebuild: make(chan struct{}, 1),
	}
	metrics, err := newMetrics(config.Registerer)
	if err != nil {
		return nil, err
	}
	p.metrics = metrics
	for _, stream := range Streams() {
		p.followers = append(p.followers, newFollower(p, stream))
	}
	return p, nil
}

// newEpoch returns the progress of a projector that has not looked yet: what others knew of one before is over.
func newEpoch() *Progress {
	p := NewProgress()
	p.state.Epoch = uint64(time.Now().UnixMicro())
	return p
}

// Run makes a projector and runs it.
func Run(ctx context.Context, config Config) error {
	p, err := New(config)
	if err != nil {
		return err
	}
	return p.Run(ctx)
}

// Ready is closed once everything that the log held at the beginning of Run is projected.
func (p *Projector) Ready() <-chan struct{} { return p.ready }

// Progress says how far projection has come.
func (p *Projector) Progress() *Progress { return p.progress }

// Run projects until ctx ends, and then returns nil once no INSERT is running. Passing faults of log and database are
// logged and tried again for ever. While another projector holds the lease it waits, and follows that one's progress.
func (p *Projector) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		err := p.runOnce(ctx)
		if ctx.Err() != nil {
			break
		}
		p.config.Logger.Warn("projection interrupted, beginning again", "error", err)
		pause(ctx, time.Second)
	}
	return nil
}

// runOnce takes the lease and projects until it is lost or ctx ends.
func (p *Projector) runOnce(ctx context.Context) error {
	l, err := openLease(ctx, p.config.Log.JetStream(), p.config.LeaseTTL, p.config.Logger)
	if err != nil {
		return err
	}
	if err := p.acquire(ctx, l); err != nil {
		return err
	}
	defer l.release()
	p.lease.Store(l)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var group sync.WaitGroup
	group.Go(func() { cancel(l.keep(ctx)) })
	group.Go(func() { p.monitor(ctx, l) })
	group.Go(func() { p.serve(ctx) })
	for _, f := range p.followers {
		group.Go(func() { f.run(ctx, l) })
	}
	group.Wait()
	for _, f := range p.followers {
		f.abandon()
	}
	return context.Cause(ctx)
}

func (p *Projector) holdsLease() bool {
	l := p.lease.Load()
	return l != nil && l.held()
}

// acquire waits for the lease, and while another holds it shows that one's progress.
func (p *Projector) acquire(ctx context.Context, l *lease) error {
	watching, stop := context.WithCancel(ctx)
	var group sync.WaitGroup
	err := l.acquire(ctx, func() {
		group.Go(func() { _ = Follow(watching, p.config.Log, p.progress) }) // ends with the watching
	})
	stop()
	group.Wait()
	return err
}

func (p *Projector) wake() {
	select {
	case p.woken <- struct{}{}:
	default:
	}
}

// pause waits, or returns early with ctx.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
