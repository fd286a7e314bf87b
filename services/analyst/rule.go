package analyst

import (
	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/study"
)

// rule is a study's rule in the form that counts fast. It counts what [study.Rule.Branch] counts.
type rule struct {
	branches           []branch
	minEvents, minDays int
}

// branch is one rule of types and conditions.
type branch struct {
	types              map[string]bool
	conditions         []condition
	minEvents, minDays int
}

type condition struct {
	attribute string
	study.Condition
}

func newRule(given study.Rule) rule {
	r := rule{minEvents: max(1, given.MinEvents), minDays: max(1, given.MinDays)}
	for _, b := range given.Branches() {
		compiled := branch{types: map[string]bool{}, minEvents: max(1, b.MinEvents), minDays: max(1, b.MinDays)}
		for _, typ := range b.Types {
			compiled.types[typ] = true
		}
		for name, c := range b.Where {
			compiled.conditions = append(compiled.conditions, condition{name, c})
		}
		r.branches = append(r.branches, compiled)
	}
	if len(given.AnyOf) == 0 { // its minima are those of the rule
		r.branches[0].minEvents, r.branches[0].minDays = 1, 1
	}
	return r
}

// attributes finds the attributes of an activity: those of its events, and what is worked out from several.
type attributes struct {
	first, last *event.Event // last may be nil
	derived     string       // name of a derived attribute, empty if there is none
	value       float64
}

func (a *attributes) get(name string) (event.Value, bool) {
	if a.derived == name && name != "" {
		return event.Value{Kind: event.KindNumber, Num: a.value}, true
	}
	if v, ok := a.first.Data.Get(name); ok || a.last == nil {
		return v, ok
	}
	return a.last.Data.Get(name)
}

// counts returns under which branches an activity of the type qualifies, the first as bit 0; 0 if under none.
func (r *rule) counts(typ string, a *attributes) uint32 {
	var set uint32
	for i := range r.branches {
		if b := &r.branches[i]; b.types[typ] && b.hold(a) {
			set |= 1 << i
		}
	}
	return set
}

func (b *branch) hold(a *attributes) bool {
	for i := range b.conditions {
		v, ok := a.get(b.conditions[i].attribute)
		if !ok || !b.conditions[i].Holds(v) {
			return false
		}
	}
	return true
}

// engaged reports whether the uses of one period, ascending by day, make it engaged: enough of them in all, and enough
// under one branch.
func (r *rule) engaged(period []Use) bool {
	if len(period) == 0 || !reaches(period, ^uint32(0), r.minEvents, r.minDays) {
		return false
	}
	for i := range r.branches {
		if b := &r.branches[i]; reaches(period, 1<<i, b.minEvents, b.minDays) {
			return true
		}
	}
	return false
}

func reaches(period []Use, branches uint32, events, days int) bool {
	n, distinct, last := 0, 0, never
	for i := range period {
		u := &period[i]
		if u.Branches&branches == 0 {
			continue
		}
		n += u.Count
		if u.Day != last {
			distinct++
			last = u.Day
		}
	}
	return n >= events && distinct >= days
}
