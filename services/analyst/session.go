package analyst

import (
	"time"
)

// session is the events of one session: one activity, on the day it began.
type session struct {
	start     *entry // the earliest session.started, else the earliest event
	end       *entry // the latest session.ended, nil if there is none
	component int
	started   bool // start is a session.started
	real      bool // it has a session.started or a session.ended
	last      time.Time
	active    float64 // the largest active_seconds that start and end tell, negative if none does
}

// sessions finds the sessions among events that come by time.
type sessions struct {
	all  []*session
	byID map[string]*session
	open *session // begun without an id
}

// extend books an event in the session whose id it carries.
func (ss *sessions) extend(e *entry) {
	id := e.event.Data.Text("session_id")
	if id == "" {
		return
	}
	s, ok := ss.byID[id]
	if !ok {
		s = &session{start: e, component: none, active: -1}
		if ss.byID == nil {
			ss.byID = map[string]*session{}
		}
		ss.byID[id] = s
		ss.all = append(ss.all, s)
	}
	s.last = e.event.Time.Time
}

// add books a session.started or a session.ended.
func (ss *sessions) add(e *entry, component int) {
	s := ss.of(e)
	s.real = true
	if e.event.Type == typeSessionEnded {
		s.end = e
	} else if !s.started {
		s.start, s.started = e, true
		if component != none {
			s.component = component
		}
	}
	if s.component == none {
		s.component = component
	}
	s.last = e.event.Time.Time
	if seconds, ok := e.event.Data.Number("active_seconds"); ok {
		s.active = max(s.active, seconds)
	}
}

// of returns the session of an event: by its id, else an end belongs to the last begin without id that has none.
func (ss *sessions) of(e *entry) *session {
	if id := e.event.Data.Text("session_id"); id != "" {
		return ss.byID[id]
	}
	if e.event.Type == typeSessionEnded {
		if s := ss.open; s != nil && e.event.Time.Sub(s.start.event.Time.Time) <= longest && e.event.Source == s.start.event.Source {
			ss.open = nil
			return s
		}
	}
	s := &session{start: e, component: none, active: -1}
	ss.all = append(ss.all, s)
	if e.event.Type == typeSessionStarted {
		ss.open = s
	}
	return s
}

// seconds returns the active time, at most 12 hours, and whether the session is longer than that.
func (s *session) seconds() (active float64, long bool) {
	span := s.last.Sub(s.start.event.Time.Time)
	if active = s.active; active < 0 {
		active = max(0, span.Seconds())
	}
	return min(active, longest.Seconds()), span > longest || active > longest.Seconds()
}

// session takes a session as one activity, under the rule of its component.
func (g *gatherer) session(s *session) {
	if !s.real {
		return
	}
	active, long := s.seconds()
	if long {
		g.record.Counts.LongSessions++
	}
	day := g.day(s.start)
	if s.component == none {
		return
	}
	g.sessionDose(s.component, day, active)
	a := attributes{first: s.start.event, derived: "active_seconds", value: active}
	if s.end != nil {
		a.last = s.end.event
	}
	c := &g.plan.components[s.component]
	set := c.rule.counts(typeSessionStarted, &a) | c.rule.counts(typeSessionEnded, &a)
	g.add(s.component, day, set)
	g.sessionStep(s, set != 0, day)
}
