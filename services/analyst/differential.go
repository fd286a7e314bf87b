package analyst

import (
	"errors"

	"github.com/throughline-trials/throughline/services/stats"
)

// Differential is the answer of /differential: how much more one arm lost than another, against the boundaries of the
// What Works Clearinghouse and the 5-and-20 rule.
type Differential struct {
	Stamp
	Standard    stats.Standard      `json:"standard"`  // which boundary is the line
	Reference   string              `json:"reference"` // the arm compared with
	Erased      int                 `json:"erased"`
	Dropout     Losses              `json:"dropout"`     // lost to the study, of those whose follow-up has ended
	Assessments []AssessmentLoss    `json:"assessments"` // one for every instrument and timepoint
	Boundaries  []stats.Boundary    `json:"boundaries"`  // of the chart: by overall attrition in whole percent, in percentage points
	Points      []DifferentialPoint `json:"points"`      // of the chart
}

// AssessmentLoss is the attrition of one instrument at one timepoint: due, alive, not submitted.
type AssessmentLoss struct {
	Instrument string `json:"instrument"`
	Timepoint  string `json:"timepoint"` // its id
	Day        int    `json:"day"`
	Primary    bool   `json:"primary"` // the instrument is the primary outcome
	Losses
}

// Losses is one kind of attrition: by arm, and of every other arm against the reference.
type Losses struct {
	Overall     stats.Rate         `json:"overall"`     // over all arms
	FiveTwenty  stats.Rating       `json:"five_twenty"` // of that: little bias under 5 %, serious over 20 %
	Arms        []ArmLoss          `json:"arms"`
	Comparisons []Comparison       `json:"comparisons"` // in the order of the definition
	Largest     *LargestDifference `json:"largest"`     // null without any
	Reason      stats.Reason       `json:"reason,omitempty"`
	Note        string             `json:"note,omitempty"`
}

// ArmLoss is the loss of one arm.
type ArmLoss struct {
	Arm   string     `json:"arm"`
	Label string     `json:"label"`
	Rate  stats.Rate `json:"rate"`
}

// Comparison is one arm against the reference.
type Comparison struct {
	Arm       string `json:"arm"`
	Reference string `json:"reference"`
	stats.Attrition
}

// LargestDifference is the largest differential attrition of several comparisons.
type LargestDifference struct {
	Arm          string           `json:"arm"`
	Reference    string           `json:"reference"`
	Differential stats.Difference `json:"differential"` // absolute
	Note         string           `json:"note,omitempty"`
}

// DifferentialPoint is one comparison on the chart of boundaries.
type DifferentialPoint struct {
	Attrition    string       `json:"attrition"` // dropout or assessment
	Instrument   string       `json:"instrument,omitempty"`
	Timepoint    string       `json:"timepoint,omitempty"` // id of that of the instrument
	Arm          string       `json:"arm"`
	Overall      stats.Value  `json:"overall"`      // in percent
	Differential stats.Value  `json:"differential"` // in percentage points
	Rating       stats.Rating `json:"rating"`       // low if at or under the boundary
}

// DifferentialQuery asks for differential attrition.
type DifferentialQuery struct {
	Query
	Standard stats.Standard // empty: cautious
}

const largestNote = "the largest of several differences; its interval is not adjusted for having been picked"

func (q *DifferentialQuery) complete(f *Frame) error {
	err := q.Query.complete(f.plan.def)
	standard, bad := stats.ParseStandard(string(q.Standard))
	if bad != nil {
		return errors.Join(err, refuse("standard", "must be cautious or optimistic"))
	}
	q.Standard = standard
	return err
}

// Differential returns how the losses of the arms differ, of the records, which are those of all participants of the
// study. Errors are [QueryError].
func (f *Frame) Differential(records []*Record, q DifferentialQuery) (*Differential, error) {
	if err := q.complete(f); err != nil {
		return nil, err
	}
	def := f.plan.def
	out := &Differential{
		Stamp: f.stamp(q.Population), Standard: q.Standard, Reference: def.Arms[0].ID, Assessments: []AssessmentLoss{},
		Boundaries: stats.Boundaries(), Points: []DifferentialPoint{},
	}
	byArm, missing := f.byArm(records, q.Population)
	c := comparer{frame: f, query: q, missing: missing, byArm: byArm}
	out.Dropout = c.losses(ReasonNobodyAtEnd, func(p *person) (lost, counts bool) {
		var x fate
		f.dropout(p, &x)
		return x.event, x.ended
	})
	out.plot(DifferentialPoint{Attrition: "dropout"}, out.Dropout)
	for i, a := range def.Assessments {
		for k, at := range a.Timepoints {
			loss := AssessmentLoss{Instrument: a.Instrument, Timepoint: at.ID, Day: at.Day, Primary: a.Primary}
			loss.Losses = c.losses(ReasonNobodyDue, func(p *person) (lost, counts bool) {
				got := p.answer(def, i, k)
				return !got.submitted, got.due
			})
			out.Assessments = append(out.Assessments, loss)
			out.plot(DifferentialPoint{Attrition: "assessment", Instrument: a.Instrument, Timepoint: at.ID}, loss.Losses)
		}
	}
	return out, nil
}

