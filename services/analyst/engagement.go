package analyst

import (
	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/stats"
	"github.com/throughline-trials/throughline/services/study"
)

// Engagement is the answer of /engagement.
type Engagement struct {
	Stamp
	Headline    study.Headline  `json:"headline"`
	Portion     event.Portion   `json:"portion"`
	Component   string          `json:"component,omitempty"`
	PeriodDays  int             `json:"period_days"`
	Provisional bool            `json:"provisional"` // periods are still to come
	Erased      int             `json:"erased"`
	Arms        []ArmEngagement `json:"arms"`
	Completion  Completion      `json:"completion"` // of the study: over all arms
	StudyTier   stats.Tier      `json:"study_tier"`
	StudyArm    string          `json:"study_arm,omitempty"` // whose headline tier that is
}

// ArmEngagement is the engagement of one arm.
type ArmEngagement struct {
	Arm             string            `json:"arm"`
	Label           string            `json:"label"`
	Participants    int               `json:"participants"`
	Reason          stats.Reason      `json:"reason,omitempty"` // why nothing is evaluable
	Participation   Participation     `json:"participation"`
	Throughout      Throughout        `json:"throughout"`
	Completion      stats.Rate        `json:"completion"`
	CompletionAtEnd stats.Rate        `json:"completion_at_end"`
	Tiers           TierCounts        `json:"tiers"` // of participants
	Periods         []Period          `json:"periods"`
	Sensitivity     []ThroughoutShare `json:"sensitivity"`
	Headline        stats.Tier        `json:"tier"` // by the declared headline
}

// Participation is engaged periods of evaluable ones, with participants as clusters.
type Participation struct {
	stats.ClusteredRate
	Tier stats.Tier `json:"tier"`
}

// Throughout is participants engaged in the declared share of their periods, of those with any evaluable.
type Throughout struct {
	stats.Rate
	Share       study.Share `json:"share"`
	Tier        stats.Tier  `json:"tier"`
	Provisional bool        `json:"provisional"`
}

// ThroughoutShare is throughout under another share.
type ThroughoutShare struct {
	Share study.Share `json:"share"`
	stats.Rate
	Tier stats.Tier `json:"tier"`
}

// TierCounts counts by tier.
type TierCounts struct {
	High        int `json:"high"`
	Medium      int `json:"medium"`
	Low         int `json:"low"`
	NotReported int `json:"not_reported"`
}

// add counts one more of a tier.
func (c *TierCounts) add(t stats.Tier) {
	switch t {
	case stats.TierHigh:
		c.High++
	case stats.TierMedium:
		c.Medium++
	case stats.TierLow:
		c.Low++
	default:
		c.NotReported++
	}
}

// Period is one period of an arm.
type Period struct {
	Period    int        `json:"period"` // from 1
	Engaged   int        `json:"engaged"`
	Evaluable int        `json:"evaluable"`
	Rate      stats.Rate `json:"rate"`
}

// Completion is who completed the intervention.
type Completion struct {
	stats.Rate
	AtEnd stats.Rate `json:"at_end"` // of those whose duration has passed
}

// completed counts completions.
type completed struct{ x, n, endX, endN int }

func (c *completed) add(p *person, duration int) {
	done := p.by(p.Completed) <= p.c
	c.n++
	if done {
		c.x++
	}
	if p.c >= duration {
		c.endN++
		if done {
			c.endX++
		}
	}
}

func (c *completed) plus(o completed) {
	c.x, c.n, c.endX, c.endN = c.x+o.x, c.n+o.n, c.endX+o.endX, c.endN+o.endN
}

func (c *completed) rates() Completion {
	return Completion{Rate: stats.NewRate(c.x, c.n), AtEnd: rateAtEnd(c.endX, c.endN)}
}

