package stats

import (
	"math"
	"slices"
)

// Summary describes a list of numbers in their own unit.
type Summary struct {
	N    int   `json:"n"`
	Mean Value `json:"mean"`
	// SD has n - 1 in its denominator; undefined below two values.
	SD     Value `json:"sd"`
	Min    Value `json:"min"`
	Q1     Value `json:"q1"`
	Median Value `json:"median"`
	Q3     Value `json:"q3"`
	P90    Value `json:"p90"`
	Max    Value `json:"max"`
	// Zeros is the number of values that are 0.
	Zeros  int    `json:"zeros"`
	Reason Reason `json:"reason,omitempty"`
}

// Summarise returns mean, standard deviation and type-7 quantiles. No values is
// undefined with [ReasonNoParticipants]; NaN or an infinity among them with
// [ReasonInvalid].
func Summarise(values []float64) Summary {
	sorted, reason := ordered(values)
	s := Summary{N: len(values), Reason: reason}
	if reason != "" {
		u := Undefined(reason)
		s.Mean, s.SD, s.Min, s.Q1, s.Median, s.Q3, s.P90, s.Max = u, u, u, u, u, u, u, u
		return s
	}
	for _, v := range sorted {
		if v == 0 {
			s.Zeros++
		}
	}
	s.Mean, s.SD = moments(sorted)
	s.Min, s.Max = Defined(sorted[0]), Defined(sorted[len(sorted)-1])
	s.Q1, s.Median, s.Q3, s.P90 = at7(sorted, 0.25), at7(sorted, 0.5), at7(sorted, 0.75), at7(sorted, 0.9)
	return s
}

// Quantile7 returns the p-quantile of type 7, R's default: with the values
// ascending, x_0 …, and h = (n-1)p,
//
//	x_⌊h⌋ + (h-⌊h⌋)(x_⌊h⌋₊₁ - x_⌊h⌋)
//
// Source: Hyndman and Fan, Am Stat 1996;50:361-365. No values is undefined with
// [ReasonNoParticipants], p outside [0, 1] with [ReasonInvalid].
func Quantile7(values []float64, p float64) Value {
	if !(p >= 0 && p <= 1) {
		return Undefined(ReasonInvalid)
	}
	sorted, reason := ordered(values)
	if reason != "" {
		return Undefined(reason)
	}
	return at7(sorted, p)
}

// ordered returns a sorted copy, or why there is nothing to describe.
func ordered(values []float64) ([]float64, Reason) {
	if len(values) == 0 {
		return nil, ReasonNoParticipants
	}
	sorted := slices.Clone(values)
	slices.Sort(sorted) // NaN sorts first, infinities to the ends
	if math.IsNaN(sorted[0]) || math.IsInf(sorted[0], 0) || math.IsInf(sorted[len(sorted)-1], 0) {
		return nil, ReasonInvalid
	}
	return sorted, ""
}

// at7 counts from 1, as R does, so that rounding falls the same way.
func at7(sorted []float64, p float64) Value {
	index := 1 + float64(len(sorted)-1)*p
	floor := math.Floor(index)
	low, part := sorted[int(floor)-1], index-floor
	if part == 0 || int(floor) == len(sorted) {
		return Defined(low)
	}
	high := sorted[int(floor)]
	if low == high {
		return Defined(low)
	}
	return Defined((1-part)*low + part*high)
}

// moments returns the mean and the standard deviation in two passes.
func moments(sorted []float64) (mean, sd Value) {
	n, sum := float64(len(sorted)), 0.0
	for _, v := range sorted {
		sum += v
	}
	centre, squares := sum/n, 0.0
	for _, v := range sorted {
		squares += (v - centre) * (v - centre)
	}
	if len(sorted) < 2 {
		return Defined(centre), Undefined(ReasonTooFew)
	}
	if sorted[0] == sorted[len(sorted)-1] {
		return Defined(sorted[0]), Defined(0)
	}
	return Defined(centre), Defined(math.Sqrt(squares / (n - 1)))
}
