package analyst

import (
	"cmp"
	"slices"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/study"
)

// longest is the longest session that is believed, and the longest that a kiosk visit waits for its end.
const longest = 12 * time.Hour

// gatherer finds the qualifying activities of one participant.
type gatherer struct {
	*folder
	own       []bool // by component: in the participant's arm
	sessions  sessions
	visits    []visit // started, not ended
	uses      []Use
	steps     []step
	trainings []training
	fault     time.Time // since when a fault blocks use; zero if none does
}

// visit is a kiosk visit that was started.
type visit struct {
	entry     *entry
	component int
}

// uses fills in the qualifying activities and what they complete.
func (f *folder) uses() {
	g := &gatherer{folder: f, own: make([]bool, len(f.plan.components))}
	if f.record.assigned() {
		for _, c := range f.plan.arms[f.record.Arm].components {
			g.own[c] = true
		}
	}
	for i := range f.entries {
		g.take(&f.entries[i])
	}
	for _, s := range g.sessions.all {
		g.session(s)
	}
	for _, v := range g.visits {
		g.visit(v, nil)
	}
	f.record.Uses = gather(g.uses)
	f.record.Counts.Blocked = !g.fault.IsZero()
	g.complete()
	g.doses()
}

// take looks at one event, by time.
func (g *gatherer) take(e *entry) {
	ev := e.event
	if !g.plan.isUse(ev.Type) {
		g.faults(ev)
		return
	}
	if !actorCounts(ev) {
		return
	}
	if !g.stop.IsZero() && ev.Time.After(g.stop) {
		g.record.Counts.AfterWithdrawal++
		return
	}
	g.fault = time.Time{}
	component := g.plan.componentOf(ev, g.record.Arm)
	if component == none {
		g.record.Counts.Unassigned++
	}
	g.sessions.extend(e)
	g.dosed(e, component)
	switch ev.Type {
	case typeSessionStarted, typeSessionEnded:
		g.sessions.add(e, component)
	case typeVisitStarted:
		g.visits = append(g.visits, visit{e, component})
	case typeVisitEnded:
		g.endVisits(e, component)
		g.direct(e, component, g.day(e))
	case typeWearDay:
		g.direct(e, component, g.wearDay(e))
	default:
		g.direct(e, component, g.day(e))
	}
}

// actorCounts reports whether the right one acted: the participant, or both sides.
func actorCounts(e *event.Event) bool {
	if e.Type == typeReplied && e.Data.Text("direction") == "to_participant" {
		return false
	}
	return study.ActorCounts(e.Type, e.ActorRole)
}

func (g *gatherer) faults(e *event.Event) {
	switch e.Type {
	case typeFault:
		if blocks, _ := e.Data.Flag("blocks_use"); blocks {
			g.fault = e.Time.Time
		}
	case typeFaultResolved:
		g.fault = time.Time{}
	}
}

// direct takes an event that is an activity by itself.
func (g *gatherer) direct(e *entry, component, day int) {
	if component == none {
		g.step(e.event, none, false, day)
		return
	}
	set := g.plan.components[component].rule.counts(e.event.Type, &attributes{first: e.event})
	g.add(component, day, set)
	g.step(e.event, component, set != 0, day)
}

// add books a qualifying activity.
func (g *gatherer) add(component, day int, set uint32) {
	if set == 0 || component == none || !g.record.assigned() {
		return
	}
	if !g.own[component] {
		counts := &g.record.Counts
		if counts.Contamination == nil {
			counts.Contamination = map[int]int{}
		}
		counts.Contamination[component]++
		return
	}
	if day >= 0 {
		g.uses = append(g.uses, Use{component, day, set, 1})
	}
}

// wearDay returns the day on which what a wear record covers began.
func (g *gatherer) wearDay(e *entry) int {
	from, ok := event.ParseInstant(e.event.Data.Text("covered_from"))
	if !ok {
		return g.day(e)
	}
	at := *e.event
	if at.Time = from; !from.Local && e.event.Time.Local {
		at.Time = event.Instant{Time: from.In(e.event.Time.Location()), Local: true}
	}
	if minutes, ok := offsetOf(&at, from.Time); ok {
		return civilAt(from.Time, minutes) - g.record.Day0
	}
	return civil(from.In(g.place)) - g.record.Day0
}

// endVisits closes the visits of a component that wait for their end.
func (g *gatherer) endVisits(end *entry, component int) {
	g.visits = slices.DeleteFunc(g.visits, func(v visit) bool {
		if v.component != component {
			return false
		}
		g.visit(v, end)
		return true
	})
}

// visit takes a kiosk visit; without an end its length is not known.
func (g *gatherer) visit(v visit, end *entry) {
	if v.component == none {
		return
	}
	a := attributes{first: v.entry.event}
	if end != nil {
		if d := end.event.Time.Sub(v.entry.event.Time.Time); d <= longest {
			a.derived, a.value = study.AttributeVisitSeconds, d.Seconds()
		}
	}
	g.add(v.component, g.day(v.entry), g.plan.components[v.component].rule.counts(typeVisitStarted, &a))
}

// gather adds up the activities of one component, day and kind, ascending.
func gather(uses []Use) []Use {
	slices.SortFunc(uses, func(a, b Use) int {
		return cmp.Or(cmp.Compare(a.Component, b.Component), cmp.Compare(a.Day, b.Day), cmp.Compare(a.Branches, b.Branches))
	})
	out := uses[:0]
	for _, u := range uses {
		if n := len(out); n > 0 && out[n-1].Component == u.Component && out[n-1].Day == u.Day && out[n-1].Branches == u.Branches {
			out[n-1].Count += u.Count
			continue
		}
		out = append(out, u)
	}
	return slices.Clip(out)
}
