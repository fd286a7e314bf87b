package study

import (
	"slices"

	"github.com/throughline-trials/throughline/pkg/event"
)

// Rule says which events of a component are qualifying activities, and how many of them make a period engaged.
//
// A rule has either Types (with Where) or AnyOf, whose members have Types and no AnyOf of their own. An event qualifies if
// it is of one of the Types and holds every condition of Where, or if it qualifies under one member of AnyOf.
//
// A period is engaged when the qualifying activities in it reach MinEvents and lie on MinDays distinct days, and, with
// AnyOf, those of at least one member reach the member's own minima ([Rule.Engaged]).
//
// The types session.started and session.ended stand for the session as a whole: one activity, on the local day it began,
// whose active_seconds are its active time. The type kiosk.visit_started stands for the visit, whose length in seconds is
// the derived attribute [AttributeVisitSeconds].
type Rule struct {
	Types     []string             `json:"types,omitempty"`
	Where     map[string]Condition `json:"where,omitempty"`
	AnyOf     []Rule               `json:"any_of,omitempty"`
	MinEvents int                  `json:"min_events"` // at least 1
	MinDays   int                  `json:"min_days"`   // at least 1
	Default   bool                 `json:"default"`    // the rule of the channel, not of the definition
}

// AttributeVisitSeconds is the time from a kiosk.visit_started to the next kiosk.visit_ended of the participant. No event
// carries it: whoever applies a rule works it out.
const AttributeVisitSeconds = "visit_seconds"

// Condition bounds one attribute of an event. What is nil does not bind; an absent attribute holds no condition.
type Condition struct {
	Min    *float64 `json:"min,omitempty"`
	Max    *float64 `json:"max,omitempty"`
	Equals any      `json:"equals,omitempty"` // string, float64 or bool
}

// Holds reports whether the condition holds for an attribute's value.
func (c Condition) Holds(v event.Value) bool {
	if c.Min != nil && (v.Kind != event.KindNumber || v.Num < *c.Min) {
		return false
	}
	if c.Max != nil && (v.Kind != event.KindNumber || v.Num > *c.Max) {
		return false
	}
	switch want := c.Equals.(type) {
	case nil:
		return v.Kind != event.KindNull
	case string:
		return v.Kind == event.KindString && v.Str == want
	case float64:
		return v.Kind == event.KindNumber && v.Num == want
	case bool:
		return v.Kind == event.KindBool && v.Bool == want
	}
	return false
}

// Branches returns the rules that have types: the members of AnyOf, or the rule itself.
func (r *Rule) Branches() []Rule {
	if len(r.AnyOf) > 0 {
		return r.AnyOf
	}
	return []Rule{*r}
}

// AllTypes returns the event types that can qualify, ascending, each once.
func (r *Rule) AllTypes() []string {
	var all []string
	for _, b := range r.Branches() {
		all = append(all, b.Types...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Counts reports whether an event of the type, with the attributes that get finds, is a qualifying activity. Who acted is
// not looked at: see [ActorCounts].
func (r *Rule) Counts(typ string, get func(attribute string) (event.Value, bool)) bool {
	return r.Branch(typ, get) != 0
}

// Branch returns under which of [Rule.Branches] an event qualifies, the first as bit 0; 0 if under none.
func (r *Rule) Branch(typ string, get func(attribute string) (event.Value, bool)) uint32 {
	if len(r.AnyOf) == 0 {
		return r.bit(typ, get)
	}
	var set uint32
	for i := range r.AnyOf {
		set |= r.AnyOf[i].bit(typ, get) << i
	}
	return set
}

func (r *Rule) bit(typ string, get func(string) (event.Value, bool)) uint32 {
	if !slices.Contains(r.Types, typ) {
		return 0
	}
	for name, condition := range r.Where {
		v, ok := get(name)
		if !ok || !condition.Holds(v) {
			return 0
		}
	}
	return 1
}

// Activity is one qualifying activity: the participant-local day it counts on, and the branches it qualifies under
// ([Rule.Branch]).
type Activity struct {
	Day      int
	Branches uint32
}

// Engaged reports whether the qualifying activities of one period make it engaged. It keeps no reference to them.
func (r *Rule) Engaged(period []Activity) bool {
	if !reaches(period, r.MinEvents, r.MinDays, ^uint32(0)) {
		return false
	}
	if len(r.AnyOf) == 0 {
		return true
	}
	for i, b := range r.AnyOf {
		if reaches(period, b.MinEvents, b.MinDays, 1<<i) {
			return true
		}
	}
	return false
}

func reaches(period []Activity, events, days int, branches uint32) bool {
	n, distinct := 0, make(map[int]struct{}, days)
	for _, a := range period {
		if a.Branches&branches != 0 {
			n++
			distinct[a.Day] = struct{}{}
		}
	}
	return n > 0 && n >= events && len(distinct) >= days
}

// ActorCounts reports whether an event of the type by this actor can be a qualifying activity: those of the participant,
// and peer contacts, visits and calls, which involve both sides.
func ActorCounts(typ string, role event.ActorRole) bool {
	switch role {
	case "", event.RoleParticipant:
		return true
	case event.RoleSystem:
		return false
	}
	switch typ {
	case "peer_contact.completed", "visit.attended", "call.ended":
		return true
	}
	return false
}