// Engagement returns the engagement of the records, which are those of all participants of the study. Errors are
// [QueryError].
func (f *Frame) Engagement(records []*Record, q EngagementQuery) (*Engagement, error) {
	if err := q.complete(f.plan.def); err != nil {
		return nil, err
	}
	def := f.plan.def
	out := &Engagement{
		Stamp: f.stamp(q.Population), Headline: def.Engagement.Headline, Portion: q.Portion, Component: q.Component,
		PeriodDays: def.PeriodDays(), StudyTier: stats.TierNotReported,
	}
	people, missing := f.people(records, q.Population)
	byArm := make([][]person, len(def.Arms))
	for _, p := range people {
		byArm[p.Arm] = append(byArm[p.Arm], p)
	}
	scope := f.scope(q.Portion, q.Component)
	var all completed
	for i := range def.Arms {
		arm, done := f.engagementOf(i, byArm[i], scope.byArm[i])
		if missing != "" {
			arm.Reason = missing
			arm.Completion, arm.CompletionAtEnd = stats.UndefinedRate(missing), stats.UndefinedRate(missing)
		}
		all.plus(done)
		out.Provisional = out.Provisional || arm.Throughout.Provisional
		out.Arms = append(out.Arms, arm)
	}
	out.Completion = all.rates()
	if arm, ok := def.HeadlineArm(); ok {
		out.StudyArm, out.StudyTier = arm.ID, out.Arms[def.ArmIndex(arm.ID)].Headline
	}
	return out, nil
}

// engagementOf returns the engagement of the people of one arm with its components of the scope, and who completed.
func (f *Frame) engagementOf(place int, people []person, components []int) (ArmEngagement, completed) {
	def := f.plan.def
	arm := ArmEngagement{Arm: def.Arms[place].ID, Label: def.Arms[place].Label, Participants: len(people)}
	clusters := arm.count(f, people, components)
	var done completed
	for i := range people {
		done.add(&people[i], def.DurationDays())
	}
	rates := done.rates()
	arm.Completion, arm.CompletionAtEnd = rates.Rate, rates.AtEnd
	arm.Participation.ClusteredRate = stats.NewClusteredRate(clusters)
	arm.Participation.Tier = stats.ClassifyTier(arm.Participation.X, arm.Participation.N)
	arm.throughout(clusters, def.Engagement.Throughout)
	arm.Headline = arm.Participation.Tier
	if def.Engagement.Headline == study.HeadlineThroughout {
		arm.Headline = arm.Throughout.Tier
	}
	if len(components) == 0 {
		arm.notInArm()
	}
	return arm, done
}

// count fills in periods and tiers and returns the engaged of the evaluable periods of each participant.
func (a *ArmEngagement) count(f *Frame, people []person, components []int) []stats.Cluster {
	def := f.plan.def
	clusters := make([]stats.Cluster, 0, len(people))
	periods, elapsed := make([]Period, def.Periods()), 0
	for i := range people {
		p := &people[i]
		a.Throughout.Provisional = a.Throughout.Provisional || p.c < def.Periods()*def.PeriodDays()
		states := f.periods(p, components)
		elapsed = max(elapsed, len(states))
		x, n := tally(states)
		clusters = append(clusters, stats.Cluster{X: x, N: n})
		a.Tiers.add(stats.ClassifyTier(x, n))
		for k, s := range states {
			periods[k].add(s)
		}
	}
	a.Periods = periods[:elapsed]
	for k := range a.Periods {
		p := &a.Periods[k]
		p.Period, p.Rate = k+1, stats.NewRate(p.Engaged, p.Evaluable)
	}
	return clusters
}

// add counts the state of one participant.
func (p *Period) add(s periodState) {
	if s == notEvaluable {
		return
	}
	p.Evaluable++
	if s == engaged {
		p.Engaged++
	}
}

// notInArm gives the reason of an arm that has nothing of the scope.
func (a *ArmEngagement) notInArm() {
	a.Reason = ReasonNotInArm
	undefined := stats.UndefinedRate(ReasonNotInArm)
	a.Participation.Rate, a.Throughout.Rate = undefined, undefined
	a.Throughout.Provisional = false
	for i := range a.Sensitivity {
		a.Sensitivity[i].Rate = undefined
	}
}

// throughout fills in who was engaged throughout, under the declared share and under others.
func (a *ArmEngagement) throughout(clusters []stats.Cluster, declared study.Share) {
	rate := func(share study.Share) (stats.Rate, stats.Tier) {
		x, n := 0, 0
		for _, c := range clusters {
			if c.N == 0 {
				continue
			}
			n++
			if share.Reached(c.X, c.N) {
				x++
			}
		}
		return stats.NewRate(x, n), stats.ClassifyTier(x, n)
	}
	a.Throughout.Share = declared
	a.Throughout.Rate, a.Throughout.Tier = rate(declared)
	for _, percent := range []study.Share{50, 60, 70, 75, 80, 90, 100} {
		row := ThroughoutShare{Share: percent * study.Whole / 100}
		row.Rate, row.Tier = rate(row.Share)
		a.Sensitivity = append(a.Sensitivity, row)
	}
}
