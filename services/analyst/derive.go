package analyst

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/store"
	"github.com/throughline-trials/throughline/services/study"
)

// Types of events that the core treats one by one.
const (
	typeEnrolled       = "participant.enrolled"
	typeWithdrew       = "participant.withdrew"
	typeConsentEnded   = "consent.withdrawn"
	typeLost           = "participant.lost_to_follow_up"
	typeStudyCompleted = "participant.completed"
	typeDied           = "participant.died"
	typeStarted        = "intervention.started"
	typeDiscontinued   = "intervention.discontinued"
	typeCompleted      = "intervention.completed"
	typePaused         = "participation.paused"
	typeResumed        = "participation.resumed"
	typePeerAssigned   = "peer.assigned"
	typePeerContact    = "peer_contact.completed"
	typeSessionStarted = "session.started"
	typeSessionEnded   = "session.ended"
	typeVisitStarted   = "kiosk.visit_started"
	typeVisitEnded     = "kiosk.visit_ended"
	typeWearDay        = "wear_day.recorded"
	typeModule         = "module.completed"
	typeTraining       = "training.session_completed"
	typeCallEnded      = "call.ended"
	typeReplied        = "message.replied"
	typeFault          = "technical_fault.reported"
	typeFaultResolved  = "technical_fault.resolved"
)

// Derive folds the rows of one participant, of the events and of the allocations in any order, into the record as of a
// clock. Rows that are no events do not matter. Whatever is said about the study as a whole is no part of a record: see
// [NewFrame].
func Derive(def *study.Definition, rows []store.Row, clock Clock) Record {
	return newPlan(def, 0).derive(rows, clock)
}

// folder makes one record.
type folder struct {
	plan    *plan
	clock   Clock
	record  *Record
	entries []entry        // that stand and happened, by time
	place   *time.Location // where no event says so itself
	stop    time.Time      // use after it never counts; zero if there is no such
}

func (p *plan) derive(rows []store.Row, clock Clock) Record {
	r := Record{
		Version: p.version, Arm: none, Exit: Exit{Day: never}, Death: never, Discontinued: never, Completed: never, Withdrew: never,
	}
	if len(rows) == 0 {
		return r
	}
	r.Study, r.Participant = rows[0].Event.Study, rows[0].Event.Subject
	f := &folder{plan: p, clock: clock, record: &r}
	randomised := f.sift(resolve(rows, clock))
	f.settle(randomised)
	f.statuses()
	f.registry()
	f.measures()
	f.uses()
	f.peering()
	return r
}

// sift counts all entries, keeps those that stand and happened, by time, and returns the standing randomisation.
func (f *folder) sift(all []entry) (randomised *entry) {
	f.entries = all[:0]
	var first entry
	for _, e := range all {
		inside := f.window(&e)
		if inside {
			f.record.Counts.add(&e)
		}
		if e.voided || e.event.IsTest {
			continue
		}
		if e.event.Type == event.TypeRandomised && (first.row == nil || inLog(e.row, first.row)) {
			first = e
		}
		if inside && !aboutRecord(e.event.Type) {
			f.entries = append(f.entries, e)
		}
	}
	slices.SortFunc(f.entries, func(a, b entry) int {
		if c := a.event.Time.Compare(b.event.Time.Time); c != 0 {
			return c
		}
		return bytes.Compare(a.row.Identity[:], b.row.Identity[:])
	})
	if first.row == nil || !f.clock.happened(first.event.Time.Time) {
		return nil
	}
	return &first
}

// inLog reports whether a stands before b in its stream.
func inLog(a, b *store.Row) bool { return a.Seq < b.Seq || a.Seq == b.Seq && a.Index < b.Index }

// window reports whether an event lies before the cut-off and notes for which cut-offs that holds.
func (f *folder) window(e *entry) bool {
	if aboutRecord(e.event.Type) {
		return true
	}
	r, at := f.record, e.event.Time.Time
	if !f.clock.happened(at) {
		if r.Until.IsZero() || at.Before(r.Until) {
			r.Until = at
		}
		return false
	}
	if at.After(r.From) {
		r.From = at
	}
	return true
}

// settle finds enrolment, arm and day 0.
func (f *folder) settle(randomised *entry) {
	r, def := f.record, f.plan.def
	enrolled := f.enrolment()
	f.place = def.SiteLocation(r.Site)
	dated := enrolled
	switch {
	case randomised != nil:
		r.Randomised = true
		r.Arm, dated = def.ArmIndex(randomised.event.Data.Text("arm")), randomised
	case enrolled != nil && len(def.Arms) == 1:
		r.Arm = 0
	default:
		return
	}
	r.Day0 = f.civil(dated)
	r.Zone = f.zone(dated.event)
}

// enrolment returns the earliest enrolment and fills in what enrolments say; the earliest that says it counts.
func (f *folder) enrolment() *entry {
	var first *entry
	r, factors := f.record, f.plan.def.Strata
	for i := range f.entries {
		e := &f.entries[i]
		if e.event.Type != typeEnrolled {
			continue
		}
		if first == nil {
			first, r.Enrolled = e, true
			if len(factors) > 0 {
				r.Strata = make([]string, len(factors))
			}
		}
		if r.Site == "" {
			r.Site = strings.Clone(e.event.Data.Text("site"))
		}
		strata, _ := e.event.Data.Get("strata")
		for k := range r.Strata {
			if r.Strata[k] == "" {
				r.Strata[k] = strings.Clone(strata.Map[factors[k].Name])
			}
		}
	}
	return first
}

// zone names the zone in which an event's day was told.
func (f *folder) zone(e *event.Event) string {
	if e.Timezone != "" {
		if _, err := event.Zone(e.Timezone); err == nil {
			return e.Timezone
		}
	}
	if e.Time.Local {
		minutes, _ := offsetOf(e, e.Time.Time)
		return zoneName(minutes)
	}
	return f.place.String()
}

// civil returns the calendar day of an event where the participant is.
func (f *folder) civil(e *entry) int {
	if e.offset != nil {
		return civilAt(e.event.Time.Time, *e.offset)
	}
	return civil(e.event.Time.In(f.place))
}

// day returns the day number of an event, negative before day 0.
func (f *folder) day(e *entry) int { return f.civil(e) - f.record.Day0 }

// statusDay returns the day number of a status: one before day 0 stands at day 0.
func (f *folder) statusDay(e *entry) int { return max(0, f.day(e)) }
