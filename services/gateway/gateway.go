// Package gateway takes events in: it authenticates, checks, sorts out resends, packs, and answers once the log has them
// on disk.
//
//	request ──▶ decode, check ──▶ allocations ──▶ claim identities ──▶ lanes ──▶ wait ──▶ answer
//	request ──▶    …                 │                                 │ │ │
//	                                 ▼                                 ▼ ▼ ▼
//	                          lane ALLOCATIONS          lanes EVENTS, STUDIES, QUARANTINE
//
// Requests are handled in their own goroutines. Each lane has one or two goroutines that commit what gathers while the
// commit before is synced (group commit), one atomic batch at a time. Further goroutines follow the stream of studies,
// count the quarantine, replay from it what a new definition cures, and watch the free space.
//
// Nothing is acknowledged that is not on disk. When any part of a request cannot be written the whole request is 503 and
// is to be sent again: what was written of it is then recognised as a duplicate, here or by the projector.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/auth"
	tlog "github.com/throughline-trials/throughline/services/log"
)

// bucketName is the key-value bucket of what gateways share.
const bucketName = "gateway"

// The reasons for which a request cannot be handled now. [Gateway.Submit] returns errors that wrap one of them or
// [context] errors; all mean: send it again later.
var (
	errClosing     = errors.New("the gateway is closing")
	errUnavailable = errors.New("the log cannot be used now")
	errDiskFull    = errors.New("the disk of the log is nearly full")
)

// Gateway takes events in. Make it with [New].
type Gateway struct {
	config  Config
	auth    Authenticator
	log     *tlog.Log
	metrics *metrics
	memory  budget
	slots   chan struct{}

	recents    *recents
	studies    *studies
	quarantine *quarantine
	replayer   *replayer
	space      *space

	eventLane, studyLane, allocationLane *lane

	ctx      context.Context // ends when the gateway closes
	cancel   context.CancelFunc
	workers  sync.WaitGroup
	requests requestGroup
}

// New starts a gateway: it reads the studies and begins to follow them. The context bounds the start only. Close ends it.
func New(ctx context.Context, config Config, deps Deps) (*Gateway, error) {
	if err := config.Validate(); err != nil {
		return nil, fmt.Errorf("check gateway configuration: %w", err)
	}
	config = config.withDefaults()
	m, err := newMetrics(config.Metrics)
	if err != nil {
		return nil, err
	}
	bucket, err := openBucket(ctx, deps.Log.JetStream())
	if err != nil {
		return nil, err
	}
	g := &Gateway{
		config: config, auth: deps.Auth, log: deps.Log, metrics: m, memory: budget{limit: config.MaxMemory},
		slots: make(chan struct{}, config.MaxRequests), recents: newRecents(config.Recent),
		studies: newStudies(deps.Log, config.Clock, config.Logger),
	}
	if err := g.studies.load(ctx); err != nil {
		return nil, err
	}
	g.quarantine, err = newQuarantine(ctx, deps.Log, bucket, config.QuarantineLimit, config.Logger)
	if err != nil {
		return nil, err
	}
	g.replayer = newReplayer(g, bucket)
	if config.FreeSpace != nil {
		g.space = &space{probe: config.FreeSpace, reserve: config.Reserve}
		if err := g.space.look(); err != nil {
			return nil, err
		}
	}
	end, err := deps.Log.End(ctx)
	if err != nil {
		return nil, err
	}
	g.start(end)
	return g, nil
}

func openBucket(ctx context.Context, js jetstream.JetStream) (jetstream.KeyValue, error) {
	bucket, err := js.KeyValue(ctx, bucketName)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		bucket, err = js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: bucketName, Description: "Throughline: what gateways share", Storage: jetstream.FileStorage,
		})
	}
	if err != nil {
		return nil, fmt.Errorf("open bucket of gateways: %w", err)
	}
	return bucket, nil
}

