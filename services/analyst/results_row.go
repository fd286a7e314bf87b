package analyst

import (
	"time"

	"github.com/throughline-trials/throughline/services/stats"
)

// Result is one row of the table of results: one number of one arm, or one step of a curve, with what it is of and from
// what it was made. Dashboards read nothing else.
type Result struct {
	of      // what it is a number of
	Measure string
	Day     *float64 // of a curve or a declared day; the period; the silence or the share of a strip
	X, N    *int     // of a rate; events and at risk of a curve
	Beside  *int     // censored on the day, of a curve
	Value   *float64
	Lower   *float64
	Upper   *float64
	SE, P   *float64 // SE of a mean: the standard deviation
	Label   string   // a tier, a rating, a reason, or the reference arm of a contrast
	Reason  string   // why there is no value
	Open    bool     // provisional
}

// of says what a result is a number of.
type of struct {
	Kind       string // dropout, non_usage, engagement, flow, dose, outcomes, differential
	Variant    string
	Population string
	Portion    string
	Component  string
	Split      string // component, site or a factor; empty: not split
	Level      string // of the split; empty with a split: not known
	Arm        int    // place in the definition; none: of the study
}

// The measures of results.
const (
	measureRate      = "rate"
	measureRateEnd   = "rate_at_end"
	measureUptake    = "uptake"
	measureUptakeEnd = "uptake_at_end"
	measureCurve     = "curve"
	measureDeclared  = "declared"
	measureMedian    = "median"
	measureFollowUp  = "follow_up"
	measureRMST      = "rmst"
	measureRMSTLess  = "rmst_difference"
	measureEarly     = "too_early"
	measurePeople    = "participants"
	measureStrip     = "sensitivity"
	measureReturns   = "reactivations"
	measureLogRank   = "logrank"
	measureCox       = "cox"
	measureShare     = "participation"
	measureAlways    = "throughout"
	measureDone      = "completion"
	measureDoneEnd   = "completion_at_end"
	measurePeriod    = "period"
	measureTier      = "tier"
	measureHeadline  = "headline_tier"
	measureICC       = "icc"
	measureDesign    = "design_effect"
)

func (o of) rate(measure string, r stats.Rate) Result {
	x, n := r.X, r.N
	return Result{
		of: o, Measure: measure, X: &x, N: &n, Value: r.Value.Ptr(), Lower: r.Lower.Ptr(), Upper: r.Upper.Ptr(), Reason: string(r.Reason),
	}
}

func (o of) count(measure string, n int) Result {
	value := float64(n)
	return Result{of: o, Measure: measure, N: &n, Value: &value}
}

func (o of) days(measure string, n int, value, lower, upper stats.Value, reason stats.Reason) Result {
	return Result{of: o, Measure: measure, N: &n, Value: value.Ptr(), Lower: lower.Ptr(), Upper: upper.Ptr(), Reason: string(reason)}
}

// at returns the result with a day.
func (r Result) at(day float64) Result {
	r.Day = &day
	return r
}

// attritionRows lists the results of an answer; of one by groups only these, as the whole is an answer of its own.
func attritionRows(a *Attrition) []Result {
	o := of{Kind: string(a.Kind), Variant: string(a.Variant), Population: string(a.Population), Portion: string(a.Portion), Component: a.Component}
	if a.By == "" {
		return o.panel(a.Arms, a.Tests, a.TestsReason)
	}
	var rows []Result
	for _, g := range a.Groups {
		o.Split, o.Level = a.By, g.Group
		rows = append(rows, o.panel(g.Arms, g.Tests, g.TestsReason)...)
	}
	return rows
}

func (o of) panel(arms []ArmAttrition, tests *Tests, reason stats.Reason) []Result {
	var rows []Result
	for i := range arms {
		o.Arm = i
		rows = append(rows, o.attrition(&arms[i])...)
	}
	o.Arm = none
	if tests == nil {
		return append(rows, Result{of: o, Measure: measureLogRank, Reason: string(reason)})
	}
	df := float64(tests.LogRank.DF)
	rows = append(rows, Result{of: o, Measure: measureLogRank, Day: &df, Value: tests.LogRank.ChiSq.Ptr(), P: tests.LogRank.P.Ptr(), Reason: string(tests.LogRank.Reason)})
	place := map[string]int{}
	for i := range arms {
		place[arms[i].Arm] = i
	}
	for _, c := range tests.Cox {
		o.Arm = place[c.Arm]
		rows = append(rows, Result{
			of: o, Measure: measureCox, Value: c.HR.Ptr(), Lower: c.Lower.Ptr(), Upper: c.Upper.Ptr(), SE: c.SE.Ptr(), P: c.P.Ptr(), Label: c.Reference, Reason: string(c.Reason),
		})
	}
	for _, d := range tests.RMST {
		o.Arm = place[d.Arm]
		rows = append(rows, Result{
			of: o, Measure: measureRMSTLess, Value: d.Value.Ptr(), Lower: d.Lower.Ptr(), Upper: d.Upper.Ptr(), SE: d.SE.Ptr(), P: d.P.Ptr(), Label: d.Reference, Reason: string(d.Reason),
		}.at(d.Horizon))
	}
	return rows
}