// plot adds the comparisons to the chart.
func (d *Differential) plot(point DifferentialPoint, l Losses) {
	percent := func(v stats.Value) stats.Value {
		if share, ok := v.Get(); ok {
			return stats.Defined(100 * share)
		}
		return v
	}
	for _, c := range l.Comparisons {
		if c.Reason != "" {
			continue
		}
		point.Arm, point.Rating = c.Arm, c.Rating
		point.Overall, point.Differential = percent(c.Overall.Value), percent(c.Attrition.Differential.Value)
		d.Points = append(d.Points, point)
	}
}

// comparer compares the losses of the arms of a study.
type comparer struct {
	frame   *Frame
	query   DifferentialQuery
	missing stats.Reason // why there is no population
	byArm   [][]person
}

// losses counts who is lost of those who count; nobody says why where none does.
func (c *comparer) losses(nobody stats.Reason, lost func(*person) (lost, counts bool)) Losses {
	def := c.frame.plan.def
	out := Losses{Arms: []ArmLoss{}, Comparisons: []Comparison{}}
	if c.missing != "" {
		nobody = c.missing
	}
	arms := make([]stats.Study, len(def.Arms))
	var all stats.Study
	for i, arm := range def.Arms {
		for k := range c.byArm[i] {
			if gone, counts := lost(&c.byArm[i][k]); counts {
				arms[i].N++
				if gone {
					arms[i].X++
				}
			}
		}
		all.X, all.N = all.X+arms[i].X, all.N+arms[i].N
		out.Arms = append(out.Arms, ArmLoss{arm.ID, arm.Label, rateOf(arms[i], nobody)})
	}
	out.Overall = rateOf(all, nobody)
	out.FiveTwenty = stats.FiveTwenty(out.Overall)
	out.Reason = c.incomparable()
	if out.Reason == "" {
		c.compare(&out, arms, nobody)
	}
	return out
}

func rateOf(s stats.Study, nobody stats.Reason) stats.Rate {
	if s.N == 0 {
		return stats.UndefinedRate(nobody)
	}
	return stats.NewRate(s.X, s.N)
}

// incomparable says why arms are not compared, or "".
func (c *comparer) incomparable() stats.Reason {
	switch {
	case c.missing != "":
		return c.missing
	case len(c.frame.plan.def.Arms) < 2:
		return stats.ReasonOneArm
	case c.query.Population != Randomised:
		return ReasonConditionedOnUse
	}
	return ""
}

// compare holds every other arm against the first.
func (c *comparer) compare(out *Losses, arms []stats.Study, nobody stats.Reason) {
	def, compared := c.frame.plan.def, 0
	for i := 1; i < len(arms); i++ {
		one := Comparison{def.Arms[i].ID, def.Arms[0].ID, stats.CompareAttrition(arms[i], arms[0], c.query.Standard)}
		if one.Reason == stats.ReasonNoParticipants {
			one.undefined(nobody)
		} else {
			compared++
			out.larger(one)
		}
		out.Comparisons = append(out.Comparisons, one)
	}
	switch {
	case compared == 0:
		out.Reason = nobody
	case compared > 1:
		out.Largest.Note = largestNote
	}
	if c.ongoing() {
		out.Note = interimNote
	}
}

// larger keeps the comparison with the larger difference, of equals the first.
func (l *Losses) larger(c Comparison) {
	if l.Largest != nil {
		have, _ := l.Largest.Differential.Value.Get()
		if now, _ := c.Attrition.Differential.Value.Get(); now <= have {
			return
		}
	}
	l.Largest = &LargestDifference{Arm: c.Arm, Reference: c.Reference, Differential: c.Attrition.Differential}
}

// undefined gives a better reason than that nobody counts.
func (c *Comparison) undefined(reason stats.Reason) {
	c.Attrition.Reason, c.Boundary = reason, stats.Undefined(reason)
	c.Difference, c.Attrition.Differential = stats.UndefinedDifference(reason), stats.UndefinedDifference(reason)
	if c.Overall.N == 0 {
		c.Overall = stats.UndefinedRate(reason)
	}
}

// ongoing reports whether the planned end has yet to pass for anyone.
func (c *comparer) ongoing() bool {
	for _, people := range c.byArm {
		for i := range people {
			if people[i].c < c.frame.plan.def.FollowUpDays {
				return true
			}
		}
	}
	return false
}
