package analyst

import (
	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/stats"
)

// panel draws the arms of one scope and the tests between them.
type panel struct {
	frame   *Frame
	query   AttritionQuery
	scope   scope
	missing stats.Reason // why there is no population
}

// has says why an arm has no numbers, or "".
func (p *panel) has(arm int) stats.Reason {
	switch {
	case p.missing != "":
		return p.missing
	case p.query.Kind == Dropout && (p.query.Component != "" || p.query.Portion != event.PortionAll):
		return ReasonDropoutIsWhole
	case p.query.Kind == NonUsage && len(p.scope.byArm[arm]) == 0:
		return ReasonNotInArm
	}
	return ""
}

// draw returns every arm in the order of the definition, and the tests, or why there are none.
func (p *panel) draw(fates []fate) ([]ArmAttrition, *Tests, stats.Reason) {
	def := p.frame.plan.def
	byArm := make([][]fate, len(def.Arms))
	for _, x := range fates {
		byArm[x.arm] = append(byArm[x.arm], x)
	}
	arms := make([]ArmAttrition, len(def.Arms))
	curves := make([]stats.Curve, len(def.Arms))
	var present []int
	for i, arm := range def.Arms {
		arms[i] = ArmAttrition{Arm: arm.ID, Label: arm.Label, Participants: len(byArm[i]), Curve: []stats.Row{}, Declared: []stats.DayRow{}}
		if reason := p.has(i); reason != "" {
			arms[i].absent(reason)
			curves[i] = stats.Curve{Reason: reason}
			continue
		}
		p.count(&arms[i], i, byArm[i])
		curves[i] = p.curve(&arms[i], byArm[i])
		if arms[i].N > 0 {
			present = append(present, i)
		}
	}
	means := p.means(arms, curves)
	tests, reason := p.tests(byArm, present, means)
	return arms, tests, reason
}

// absent fills in an arm that has no numbers.
func (a *ArmAttrition) absent(reason stats.Reason) {
	undefined := stats.UndefinedRate(reason)
	a.Participants, a.Reason = 0, reason
	a.Rate, a.RateAtEnd, a.Uptake, a.UptakeAtEnd = undefined, undefined, undefined, undefined
	u := stats.Undefined(reason)
	a.Median = stats.SurvivalQuantile{Day: u, Lower: u, Upper: u, Reason: reason}
	a.FollowUp = a.Median
}

// count fills in the counts and rates of an arm.
func (p *panel) count(a *ArmAttrition, arm int, fates []fate) {
	var end, endEvents, used, settled, settledUsed int
	for i := range fates {
		x := &fates[i]
		a.Provisional = a.Provisional || x.open
		if x.used {
			used++
		}
		if x.settled {
			settled++
			if x.used {
				settledUsed++
			}
		}
		if x.tooEarly {
			a.TooEarly++
			continue
		}
		a.N++
		if x.event {
			a.Events++
		}
		if x.ended {
			end++
			if x.event {
				endEvents++
			}
		}
	}
	a.Rate, a.RateAtEnd = stats.NewRate(a.Events, a.N), rateAtEnd(endEvents, end)
	a.Clustered = clustered(fates)
	a.Uptake, a.UptakeAtEnd = stats.NewRate(used, len(fates)), rateAtEnd(settledUsed, settled)
	if len(p.scope.byArm[arm]) == 0 {
		a.Uptake, a.UptakeAtEnd = stats.UndefinedRate(ReasonNotInArm), stats.UndefinedRate(ReasonNotInArm)
	}
	if a.N == 0 {
		a.Reason = stats.ReasonNoParticipants
	}
	if p.query.Kind != NonUsage || p.query.Variant == FirstLapse {
		a.Provisional = false // only the last use moves with the cut-off
	}
	if p.query.Kind == NonUsage {
		a.Reactivations = reactivations(fates)
		a.Sensitivity = p.sensitivity(fates)
		a.Incidence, a.UseTable = incidence(fates), p.useTable(fates)
	}
}

// clustered is the rate with first peers as clusters; nil where no peer has two participants.
func clustered(fates []fate) *stats.ClusteredRate {
	var clusters []stats.Cluster
	place, several := map[string]int{}, false
	for i := range fates {
		x := &fates[i]
		if x.tooEarly {
			continue
		}
		k, known := place[x.Peer]
		if x.Peer == "" || !known {
			k = len(clusters)
			clusters = append(clusters, stats.Cluster{})
			place[x.Peer] = k
		} else {
			several = true
		}
		clusters[k].N++
		if x.event {
			clusters[k].X++
		}
	}
	if !several {
		return nil
	}
	rate := stats.NewClusteredRate(clusters)
	return &rate
}

func reactivations(fates []fate) *Reactivations {
	var out Reactivations
	for i := range fates {
		use := &fates[i].use
		if use.lateStart {
			out.LateStarts++
		}
		if use.reactivations == 0 {
			continue
		}
		out.Participants++
		out.Number += use.reactivations
		if use.active {
			out.Active++
		}
	}
	return &out
}

func (p *panel) sensitivity(fates []fate) []SilenceCount {
	var out []SilenceCount
	for k, g := range strip() {
		row := SilenceCount{SilenceDays: g}
		if g >= p.frame.plan.def.DurationDays() {
			row.Rate = stats.UndefinedRate(ReasonSilenceTooLong)
			out = append(out, row)
			continue
		}
		for i := range fates {
			switch use := &fates[i].strip[k]; {
			case use.tooEarly:
				row.TooEarly++
			case use.event:
				row.Events++
				fallthrough
			default:
				row.N++
			}
		}
		row.Rate = stats.NewRate(row.Events, row.N)
		out = append(out, row)
	}
	return out
}

// split draws groups of participants, in the order of names, those of none last.
func (p *panel) split(fates []fate, names []string, name func(*fate) string) []GroupAttrition {
	parts := map[string][]fate{}
	for i := range fates {
		key := name(&fates[i])
		parts[key] = append(parts[key], fates[i])
	}
	var out []GroupAttrition
	add := func(group GroupAttrition, part []fate) {
		if p.query.Kind == NonUsage {
			group.SilenceDays = p.scope.silence
		}
		group.Arms, group.Tests, group.TestsReason = p.draw(part)
		out = append(out, group)
	}
	for _, n := range names {
		add(GroupAttrition{Group: n}, parts[n])
	}
	if len(parts[""]) > 0 {
		add(GroupAttrition{Missing: true}, parts[""])
	}
	return out
}
