package analyst

import (
	"github.com/throughline-trials/throughline/services/stats"
	"github.com/throughline-trials/throughline/services/study"
)

// Outcomes is the answer of /outcomes: every declared assessment at every timepoint.
type Outcomes struct {
	Stamp
	Erased      int                 `json:"erased"`
	Assessments []AssessmentOutcome `json:"assessments"` // in the order of the definition
}

// AssessmentOutcome is one instrument.
type AssessmentOutcome struct {
	Instrument  string             `json:"instrument"`
	Domain      string             `json:"domain"`       // what it measures
	OutcomeKind string             `json:"outcome_kind"` // biomedical or psychosocial
	Better      string             `json:"better"`       // higher or lower scores
	Primary     bool               `json:"primary"`
	Timepoints  []TimepointOutcome `json:"timepoints"` // in the order of the definition
}

// TimepointOutcome is one instrument at one timepoint.
type TimepointOutcome struct {
	Timepoint  string            `json:"timepoint"` // its id
	Day        int               `json:"day"`
	WindowDays int               `json:"window_days"` // how far off a submission may be
	Baseline   bool              `json:"baseline"`    // due on day 0: changes are from it
	Arms       []ArmOutcome      `json:"arms"`
	Between    []OutcomeContrast `json:"between"` // of every other arm against the reference
}

// ArmOutcome is one arm at one timepoint, in the unit of the instrument.
type ArmOutcome struct {
	Arm          string `json:"arm"`
	Label        string `json:"label"`
	Participants int    `json:"participants"`
	Moments
	Change       Moments      `json:"change"`                  // from baseline, of those with both
	ChangeReason stats.Reason `json:"change_reason,omitempty"` // why there is no change at this timepoint
	Due          int          `json:"due"`                     // the window has passed, and they lived through it or had submitted
	Missing      stats.Rate   `json:"missing"`                 // of the due: not submitted
	Unscored     int          `json:"unscored"`                // submitted without a score
}

// Moments is n, mean and standard deviation.
type Moments struct {
	N      int          `json:"n"`
	Mean   stats.Value  `json:"mean"` // of the scores, or of the changes
	SD     stats.Value  `json:"sd"`   // with n - 1; null below two
	Reason stats.Reason `json:"reason,omitempty"`
}

// OutcomeContrast is the standardised difference of mean changes, arm less reference: above 0 the scores of the arm rose
// more.
type OutcomeContrast struct {
	Arm       string `json:"arm"`
	Reference string `json:"reference"`
	stats.EffectSize
}

func momentsOf(values []float64) Moments {
	s := stats.Summarise(values)
	m := Moments{N: s.N, Mean: s.Mean, SD: s.SD, Reason: s.Mean.Reason()}
	if m.Reason == "" {
		m.Reason = s.SD.Reason()
	}
	return m
}

func noMoments(reason stats.Reason) Moments {
	return Moments{Mean: stats.Undefined(reason), SD: stats.Undefined(reason), Reason: reason}
}

// Outcomes returns the measures of the records, which are those of all participants of the study. Errors are [QueryError].
func (f *Frame) Outcomes(records []*Record, q Query) (*Outcomes, error) {
	if err := q.complete(f.plan.def); err != nil {
		return nil, err
	}
	out := &Outcomes{Stamp: f.stamp(q.Population), Assessments: []AssessmentOutcome{}}
	byArm, missing := f.byArm(records, q.Population)
	for i := range f.plan.def.Assessments {
		a := &f.plan.def.Assessments[i]
		one := AssessmentOutcome{Instrument: a.Instrument, Domain: a.Domain, OutcomeKind: a.OutcomeKind, Better: a.Better, Primary: a.Primary}
		for k := range a.Timepoints {
			o := occasion{frame: f, population: q.Population, missing: missing, assessment: i, timepoint: k, baseline: baselineOf(a)}
			one.Timepoints = append(one.Timepoints, o.draw(byArm))
		}
		out.Assessments = append(out.Assessments, one)
	}
	return out, nil
}

