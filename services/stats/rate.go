package stats

import "math"

// Rate is a proportion x of n with a 95 % interval. It is written as
//
//	{"x": 81, "n": 263, "value": 0.308, "lower": 0.2553, "upper": 0.3662}
//
// with null for what is undefined and then a "reason": value and limits where
// n = 0; the limits alone where the interval has no meaning (one cluster).
type Rate struct {
	X      int    `json:"x"`
	N      int    `json:"n"`
	Value  Value  `json:"value"`
	Lower  Value  `json:"lower"`
	Upper  Value  `json:"upper"`
	Reason Reason `json:"reason,omitempty"`
}

// NewRate returns x of n independent participants with the Wilson interval.
// n = 0 is undefined with [ReasonNoParticipants].
func NewRate(x, n int) Rate {
	if n == 0 && x == 0 {
		return UndefinedRate(ReasonNoParticipants)
	}
	if x < 0 || n <= 0 || x > n {
		return UndefinedRate(ReasonInvalid)
	}
	low, high := Wilson(float64(x), float64(n))
	return Rate{X: x, N: n, Value: Defined(float64(x) / float64(n)), Lower: low, Upper: high}
}

// UndefinedRate returns 0 of 0 with the reason, as for an arm that does not
// have the component asked for.
func UndefinedRate(r Reason) Rate {
	low, high := bothUndefined(r)
	return Rate{Value: Undefined(r), Lower: low, Upper: high, Reason: r}
}

// Wilson returns the score interval of x events in n, which need not be whole
// (effective sizes are not), within [0, 1]:
//
//	(p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n)
//
// Source: Wilson, J Am Stat Assoc 1927;22:209-212. n = 0 is undefined with
// [ReasonNoParticipants].
func Wilson(x, n float64) (lower, upper Value) {
	if n == 0 && x == 0 {
		return bothUndefined(ReasonNoParticipants)
	}
	if !(n > 0) || !(x >= 0) || x > n || math.IsInf(n, 0) {
		return bothUndefined(ReasonInvalid)
	}
	low, high := wilson(x/n, n)
	return Defined(low), Defined(high)
}

// wilson is the score interval of the share p among n > 0. The limits of 0 and
// of 1 are exactly 0 and 1, whatever the rounding.
func wilson(p, n float64) (lower, upper float64) {
	z2 := Z * Z
	scale := 1 + z2/n
	centre := (p + z2/(2*n)) / scale
	half := Z * math.Sqrt(p*(1-p)/n+z2/(4*n*n)) / scale
	lower, upper = clamp01(centre-half), clamp01(centre+half)
	if p == 0 {
		lower = 0
	}
	if p == 1 {
		upper = 1
	}
	return min(lower, p), max(upper, p)
}
