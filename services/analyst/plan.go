package analyst

import (
	"slices"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/study"
)

// plan is a study definition made ready for many participants. It is read only and safe for concurrent use.
type plan struct {
	def        *study.Definition
	version    int
	trial      string // digest of a definition that is not published; empty: it is
	components []componentPlan
	index      map[string]int // component id to place
	arms       []attribution  // by arm: what events without component may belong to
	everywhere attribution    // the same over all components of the study
	apart      map[string]bool
}

// componentPlan is one component with its rule.
type componentPlan struct {
	id      string
	channel event.Channel
	portion event.Portion
	rule    rule
	types   map[string]bool // that its rule counts, or that belong to what it counts
}

// attribution tells to which of some components an event without one belongs.
type attribution struct {
	components []int
	byChannel  map[event.Channel][]int
	byType     map[string][]int
}

// newPlan returns the plan of one version of a definition.
func newPlan(def *study.Definition, version int) *plan {
	p := &plan{def: def, version: version, index: map[string]int{}}
	all := make([]int, len(def.Components))
	for i, c := range def.Components {
		all[i] = i
		p.index[c.ID] = i
		p.components = append(p.components, newComponentPlan(def, c))
	}
	p.everywhere = p.attribution(all)
	for _, arm := range def.Arms {
		var own []int
		for _, id := range arm.Components {
			own = append(own, p.index[id])
		}
		p.arms = append(p.arms, p.attribution(own))
	}
	p.apart = typesApart()
	return p
}

func newComponentPlan(def *study.Definition, c study.Component) componentPlan {
	given := def.RuleFor(c.ID)
	out := componentPlan{id: c.ID, channel: c.Channel, portion: c.Portion, rule: newRule(given), types: map[string]bool{}}
	for _, typ := range given.AllTypes() {
		out.types[typ] = true
		if whole, ok := wholeOf(typ); ok {
			out.types[whole] = true
		}
	}
	return out
}

// wholeOf returns the other end of what an event begins or ends: both tell of one activity.
func wholeOf(typ string) (other string, ok bool) {
	switch typ {
	case typeSessionStarted:
		return typeSessionEnded, true
	case typeSessionEnded:
		return typeSessionStarted, true
	case typeVisitStarted:
		return typeVisitEnded, true
	}
	return "", false
}

func (p *plan) attribution(components []int) attribution {
	a := attribution{components: components, byChannel: map[event.Channel][]int{}, byType: map[string][]int{}}
	for _, i := range components {
		c := &p.components[i]
		a.byChannel[c.channel] = append(a.byChannel[c.channel], i)
		for typ := range c.types {
			a.byType[typ] = append(a.byType[typ], i)
		}
	}
	return a
}

// typesApart are the usage events that belong to no component: measures, safety, faults, and what is about peers rather
// than with them.
func typesApart() map[string]bool {
	apart := map[string]bool{}
	for _, typ := range event.Types() {
		switch typ.Group {
		case "measures", "safety and faults":
			apart[typ.Name] = true
		case "peer contact":
			apart[typ.Name] = typ.Name != typePeerContact
		}
		if typ.Scope != event.ScopeEmit {
			apart[typ.Name] = true
		}
	}
	return apart
}

// isUse reports whether events of the type belong to a component.
func (p *plan) isUse(typ string) bool { return !p.apart[typ] }

// none is the place of no component, and of no arm.
const none = -1

// componentOf returns the component that an event belongs to, and [none] if nothing decides. What no component of the
// arm claims may still belong to one of another arm, which is then contamination.
func (p *plan) componentOf(e *event.Event, arm int) int {
	channel := e.Channel
	if e.Type == typePeerContact {
		if mode := event.Channel(e.Data.Text("mode")); mode != "" {
			if c := p.byMode(e, arm, mode); c != none {
				return c
			}
			channel = ""
		}
	}
	if e.Component != "" {
		if c, ok := p.index[e.Component]; ok {
			return c
		}
		return none
	}
	if arm != none {
		a := &p.arms[arm]
		c, claimed := a.decide(channel, e.Type)
		if c != none || claimed {
			return c
		}
	}
	c, _ := p.everywhere.decide(channel, e.Type)
	return c
}

// byMode returns the component of a peer contact's mode: of the arm, else, unless the event names one, of the study.
func (p *plan) byMode(e *event.Event, arm int, mode event.Channel) int {
	if named, ok := p.index[e.Component]; ok && p.components[named].channel == mode {
		return named
	}
	if arm != none {
		if own := p.arms[arm].byChannel[mode]; len(own) == 1 {
			return own[0]
		}
	}
	if others := p.everywhere.byChannel[mode]; e.Component == "" && len(others) == 1 {
		return others[0]
	}
	return none
}

// decide returns the one component of a channel, else the one whose rule has the type. claimed reports whether several
// had a claim.
func (a *attribution) decide(channel event.Channel, typ string) (component int, claimed bool) {
	byChannel := a.byChannel[channel]
	if len(byChannel) == 1 {
		return byChannel[0], true
	}
	byType := a.byType[typ]
	if len(byType) == 1 {
		return byType[0], true
	}
	return none, len(byChannel)+len(byType) > 0
}

// inArm reports whether an arm has a component.
func (p *plan) inArm(component, arm int) bool {
	return arm != none && slices.Contains(p.arms[arm].components, component)
}
