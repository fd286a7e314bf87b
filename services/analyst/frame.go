package analyst

import (
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/store"
	"github.com/throughline-trials/throughline/services/study"
)

// Frame is that in which records are read: a definition, what is said about the study as a whole, and the two clocks. It
// is not safe for concurrent use.
type Frame struct {
	plan    *plan
	clock   Clock
	outages []outage
	zones   map[string]*zone
}

// outage is a time in which a component, or all, could not be used.
type outage struct {
	component int       // none: all
	from, to  time.Time // clipped at the cut-off
}

// NewFrame returns the frame of a version of a definition. rows are those of the study that have no participant, in any
// order; the clock needs at least an as-of time.
func NewFrame(def *study.Definition, version int, rows []store.Row, clock Clock) *Frame {
	return newFrame(newPlan(def, version), rows, clock)
}

func newFrame(p *plan, rows []store.Row, clock Clock) *Frame {
	f := &Frame{plan: p, clock: clock, zones: map[string]*zone{}}
	for _, e := range resolve(rows, clock) {
		if e.voided || e.event.IsTest || e.event.Type != event.TypeOutage {
			continue
		}
		if o, ok := f.outage(e.event); ok {
			f.outages = append(f.outages, o)
		}
	}
	return f
}

// outage reads an outage; false if it began after the cut-off or is of a component that there is not.
func (f *Frame) outage(e *event.Event) (outage, bool) {
	from, ok := event.ParseInstant(e.Data.Text("from"))
	if !ok || from.After(f.clock.cutoff()) {
		return outage{}, false
	}
	o := outage{component: none, from: from.Time, to: f.clock.cutoff()}
	if to, ok := event.ParseInstant(e.Data.Text("to")); ok && to.Before(o.to) {
		o.to = to.Time
	}
	id := e.Data.Text("component")
	if id == "" {
		id = e.Component
	}
	if id != "" {
		if o.component, ok = f.plan.index[id]; !ok {
			return outage{}, false
		}
	}
	return o, true
}

// zone is the calendar of the participants whose day 0 was dated in one zone.
type zone struct {
	cutoff  int      // its calendar day
	outages [][]Span // by component: calendar days that lie wholly in an outage
}

func (f *Frame) zone(name string) *zone {
	z, ok := f.zones[name]
	if ok {
		return z
	}
	place := location(name)
	z = &zone{cutoff: civil(f.clock.cutoff().In(place)), outages: make([][]Span, len(f.plan.components))}
	for _, o := range f.outages {
		days := wholeDays(o.from.In(place), o.to.In(place))
		if days.First >= days.End {
			continue
		}
		for c := range z.outages {
			if o.component == none || o.component == c {
				z.outages[c] = append(z.outages[c], days)
			}
		}
	}
	f.zones[name] = z
	return z
}

// wholeDays returns the calendar days that lie wholly in [from, to), which are in one zone.
func wholeDays(from, to time.Time) Span {
	first := civil(from)
	if civil(from.Add(-1)) == first {
		first++
	}
	return Span{first, civil(to)}
}

// person is a record read at the cut-off.
type person struct {
	*Record
	c       int      // C, the days to the cut-off
	outages [][]Span // by component, in calendar days
}

// read returns the record at the cut-off; it must be assigned.
func (f *Frame) read(r *Record) person {
	z := f.zone(r.Zone)
	return person{Record: r, c: max(0, z.cutoff-r.Day0), outages: z.outages}
}

// by returns a day, or C where its number is above it; never stays never.
func (p *person) by(day int) int {
	if day == never {
		return never
	}
	return min(day, p.c)
}

// paused reports whether a day is in a pause.
func (p *person) paused(day int) bool {
	for _, s := range p.Pauses {
		if s.has(day) {
			return true
		}
	}
	return false
}

// out reports whether a component was in an outage for a whole day.
func (p *person) out(component, day int) bool {
	for _, s := range p.outages[component] {
		if s.has(day + p.Day0) {
			return true
		}
	}
	return false
}

// interrupted reports whether there is any pause, or any outage of the components.
func (p *person) interrupted(components []int) bool {
	if len(p.Pauses) > 0 {
		return true
	}
	for _, c := range components {
		if len(p.outages[c]) > 0 {
			return true
		}
	}
	return false
}

// usesOf returns the uses of a component, ascending by day.
func (p *person) usesOf(component int) []Use { return between(p.Uses, component, 0, never) }

// between returns the uses of a component from day first to before day end.
func between(uses []Use, component, first, end int) []Use {
	low := search(uses, component, first)
	return uses[low : low+search(uses[low:], component, end)]
}

// search returns how many uses stand before a component and day.
func search(uses []Use, component, day int) int {
	low, high := 0, len(uses)
	for low < high {
		mid := (low + high) / 2
		if u := &uses[mid]; u.Component < component || u.Component == component && u.Day < day {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

// used reports whether there is any qualifying activity of the components.
func (p *person) used(components []int) bool {
	for _, c := range components {
		if len(p.usesOf(c)) > 0 {
			return true
		}
	}
	return false
}
