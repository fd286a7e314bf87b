package analyst

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/throughline-trials/throughline/services/store"
)

// Results are written again when records have changed or a day has ended, and the rest between two writings grows with
// what they cost: a study of hundreds is at most a second behind, one of tens of thousands as far as keeps the load low.
const (
	resultsLeastRest = 300 * time.Millisecond
	resultsMostRest  = time.Minute
	resultsRatio     = 4  // rest, in times of what a writing of live results took
	firstRatio       = 5  // the same of results at past days' ends that are not there yet
	againRatio       = 20 // and of those that are
	historyEvery     = time.Hour
	resultsIdle      = 20 * time.Second // between two looks at the calendar
	resultsBatch     = 50_000           // rows of one INSERT
	sweepAfter       = 400_000          // replaced rows
)

// resultWriter keeps the tables of results up to date with the records. One goroutine runs it.
//
//	engine ─▶ what changed ─▶ Frame ─▶ results_rows, results_people ─▶ results_written (visible)
type resultWriter struct {
	engine *engine
	table  resultTable
	logger *slog.Logger

	epoch   uint64
	written map[cutKey]cutState
	live    map[string]*liveState
	past    *resultHistory
	old     map[cutKey]uint64 // cuts with replaced rows in the table
	garbage int
	number  uint64
}

// liveState is what the live results of a study were made from.
type liveState struct {
	cohort *cohort
	zones  map[string]int // calendar day of the cut-off, by zone
}

func newResultWriter(e *engine, s *store.Store, logger *slog.Logger) *resultWriter {
	return &resultWriter{engine: e, table: resultTable{s}, logger: logger, live: map[string]*liveState{}, past: newResultHistory(), old: map[cutKey]uint64{}}
}

// run writes results until ctx ends. Passing errors are logged and tried again.
func (w *resultWriter) run(ctx context.Context) {
	for ctx.Err() == nil {
		_, changed := w.engine.watch()
		began := time.Now()
		n, err := w.round(ctx)
		took := time.Since(began)
		switch {
		case err != nil && ctx.Err() == nil:
			w.logger.Warn("results cannot be written", "error", err)
			w.written = nil // what is there is not known any more
			pause(ctx, retryRest, nil)
		case n > 0:
			pause(ctx, min(max(resultsLeastRest, took*resultsRatio), resultsMostRest), nil)
		default:
			pause(ctx, min(resultsIdle, w.past.wait()), changed)
		}
	}
}

// round writes what is due and returns how many cuts that were.
func (w *resultWriter) round(ctx context.Context) (int, error) {
	at, cohorts := w.engine.at()
	if at.through.IsZero() {
		return 0, nil
	}
	if w.written == nil || w.epoch != at.epoch {
		if err := w.begin(ctx, at.epoch); err != nil {
			return 0, err
		}
	}
	n, err := w.writeLive(ctx, at, cohorts)
	if err != nil {
		return n, err
	}
	if err := w.hide(ctx, cohorts); err != nil {
		return n, err
	}
	if err := w.writePast(ctx, at, cohorts); err != nil {
		return n, err
	}
	return n, w.sweep(ctx)
}

// begin learns what is written, at the start and after a rebuild: all of it is written anew, at its turn.
func (w *resultWriter) begin(ctx context.Context, epoch uint64) error {
	written, err := w.table.load(ctx)
	if err != nil {
		return err
	}
	w.written, w.epoch = written, epoch
	clear(w.live)
	w.past.forget()
	clear(w.old)
	for key, state := range written {
		w.old[key] = state.generation // replaced rows may be left of an earlier run
		w.number = max(w.number, state.generation)
	}
	w.garbage = sweepAfter
	return nil
}

func (w *resultWriter) writeLive(ctx context.Context, at cut, cohorts map[string]*cohort) (int, error) {
	var batch []*stamped
	n, rows := 0, 0
	flush := func() error {
		err := w.save(ctx, batch)
		batch, rows = nil, 0
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(cohorts)) {
		c := cohorts[id]
		if c.plan == nil || !w.due(id, c, at) {
			continue
		}
		frame := newFrame(c.plan, c.edition.rows, Clock{Cutoff: at.through, AsOf: at.through})
		s, err := frame.stamped(c.records, liveCut, true)
		if err != nil {
			return n, err
		}
		s.Position = at.position.String()
		batch = append(batch, s)
		n++
		w.live[id] = &liveState{cohort: c, zones: frame.days()}
		if rows += len(s.rows) + len(s.people); rows > resultsBatch {
			if err := flush(); err != nil {
				return n, err
			}
		}
	}
	return n, flush()
}

const liveCut = "live"

// due reports whether the live results of a study are not those of the records, or of the day.
func (w *resultWriter) due(id string, c *cohort, at cut) bool {
	state := w.live[id]
	if state == nil || state.cohort != c {
		return true
	}
	for name, day := range state.zones {
		if civil(at.through.In(location(name))) != day {
			return true
		}
	}
	return false
}

// days returns the calendar day of the cut-off in each zone that was asked for.
func (f *Frame) days() map[string]int {
	out := make(map[string]int, len(f.zones))
	for name, z := range f.zones {
		out[name] = z.cutoff
	}
	return out
}

// hide takes away the results of studies that are no more.
func (w *resultWriter) hide(ctx context.Context, cohorts map[string]*cohort) error {
	var gone []*stamped
	for key, state := range w.written {
		if c := cohorts[key.study]; state.rows > 0 && (c == nil || c.plan == nil) {
			gone = append(gone, &stamped{Stamp: Stamp{Study: key.study, Cutoff: state.asOf, AsOf: state.asOf}, cut: key.cut})
		}
	}
	return w.save(ctx, gone)
}

// save writes results under generations of their own.
func (w *resultWriter) save(ctx context.Context, list []*stamped) error {
	if len(list) == 0 {
		return nil
	}
	now := time.Now().UTC()
	for _, s := range list {
		w.number = max(w.number+1, uint64(now.UnixMicro()))
		s.generation, s.written = w.number, now
	}
	if err := w.table.save(ctx, list); err != nil {
		return err
	}
	for _, s := range list {
		key := cutKey{s.Study, s.cut}
		if before, ok := w.written[key]; ok {
			w.garbage += before.rows
			w.old[key] = s.generation
		}
		w.garbage += len(s.people)
		w.written[key] = cutState{generation: s.generation, rows: len(s.rows), asOf: s.AsOf, version: s.DefinitionVersion, format: resultsFormat}
	}
	return nil
}

// sweep removes replaced rows when there are many.
func (w *resultWriter) sweep(ctx context.Context) error {
	if w.garbage < sweepAfter || len(w.old) == 0 {
		return nil
	}
	if err := w.table.sweep(ctx, w.old); err != nil {
		return err
	}
	clear(w.old)
	w.garbage = 0
	return nil
}
