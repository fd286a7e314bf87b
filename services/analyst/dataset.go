package analyst

import (
	"context"
	"slices"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/stats"
	"github.com/throughline-trials/throughline/services/study"
)

// Dataset is a study at two clocks, participant by participant: what the results are made of. Whoever analyses it anew,
// with other software, comes to the same numbers.
type Dataset struct {
	Stamp
	Design       *study.Definition
	Participants []ParticipantRow // enrolled or assigned, ascending by pseudonym
	Periods      []PeriodRow      // by participant, then the whole before its components, then period
	Days         []EventDay       // by participant, component and day
	Outcomes     []OutcomeRow     // by participant, assessment and timepoint
}

// ParticipantRow is what is known of one participant. Days are counted from day 0. Who is in no arm has no answers:
// Assigned is false, and all that follows it in the struct is zero.
type ParticipantRow struct {
	Participant string
	Site        string
	Peer        string // first assigned
	Strata      []string
	Randomised  bool
	Enrolled    bool

	Assigned      bool
	Arm           string
	HasComponents bool // the arm has something to use
	Day0          int  // days since 1970-01-01
	Zone          string
	Days          int // C, to the cut-off
	Started       bool
	PerProtocol   *bool // nil: not declared

	Dropout     Outcome
	NonUsage    Outcome // by last use; only where the arm has components
	FirstLapse  Outcome // likewise
	Uptake      bool
	Settled     bool // C > g: uptake is decided
	Completed   *int // the intervention, on that day
	DurationEnd bool // the planned duration has passed

	Engaged   int // periods
	Evaluable int // elapsed periods that count
	Tier      stats.Tier

	Activities    int // qualifying, in the arm, before the cut-off's day
	ActiveDays    int
	LastUse       *int
	Reactivations int

	Exit         ExitKind
	ExitDay      *int
	Death        *int
	Withdrew     *int
	Discontinued *int
}

// Outcome is a time to an event, or to censoring.
type Outcome struct {
	TooEarly bool // no answer yet: in no n, and Day is 0
	Event    bool
	Day      int
	Ended    bool // the planned end has passed
}

// PeriodRow is one elapsed period of one participant.
type PeriodRow struct {
	Participant string
	Arm         string
	Component   string // empty: the whole, combined as the definition says
	Period      int    // from 1
	First, Last int    // days
	Evaluable   bool
	Engaged     bool
}

// EventDay is the qualifying activities of one participant with one component on one day.
type EventDay struct {
	Participant string
	Arm         string
	Component   string
	Day         int
	Activities  int
}

// OutcomeRow is what one participant gave at one declared timepoint of one instrument.
type OutcomeRow struct {
	Participant string
	Arm         string
	Instrument  string
	Timepoint   string // its id
	Day         int    // on which it is due
	Window      int    // days either side
	Baseline    bool
	Due         bool // the window has passed, and they lived through it or had submitted
	Submitted   bool
	Score       *float64 // nil: none was given
}

// Dataset returns the study at the clocks of a question, from which population, portion and component are left out of
// account. Errors are as those of [Reader.Attrition].
func (r *Reader) Dataset(ctx context.Context, study string, q Query) (*Dataset, error) {
	v, err := r.armView(ctx, study, &q)
	if err != nil {
		return nil, err
	}
	out := v.frame.Dataset(v.records)
	out.Position = v.position.String()
	return out, nil
}

// Dataset returns the records as they are read at the cut-off.
func (f *Frame) Dataset(records []*Record) *Dataset {
	out := &Dataset{Stamp: f.stamp(Randomised), Design: f.plan.def}
	for _, r := range records {
		if r.assigned() || r.Enrolled || r.Randomised {
			f.export(r, out)
		}
	}
	return out
}

func (f *Frame) export(r *Record, out *Dataset) {
	if !r.assigned() {
		out.Participants = append(out.Participants, identified(r))
		return
	}
	p := f.read(r)
	row, states := f.participant(&p)
	f.exportPeriods(&p, states, &row, out)
	f.exportDays(&p, &row, out)
	f.exportOutcomes(&p, &row, out)
	out.Participants = append(out.Participants, row)
}

// identified returns what is known of a participant without an arm.
func identified(r *Record) ParticipantRow {
	return ParticipantRow{
		Participant: r.Participant, Site: r.Site, Peer: r.Peer, Strata: r.Strata, Randomised: r.Randomised, Enrolled: r.Enrolled,
	}
}

