package stats

import (
	"math"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"
)

// normalP is the two-sided p value of a standard normal deviate.
func normalP(z float64) Value {
	return Defined(math.Erfc(math.Abs(z) / math.Sqrt2))
}

// chiSquaredP is the upper tail of a chi-squared deviate, df ≥ 1.
func chiSquaredP(x float64, df int) Value {
	x = max(0, x)
	if df == 1 {
		return Defined(math.Erfc(math.Sqrt(x / 2)))
	}
	return Defined(mathext.GammaIncRegComp(float64(df)/2, x/2))
}

// studentQuantile is the 97.5 % point of Student's t, df ≥ 1.
func studentQuantile(df int) float64 {
	switch df {
	case 1:
		return math.Tan(math.Pi * 0.475)
	case 2:
		const p = 0.975
		return (2*p - 1) / math.Sqrt(2*p*(1-p))
	}
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(df)}
	x := t.Quantile(0.975)
	for range 2 { // Newton steps carry the library's root to full precision
		x -= (t.CDF(x) - 0.975) / t.Prob(x)
	}
	return x
}
