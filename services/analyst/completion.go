package analyst

import (
	"slices"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
)

// stepKind is what a completion may require.
type stepKind uint8

const (
	stepModule stepKind = iota
	stepSession
	stepCall
	stepKinds
)

// step is one module, session or call done.
type step struct {
	kind stepKind
	name string // of the module: each counts once; empty: by itself
	at   time.Time
	day  int
}

// step books an event that may bring completion nearer. Where the component's rule counts events of the type, only those
// that qualify are done.
func (g *gatherer) step(e *event.Event, component int, qualifies bool, day int) {
	if g.plan.def.Completion == nil || component != none && !g.own[component] || day < 0 {
		return
	}
	s := step{at: e.Time.Time, day: day}
	switch e.Type {
	case typeModule:
		s.kind, s.name = stepModule, e.Data.Text("module")
	case typeTraining:
		s.kind = stepSession
	case typeCallEnded:
		s.kind = stepCall
		if both, told := e.Data.Flag("both_present"); told && !both {
			return
		}
	default:
		return
	}
	if qualifies || component == none || !g.plan.components[component].types[e.Type] {
		g.steps = append(g.steps, s)
	}
}

func (g *gatherer) sessionStep(s *session, qualifies bool, day int) {
	if g.plan.def.Completion == nil || !g.own[s.component] || day < 0 {
		return
	}
	types := g.plan.components[s.component].types
	if qualifies || !types[typeSessionStarted] && !types[typeSessionEnded] {
		g.steps = append(g.steps, step{kind: stepSession, at: s.start.event.Time.Time, day: day})
	}
}

// complete sets the day on which all that is required was done, if that is before intervention.completed.
func (g *gatherer) complete() {
	c := g.plan.def.Completion
	if c == nil {
		return
	}
	slices.SortStableFunc(g.steps, func(a, b step) int { return a.at.Compare(b.at) })
	required := [stepKinds]int{c.Modules, c.Sessions, c.Calls}
	day, any := 0, false
	for kind, n := range required {
		if n == 0 {
			continue
		}
		d, done := reached(g.steps, stepKind(kind), n)
		if !done {
			return
		}
		day, any = max(day, d), true
	}
	if any {
		g.record.Completed = min(g.record.Completed, day)
	}
}

// reached returns the day of the n-th step of a kind.
func reached(steps []step, kind stepKind, n int) (day int, ok bool) {
	seen := map[string]bool{}
	for _, s := range steps {
		if s.kind != kind || s.name != "" && seen[s.name] {
			continue
		}
		seen[s.name] = true
		day = max(day, s.day)
		if n--; n == 0 {
			return day, true
		}
	}
	return 0, false
}
