package analyst

import (
	"cmp"
	"slices"

	"github.com/throughline-trials/throughline/services/stats"
	"github.com/throughline-trials/throughline/services/study"
)

// Flow is the answer of /flow: the boxes of the participant flow diagram of CONSORT 2025. Who did not randomise reads
// "randomised" as "assigned", see Allocation.
type Flow struct {
	Stamp
	Allocation Allocation `json:"allocation"` // how participants came into arms

	Screened           int           `json:"screened"`                  // participants of whom a screening is told
	NotEligible        int           `json:"not_eligible"`              // by their last screening
	NotEligibleReasons []ReasonCount `json:"not_eligible_reasons"`      // why they were not eligible
	Declined           int           `json:"declined_or_other"`         // eligible, never enrolled
	DeclinedReasons    []ReasonCount `json:"declined_or_other_reasons"` // why the eligible did not enrol
	Consented          int           `json:"consented"`                 // a sub-count of all subjects, in no balance
	Enrolled           int           `json:"enrolled"`
	NotRandomised      int           `json:"not_randomised"` // enrolled, in no arm
	Randomised         int           `json:"randomised"`     // assigned, where the design does not randomise
	Erased             int           `json:"erased"`         // in no other box

	Primary       *PrimaryOutcome `json:"primary_outcome"`                  // by which participants are analysed; null: none is declared
	PrimaryReason stats.Reason    `json:"primary_outcome_reason,omitempty"` // why no primary outcome is named
	Total         FlowCounts      `json:"total"`                            // over all arms
	Arms          []ArmFlow       `json:"arms"`

	Balanced   bool          `json:"balanced"`   // every box is the sum of those it falls into, and nobody is in a wrong one
	Balance    []BalanceLine `json:"balance"`    // every box against its parts
	Imbalances []Imbalance   `json:"imbalances"` // every cause of one
}

// Allocation says how participants came into arms.
type Allocation string

// The allocations.
const (
	AllocationRandomised Allocation = "randomised"
	AllocationAssigned   Allocation = "assigned"
)

// PrimaryOutcome names the measure by which participants count as analysed: the last timepoint of the first primary
// assessment.
type PrimaryOutcome struct {
	Instrument string `json:"instrument"`
	Timepoint  string `json:"timepoint"` // id of the timepoint
	Day        int    `json:"day"`
}

// ReasonCount counts participants by a reason of the registry; not_recorded where it gave none.
type ReasonCount struct {
	Reason string `json:"reason"`
	N      int    `json:"n"`
}

// ArmFlow is the flow of one arm.
type ArmFlow struct {
	Arm   string `json:"arm"`
	Label string `json:"label"`
	FlowCounts
}

// FlowCounts is the flow from allocation on. At the cut-off everyone allocated is exactly one of completed, lost,
// withdrew, died and in follow-up.
type FlowCounts struct {
	Allocated         int           `json:"allocated"`           // to the arm
	Started           int           `json:"started"`             // any qualifying activity, or intervention.started
	NotStarted        int           `json:"not_started"`         // of the allocated: neither
	NotStartedReasons []ReasonCount `json:"not_started_reasons"` // why the intervention did not begin

	Completed       int           `json:"completed"`        // the study
	Lost            int           `json:"lost"`             // to follow-up
	LostReasons     []ReasonCount `json:"lost_reasons"`     // why they were lost
	Withdrew        int           `json:"withdrew"`         // from the study, or took their consent back
	WithdrewReasons []ReasonCount `json:"withdrew_reasons"` // why they withdrew
	Died            int           `json:"died"`             // before anything else ended their time in the study
	DiedReasons     []ReasonCount `json:"died_reasons"`     // as the registry told of the death
	InFollowUp      int           `json:"in_follow_up"`     // none of these by the cut-off

	// Discontinued counts whose intervention ended early by whomever's decision, the study going on or not: a sub-count.
	Discontinued        int           `json:"discontinued"`
	DiscontinuedReasons []ReasonCount `json:"discontinued_reasons"` // why the intervention ended early

	Analysed        *int          `json:"analysed"`         // with the primary outcome; null: none is declared
	Excluded        *int          `json:"excluded"`         // without the primary outcome; null: none is declared
	ExcludedReasons []ReasonCount `json:"excluded_reasons"` // why it is missing
}

// BalanceLine is one box against the sum of the boxes it falls into.
type BalanceLine struct {
	Box        string `json:"box"` // name of the box
	Arm        string `json:"arm,omitempty"`
	N          int    `json:"n"`
	Parts      int    `json:"parts"`      // sum of the boxes it falls into
	Difference int    `json:"difference"` // n less parts; where negative, somebody is in a later box who is in no earlier one
}

// Imbalance is why boxes do not add up.
type Imbalance struct {
	Cause  ImbalanceCause `json:"cause"` // why boxes do not add up, for programs
	N      int            `json:"n"`     // participants
	Detail string         `json:"detail"`
}

// ImbalanceCause names why boxes do not add up.
type ImbalanceCause string

// The causes of imbalance.
const (
	EnrolledNotScreened  ImbalanceCause = "enrolled_not_screened"
	EnrolledNotEligible  ImbalanceCause = "enrolled_not_eligible"
	AssignedNotEnrolled  ImbalanceCause = "randomised_not_enrolled"
	AssignedToUnknownArm ImbalanceCause = "arm_not_in_definition"
)

// Reasons of the flow where the registry gave none.
const (
	notRecorded    = "not_recorded"
	notDue         = "not_due"
	notSubmitted   = "not_submitted"
	noScore        = "no_score"
	notStartedLost = "lost_to_follow_up"
	notStartedDied = "died"
)

// tally of reasons.
type reasons map[string]int

