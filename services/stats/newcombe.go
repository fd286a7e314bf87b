package stats

import "math"

// Difference is a contrast of two arms, arm less reference, with its 95 %
// interval.
type Difference struct {
	Value  Value  `json:"value"`
	Lower  Value  `json:"lower"`
	Upper  Value  `json:"upper"`
	Reason Reason `json:"reason,omitempty"`
}

// UndefinedDifference returns a difference without numbers.
func UndefinedDifference(r Reason) Difference {
	low, high := bothUndefined(r)
	return Difference{Value: Undefined(r), Lower: low, Upper: high, Reason: r}
}

// Newcombe returns arm less reference by Newcombe's method 10, which joins the
// score limits (l, u) of the two:
//
//	d - √((p₁-l₁)² + (u₂-p₂)²),  d + √((u₁-p₁)² + (p₂-l₂)²)
//
// The rates bring their own limits: with those of [NewClusteredRate] the
// difference rests on effective sizes. Source: Newcombe, Stat Med
// 1998;17:873-890, method 10. A rate without value makes the difference
// undefined; one without limits leaves the value and no interval.
func Newcombe(arm, reference Rate) Difference {
	p1, ok1 := arm.Value.Get()
	p2, ok2 := reference.Value.Get()
	if !ok1 || !ok2 {
		return UndefinedDifference(firstReason(arm.Value, reference.Value))
	}
	d := Difference{Value: Defined(p1 - p2)}
	if r := firstReason(arm.Lower, arm.Upper, reference.Lower, reference.Upper); r != "" {
		d.Lower, d.Upper = bothUndefined(r)
		d.Reason = r
		return d
	}
	low := p1 - p2 - math.Hypot(p1-arm.Lower.number, reference.Upper.number-p2)
	high := p1 - p2 + math.Hypot(arm.Upper.number-p1, p2-reference.Lower.number)
	d.Lower, d.Upper = Defined(max(-1, low)), Defined(min(1, high))
	return d
}

// firstReason returns the reason of the first undefined value, or "".
func firstReason(values ...Value) Reason {
	for _, v := range values {
		if !v.OK() {
			return v.Reason()
		}
	}
	return ""
}
