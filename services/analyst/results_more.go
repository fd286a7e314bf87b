package analyst

import "github.com/throughline-trials/throughline/services/stats"

// Kinds of results beside the two attritions.
const (
	kindEngagement   = "engagement"
	kindFlow         = "flow"
	kindDose         = "dose"
	kindOutcomes     = "outcomes"
	kindDifferential = "differential"
)

// flowRows lists the boxes of a flow: the measure is the box, its participants are the value; reasons stand under the
// measure of their box with the reason as label.
func flowRows(a *Flow) []Result {
	o := of{Kind: kindFlow, Population: string(a.Population), Arm: none}
	rows := []Result{
		o.count("screened", a.Screened), o.count("not_eligible", a.NotEligible), o.count("declined_or_other", a.Declined), o.count("enrolled", a.Enrolled),
		o.count("not_randomised", a.NotRandomised), o.count("randomised", a.Randomised), o.count("imbalances", len(a.Imbalances)),
	}
	rows = append(rows, o.reasons("not_eligible_reason", a.NotEligibleReasons)...)
	rows = append(rows, o.reasons("declined_or_other_reason", a.DeclinedReasons)...)
	rows = append(rows, o.boxes(&a.Total)...)
	for i := range a.Arms {
		o.Arm = i
		rows = append(rows, o.boxes(&a.Arms[i].FlowCounts)...)
	}
	return rows
}

func (o of) boxes(c *FlowCounts) []Result {
	rows := []Result{
		o.count("allocated", c.Allocated), o.count("started", c.Started), o.count("not_started", c.NotStarted), o.count("completed", c.Completed),
		o.count("lost", c.Lost), o.count("withdrew", c.Withdrew), o.count("died", c.Died), o.count("in_follow_up", c.InFollowUp), o.count("discontinued", c.Discontinued),
	}
	if c.Analysed != nil {
		rows = append(rows, o.count("analysed", *c.Analysed))
	}
	if c.Excluded != nil {
		rows = append(rows, o.count("excluded", *c.Excluded))
	}
	for measure, list := range map[string][]ReasonCount{
		"not_started_reason": c.NotStartedReasons, "lost_reason": c.LostReasons, "withdrew_reason": c.WithdrewReasons, "died_reason": c.DiedReasons,
		"discontinued_reason": c.DiscontinuedReasons, "excluded_reason": c.ExcludedReasons,
	} {
		rows = append(rows, o.reasons(measure, list)...)
	}
	return rows
}

func (o of) reasons(measure string, list []ReasonCount) []Result {
	var rows []Result
	for _, r := range list {
		row := o.count(measure, r.N)
		row.Label = r.Reason
		rows = append(rows, row)
	}
	return rows
}

// doseRows lists the dose: the variant is the kind of dose; a value is the median, its limits the quartiles.
func doseRows(a *Dose) []Result {
	o := of{Kind: kindDose, Population: string(a.Population), Portion: string(a.Portion), Component: a.Component}
	var rows []Result
	for i := range a.Arms {
		o.Arm = i
		rows = append(rows, o.doses(a.Arms[i].Kinds)...)
		if p := a.Arms[i].Peers; p != nil {
			rows = append(rows, o.peers(p)...)
		}
	}
	for _, g := range a.Groups {
		o.Split, o.Level = a.By, g.Group
		for i := range g.Arms {
			o.Arm = i
			rows = append(rows, o.doses(g.Arms[i].Kinds)...)
		}
	}
	return rows
}

func (o of) doses(kinds []KindDose) []Result {
	var rows []Result
	for i := range kinds {
		k := &kinds[i]
		o.Variant = string(k.Kind)
		rows = append(rows, Result{of: o, Measure: "total", Value: k.Total.Ptr(), Reason: string(k.Total.Reason())})
		rows = append(rows, o.amounts("per_week", &k.PerWeek)...)
		for j := range k.Periods {
			for _, row := range o.amounts(measurePeriod, &k.Periods[j].Amounts) {
				rows = append(rows, row.at(float64(k.Periods[j].Period)))
			}
		}
	}
	return rows
}

// amounts gives the quartiles, the mean, and the share of zeros.
func (o of) amounts(measure string, a *Amounts) []Result {
	n := a.N
	return []Result{
		{of: o, Measure: measure, N: &n, Value: a.Median.Ptr(), Lower: a.Q1.Ptr(), Upper: a.Q3.Ptr(), Reason: string(a.Summary.Reason)},
		{of: o, Measure: measure + "_mean", N: &n, Value: a.Mean.Ptr(), SE: a.SD.Ptr(), Reason: string(a.Summary.Reason)},
		o.rate(measure+"_zeros", a.Zeros),
	}
}