// participant returns what is known of a participant in an arm, and the state of each elapsed period of the whole.
func (f *Frame) participant(p *person) (ParticipantRow, []periodState) {
	components := f.plan.arms[p.Arm].components
	row := identified(p.Record)
	row.Assigned, row.Arm, row.HasComponents = true, f.plan.def.Arms[p.Arm].ID, len(components) > 0
	row.Day0, row.Zone, row.Days = p.Day0, p.Zone, p.c
	row.Started = f.belongs(p, Started)
	if f.plan.def.PerProtocol != nil {
		kept := f.belongs(p, PerProtocol)
		row.PerProtocol = &kept
	}
	f.exportFates(p, components, &row)
	f.exportUse(p, &row)
	states := f.periods(p, components)
	row.Engaged, row.Evaluable = tally(states)
	row.Tier = stats.ClassifyTier(row.Engaged, row.Evaluable)
	row.Completed = p.known(p.Completed)
	row.DurationEnd = p.c >= f.plan.def.DurationDays()
	row.Exit, row.ExitDay = p.Exit.Kind, p.known(p.Exit.Day)
	if row.ExitDay == nil {
		row.Exit = ExitNone
	}
	row.Death, row.Withdrew, row.Discontinued = p.known(p.Death), p.known(p.Withdrew), p.known(p.Discontinued)
	return row, states
}

// known returns a day at the cut-off, nil if it never came.
func (p *person) known(day int) *int {
	if day = p.by(day); day == never {
		return nil
	}
	return &day
}

func (f *Frame) exportFates(p *person, components []int, row *ParticipantRow) {
	whole := f.whole()
	outcome := func(x *fate) Outcome {
		return Outcome{TooEarly: x.tooEarly, Event: x.event, Day: x.day, Ended: x.ended}
	}
	var x fate
	f.dropout(p, &x)
	row.Dropout = outcome(&x)
	row.Uptake, row.Settled = p.used(components), p.c > whole.silence
	if len(components) == 0 {
		return
	}
	for variant, into := range map[Variant]*Outcome{LastUse: &row.NonUsage, FirstLapse: &row.FirstLapse} {
		var x fate
		f.stopped(p, components, whole.silence, variant, &x)
		*into = outcome(&x)
		row.Reactivations = x.use.reactivations
	}
}

// exportUse fills in the totals of use.
func (f *Frame) exportUse(p *person, row *ParticipantRow) {
	days := make([]int, 0, len(p.Uses))
	for _, u := range p.Uses {
		row.Activities += u.Count
		days = append(days, u.Day)
	}
	if len(days) > 0 {
		slices.Sort(days)
		last := days[len(days)-1]
		row.LastUse = &last
		row.ActiveDays = len(slices.Compact(days))
	}
}

func (f *Frame) exportPeriods(p *person, whole []periodState, row *ParticipantRow, out *Dataset) {
	length := f.plan.def.PeriodDays()
	add := func(component string, states []periodState) {
		for k, s := range states {
			out.Periods = append(out.Periods, PeriodRow{
				Participant: row.Participant, Arm: row.Arm, Component: component, Period: k + 1, First: k * length, Last: (k+1)*length - 1,
				Evaluable: s != notEvaluable, Engaged: s == engaged,
			})
		}
	}
	add("", whole)
	for _, c := range f.plan.arms[p.Arm].components {
		add(f.plan.components[c].id, f.periods(p, []int{c}))
	}
}

func (f *Frame) exportDays(p *person, row *ParticipantRow, out *Dataset) {
	first := len(out.Days)
	for _, u := range p.Uses {
		id := f.plan.components[u.Component].id
		if n := len(out.Days); n > first && out.Days[n-1].Component == id && out.Days[n-1].Day == u.Day {
			out.Days[n-1].Activities += u.Count
			continue
		}
		out.Days = append(out.Days, EventDay{Participant: row.Participant, Arm: row.Arm, Component: id, Day: u.Day, Activities: u.Count})
	}
}

func (f *Frame) exportOutcomes(p *person, row *ParticipantRow, out *Dataset) {
	for i := range f.plan.def.Assessments {
		a := &f.plan.def.Assessments[i]
		for k, at := range a.Timepoints {
			got := p.answer(f.plan.def, i, k)
			out.Outcomes = append(out.Outcomes, OutcomeRow{
				Participant: row.Participant, Arm: row.Arm, Instrument: a.Instrument, Timepoint: at.ID, Day: at.Day, Window: at.WindowDays,
				Baseline: k == baselineOf(a), Due: got.due, Submitted: got.submitted, Score: got.score,
			})
		}
	}
}

// PortionOf returns the portion of the intervention that a component belongs to.
func (d *Dataset) PortionOf(component string) event.Portion { return d.Design.PortionOf(component) }
