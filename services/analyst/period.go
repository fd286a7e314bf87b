package analyst

import (
	"github.com/throughline-trials/throughline/services/study"
)

// periodState is what one period of a participant says.
type periodState uint8

const (
	notEvaluable periodState = iota
	notEngaged
	engaged
)

// periods returns the state of each elapsed period, the first first, over components of the participant's arm.
func (f *Frame) periods(p *person, components []int) []periodState {
	length := f.plan.def.PeriodDays()
	states := make([]periodState, min(f.plan.def.Periods(), p.c/length))
	if len(components) == 0 {
		return states
	}
	off := p.interrupted(components)
	for k := range states {
		states[k] = f.period(p, components, k*length, (k+1)*length, off)
	}
	return states
}

// period returns the state of the period of days first to before end. off says whether there is any pause or outage.
func (f *Frame) period(p *person, components []int, first, end int, off bool) periodState {
	if p.Death < end {
		return notEvaluable
	}
	evaluable, used := 0, 0
	for _, c := range components {
		if off && p.allOff(c, first, end) {
			continue
		}
		evaluable++
		if f.plan.components[c].rule.engaged(between(p.Uses, c, first, end)) {
			used++
		}
	}
	switch {
	case evaluable == 0:
		return notEvaluable
	case used == evaluable, used > 0 && f.plan.def.Engagement.Combine != study.CombineAll:
		return engaged
	}
	return notEngaged
}

// allOff reports whether every day from first to before end is paused or in an outage of the component.
func (p *person) allOff(component, first, end int) bool {
	for day := first; day < end; day++ {
		if !p.paused(day) && !p.out(component, day) {
			return false
		}
	}
	return true
}

// tally returns x engaged of n evaluable periods.
func tally(states []periodState) (x, n int) {
	for _, s := range states {
		switch s {
		case engaged:
			x, n = x+1, n+1
		case notEngaged:
			n++
		}
	}
	return x, n
}
