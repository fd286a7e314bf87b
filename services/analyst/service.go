package analyst

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/throughline-trials/throughline/services/projector"
	"github.com/throughline-trials/throughline/services/store"
)

// Config is what a [Service] needs.
type Config struct {
	Store      *store.Store
	Progress   *projector.Progress   // of the projector in this process, or followed
	Registerer prometheus.Registerer // of metrics; none if nil
	Logger     *slog.Logger          // [slog.Default] if nil

	// ReadOnly keeps the table of participants as it is: for processes that only answer, beside one that keeps it.
	ReadOnly bool
	// Results keeps the tables of results, which dashboards read, at every cut; it costs about 30 µs a participant and cut.
	Results bool
	// Cached bounds how many records of past cut-offs are kept for the next question; 50,000 if 0.
	Cached int
	// HotBytes bounds the memory for rows of the participants that were touched last; 64 MiB if 0.
	HotBytes int
}

// Validate returns all that is wrong with the configuration.
func (c Config) Validate() error {
	var errs []error
	if c.Store == nil {
		errs = append(errs, errors.New("store: is missing"))
	}
	if c.Progress == nil {
		errs = append(errs, errors.New("progress: is missing"))
	}
	if c.Cached < 0 {
		errs = append(errs, fmt.Errorf("cached %d: must not be negative", c.Cached))
	}
	if c.HotBytes < 0 {
		errs = append(errs, fmt.Errorf("hot bytes %d: must not be negative", c.HotBytes))
	}
	return errors.Join(errs...)
}

// How often records are brought up to date. The rest between two rounds grows with the time that the last one took, and
// more so while the projection lags, so that ingestion keeps its speed.
const (
	leastRest   = 50 * time.Millisecond
	mostRest    = 10 * time.Second
	shortRound  = 250 * time.Millisecond
	shortRatio  = 1
	longRatio   = 2
	laggedRatio = 5
	lagged      = time.Second
	retryRest   = time.Second
	saveEvery   = time.Second
	saveRatio   = 10
	lastSave    = 5 * time.Second
)

// Service keeps the records of all participants up to date with the facts. Its [Reader] answers while [Service.Run] runs.
type Service struct {
	config  Config
	engine  *engine
	reader  *Reader
	metrics *metrics
	table   table

	unsaved map[store.Participant]change
	anew    bool      // the table must be written anew
	due     time.Time // of the next saving
	created []time.Time
	number  uint64 // of the last generation
}

// New returns a service that does nothing yet.
func New(config Config) (*Service, error) {
	if err := config.Validate(); err != nil {
		return nil, fmt.Errorf("check configuration of analyst: %w", err)
	}
	if config.Logger == nil {
		config.Logger = slog.Default()
	}
	if config.Cached == 0 {
		config.Cached = 50_000
	}
	if config.HotBytes == 0 {
		config.HotBytes = 64 << 20
	}
	e := newEngine(source{config.Store}, config.Progress, config.HotBytes)
	m, err := newMetrics(config.Registerer)
	if err != nil {
		return nil, err
	}
	return &Service{
		config: config, engine: e, metrics: m, table: table{config.Store}, reader: newReader(e, config.Cached),
		unsaved: map[store.Participant]change{},
	}, nil
}

// Run keeps a service going until ctx ends. It is New and Run in one, for those who need no reader.
func Run(ctx context.Context, config Config) error {
	s, err := New(config)
	if err != nil {
		return err
	}
	return s.Run(ctx)
}

// Reader returns the reader of the service's records.
func (s *Service) Reader() *Reader { return s.reader }

// Run keeps the records up to date until ctx ends; then it returns nil. Passing errors are logged and tried again.
func (s *Service) Run(ctx context.Context) error {
	if err := s.begin(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("start analyst: %w", err)
	}
	defer s.startResults(ctx)()
	for ctx.Err() == nil {
		_, changed := s.config.Progress.Watch()
		began := time.Now()
		err := s.round(ctx)
		rest := s.rest(time.Since(began))
		if err != nil && ctx.Err() == nil {
			s.config.Logger.Warn("records cannot be brought up to date", "error", err)
			s.metrics.failures.Inc()
			rest = retryRest
		}
		pause(ctx, rest, nil)
		if err == nil {
			s.await(ctx, changed)
		}
	}
	s.finish()
	return nil
}

// startResults begins to keep the tables of results, if they are wanted; the function that it returns waits for the end of that, which comes
// with the end of ctx.
func (s *Service) startResults(ctx context.Context) (wait func()) {
	if s.config.ReadOnly || !s.config.Results {
		return func() {}
	}
	var running sync.WaitGroup
	w := newResultWriter(s.engine, s.config.Store, s.config.Logger)
	running.Go(func() { w.run(ctx) })
	return running.Wait
}

// finish saves what is not saved yet; what cannot be is derived again at the next start.
func (s *Service) finish() {
	if s.config.ReadOnly || len(s.unsaved) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), lastSave)
	defer cancel()
	if err := s.save(ctx); err != nil {
		s.config.Logger.Warn("the last records cannot be saved", "error", err)
	}
}

// await returns when the projection has moved, or when records wait to be saved.
func (s *Service) await(ctx context.Context, changed <-chan struct{}) {
	if len(s.unsaved) > 0 {
		pause(ctx, time.Until(s.due), changed)
		return
	}
	select {
	case <-changed:
	case <-ctx.Done():
	}
}

