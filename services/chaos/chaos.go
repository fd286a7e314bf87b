// Package chaos kills a running Throughline at random moments under load and checks, by a ledger of its own, that every
// acknowledged event is in the facts exactly once, as it was sent.
//
//	load ─▶ HTTP ─▶ [process under test] ─▶ ClickHouse port ─▶ compare with the ledger
//	                     ▲ kill -9
//
// It shares no code with the reconciliation of throughline verify, which it also runs after each kill. Each kill is
// aimed: the process is frozen, the moment is looked at (a marker file that the projector keeps, and the ledger), and
// if it is of a wanted kind the process is killed there, else it goes on.
package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"time"
)

// Config says what to kill and how often. Every field is needed but those with a default.
type Config struct {
	Binary       string    // the throughline executable
	Dir          string    // folder for the data and the marker file; must be empty or not there
	Kills        int       // default 200
	Base         int       // events there before the first kill; default 1,000,000
	Participants int       // default 10,000
	Workers      int       // requests in flight; default 32
	Seed         uint64    // default 1
	Out          io.Writer // progress and figures
}

// Moment is where in the way of an event a kill falls.
type Moment int

// The moments.
const (
	BeforeAnswer  Moment = iota // requests are sent and not answered; nothing answered is left to insert
	BeforeInsert                // events are answered and not yet in an INSERT
	InsideInsert                // an INSERT is under way
	ProjectorOnly               // the projector alone, while the engines live
	moments
)

func (m Moment) String() string {
	return [...]string{"before the log's answer", "between answer and INSERT", "inside an INSERT", "projector alone"}[m]
}

// Report is what a run found.
type Report struct {
	Kills         Kills         `json:"kills"`
	Uncounted     int           `json:"uncounted_kills"`     // under less load than is asked for
	Acknowledged  int           `json:"acknowledged_events"` // of the ledger, all found once
	Unanswered    int           `json:"unanswered_events"`   // in flight at a kill, sent again afterwards
	SlowestRate   float64       `json:"slowest_load"`        // before a kill, events/s
	SlowestReady  time.Duration `json:"slowest_restart_ns"`  // restart to ready
	Verifications int           `json:"verifications"`       // that found no difference
}

// Kills counts kills by moment.
type Kills [moments]int

func (k Kills) sum() int {
	n := 0
	for _, m := range k {
		n += m
	}
	return n
}

// MarshalJSON writes an object by moment.
func (k Kills) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]int{
		"before_answer": k[BeforeAnswer], "before_insert": k[BeforeInsert], "inside_insert": k[InsideInsert], "projector_alone": k[ProjectorOnly],
	})
}

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		field *int
		value int
	}{{&c.Kills, 200}, {&c.Base, 1_000_000}, {&c.Participants, 10_000}, {&c.Workers, 32}} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	if c.Seed == 0 {
		c.Seed = 1
	}
	if c.Out == nil {
		c.Out = io.Discard
	}
	return c
}

// run is the state of one run.
type run struct {
	Config
	rng    *rand.Rand
	ledger *ledger
	report Report
	target *target

	settled                 uint64        // last sequence that was seen in the facts; a new projector's marker begins at 0
	compareTook, verifyTook time.Duration // the last time
}

// ErrBound is wrapped by the error of a run that found nothing lost, doubled or altered, and missed a bound.
var ErrBound = errors.New("a bound was missed")

// Run loads, kills and compares. The error names the first loss, double or difference, or every missed bound.
func Run(ctx context.Context, c Config) (Report, error) {
	c = c.withDefaults()
	r := newRun(c)
	defer r.target.stop()
	if err := r.prepare(ctx); err != nil {
		return r.report, err
	}
	for counted := 0; counted < c.Kills && r.report.Uncounted <= c.Kills/4; counted = r.report.Kills.sum() {
		if err := r.cycle(ctx, counted); err != nil {
			return r.report, fmt.Errorf("kill %d: %w", counted+1, err)
		}
	}
	if err := r.compareAll(ctx); err != nil {
		return r.report, err
	}
	return r.report, r.checkBounds()
}

func newRun(c Config) *run {
	return &run{
		Config: c, rng: rand.New(rand.NewPCG(c.Seed, 0)), ledger: newLedger(c.Participants), report: Report{SlowestRate: -1},
		target: &target{binary: c.Binary, data: filepath.Join(c.Dir, "data"), marker: filepath.Join(c.Dir, "marker")},
	}
}

// prepare publishes the study and loads the events that are there before the first kill.
func (r *run) prepare(ctx context.Context) error {
	if err := r.target.start(ctx, false); err != nil {
		return err
	}
	if err := r.target.publishStudy(ctx); err != nil {
		return err
	}
	fmt.Fprintf(r.Out, "loading %d events\n", r.Base)
	l := r.load(ctx, flatOut)
	for l.acknowledged() < r.Base && ctx.Err() == nil {
		if err := l.failure(); err != nil {
			return errors.Join(err, l.finish())
		}
		pause(ctx, 100*time.Millisecond)
	}
	if err := l.finish(); err != nil {
		return err
	}
	return r.check(ctx, true)
}

