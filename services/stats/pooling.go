package stats

import (
	"cmp"
	"math"
	"slices"
)

// Study is one study's proportion, x of n, for pooling.
type Study struct {
	X, N int
}

// Pooled is the random-effects mean of a proportion over studies, and how far
// the studies differ. Proportions are fractions; Tau2 is on the logit scale.
type Pooled struct {
	// Studies counts those with n of at least 1; the others are left out.
	Studies int   `json:"studies"`
	Value   Value `json:"value"`
	Lower   Value `json:"lower"`
	Upper   Value `json:"upper"`
	// PredictionLower and PredictionUpper bound the proportion of a further
	// study; from three studies.
	PredictionLower Value `json:"prediction_lower"`
	PredictionUpper Value `json:"prediction_upper"`
	// Tau2 is the variance between studies.
	Tau2 Value `json:"tau2"`
	// I2 is the share of the variation that chance does not explain, in [0, 1].
	I2 Value `json:"i2"`
	// Q is Cochran's statistic.
	Q      Value  `json:"q"`
	Reason Reason `json:"reason,omitempty"`
}

// Pool joins proportions on the logit scale by random effects. With
// y = log(x/(n-x)), v = 1/x + 1/(n-x), u = 1/v, k studies:
//
//	Q = Σ u(y-ȳ_u)²,  τ² = max(0, (Q-(k-1))/(Σu - Σu²/Σu)),  w = 1/(v+τ²)
//	μ = Σwy/Σw,  se² = max(1, Σw(y-μ)²/(k-1))/Σw
//	interval μ ± t_{k-1}·se,  prediction μ ± t_{k-2}·√(τ²+se²)
//	I² = max(0, (Q-(k-1))/Q), 0 at Q = 0
//
// each carried back by the inverse logit. A row with x of 0 or n has 0.5 added to
// both its cells. Sources: DerSimonian and Laird, Control Clin Trials
// 1986;7:177-188; Hartung and Knapp, Stat Med 2001;20:3875-3889, with the factor
// held at 1 or more (Röver, Knapp and Friede, BMC Med Res Methodol 2015;15:99);
// Partlett and Riley, Stat Med 2017;36:301-317, for prediction; Higgins and
// Thompson, Stat Med 2002;21:1539-1558, for I². None is [ReasonNoStudies]; one is
// not pooled, [ReasonOneStudy].
func Pool(studies []Study) Pooled {
	effects, ok := logits(studies)
	switch {
	case !ok:
		return undefinedPool(0, ReasonInvalid)
	case len(effects) == 0:
		return undefinedPool(0, ReasonNoStudies)
	case len(effects) == 1:
		return undefinedPool(1, ReasonOneStudy)
	}
	k := len(effects)
	q, tau2 := heterogeneity(effects)
	mean, se := hartungKnapp(effects, tau2)
	half := studentQuantile(k-1) * se
	out := Pooled{Studies: k, Q: Defined(q), Tau2: Defined(tau2), I2: Defined(inconsistency(q, k))}
	out.Value, out.Lower, out.Upper = Defined(expit(mean)), Defined(expit(mean-half)), Defined(expit(mean+half))
	if k < 3 {
		out.PredictionLower, out.PredictionUpper = bothUndefined(ReasonTwoStudies)
		return out
	}
	half = studentQuantile(k-2) * math.Sqrt(tau2+se*se)
	out.PredictionLower, out.PredictionUpper = Defined(expit(mean-half)), Defined(expit(mean+half))
	return out
}

func undefinedPool(k int, r Reason) Pooled {
	u := Undefined(r)
	return Pooled{Studies: k, Value: u, Lower: u, Upper: u, PredictionLower: u, PredictionUpper: u, Tau2: u, I2: u, Q: u, Reason: r}
}

// effect is a study on the logit scale, with its variance.
type effect struct {
	y, v float64
}

// logits returns the studies with participants, in an order of their own;
// false for an impossible study.
func logits(studies []Study) ([]effect, bool) {
	var effects []effect
	for _, s := range studies {
		if s.N < 0 || s.X < 0 || s.X > s.N {
			return nil, false
		}
		if s.N == 0 {
			continue
		}
		x, rest := float64(s.X), float64(s.N-s.X)
		if s.X == 0 || s.X == s.N {
			x, rest = x+0.5, rest+0.5
		}
		effects = append(effects, effect{math.Log(x / rest), 1/x + 1/rest})
	}
	slices.SortFunc(effects, func(a, b effect) int {
		return cmp.Or(cmp.Compare(a.y, b.y), cmp.Compare(a.v, b.v))
	})
	return effects, true
}

// weightedMean returns the mean of the effects by 1/(v+τ²), the sum of the
// weights, that of their squares, and the weighted squares about the mean.
func weightedMean(effects []effect, tau2 float64) (mean, sum, sumSquares, spread float64) {
	for _, e := range effects {
		w := 1 / (e.v + tau2)
		mean += w * e.y
		sum += w
		sumSquares += w * w
	}
	mean /= sum
	for _, e := range effects {
		spread += (e.y - mean) * (e.y - mean) / (e.v + tau2)
	}
	return mean, sum, sumSquares, spread
}

// heterogeneity returns Cochran's Q and DerSimonian and Laird's τ².
func heterogeneity(effects []effect) (q, tau2 float64) {
	_, sum, sumSquares, q := weightedMean(effects, 0)
	return q, max(0, (q-float64(len(effects)-1))/(sum-sumSquares/sum))
}

func hartungKnapp(effects []effect, tau2 float64) (mean, se float64) {
	mean, sum, _, spread := weightedMean(effects, tau2)
	factor := max(1, spread/float64(len(effects)-1))
	return mean, math.Sqrt(factor / sum)
}

func inconsistency(q float64, k int) float64 {
	if q == 0 {
		return 0
	}
	return max(0, (q-float64(k-1))/q)
}

func expit(y float64) float64 {
	return 1 / (1 + math.Exp(-y))
}