func (g *Gateway) start(end tlog.Position) {
	g.ctx, g.cancel = context.WithCancel(context.Background())
	c := g.config
	lane := func(s event.Stream, workers int) *lane {
		l := newLane(g.log, s, c.QueueBytes, workers, g.metrics.committed)
		l.passed(end.At(s))
		return l
	}
	g.eventLane = lane(event.StreamEvents, c.Commits)
	g.allocationLane = lane(event.StreamAllocations, 1)
	g.studyLane = lane(event.StreamStudies, 1)
	g.quarantine.lane = lane(tlog.StreamQuarantine, 1)
	g.workers.Go(func() { g.studies.follow(g.ctx) })
	g.workers.Go(func() { g.quarantine.count(g.ctx) })
	g.workers.Go(func() { g.replayer.run(g.ctx) })
	if g.space != nil {
		g.workers.Go(func() {
			g.space.watch(g.ctx, func(err error) { g.config.Logger.Error("cannot watch the disk", "error", err) })
		})
	}
}

// Run waits until ctx ends, then closes the gateway within the configured read timeout and returns nil if everything in
// flight was answered.
func (g *Gateway) Run(ctx context.Context) error {
	<-ctx.Done()
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), g.config.ReadTimeout)
	defer cancel()
	return g.Close(closing)
}

// Close refuses what comes from now on, waits until everything in flight is answered, and stops the gateway. It returns
// the context's error if that does not come about in time. Closing again does nothing.
func (g *Gateway) Close(ctx context.Context) error {
	drained := g.requests.close()
	select {
	case <-drained:
	case <-ctx.Done():
		return fmt.Errorf("close gateway: %w", ctx.Err())
	}
	g.cancel()
	g.workers.Wait()
	for _, l := range []*lane{g.eventLane, g.allocationLane, g.studyLane, g.quarantine.lane} {
		l.close()
	}
	return nil
}

// Submit takes events in like a request does, whatever their number up to some thousands. The error means that none may
// be taken for done and all are to be sent again.
func (g *Gateway) Submit(ctx context.Context, grant auth.Grant, events []event.Event) (Result, error) {
	raws := make([][]byte, len(events))
	for i := range events {
		raws[i] = events[i].AppendJSON(nil)
	}
	return g.SubmitRaw(ctx, grant, raws)
}

// SubmitRaw is [Gateway.Submit] for events as JSON objects.
func (g *Gateway) SubmitRaw(ctx context.Context, grant auth.Grant, raws [][]byte) (Result, error) {
	return g.handle(ctx, submission{grant: grant, raws: raws})
}

// submission is what one request sends.
type submission struct {
	grant      auth.Grant
	raws       [][]byte // one JSON object each
	unreadable string   // why the whole cannot be read, if so: raws then hold it as one
	replay     bool     // of the quarantine: what is refused again, or known already, is not recorded again
}

// handle takes the events of one request in.
func (g *Gateway) handle(ctx context.Context, s submission) (Result, error) {
	if !g.requests.enter() {
		return Result{}, errClosing
	}
	defer g.requests.leave()
	if g.space != nil && g.space.low.Load() {
		return Result{}, errDiskFull
	}
	b := &batch{submission: s, gateway: g, ticket: newTicket(), items: make([]item, len(s.raws))}
	for i, raw := range s.raws {
		b.items[i].index, b.items[i].raw = i, raw
	}
	r, err := b.run(ctx)
	if err != nil {
		return Result{}, err
	}
	if !s.replay {
		g.metrics.handled(b.items, r)
	}
	return r, nil
}

// acknowledged returns a position that covers everything this gateway knows to be on disk.
func (g *Gateway) acknowledged() tlog.Position {
	return tlog.Position{
		Events: g.eventLane.last.Load(), Allocations: g.allocationLane.last.Load(),
		Studies: max(g.studyLane.last.Load(), g.studies.last()), Quarantine: 0,
	}
}

// requestGroup counts what is in flight, and can be closed for more.
type requestGroup struct {
	mu      sync.Mutex
	n       int
	closing bool
	drained chan struct{}
}

func (r *requestGroup) enter() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closing {
		return false
	}
	r.n++
	return true
}

func (r *requestGroup) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n--
	if r.closing && r.n == 0 {
		close(r.drained)
	}
}

// close lets nothing more in and returns a channel that is closed when all have left.
func (r *requestGroup) close() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closing {
		r.closing = true
		r.drained = make(chan struct{})
		if r.n == 0 {
			close(r.drained)
		}
	}
	return r.drained
}
