package analyst

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
)

// DoseKind is one kind of what a participant had of the intervention.
type DoseKind string

// The kinds of dose.
const (
	DoseSessions     DoseKind = "sessions"       // begun, of any length
	DoseMinutes      DoseKind = "active_minutes" // of sessions, each capped at 12 hours
	DoseModules      DoseKind = "modules"        // completed
	DosePosts        DoseKind = "posts"          // that begin or continue a thread as posts
	DoseReplies      DoseKind = "replies"        // to posts
	DosePeerContacts DoseKind = "peer_contacts"  // two-way
	DoseCalls        DoseKind = "calls"          // ended, with both present unless told otherwise
)

// DoseKinds returns every kind of dose.
func DoseKinds() []DoseKind {
	return []DoseKind{DoseSessions, DoseMinutes, DoseModules, DosePosts, DoseReplies, DosePeerContacts, DoseCalls}
}

// doseKind is the place of a kind in [DoseKinds].
type doseKind int

const (
	doseSessions doseKind = iota
	doseActive            // in milliseconds
	doseModules
	dosePosts
	doseReplies
	doseContacts
	doseCalls
	doseKinds
)

// amount returns a dose in the unit in which it is told.
func (k doseKind) amount(n int64) float64 {
	if k == doseActive {
		return float64(n) / 60_000
	}
	return float64(n)
}

// Dosage is what a participant had of one component in one planned period. Peer contacts that belong to no component
// stand under component -1.
type Dosage struct {
	Component int
	Period    int              // from 0
	Amounts   [doseKinds]int64 // active time in milliseconds
}

// MarshalJSON writes a dosage as numbers: component, period, amounts without the zeros behind the last.
func (d Dosage) MarshalJSON() ([]byte, error) {
	b := strconv.AppendInt([]byte{'['}, int64(d.Component), 10)
	b = strconv.AppendInt(append(b, ','), int64(d.Period), 10)
	last := len(d.Amounts)
	for last > 0 && d.Amounts[last-1] == 0 {
		last--
	}
	for _, n := range d.Amounts[:last] {
		b = strconv.AppendInt(append(b, ','), n, 10)
	}
	return append(b, ']'), nil
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (d *Dosage) UnmarshalJSON(b []byte) error {
	var numbers [2 + int(doseKinds)]int64
	if err := json.Unmarshal(b, &numbers); err != nil {
		return err
	}
	d.Component, d.Period = int(numbers[0]), int(numbers[1])
	copy(d.Amounts[:], numbers[2:])
	return nil
}

// Types of events that only the dose looks at.
const (
	typePost  = "post.created"
	typeReply = "reply.created"
)

// training is a training session that may be part of a session of an app.
type training struct {
	entry     *entry
	component int
}

// dosed books an event that is a dose by itself. Sessions are booked when their length is known.
func (g *gatherer) dosed(e *entry, component int) {
	switch e.event.Type {
	case typeModule:
		g.dose(component, g.day(e), doseModules, 1)
	case typePost:
		g.dose(component, g.day(e), dosePosts, 1)
		g.thread(e)
	case typeReply:
		g.dose(component, g.day(e), doseReplies, 1)
		g.thread(e)
	case typeCallEnded:
		if both, told := e.event.Data.Flag("both_present"); both || !told {
			g.dose(component, g.day(e), doseCalls, 1)
		}
	case typePeerContact:
		if both, _ := e.event.Data.Flag("two_way"); both {
			g.dose(component, g.day(e), doseContacts, 1)
		}
	case typeTraining:
		g.trainings = append(g.trainings, training{e, component})
	}
}

// dose adds to what the participant had in the period of a day. What is not of the arm, before day 0 or in no planned
// period is no dose.
func (g *gatherer) dose(component, day int, kind doseKind, n int64) {
	if !g.record.assigned() || day < 0 || component != none && !g.own[component] || component == none && kind != doseContacts {
		return
	}
	period := day / g.plan.def.PeriodDays()
	if period >= g.plan.def.Periods() {
		return
	}
	list := g.record.Doses
	for i := len(list) - 1; i >= 0; i-- { // events come by time: it is among the last
		if list[i].Period == period && list[i].Component == component {
			list[i].Amounts[kind] += n
			return
		}
	}
	one := Dosage{Component: component, Period: period}
	one.Amounts[kind] = n
	g.record.Doses = append(list, one)
}

// sessionDose books a session of so many active seconds.
func (g *gatherer) sessionDose(component, day int, active float64) {
	g.dose(component, day, doseSessions, 1)
	g.dose(component, day, doseActive, milliseconds(active))
}

func milliseconds(seconds float64) int64 {
	return int64(math.Round(1000 * min(max(seconds, 0), longest.Seconds())))
}

// doses books the training sessions, but for those within a session of an app, and orders what was booked.
func (g *gatherer) doses() {
	for _, t := range g.trainings {
		if g.within(t) {
			continue
		}
		minutes, _ := t.entry.event.Data.Number("minutes")
		g.sessionDose(t.component, g.day(t.entry), 60*minutes)
	}
	slices.SortFunc(g.record.Doses, func(a, b Dosage) int {
		return cmp.Or(cmp.Compare(a.Component, b.Component), cmp.Compare(a.Period, b.Period))
	})
	g.record.Doses = slices.Clip(g.record.Doses)
}

// within reports whether a training session was completed during a session with the component: it is one with it.
func (g *gatherer) within(t training) bool {
	at := t.entry.event.Time.Time
	return slices.ContainsFunc(g.sessions.all, func(s *session) bool {
		if !s.real || s.component != t.component {
			return false
		}
		begin, active := s.start.event.Time.Time, time.Duration(max(0, s.active)*float64(time.Second))
		return !at.Before(begin) && (!at.After(s.last) || !at.After(begin.Add(min(active, longest))))
	})
}

// unmanned reports whether no person stands behind an event.
func unmanned(e *event.Event) bool {
	automated, _ := e.Data.Flag("automated")
	return automated || e.ActorRole == event.RoleSystem
}
