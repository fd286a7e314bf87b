package analyst

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/throughline-trials/throughline/services/log"
	"github.com/throughline-trials/throughline/services/projector"
	"github.com/throughline-trials/throughline/services/store"
)

// cut is up to where records reflect the facts.
type cut struct {
	position log.Position // of everything that is reflected
	through  time.Time    // everything received up to then is reflected, and nothing after
	epoch    uint64
}

// engine keeps the records of all studies at a cut. One goroutine refreshes it; any may read.
//
//	Progress ─▶ refresh: what was touched ─▶ derive ─▶ publish ─▶ readers
type engine struct {
	source   source
	progress *projector.Progress
	hot      *hot // of the refreshing goroutine

	mu      sync.RWMutex
	cut     cut
	studies map[string]*cohort
	changed chan struct{} // closed when there is another cut
}

// cohort is the records of one study. What readers were given is never changed: changes make new slices.
type cohort struct {
	edition *edition
	plan    *plan     // that stands; nil if no definition does
	since   time.Time // no row of the study was received after it and up to the cut
	records []*Record
	place   map[string]int // participant to place in records
}

func newEngine(s source, progress *projector.Progress, hotBytes int) *engine {
	return &engine{source: s, progress: progress, hot: newHot(hotBytes), studies: map[string]*cohort{}, changed: make(chan struct{})}
}

// at returns the cut and the records of all studies at it. The cohorts must not be changed.
func (e *engine) at() (cut, map[string]*cohort) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.cut, e.studies
}

// watch returns the cut and a channel that is closed when there is another.
func (e *engine) watch() (cut, <-chan struct{}) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.cut, e.changed
}

func (e *engine) publish(c cut, studies map[string]*cohort) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.cut, e.studies = c, studies
	close(e.changed)
	e.changed = make(chan struct{})
}

// refreshed is what one refresh did.
type refreshed struct {
	changes []change
	newest  time.Time // receipt of the newest row that is new in the records
	all     bool      // everything was derived anew
}

// refresh brings the records to what is projected now. Between two calls of different epochs all records are derived
// anew. It does nothing before anything is known of the projection.
func (e *engine) refresh(ctx context.Context) (refreshed, error) {
	state := e.progress.State()
	from, studies := e.at()
	if state.Through.IsZero() || state.Epoch == from.epoch && !state.Through.After(from.through) && from.position.Covers(state.Position) {
		return refreshed{}, nil
	}
	w := work{engine: e, clock: Clock{AsOf: state.Through, Cutoff: state.Through}}
	after := from.position
	if state.Epoch != from.epoch || state.Through.Before(from.through) {
		after, studies, w.done.all = log.Position{}, map[string]*cohort{}, true
		e.hot.clear()
	}
	var err error
	if w.news, err = e.news(ctx, after, state); err != nil {
		return refreshed{}, err
	}
	next := maps.Clone(studies)
	for id, participants := range w.touched(studies) {
		if next[id], err = w.study(ctx, id, studies[id], participants); err != nil {
			e.hot.clear() // it may know of rows that the records do not
			return refreshed{}, err
		}
	}
	e.publish(cut{position: state.Position, through: state.Through, epoch: state.Epoch}, next)
	w.done.newest = w.news.newest
	return w.done, nil
}

func (e *engine) news(ctx context.Context, after log.Position, state projector.State) (*news, error) {
	switch {
	case after.Covers(state.Projected):
		return &news{}, nil
	case after.IsZero():
		return e.source.touched(ctx, after, state.Projected, state.Through)
	}
	return e.source.news(ctx, after, state.Projected, state.Through)
}

// work is one refresh.
type work struct {
	engine  *engine
	clock   Clock
	news    *news
	done    refreshed
	scratch []store.Row
}

// touched returns the participants to derive, by study: those in the news, and those whose records end at the cut-off,
// because something that lay in the future has come.
func (w *work) touched(studies map[string]*cohort) map[string][]string {
	out := map[string][]string{}
	for id := range w.news.studies {
		out[id] = nil
	}
	for who := range w.news.rows {
		out[who.Study] = append(out[who.Study], who.Participant)
	}
	for id, c := range studies {
		for _, r := range c.records {
			if !r.holds(w.clock.Cutoff) {
				out[id] = append(out[id], r.Participant)
			}
		}
	}
	return out
}

// study returns the cohort with the participants derived anew.
func (w *work) study(ctx context.Context, id string, have *cohort, participants []string) (*cohort, error) {
	next := &cohort{place: map[string]int{}}
	if have != nil {
		*next = *have
	}
	next.since = w.clock.AsOf
	all := false
	if have == nil || w.news.studies[id] {
		var kept []*plan
		if have != nil {
			kept = have.edition.plans
		}
		edition, err := w.engine.source.edition(ctx, id, w.clock.AsOf, kept)
		if err != nil {
			return nil, err
		}
		next.edition, next.plan = edition, edition.current(w.clock.AsOf)
		all = have == nil || have.plan != next.plan
	}
	if next.plan == nil {
		return next, nil
	}
	fresh, err := w.derive(ctx, next, id, participants, all)
	if err != nil {
		return nil, err
	}
	next.put(fresh)
	for _, r := range fresh {
		w.done.changes = append(w.done.changes, change{r, next.plan})
	}
	return next, nil
}

// derive returns the records of participants, or of all: from rows that are kept in memory where it can be, else from
// the facts.
func (w *work) derive(ctx context.Context, c *cohort, id string, participants []string, all bool) ([]*Record, error) {
	var fresh []*Record
	var others []string
	for _, name := range participants {
		if all {
			break
		}
		who := store.Participant{Study: id, Participant: name}
		rows, ok := w.remembered(c, who)
		if !ok {
			others = append(others, name)
			continue
		}
		record := c.plan.derive(rows, w.clock)
		fresh = append(fresh, &record)
	}
	if len(others) == 0 && !all {
		return fresh, nil
	}
	if all || len(others) > 100 && len(others) > len(c.records)/2 {
		others, fresh = nil, nil // of most: reading all is cheaper than asking for each
	}
	err := w.engine.source.records(ctx, c.plan, id, others, w.clock, func(r *Record, rows []store.Row) {
		fresh = append(fresh, r)
		w.engine.hot.put(store.Participant{Study: id, Participant: r.Participant}, rows)
	})
	return fresh, err
}

// remembered returns all rows of a participant, those in the news included, if they are known without the facts.
func (w *work) remembered(c *cohort, who store.Participant) ([]store.Row, bool) {
	hot, rows := w.engine.hot, w.news.rows[who]
	if w.news.many {
		return nil, false
	}
	if _, known := c.place[who.Participant]; !known { // there was nothing before
		hot.put(who, rows)
		return rows, len(rows) > 0
	}
	var ok bool
	clear(w.scratch)
	w.scratch, ok = hot.add(w.scratch[:0], who, rows)
	return w.scratch, ok
}

// put returns the records with others in the place of those of the same participants.
func (c *cohort) put(fresh []*Record) {
	records, added := slices.Clone(c.records), false
	for _, r := range fresh {
		if i, ok := c.place[r.Participant]; ok {
			records[i] = r
			continue
		}
		records = append(records, r)
		added = true
	}
	if added {
		slices.SortFunc(records, func(a, b *Record) int { return cmp.Compare(a.Participant, b.Participant) })
		c.place = make(map[string]int, len(records))
		for i, r := range records {
			c.place[r.Participant] = i
		}
	}
	c.records = records
}
