package stats

import "sort"

// DayRow is a curve read at a day that was chosen beforehand.
type DayRow struct {
	Day float64 `json:"day"`
	// AtRisk counts those with a time of at least Day; Events and Censored
	// those with an earlier one. The three sum to all participants.
	AtRisk   int `json:"at_risk"`
	Events   int `json:"events"`
	Censored int `json:"censored"`
	// Survival is S(Day), which includes events on the day itself.
	Survival Value  `json:"survival"`
	SE       Value  `json:"se"`
	Lower    Value  `json:"lower"`
	Upper    Value  `json:"upper"`
	Reason   Reason `json:"reason,omitempty"`
}

// At reads the curve at a day. Before the first event survival is 1 with
// standard error 0 and no interval; after the last follow-up it is undefined
// with [ReasonBeyondFollowUp], unless it has reached 0.
func (c Curve) At(day float64) DayRow {
	row := DayRow{Day: day, AtRisk: c.N}
	if reason := c.knownAt(day); reason != "" {
		row.Reason = reason
		row.Survival, row.SE = Undefined(reason), Undefined(reason)
		row.Lower, row.Upper = bothUndefined(reason)
	} else {
		at := c.stepAt(day)
		row.Survival, row.SE, row.Lower, row.Upper = Defined(at.Survival), at.SE, at.Lower, at.Upper
	}
	for _, r := range c.Rows {
		if r.Day >= day {
			break
		}
		row.Events += r.Events
		row.Censored += r.Censored
	}
	row.AtRisk -= row.Events + row.Censored
	return row
}

// stepAt returns the last row at or before the day, or the beginning.
func (c Curve) stepAt(day float64) Row {
	i := sort.Search(len(c.Rows), func(i int) bool { return c.Rows[i].Day > day })
	if i > 0 {
		return c.Rows[i-1]
	}
	low, high := bothUndefined(ReasonSurvivalOne)
	return Row{AtRisk: c.N, Survival: 1, SE: Defined(0), Lower: low, Upper: high}
}