func (r reasons) add(reason string) { r[cmp.Or(reason, notRecorded)]++ }

// counts returns the reasons, the most frequent first, of equals by name.
func (r reasons) counts() []ReasonCount {
	out := make([]ReasonCount, 0, len(r))
	for reason, n := range r {
		out = append(out, ReasonCount{reason, n})
	}
	slices.SortFunc(out, func(a, b ReasonCount) int {
		return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Reason, b.Reason))
	})
	return out
}

// primary returns the places of the primary outcome; false if none is declared.
func primary(def *study.Definition) (assessment, timepoint int, ok bool) {
	for i := range def.Assessments {
		if !def.Assessments[i].Primary {
			continue
		}
		points := def.Assessments[i].Timepoints
		for k := range points {
			if points[k].Day > points[timepoint].Day {
				timepoint = k
			}
		}
		return i, timepoint, len(points) > 0
	}
	return 0, 0, false
}

// Flow returns the flow of the records, which are those of all subjects of the study.
func (f *Frame) Flow(records []*Record) *Flow {
	def := f.plan.def
	out := &Flow{Stamp: f.stamp(Randomised), Allocation: AllocationAssigned, Imbalances: []Imbalance{}}
	if def.Design == study.DesignRandomised {
		out.Allocation = AllocationRandomised
	}
	a, t, ok := primary(def)
	if ok {
		at := def.Assessments[a].Timepoints[t]
		out.Primary = &PrimaryOutcome{Instrument: def.Assessments[a].Instrument, Timepoint: at.ID, Day: at.Day}
	} else {
		out.PrimaryReason = ReasonNoPrimary
	}
	f.recruit(records, out)
	arms := make([]armFlow, len(def.Arms))
	for i := range arms {
		arms[i] = newArmFlow(f, ok, a, t)
	}
	total := newArmFlow(f, ok, a, t)
	for _, r := range records {
		if r.assigned() {
			p := f.read(r)
			arms[r.Arm].add(&p)
			total.add(&p)
		}
	}
	for i, arm := range def.Arms {
		out.Arms = append(out.Arms, ArmFlow{Arm: arm.ID, Label: arm.Label, FlowCounts: arms[i].counts()})
	}
	out.Total = total.counts()
	out.weigh()
	return out
}

// recruit fills in the boxes before the arms, and why they do not add up.
func (f *Frame) recruit(records []*Record, out *Flow) {
	ineligible, declined, causes := reasons{}, reasons{}, map[ImbalanceCause]int{}
	for _, r := range records {
		g := &r.Registry
		if g.Screened {
			out.Screened++
		}
		if g.Consented {
			out.Consented++
		}
		switch {
		case g.Screened && !g.Eligible:
			out.NotEligible++
			ineligible.add(g.Reason)
			if r.Enrolled {
				causes[EnrolledNotEligible]++
			}
		case g.Screened && !r.Enrolled:
			out.Declined++
			declined.add(g.Reason)
		}
		f.enrolled(r, out, causes)
	}
	out.NotEligibleReasons, out.DeclinedReasons = ineligible.counts(), declined.counts()
	for _, cause := range []ImbalanceCause{EnrolledNotScreened, EnrolledNotEligible, AssignedNotEnrolled, AssignedToUnknownArm} {
		if n := causes[cause]; n > 0 {
			out.Imbalances = append(out.Imbalances, Imbalance{cause, n, cause.detail()})
		}
	}
}

func (f *Frame) enrolled(r *Record, out *Flow, causes map[ImbalanceCause]int) {
	in := r.assigned() || r.Randomised
	if in {
		out.Randomised++
	}
	switch {
	case r.Enrolled && !r.Registry.Screened:
		causes[EnrolledNotScreened]++
	case in && !r.Enrolled:
		causes[AssignedNotEnrolled]++
	}
	if r.Randomised && !r.assigned() {
		causes[AssignedToUnknownArm]++
	}
	if r.Enrolled {
		out.Enrolled++
		if !in {
			out.NotRandomised++
		}
	}
}

func (c ImbalanceCause) detail() string {
	switch c {
	case EnrolledNotScreened:
		return "enrolled without a participant.screened event: the registry did not tell of their screening"
	case EnrolledNotEligible:
		return "enrolled although their last screening found them not eligible: they stand in both boxes"
	case AssignedNotEnrolled:
		return "assigned to an arm without a participant.enrolled event: the registry is behind, or enrolled under another pseudonym"
	}
	return "randomised to an arm that this definition does not have"
}

// weigh holds every box against its parts.
func (o *Flow) weigh() {
	line := func(box, arm string, n int, parts ...int) {
		sum := 0
		for _, p := range parts {
			sum += p
		}
		o.Balance = append(o.Balance, BalanceLine{box, arm, n, sum, n - sum})
	}
	line("screened", "", o.Screened, o.NotEligible, o.Declined, o.Enrolled)
	line("enrolled", "", o.Enrolled, o.NotRandomised, o.Randomised)
	allocated := 0
	for i := range o.Arms {
		allocated += o.Arms[i].Allocated
	}
	line("randomised", "", o.Randomised, allocated)
	for i := range o.Arms {
		a := &o.Arms[i]
		line("allocated", a.Arm, a.Allocated, a.Started, a.NotStarted)
		line("at_cutoff", a.Arm, a.Allocated, a.Completed, a.Lost, a.Withdrew, a.Died, a.InFollowUp)
		if a.Analysed != nil {
			line("analysed", a.Arm, a.Allocated, *a.Analysed, *a.Excluded)
		}
	}
	o.Balanced = len(o.Imbalances) == 0 && !slices.ContainsFunc(o.Balance, func(l BalanceLine) bool { return l.Difference != 0 })
}
