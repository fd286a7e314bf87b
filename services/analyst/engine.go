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

func newEngine(s source, progress *projector.Progress) *engine {
	return &engine{source: s, progress: progress, studies: map[string]*cohort{}, changed: make(chan struct{})}
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
	newest  time.Time // receipt of the newest row in changed records
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
	var done refreshed
	after := from.position
	if state.Epoch != from.epoch || state.Through.Before(from.through) {
		after, done.all = log.Position{}, true
		studies = map[string]*cohort{}
	}
	var touched []store.Participant
	if !after.Covers(state.Projected) {
		var err error
		if touched, err = e.source.store.Touched(ctx, after, state.Projected); err != nil {
			return refreshed{}, err
		}
	}
	next := maps.Clone(studies)
	w := work{engine: e, clock: Clock{AsOf: state.Through, Cutoff: state.Through}, done: &done}
	due := dueAt(studies, state.Through)
	for id, participants := range byStudy(touched, due) {
		c, err := w.study(ctx, id, studies[id], participants)
		if err != nil {
			return refreshed{}, err
		}
		next[id] = c
	}
	e.publish(cut{position: state.Position, through: state.Through, epoch: state.Epoch}, next)
	return done, nil
}

// dueAt returns the participants whose records end at a cut-off: something that lay in the future has come.
func dueAt(studies map[string]*cohort, cutoff time.Time) []store.Participant {
	var out []store.Participant
	for id, c := range studies {
		for _, r := range c.records {
			if !r.holds(cutoff) {
				out = append(out, store.Participant{Study: id, Participant: r.Participant})
			}
		}
	}
	return out
}

func byStudy(lists ...[]store.Participant) map[string][]string {
	out := map[string][]string{}
	for _, list := range lists {
		for _, p := range list {
			if p.Study != "" {
				out[p.Study] = append(out[p.Study], p.Participant)
			}
		}
	}
	return out
}

// work is one refresh.
type work struct {
	engine *engine
	clock  Clock
	done   *refreshed
}

// study returns the cohort with the participants derived anew; an empty name among them means that something was said
// about the study as a whole.
func (w *work) study(ctx context.Context, id string, have *cohort, participants []string) (*cohort, error) {
	next := &cohort{place: map[string]int{}}
	if have != nil {
		*next = *have
	}
	next.since = w.clock.AsOf
	if have == nil || slices.Contains(participants, "") {
		var kept []*plan
		if have != nil && have.edition != nil {
			kept = have.edition.plans
		}
		edition, err := w.engine.source.edition(ctx, id, w.clock.AsOf, kept)
		if err != nil {
			return nil, err
		}
		next.edition, next.plan = edition, edition.current(w.clock.AsOf)
		if have == nil || have.plan != next.plan {
			participants = nil // all
		}
	}
	if next.plan == nil {
		return next, nil
	}
	if participants != nil {
		participants = slices.DeleteFunc(slices.Clone(participants), func(p string) bool { return p == "" })
		if len(participants) == 0 {
			return next, nil
		}
		if len(participants) > len(next.records)/2 && len(participants) > 100 {
			participants = nil // most: reading all is cheaper than asking for each
		}
	}
	var fresh []*Record
	err := w.engine.source.records(ctx, next.plan, id, participants, w.clock, func(r *Record, received time.Time) {
		fresh = append(fresh, r)
		w.done.changes = append(w.done.changes, change{r, next.plan})
		if received.After(w.done.newest) {
			w.done.newest = received
		}
	})
	if err != nil {
		return nil, err
	}
	next.put(fresh)
	return next, nil
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
