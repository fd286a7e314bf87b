package analyst

import (
	"cmp"
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

	daysAtOnce    = 10     // written from one reading of the facts
	recordsAtOnce = 40_000 // over all of these days
	sunday        = 3      // of days since 1970-01-01, by seven
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
	id, days := w.past.take(func(id string) int {
		if c := cohorts[id]; c != nil {
			return max(1, min(daysAtOnce, recordsAtOnce/max(1, len(c.records))))
		}
		return mostCuts
	})
	if len(days) == 0 {
		w.past.next = began.Add(resultsIdle)
		return nil
	}
	_, again := w.written[cutKey{id, dateOf(days[0])}]
	err := w.writeDays(ctx, id, days, cohorts[id], at)
	ratio := firstRatio
	if again {
		ratio = againRatio
	}
	w.past.next = time.Now().Add(time.Since(began) * time.Duration(ratio))
	return err
}

// take returns the next days to write, of the study that has most, as many as fit.
func (h *resultHistory) take(fit func(study string) int) (id string, days []int) {
	longest := 0
	for _, name := range slices.Sorted(maps.Keys(h.studies)) {
		if n := len(h.studies[name].queue); n > longest {
			id, longest = name, n
		}
	}
	if longest == 0 {
		return "", nil
	}
	s := h.studies[id]
	n := min(longest, fit(id))
	days, s.queue = s.queue[:n:n], s.queue[n:]
	return id, days
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
		fresh := ok && state.rows > 0 && state.version == c.plan.version && state.format == resultsFormat && (!stale || at.through.Sub(state.asOf) < historyEvery)
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
	return gridOf(first, min(civil(now.In(def.Location()))-1, last+after)) // yesterday's end has come
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

// writeDays writes the results of a study at the ends of some days. The facts are read once for all of them.
func (w *resultWriter) writeDays(ctx context.Context, id string, days []int, c *cohort, at cut) error {
	if c == nil || c.plan == nil {
		return nil
	}
	clocks := make([]Clock, len(days))
	for i, day := range days {
		clocks[i] = Clock{Cutoff: c.endOf(day), AsOf: c.since} // what was received since is of other studies
	}
	records, err := w.recordsAt(ctx, id, c, clocks)
	if err != nil {
		return err
	}
	var list []*stamped
	for i, clock := range clocks {
		clock.AsOf = at.through
		s, err := newFrame(c.plan, c.edition.rows, clock).stamped(records[i], dateOf(days[i]), false)
		if err != nil {
			return err
		}
		s.Position = at.position.String()
		list = append(list, s)
	}
	return w.save(ctx, list)
}

// endOf returns the end of a calendar day in the study's zone.
func (c *cohort) endOf(day int) time.Time {
	next := time.Unix(int64(day+1)*secondsPerDay, 0).UTC()
	return time.Date(next.Year(), next.Month(), next.Day(), 0, 0, 0, 0, c.plan.def.Location())
}

// recordsAt returns the records of a cohort at earlier cut-offs: those that hold, and the others from facts.
func (w *resultWriter) recordsAt(ctx context.Context, id string, c *cohort, clocks []Clock) ([][]*Record, error) {
	out := make([][]*Record, len(clocks))
	var others []string
	for _, r := range c.records {
		holds := 0
		for i, clock := range clocks {
			if r.holds(clock.Cutoff) {
				out[i] = append(out[i], r)
				holds++
			}
		}
		if holds < len(clocks) {
			others = append(others, r.Participant)
		}
	}
	if len(others) == 0 {
		return out, nil
	}
	if len(others) > 100 && len(others) > len(c.records)/2 {
		others = nil // of most: reading all is cheaper than asking for each
	}
	err := w.engine.source.records(ctx, c.plan, id, others, clocks[0], func(first *Record, rows []store.Row) {
		place, known := c.place[first.Participant]
		for i, clock := range clocks {
			switch {
			case known && c.records[place].holds(clock.Cutoff):
			case i == 0:
				out[i] = append(out[i], first)
			default:
				r := c.plan.derive(rows, clock)
				out[i] = append(out[i], &r)
			}
		}
	})
	for _, records := range out {
		slices.SortFunc(records, func(a, b *Record) int { return cmp.Compare(a.Participant, b.Participant) })
	}
	return out, err
}