func (o of) peers(p *Peers) []Result {
	o.Variant = "peers"
	contacts, periods, waits, peers, rated := p.Contacts.Contacts, p.Contacts.ParticipantPeriods, p.Response.N, p.Caseload.Peers, p.Fidelity.N
	return []Result{
		{of: o, Measure: "contacts_per_period", X: &contacts, N: &periods, Value: p.Contacts.PerPeriod.Ptr(), Reason: string(p.Contacts.Reason)},
		{of: o, Measure: "response_seconds", N: &waits, Value: p.Response.Median.Ptr(), Upper: p.Response.P90.Ptr(), Reason: string(p.Response.Reason)},
		{of: o, Measure: "caseload", N: &peers, Value: p.Caseload.Median.Ptr(), Lower: p.Caseload.Q1.Ptr(), Upper: p.Caseload.Q3.Ptr(), Reason: string(p.Caseload.Reason)},
		{of: o, Measure: "fidelity", N: &rated, Value: p.Fidelity.Mean.Ptr(), SE: p.Fidelity.SD.Ptr(), Reason: string(p.Fidelity.Reason)},
		o.rate("reciprocity", p.Reciprocity),
	}
}

// outcomeRows lists the outcomes: the variant is the instrument, the level its timepoint.
func outcomeRows(a *Outcomes) []Result {
	var rows []Result
	for i := range a.Assessments {
		one := &a.Assessments[i]
		for k := range one.Timepoints {
			at := &one.Timepoints[k]
			o := of{Kind: kindOutcomes, Variant: one.Instrument, Population: string(a.Population), Split: "timepoint", Level: at.Timepoint}
			for _, row := range o.outcome(at) {
				rows = append(rows, row.at(float64(at.Day)))
			}
		}
	}
	return rows
}

func (o of) outcome(at *TimepointOutcome) []Result {
	var rows []Result
	place := map[string]int{}
	for i := range at.Arms {
		arm := &at.Arms[i]
		o.Arm, place[arm.Arm] = i, i
		rows = append(rows, o.moments("score", &arm.Moments), o.moments("change", &arm.Change), o.rate("missing", arm.Missing))
	}
	for i := range at.Between {
		b := &at.Between[i]
		o.Arm = place[b.Arm]
		rows = append(rows, Result{of: o, Measure: "hedges_g", Value: b.G.Ptr(), Lower: b.Lower.Ptr(), Upper: b.Upper.Ptr(), Label: b.Reference, Reason: string(b.Reason)})
	}
	return rows
}

// moments gives the mean, with the standard deviation in the place of the error.
func (o of) moments(measure string, m *Moments) Result {
	n := m.N
	return Result{of: o, Measure: measure, N: &n, Value: m.Mean.Ptr(), SE: m.SD.Ptr(), Reason: string(m.Reason)}
}

// differentialRows lists differential attrition: the variant is dropout or the instrument, the level its timepoint; a
// rating stands as label.
func differentialRows(a *Differential) []Result {
	o := of{Kind: kindDifferential, Variant: string(Dropout), Population: string(a.Population)}
	rows := o.losses(&a.Dropout)
	for i := range a.Assessments {
		one := &a.Assessments[i]
		o.Variant, o.Split, o.Level = one.Instrument, "timepoint", one.Timepoint
		for _, row := range o.losses(&one.Losses) {
			rows = append(rows, row.at(float64(one.Day)))
		}
	}
	o = of{Kind: kindDifferential, Variant: string(a.Standard), Population: string(a.Population), Arm: none}
	for _, b := range a.Boundaries {
		rows = append(rows, Result{of: o, Measure: "boundaries", Value: b.Cautious.Ptr(), Upper: b.Optimistic.Ptr()}.at(float64(b.Overall)))
	}
	return rows
}

func (o of) losses(l *Losses) []Result {
	o.Arm = none
	overall := o.rate("overall", l.Overall)
	overall.Label = string(l.FiveTwenty)
	rows := []Result{overall}
	place := map[string]int{}
	for i, arm := range l.Arms {
		o.Arm, place[arm.Arm] = i, i
		rows = append(rows, o.rate("loss", arm.Rate))
	}
	for i := range l.Comparisons {
		rows = append(rows, o.comparison(place[l.Comparisons[i].Arm], &l.Comparisons[i].Attrition)...)
	}
	return rows
}

func (o of) comparison(arm int, c *stats.Attrition) []Result {
	o.Arm = arm
	overall := o.rate("comparison_overall", c.Overall)
	overall.Label = string(c.FiveTwenty)
	return []Result{
		overall,
		{of: o, Measure: "difference", Value: c.Difference.Value.Ptr(), Lower: c.Difference.Lower.Ptr(), Upper: c.Difference.Upper.Ptr(), Reason: string(c.Difference.Reason)},
		{of: o, Measure: "differential", Value: c.Differential.Value.Ptr(), Lower: c.Differential.Lower.Ptr(), Upper: c.Differential.Upper.Ptr(), Label: string(c.Rating), Reason: string(c.Differential.Reason)},
		{of: o, Measure: "boundary", Value: c.Boundary.Ptr(), Label: string(c.Standard), Reason: string(c.Boundary.Reason())},
	}
}
