package stats

import "math"

// RestrictedMean is the mean number of event-free days up to a horizon.
type RestrictedMean struct {
	// Horizon is t*, in days.
	Horizon float64 `json:"horizon"`
	// Value is in days, as are SE and the limits.
	Value Value `json:"value"`
	SE    Value `json:"se"`
	// Lower and Upper are undefined where SE is 0.
	Lower  Value  `json:"lower"`
	Upper  Value  `json:"upper"`
	Reason Reason `json:"reason,omitempty"`
}

// RestrictedMean returns the area under the curve to the horizon t*:
//
//	∫₀^t* S     var = Σ_{t_i ≤ t*} [∫_{t_i}^t* S]² d_i/(n_i(n_i - d_i))
//
// where a term with n_i = d_i is 0. Source: Klein and Moeschberger, Survival
// Analysis, 2nd edition 2003, section 4.5; as R's survfit with rmean. A horizon
// after the last follow-up is undefined with [ReasonBeyondFollowUp], unless the
// curve has reached 0; one not after day 0 with [ReasonNoHorizon].
func (c Curve) RestrictedMean(horizon float64) RestrictedMean {
	reason := c.knownAt(horizon)
	if reason == "" && horizon == 0 || horizon < 0 {
		reason = ReasonNoHorizon
	}
	if c.Reason != "" {
		reason = c.Reason
	}
	if reason != "" {
		low, high := bothUndefined(reason)
		return RestrictedMean{horizon, Undefined(reason), Undefined(reason), low, high, reason}
	}
	area, variance := c.areaTo(horizon)
	mean := RestrictedMean{Horizon: horizon, Value: Defined(area), SE: Defined(math.Sqrt(variance))}
	if variance == 0 {
		mean.Lower, mean.Upper = bothUndefined(ReasonNoVariation)
		return mean
	}
	mean.Lower, mean.Upper = symmetric(area, math.Sqrt(variance))
	return mean
}

// areaTo integrates backwards from the horizon, which gives every ∫_{t_i}^t* on
// the way.
func (c Curve) areaTo(horizon float64) (area, variance float64) {
	end := horizon
	for i := len(c.Rows) - 1; i >= 0; i-- {
		r := c.Rows[i]
		if r.Day > horizon {
			continue
		}
		area += r.Survival * (end - r.Day)
		end = r.Day
		if r.Events < r.AtRisk {
			variance += area * area * float64(r.Events) / (float64(r.AtRisk) * float64(r.AtRisk-r.Events))
		}
	}
	return area + end, variance
}

// DefaultHorizon returns the declared horizon, or the smallest last follow-up of
// the arms if that is less. Arms without participants are left out; none left
// is undefined with [ReasonNoParticipants].
func DefaultHorizon(declared float64, arms []Curve) Value {
	horizon, found := declared, false
	for _, arm := range arms {
		if last, ok := arm.LastFollowUp().Get(); ok {
			horizon, found = min(horizon, last), true
		}
	}
	if !found {
		return Undefined(ReasonNoParticipants)
	}
	return Defined(horizon)
}

// MeanDifference is a difference of restricted means, arm less reference, in
// days.
type MeanDifference struct {
	Horizon float64 `json:"horizon"`
	Value   Value   `json:"value"`
	SE      Value   `json:"se"`
	Lower   Value   `json:"lower"`
	Upper   Value   `json:"upper"`
	P       Value   `json:"p"`
	Reason  Reason  `json:"reason,omitempty"`
}

// Less returns the mean less that of the reference, with the normal interval and
// the two-sided p value of its z. Means of different horizons are not compared
// ([ReasonHorizonsDiffer]); where both errors are 0 there is no test
// ([ReasonNoVariation]).
func (m RestrictedMean) Less(reference RestrictedMean) MeanDifference {
	reason := firstReason(m.Value, reference.Value)
	if reason == "" && m.Horizon != reference.Horizon {
		reason = ReasonHorizonsDiffer
	}
	d := MeanDifference{Horizon: m.Horizon, Reason: reason}
	if reason != "" {
		d.Value, d.SE, d.P = Undefined(reason), Undefined(reason), Undefined(reason)
		d.Lower, d.Upper = bothUndefined(reason)
		return d
	}
	value, se := m.Value.number-reference.Value.number, math.Hypot(m.SE.number, reference.SE.number)
	d.Value, d.SE = Defined(value), Defined(se)
	if se == 0 {
		d.Lower, d.Upper = bothUndefined(ReasonNoVariation)
		d.P = Undefined(ReasonNoVariation)
		return d
	}
	d.Lower, d.Upper = symmetric(value, se)
	d.P = normalP(value / se)
	return d
}