func (o of) attrition(a *ArmAttrition) []Result {
	rows := []Result{
		o.count(measurePeople, a.Participants),
		o.rate(measureRate, a.Rate), o.rate(measureRateEnd, a.RateAtEnd), o.rate(measureUptake, a.Uptake), o.rate(measureUptakeEnd, a.UptakeAtEnd),
		o.count(measureEarly, a.TooEarly),
		o.days(measureMedian, a.N, a.Median.Day, a.Median.Lower, a.Median.Upper, a.Median.Reason),
		o.days(measureFollowUp, a.N, a.FollowUp.Day, a.FollowUp.Lower, a.FollowUp.Upper, a.FollowUp.Reason),
	}
	mean := o.days(measureRMST, a.N, a.RMST.Value, a.RMST.Lower, a.RMST.Upper, a.RMST.Reason).at(a.RMST.Horizon)
	mean.SE = a.RMST.SE.Ptr()
	rows = append(rows, mean)
	for i := range rows {
		rows[i].Open = a.Provisional
	}
	for i := range a.Curve {
		rows = append(rows, o.step(&a.Curve[i]))
	}
	for i := range a.Declared {
		d := &a.Declared[i]
		row := Result{
			of: o, Measure: measureDeclared, X: &d.Events, N: &d.AtRisk, Beside: &d.Censored, Value: d.Survival.Ptr(), Lower: d.Lower.Ptr(), Upper: d.Upper.Ptr(),
			SE: d.SE.Ptr(), Reason: string(d.Reason),
		}
		rows = append(rows, row.at(d.Day))
	}
	if r := a.Reactivations; r != nil {
		row := o.count(measureReturns, r.Number)
		row.X, row.N = &r.Participants, &a.N
		rows = append(rows, row)
	}
	for _, s := range a.Sensitivity {
		rows = append(rows, o.rate(measureStrip, s.Rate).at(float64(s.SilenceDays)))
	}
	return rows
}

// step is one day of a curve; day 0 with everyone is left to the reader.
func (o of) step(r *stats.Row) Result {
	survival := r.Survival
	row := Result{of: o, Measure: measureCurve, X: &r.Events, N: &r.AtRisk, Beside: &r.Censored, Value: &survival, Lower: r.Lower.Ptr(), Upper: r.Upper.Ptr(), SE: r.SE.Ptr()}
	return row.at(r.Day)
}

// engagementRows lists the results of an answer.
func engagementRows(e *Engagement) []Result {
	o := of{Kind: kindEngagement, Population: string(e.Population), Portion: string(e.Portion), Component: e.Component}
	var rows []Result
	for i := range e.Arms {
		o.Arm = i
		rows = append(rows, o.engagement(&e.Arms[i])...)
	}
	o.Arm = none
	return append(rows, o.rate(measureDone, e.Completion.Rate), o.rate(measureDoneEnd, e.Completion.AtEnd),
		Result{of: o, Measure: measureHeadline, Label: string(e.StudyTier)})
}

func (o of) engagement(a *ArmEngagement) []Result {
	share, always := o.rate(measureShare, a.Participation.Rate), o.rate(measureAlways, a.Throughout.Rate)
	share.Label, always.Label, always.Open = string(a.Participation.Tier), string(a.Throughout.Tier), a.Throughout.Provisional
	rows := []Result{
		o.count(measurePeople, a.Participants), share, always, o.rate(measureDone, a.Completion), o.rate(measureDoneEnd, a.CompletionAtEnd),
		{of: o, Measure: measureHeadline, Label: string(a.Headline)},
		{of: o, Measure: measureICC, Value: a.Participation.ICC.Ptr(), Reason: string(a.Participation.ICC.Reason())},
		{of: o, Measure: measureDesign, Value: a.Participation.DesignEffect.Ptr(), Reason: string(a.Participation.DesignEffect.Reason())},
	}
	tiers := map[stats.Tier]int{stats.TierHigh: a.Tiers.High, stats.TierMedium: a.Tiers.Medium, stats.TierLow: a.Tiers.Low, stats.TierNotReported: a.Tiers.NotReported}
	for _, tier := range stats.Tiers() {
		n, all := tiers[tier], a.Participants
		rows = append(rows, Result{of: o, Measure: measureTier, X: &n, N: &all, Label: string(tier)})
	}
	for _, p := range a.Periods {
		rows = append(rows, o.rate(measurePeriod, p.Rate).at(float64(p.Period)))
	}
	for _, s := range a.Sensitivity {
		row := o.rate(measureStrip, s.Rate).at(shareValue(s.Share))
		row.Label = string(s.Tier)
		rows = append(rows, row)
	}
	return rows
}

// stamped is the results of one study at one cut.
type stamped struct {
	Stamp
	cut        string // live, or the date of the day that it is the end of
	generation uint64
	blinded    bool
	arms       []StudyArm
	rows       []Result
	people     []ParticipantRow
	periods    [][]periodState
	written    time.Time
}