// byArm returns those of a population by arm, read at the cut-off.
func (f *Frame) byArm(records []*Record, population Population) ([][]person, stats.Reason) {
	people, missing := f.people(records, population)
	byArm := make([][]person, len(f.plan.def.Arms))
	for _, p := range people {
		byArm[p.Arm] = append(byArm[p.Arm], p)
	}
	return byArm, missing
}

// baselineOf returns the place of the timepoint of day 0, none if there is no such.
func baselineOf(a *study.Assessment) int {
	for k := range a.Timepoints {
		if a.Timepoints[k].Day == 0 {
			return k
		}
	}
	return none
}

// occasion draws one timepoint.
type occasion struct {
	frame                           *Frame
	population                      Population
	missing                         stats.Reason // why there is no population
	assessment, timepoint, baseline int
}

func (o *occasion) draw(byArm [][]person) TimepointOutcome {
	def := o.frame.plan.def
	at := def.Assessments[o.assessment].Timepoints[o.timepoint]
	out := TimepointOutcome{
		Timepoint: at.ID, Day: at.Day, WindowDays: at.WindowDays, Baseline: o.timepoint == o.baseline, Between: []OutcomeContrast{},
	}
	samples := make([]stats.Sample, len(def.Arms))
	for i, arm := range def.Arms {
		one, change := o.arm(byArm[i])
		one.Arm, one.Label = arm.ID, arm.Label
		samples[i] = stats.SampleOf(change)
		out.Arms = append(out.Arms, one)
	}
	for i := 1; i < len(samples); i++ {
		c := OutcomeContrast{Arm: def.Arms[i].ID, Reference: def.Arms[0].ID}
		if reason := o.incomparable(); reason != "" {
			c.EffectSize = noEffect(reason)
		} else {
			c.EffectSize = stats.HedgesG(samples[i], samples[0])
		}
		out.Between = append(out.Between, c)
	}
	return out
}

// incomparable says why arms are not compared, or "".
func (o *occasion) incomparable() stats.Reason {
	switch {
	case o.missing != "":
		return o.missing
	case o.population != Randomised:
		return ReasonConditionedOnUse
	}
	return o.changeless()
}

// changeless says why there is no change at this timepoint, or "".
func (o *occasion) changeless() stats.Reason {
	switch o.baseline {
	case none:
		return ReasonNoBaseline
	case o.timepoint:
		return ReasonIsBaseline
	}
	return ""
}

func noEffect(reason stats.Reason) stats.EffectSize {
	u := stats.Undefined(reason)
	return stats.EffectSize{G: u, Variance: u, Lower: u, Upper: u, Reason: reason}
}

// arm returns one arm, and its changes.
func (o *occasion) arm(people []person) (ArmOutcome, stats.Summary) {
	out := ArmOutcome{Participants: len(people)}
	var values, changes []float64
	missed := 0
	for i := range people {
		p := &people[i]
		got := p.answer(o.frame.plan.def, o.assessment, o.timepoint)
		if got.due {
			out.Due++
			if !got.submitted {
				missed++
			}
		}
		if got.score == nil {
			if got.submitted {
				out.Unscored++
			}
			continue
		}
		values = append(values, *got.score)
		if o.changeless() == "" {
			if before := p.answer(o.frame.plan.def, o.assessment, o.baseline); before.score != nil {
				changes = append(changes, *got.score-*before.score)
			}
		}
	}
	out.Moments, out.Change, out.Missing = momentsOf(values), momentsOf(changes), rateOfDue(missed, out.Due)
	if reason := o.changeless(); reason != "" {
		out.Change, out.ChangeReason = noMoments(reason), reason
	}
	if o.missing != "" {
		out.Moments, out.Change, out.Missing = noMoments(o.missing), noMoments(o.missing), stats.UndefinedRate(o.missing)
	}
	return out, stats.Summarise(changes)
}

// rateOfDue is x of n of those for whom something is due.
func rateOfDue(x, n int) stats.Rate {
	if n == 0 {
		return stats.UndefinedRate(ReasonNobodyDue)
	}
	return stats.NewRate(x, n)
}
