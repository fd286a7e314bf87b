package stats

import "math"

// Sample is what an effect size needs of an arm: n, mean and standard
// deviation, of the change of an outcome in its own unit.
type Sample struct {
	N        int
	Mean, SD float64
}

// SampleOf returns the sample of a summary; an undefined mean or deviation is
// 0, which [HedgesG] refuses.
func SampleOf(s Summary) Sample {
	return Sample{N: s.N, Mean: s.Mean.number, SD: s.SD.number}
}

// EffectSize is a standardised mean difference, arm less reference, in standard
// deviations.
type EffectSize struct {
	G        Value  `json:"g"`
	Variance Value  `json:"variance"`
	Lower    Value  `json:"lower"`
	Upper    Value  `json:"upper"`
	Reason   Reason `json:"reason,omitempty"`
}

// HedgesG returns the standardised difference of means with Hedges' correction:
//
//	d = (m₁ - m₂)/s,  s² = ((n₁-1)s₁² + (n₂-1)s₂²)/(n₁+n₂-2)
//	g = J·d,  J = 1 - 3/(4(n₁+n₂-2) - 1)
//	var = J²((n₁+n₂)/(n₁n₂) + d²/(2(n₁+n₂))),  limits g ± z·√var
//
// Source: Hedges, J Educ Stat 1981;6:107-128; Borenstein et al., Introduction to
// Meta-Analysis, 2009, chapter 4, for the variance. Undefined where an n is below
// 2 ([ReasonTooFew]) or the pooled deviation is 0 ([ReasonNoVariation]).
func HedgesG(arm, reference Sample) EffectSize {
	n1, n2 := float64(arm.N), float64(reference.N)
	df := n1 + n2 - 2
	switch {
	case arm.N < 2 || reference.N < 2:
		return undefinedEffect(ReasonTooFew)
	case !(arm.SD >= 0) || !(reference.SD >= 0):
		return undefinedEffect(ReasonInvalid)
	case arm.SD == 0 && reference.SD == 0:
		return undefinedEffect(ReasonNoVariation)
	}
	pooled := math.Sqrt(((n1-1)*arm.SD*arm.SD + (n2-1)*reference.SD*reference.SD) / df)
	correction := 1 - 3/(4*df-1)
	d := (arm.Mean - reference.Mean) / pooled
	variance := correction * correction * ((n1+n2)/(n1*n2) + d*d/(2*(n1+n2)))
	e := EffectSize{G: Defined(correction * d), Variance: Defined(variance)}
	if e.Reason = firstReason(e.G, e.Variance); e.Reason != "" {
		return undefinedEffect(e.Reason)
	}
	e.Lower, e.Upper = symmetric(correction*d, math.Sqrt(variance))
	return e
}

func undefinedEffect(r Reason) EffectSize {
	u := Undefined(r)
	return EffectSize{G: u, Variance: u, Lower: u, Upper: u, Reason: r}
}
