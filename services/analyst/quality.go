package analyst

import (
	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/stats"
)

// Quality is the answer of /quality: the state of the data, apart from engagement. Counts of events leave test traffic
// out unless they say otherwise.
type Quality struct {
	Stamp
	Events     int `json:"events"`      // distinct accepted events with a subject, test traffic included
	TestEvents int `json:"test_events"` //
	Unassigned int `json:"unassigned"`  // usage events that belong to no component
	Late1h     int `json:"late_1h"`     // received more than an hour after they happened; imported ones are left out
	Late24h    int `json:"late_24h"`
	Late7d     int `json:"late_7d"`
	Duplicates int `json:"duplicates"`
	// Quarantined counts distinct refused events by code; those accepted since are left out.
	Quarantined map[event.Code]int `json:"quarantined"`

	ClockSkew               []SkewClass            `json:"clock_skew"`
	EventsAfterWithdrawal   int                    `json:"events_after_withdrawal"`
	Contamination           *int                   `json:"contamination"`                  // qualifying activities by components outside the arm; null where blinding hides it
	ContaminationBy         []ContaminatedByOthers `json:"contamination_by_component"`     // null where blinding hides it
	ContaminationReason     stats.Reason           `json:"contamination_reason,omitempty"` // why contamination is null
	RandomisedNeverEnrolled int                    `json:"randomised_never_enrolled"`
	LongSessions            int                    `json:"long_sessions"`   // over 12 hours, capped
	SilentByFault           int                    `json:"silent_by_fault"` // participants silent since a fault that blocks use
}

// SkewClass counts events by the sender's clock less the receiver's, in seconds: from From (null: no bound) to before To.
type SkewClass struct {
	From   *float64 `json:"from_seconds"`
	To     *float64 `json:"to_seconds"`
	Events int      `json:"events"`
}

// ContaminatedByOthers tells of the use of one component by participants of other arms.
type ContaminatedByOthers struct {
	Component    string `json:"component"`
	Participants int    `json:"participants"`
	Activities   int    `json:"activities"`
}

// Refusals is what was turned away: it is counted from the log, not from records.
type Refusals struct {
	Duplicates  int
	Quarantined map[event.Code]int
}

// Quality returns the state of the data of the records, which are those of all subjects of the study.
func (f *Frame) Quality(records []*Record, refused Refusals) *Quality {
	out := &Quality{Stamp: f.stamp(Randomised), Duplicates: refused.Duplicates, Quarantined: refused.Quarantined}
	if out.Quarantined == nil {
		out.Quarantined = map[event.Code]int{}
	}
	var sum Counts
	by := make([]ContaminatedByOthers, len(f.plan.components))
	for _, r := range records {
		sum.plus(&r.Counts)
		if r.Randomised && !r.Enrolled {
			out.RandomisedNeverEnrolled++
		}
		if r.Counts.Blocked {
			out.SilentByFault++
		}
		for component, n := range r.Counts.Contamination {
			by[component].Participants++
			by[component].Activities += n
		}
	}
	out.Events, out.TestEvents, out.Unassigned = sum.Events, sum.Tests, sum.Unassigned
	out.Late1h, out.Late24h, out.Late7d = sum.Late1h, sum.Late24h, sum.Late7d
	out.EventsAfterWithdrawal, out.LongSessions = sum.AfterWithdrawal, sum.LongSessions
	contamination := 0
	out.Contamination, out.ContaminationBy = &contamination, []ContaminatedByOthers{}
	for i, c := range by {
		if c.Participants > 0 {
			c.Component = f.plan.components[i].id
			contamination += c.Activities
			out.ContaminationBy = append(out.ContaminationBy, c)
		}
	}
	out.ClockSkew = skewClasses(sum.Skew)
	return out
}

// blind takes out what tells arms apart: that a component was used from outside its arm says who is in which.
func (q *Quality) blind() {
	q.Contamination, q.ContaminationBy, q.ContaminationReason = nil, []ContaminatedByOthers{}, ReasonBlinded
}

func skewClasses(counts []int) []SkewClass {
	bounds := SkewBounds()
	out := make([]SkewClass, len(bounds)+1)
	for i := range out {
		if i > 0 {
			from := bounds[i-1].Seconds()
			out[i].From = &from
		}
		if i < len(bounds) {
			to := bounds[i].Seconds()
			out[i].To = &to
		}
		if i < len(counts) {
			out[i].Events = counts[i]
		}
	}
	return out
}
