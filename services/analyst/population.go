package analyst

import (
	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/stats"
)

// scope is the part of the intervention that a result is about.
type scope struct {
	byArm   [][]int // components of each arm; empty: the arm has nothing of it
	silence int     // g
}

// scope returns the components of a portion, or the one component.
func (f *Frame) scope(portion event.Portion, component string) scope {
	s := scope{byArm: make([][]int, len(f.plan.arms)), silence: f.plan.def.SilenceDays(component)}
	for arm := range f.plan.arms {
		for _, c := range f.plan.arms[arm].components {
			p := &f.plan.components[c]
			if component != "" && p.id != component {
				continue
			}
			if component != "" || portion == event.PortionAll || p.portion == portion {
				s.byArm[arm] = append(s.byArm[arm], c)
			}
		}
	}
	return s
}

// whole is the scope of all that an arm has.
func (f *Frame) whole() scope { return f.scope(event.PortionAll, "") }

// people returns those of a population, read at the cut-off, in the order of records. The reason says why there is no
// such population.
func (f *Frame) people(records []*Record, population Population) ([]person, stats.Reason) {
	if population == PerProtocol && f.plan.def.PerProtocol == nil {
		return nil, ReasonNoPerProtocol
	}
	out := make([]person, 0, len(records))
	for _, r := range records {
		if !r.assigned() {
			continue
		}
		p := f.read(r)
		if f.belongs(&p, population) {
			out = append(out, p)
		}
	}
	return out, ""
}

func (f *Frame) belongs(p *person, population Population) bool {
	switch population {
	case Started:
		return p.Started || len(p.Uses) > 0
	case PerProtocol:
		x, _ := tally(f.periods(p, f.plan.arms[p.Arm].components))
		return x >= f.plan.def.PerProtocol.EngagedPeriods
	}
	return true
}

// stratum numbers the combination of levels of some factors; [stats.NoStratum] if one is not known.
func (f *Frame) stratum(r *Record, factors []string) int {
	number := 0
	for _, name := range factors {
		level := f.level(r, name)
		if level < 0 {
			return stats.NoStratum
		}
		levels, _ := f.plan.def.Strata.Levels(name)
		number = number*len(levels) + level
	}
	return number
}

// level returns the place of a participant's level of a factor, -1 if it is not known or not declared.
func (f *Frame) level(r *Record, factor string) int {
	for i, declared := range f.plan.def.Strata {
		if declared.Name != factor || i >= len(r.Strata) {
			continue
		}
		for k, level := range declared.Levels {
			if level == r.Strata[i] && level != "" {
				return k
			}
		}
	}
	return -1
}