// cycle is one kill: load, aim, kill, start again, send again what was not answered, compare.
func (r *run) cycle(ctx context.Context, n int) error {
	began := time.Now()
	want := r.wanted(n)
	if err := r.target.start(ctx, want == ProjectorOnly); err != nil {
		return err
	}
	how := steady
	if want == BeforeAnswer {
		how = bursts
	}
	l := r.load(ctx, how)
	err := r.warmUp(ctx, l)
	got := want
	if err == nil {
		got, err = r.aim(ctx, l, want)
	}
	if err != nil {
		return errors.Join(err, l.finish())
	}
	rate := l.rate()
	note := r.count(got, rate)
	if err := r.afterKill(ctx, got, l); err != nil {
		return err
	}
	fmt.Fprintf(r.Out, "kill %3d  %-23s  %8d acknowledged  %5.0f events/s%s  ready in %.2f s  compared in %.1f s, verified in %.1f s  %5.1f s in all\n",
		n+1, got, r.ledger.size(), rate, note, r.target.ready.Seconds(), r.compareTook.Seconds(), r.verifyTook.Seconds(), time.Since(began).Seconds())
	return nil
}

// count enters a kill. One under too little load does not count and is made again; all else is checked after it too.
func (r *run) count(m Moment, rate float64) (note string) {
	if rate < leastRate {
		r.report.Uncounted++
		return " (too few to count)"
	}
	if r.report.SlowestRate < 0 || rate < r.report.SlowestRate {
		r.report.SlowestRate = rate
	}
	r.report.Kills[m]++
	return ""
}

// wanted says at which moment the n-th kill shall fall. Those of a kind come several in a row, because the process has
// to be started in another way for kills of the projector alone.
func (r *run) wanted(n int) Moment {
	const most = 5
	together := min(most, max(1, r.Config.Kills/int(moments)))
	return Moment(n / together % int(moments))
}

func (r *run) afterKill(ctx context.Context, got Moment, l *load) error {
	if got == ProjectorOnly {
		// The engines live: events go on being acknowledged until the load ends.
		if err := errors.Join(l.finish(), r.target.startProjector()); err != nil {
			return err
		}
	} else {
		l.finishKilled()
		if err := r.target.start(ctx, false); err != nil {
			return err
		}
		r.report.SlowestReady = max(r.report.SlowestReady, r.target.ready)
	}
	again := r.ledger.takeUnanswered()
	r.report.Unanswered += len(again) * batchSize
	for _, b := range again {
		if err := r.send(ctx, b); err != nil {
			return fmt.Errorf("send again what was not answered: %w", err)
		}
	}
	return r.check(ctx, false)
}

// check compares the facts with the ledger and asks throughline verify.
func (r *run) check(ctx context.Context, whole bool) error {
	position := r.ledger.position()
	if err := r.target.settle(ctx, position); err != nil {
		return err
	}
	r.settled = sequence(position)
	began := time.Now()
	if err := r.compare(ctx, whole); err != nil {
		return err
	}
	r.report.Acknowledged = r.ledger.size()
	r.compareTook, began = time.Since(began), time.Now()
	if err := r.target.verify(ctx); err != nil {
		return err
	}
	r.verifyTook = time.Since(began)
	r.report.Verifications++
	return nil
}

func (r *run) compareAll(ctx context.Context) error {
	if !r.target.running() {
		if err := r.target.start(ctx, false); err != nil {
			return err
		}
	}
	return r.check(ctx, true)
}

// checkBounds holds the figures of the run against what they must be.
func (r *run) checkBounds() error {
	var errs []error
	least := min(30, r.Config.Kills/int(moments)/2)
	for m, n := range r.report.Kills {
		if n < least {
			errs = append(errs, fmt.Errorf("%w: %d kills fell %s: want at least %d", ErrBound, n, Moment(m), least))
		}
	}
	if n := r.report.Kills.sum(); n < r.Config.Kills {
		errs = append(errs, fmt.Errorf("%w: %d of %d kills fell under a load of at least %d events/s", ErrBound, n, r.Config.Kills, leastRate))
	}
	if r.report.SlowestReady > 5*time.Second {
		errs = append(errs, fmt.Errorf("%w: a restart took %s: want under 5 s", ErrBound, r.report.SlowestReady))
	}
	return errors.Join(errs...)
}

// Print writes the figures of a run.
func (r Report) Print(w io.Writer) {
	for m, n := range r.Kills {
		fmt.Fprintf(w, "kills %-28s %6d\n", Moment(m), n)
	}
	fmt.Fprintf(w, "kills under too little load to count %4d\n", r.Uncounted)
	fmt.Fprintf(w, "acknowledged events, each once     %6d\n", r.Acknowledged)
	fmt.Fprintf(w, "events in flight at a kill         %6d\n", r.Unanswered)
	fmt.Fprintf(w, "slowest load before a kill         %6.0f events/s\n", r.SlowestRate)
	fmt.Fprintf(w, "slowest restart to ready           %6.2f s\n", r.SlowestReady.Seconds())
	fmt.Fprintf(w, "verifications without a difference %6d\n", r.Verifications)
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