// pause waits for a time, for the end of ctx or for a channel to close.
func pause(ctx context.Context, d time.Duration, closed <-chan struct{}) {
	timer := time.NewTimer(max(0, d))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-closed:
	case <-ctx.Done():
	}
}

// rest returns how long to leave the processors to others after a round.
func (s *Service) rest(took time.Duration) time.Duration {
	ratio := time.Duration(longRatio)
	state := s.config.Progress.State()
	switch {
	case !state.CaughtUp && time.Since(state.Through) > lagged:
		ratio = laggedRatio
	case took < shortRound:
		ratio = shortRatio
	}
	return min(max(leastRest, took*ratio), mostRest)
}

// begin makes the table and starts from the records in it, if they are of these facts.
func (s *Service) begin(ctx context.Context) error {
	if !s.config.ReadOnly {
		if err := s.config.Store.Migrate(ctx, tableComponent, migrations()); err != nil {
			return err
		}
		if err := s.config.Store.Migrate(ctx, resultsComponent, resultMigrations()); err != nil {
			return err
		}
	}
	state, changed := s.config.Progress.Watch()
	for state.Through.IsZero() {
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
		state, changed = s.config.Progress.Watch()
	}
	created, err := s.streams(ctx)
	if err != nil {
		return err
	}
	s.created = created
	if err := s.resume(ctx, state); err != nil {
		s.config.Logger.Info("records are derived anew", "reason", err)
		s.anew = true
	}
	return nil
}

// streams returns when the streams of the facts were made.
func (s *Service) streams(ctx context.Context) ([]time.Time, error) {
	var out []time.Time
	for _, name := range store.Tables() {
		c, err := s.config.Store.Checkpoint(ctx, name)
		if err != nil {
			return nil, err
		}
		out = append(out, c.Created...)
	}
	return out, nil
}

var errOtherFacts = errors.New("there are none, or they are of other facts")

// resume loads the records of the table; an error means that there are none to rely on.
func (s *Service) resume(ctx context.Context, state projector.State) error {
	byStudy := map[string][]*Record{}
	reached, err := s.table.load(ctx, func(r *Record) { byStudy[r.Study] = append(byStudy[r.Study], r) })
	if err != nil {
		return err
	}
	if reached.Format == 0 || !state.Projected.Covers(reached.Position) || reached.Through.After(state.Through) || !sameTimes(reached.Created, s.created) {
		return errOtherFacts
	}
	ids, err := s.config.Store.Studies(ctx)
	if err != nil {
		return err
	}
	cohorts := map[string]*cohort{}
	for _, id := range ids {
		edition, err := s.engine.source.edition(ctx, id, reached.Through, nil)
		if err != nil {
			return err
		}
		c := &cohort{edition: edition, plan: edition.current(reached.Through), since: reached.Through, place: map[string]int{}}
		for _, r := range byStudy[id] {
			if c.plan == nil || r.Version != c.plan.version {
				return errOtherFacts
			}
		}
		c.put(byStudy[id])
		cohorts[id] = c
	}
	s.engine.publish(cut{position: reached.Position, through: reached.Through, epoch: state.Epoch}, cohorts)
	return nil
}

// sameTimes reports whether the streams of a are among those of b: a stream that had no rows then may have some now.
func sameTimes(a, b []time.Time) bool {
	return !slices.ContainsFunc(a, func(t time.Time) bool {
		return !slices.ContainsFunc(b, t.Equal)
	})
}

// round brings the records up to date and saves them now and then.
func (s *Service) round(ctx context.Context) error {
	began := time.Now()
	done, err := s.engine.refresh(ctx)
	if err != nil {
		return err
	}
	s.metrics.refreshed(done, began, s.engine)
	if s.config.ReadOnly {
		return nil
	}
	if done.all {
		s.anew = true
		clear(s.unsaved)
	}
	for _, c := range done.changes {
		s.unsaved[store.Participant{Study: c.record.Study, Participant: c.record.Participant}] = c
	}
	if len(s.unsaved) == 0 || time.Now().Before(s.due) {
		return nil
	}
	return s.save(ctx)
}

// saveRows bounds one INSERT.
const saveRows = 50_000

func (s *Service) save(ctx context.Context) error {
	began := time.Now()
	defer func() { s.due = time.Now().Add(max(saveEvery, saveRatio*time.Since(began))) }()
	if s.anew {
		if err := s.table.clear(ctx); err != nil {
			return err
		}
		if created, err := s.streams(ctx); err == nil {
			s.created = created
		}
		s.anew = false
	}
	at, _ := s.engine.at()
	s.number = max(s.number+1, uint64(time.Now().UnixMicro()))
	changes := slices.Collect(maps.Values(s.unsaved))
	for len(changes) > saveRows {
		// What is written before the last part is newer than the row that says how far records reach: that row promises
		// no less than there is.
		if err := s.table.save(ctx, changes[:saveRows], reach{}, s.number); err != nil {
			return err
		}
		changes = changes[saveRows:]
	}
	to := reach{Format: recordFormat, Position: at.position, Through: at.through, Created: s.created}
	if err := s.table.save(ctx, changes, to, s.number+1); err != nil {
		return err
	}
	s.number++
	clear(s.unsaved)
	return nil
}
