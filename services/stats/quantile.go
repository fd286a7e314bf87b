package stats

// equalSurvival is how near to a level a curve must be to lie on it.
const equalSurvival = 1.5e-8

// SurvivalQuantile is the day on which a curve falls to a level, with limits.
type SurvivalQuantile struct {
	Day    Value  `json:"day"`
	Lower  Value  `json:"lower"`
	Upper  Value  `json:"upper"`
	Reason Reason `json:"reason,omitempty"`
}

// Median is the day on which half have had the event.
func (c Curve) Median() SurvivalQuantile {
	return c.Quantile(0.5)
}

// Quantile returns the first day with S ≤ level. Where the curve runs along the
// level (within 1.5e-8) it is the midpoint of the step's first day and the next
// lower event day, or the first day if no drop follows. The limits are the same
// rule on the lower and the upper limit of the curve. This is the rule of R's
// summary(survfit); Brookmeyer and Crowley, Biometrics 1982;38:29-41, for the
// limits. Undefined with [ReasonNotReached]; a level outside (0, 1) with
// [ReasonInvalid].
func (c Curve) Quantile(level float64) SurvivalQuantile {
	reason := c.Reason
	if !(level > 0 && level < 1) {
		reason = ReasonInvalid
	}
	if reason != "" {
		low, high := bothUndefined(reason)
		return SurvivalQuantile{Day: Undefined(reason), Lower: low, Upper: high, Reason: reason}
	}
	q := SurvivalQuantile{
		Day:   c.crossing(level, func(r Row) Value { return Defined(r.Survival) }),
		Lower: c.crossing(level, func(r Row) Value { return r.Lower }),
		Upper: c.crossing(level, func(r Row) Value { return r.Upper }),
	}
	q.Reason = q.Day.Reason()
	return q
}

// crossing finds the day on which one of the three curves falls to the level.
func (c Curve) crossing(level float64, height func(Row) Value) Value {
	first, onLevel := -1, false
	var at float64
	for i, r := range c.Rows {
		h, ok := height(r).Get()
		if !ok {
			continue
		}
		if first < 0 && h < level+equalSurvival {
			first, at = i, h
			onLevel = h > level-equalSurvival
			continue
		}
		if onLevel && h < at {
			return Defined((c.Rows[first].Day + r.Day) / 2)
		}
	}
	if first < 0 {
		return Undefined(ReasonNotReached)
	}
	return Defined(c.Rows[first].Day)
}

// FollowUp is the median potential follow-up by reverse Kaplan-Meier: the curve
// of being censored, with events as its censorings. Source: Schemper and Smith,
// Control Clin Trials 1996;17:343-346.
func FollowUp(obs []Observation) SurvivalQuantile {
	reversed := make([]Observation, len(obs))
	for i, o := range obs {
		o.Event = !o.Event
		reversed[i] = o
	}
	return KaplanMeier(reversed, LogLog).Median()
}
