package analyst

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/throughline-trials/throughline/services/store"
)

// The ends of past days at which results are kept: of each of the last days, of each Sunday before, of each fourth Sunday
// before that, and past the bound of ever fewer.
const (
	dailyCuts  = 7
	weeklyCuts = 12 * 7 // days
	mostCuts   = 40
	sunday     = 3 // of days since 1970-01-01, by seven
)

// resultHistory is what is to be written of the past. Results of the past follow late and corrected events within
// [historyEvery]; each row says as of when it is.
type resultHistory struct {
	studies map[string]*pastStudy
	next    time.Time // not before: the load is kept low
}

// pastStudy is the past of one study.
type pastStudy struct {
	cohort *cohort   // that the last full writing began with
	began  time.Time // when
	queue  []int     // calendar days whose ends are to be written, the latest first
}

func newResultHistory() *resultHistory { return &resultHistory{studies: map[string]*pastStudy{}} }

func (h *resultHistory) forget() { clear(h.studies) }

// wait returns how long until the past has its turn; long if nothing is to be done.
func (h *resultHistory) wait() time.Duration {
	for _, s := range h.studies {
		if len(s.queue) > 0 {
			return max(0, time.Until(h.next))
		}
	}
	return resultsIdle
}

// writePast writes one past day's end of one study, if it is time.
func (w *resultWriter) writePast(ctx context.Context, at cut, cohorts map[string]*cohort) error {
	if time.Now().Before(w.past.next) {
		return nil
	}
	for _, id := range slices.Sorted(maps.Keys(cohorts)) {
		c := cohorts[id]
		if c.plan == nil || len(c.records) == 0 {
			continue
		}
		if err := w.plan(ctx, id, c, at); err != nil {
			return err
		}
	}
	began := time.Now()
	id, day, ok := w.past.take()
	if !ok {
		w.past.next = began.Add(resultsIdle)
		return nil
	}
	err := w.writeDay(ctx, id, day, cohorts[id], at)
	w.past.next = time.Now().Add(time.Since(began) * historyRatio)
	return err
}

// take returns the next day to write: of the studies in turn.
func (h *resultHistory) take() (id string, day int, ok bool) {
	longest := 0
	for _, name := range slices.Sorted(maps.Keys(h.studies)) {
		if n := len(h.studies[name].queue); n > longest {
			id, longest = name, n
		}
	}
	if longest == 0 {
		return "", 0, false
	}
	s := h.studies[id]
	day = s.queue[0]
	s.queue = s.queue[1:]
	return id, day, true
}

// plan queues the days of a study that are not written yet or no longer hold, and hides those that are kept no more.
func (w *resultWriter) plan(ctx context.Context, id string, c *cohort, at cut) error {
	s := w.past.studies[id]
	if s == nil {
		s = &pastStudy{}
		w.past.studies[id] = s
	}
	days := c.dayEnds(at.through)
	stale := s.cohort != c && time.Since(s.began) > historyEvery || s.cohort != nil && s.cohort.plan != c.plan
	if stale {
		s.cohort, s.began, s.queue = c, time.Now(), nil
	}
	keep := map[string]bool{liveCut: true}
	for _, day := range days {
		cut := dateOf(day)
		keep[cut] = true
		state, ok := w.written[cutKey{id, cut}]
		fresh := ok && state.rows > 0 && state.version == c.plan.version && (!stale || at.through.Sub(state.asOf) < historyEvery)
		if !fresh && !slices.Contains(s.queue, day) {
			s.queue = append(s.queue, day)
		}
	}
	s.queue = slices.DeleteFunc(s.queue, func(day int) bool { return !keep[dateOf(day)] })
	var gone []*stamped
	for key, state := range w.written {
		if key.study == id && !keep[key.cut] && state.rows > 0 {
			gone = append(gone, &stamped{Stamp: Stamp{Study: id, Cutoff: state.asOf, AsOf: state.asOf}, cut: key.cut})
		}
	}
	return w.save(ctx, gone)
}

// dayEnds returns the calendar days, in the study's zone, at whose ends results are kept, the latest first.
func (c *cohort) dayEnds(now time.Time) []int {
	first, last := never, -never
	def := c.plan.def
	for _, r := range c.records {
		if r.assigned() {
			first, last = min(first, r.Day0), max(last, r.Day0)
		}
	}
	if first == never {
		return nil
	}
	after := max(def.FollowUpDays, def.DurationDays(), def.AccessDays()) + def.SilenceDays("") + 1
	return gridOf(first, min(civil(now.In(def.Location()))-1, last+after))
}

// gridOf picks the days from first to last that are kept.
func gridOf(first, last int) []int {
	for step := 28; ; step *= 2 {
		var days []int
		for day := last; day >= first; day-- {
			age := last - day
			if age < dailyCuts || age < weeklyCuts && day%7 == sunday || day%step == sunday {
				days = append(days, day)
			}
		}
		if len(days) <= mostCuts {
			return days
		}
	}
}

// writeDay writes the results of a study at the end of a day.
func (w *resultWriter) writeDay(ctx context.Context, id string, day int, c *cohort, at cut) error {
	if c == nil || c.plan == nil {
		return nil
	}
	date := time.Unix(int64(day+1)*secondsPerDay, 0).UTC()
	end := time.Date(date.Year(), date.Month(), date.Day(), 0, 0, 0, 0, c.plan.def.Location())
	if end.After(at.through) {
		return nil
	}
	clock := Clock{Cutoff: end, AsOf: at.through}
	records, err := w.recordsAt(ctx, id, c, Clock{Cutoff: end, AsOf: c.since})
	if err != nil {
		return err
	}
	s, err := newFrame(c.plan, c.edition.rows, clock).stamped(records, dateOf(day), false)
	if err != nil {
		return err
	}
	s.Position = at.position.String()
	return w.save(ctx, []*stamped{s})
}

// recordsAt returns the records of a cohort at an earlier cut-off: those that hold, and the others from facts.
func (w *resultWriter) recordsAt(ctx context.Context, id string, c *cohort, clock Clock) ([]*Record, error) {
	records := make([]*Record, 0, len(c.records))
	var others []string
	for _, r := range c.records {
		if r.holds(clock.Cutoff) {
			records = append(records, r)
		} else {
			others = append(others, r.Participant)
		}
	}
	if len(others) == 0 {
		return records, nil
	}
	if len(others) > 100 && len(others) > len(c.records)/2 {
		records, others = records[:0], nil
	}
	err := w.engine.source.records(ctx, c.plan, id, others, clock, func(r *Record, _ []store.Row) { records = append(records, r) })
	return records, err
}
