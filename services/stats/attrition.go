package stats

import (
	"fmt"
	"math"
)

// Standard names a boundary of the What Works Clearinghouse.
type Standard string

// The two boundaries. Cautious is the default.
const (
	Cautious   Standard = "cautious"
	Optimistic Standard = "optimistic"
)

// ParseStandard reads the name of a boundary; the empty name is [Cautious].
func ParseStandard(name string) (Standard, error) {
	switch s := Standard(name); s {
	case "":
		return Cautious, nil
	case Cautious, Optimistic:
		return s, nil
	}
	return "", fmt.Errorf("read attrition boundary %.20q: must be cautious or optimistic", name)
}

// Rating classes an attrition.
type Rating string

// The ratings: low and high by the What Works Clearinghouse; little, between
// and serious bias by the 5-and-20 rule.
const (
	RatingLow     Rating = "low"
	RatingHigh    Rating = "high"
	RatingLittle  Rating = "little"
	RatingBetween Rating = "between"
	RatingSerious Rating = "serious"
	// RatingNone is given where nobody is in the denominator.
	RatingNone Rating = "not_rated"
)

// Boundary is the largest differential attrition, in percentage points, that
// counts as low at an overall attrition of a whole percent.
type Boundary struct {
	Overall    int   `json:"overall"`
	Cautious   Value `json:"cautious"`
	Optimistic Value `json:"optimistic"`
}

// Boundaries returns the published table, overall attrition from 0 percent up
// to where both boundaries end; past the end of one it is undefined with
// [ReasonAboveTable].
func Boundaries() []Boundary {
	cautious, optimistic := boundaryTenths(Cautious), boundaryTenths(Optimistic)
	rows := make([]Boundary, max(len(cautious), len(optimistic)))
	for overall := range rows {
		rows[overall] = Boundary{overall, tenthsAt(cautious, overall), tenthsAt(optimistic, overall)}
	}
	return rows
}

func tenthsAt(table []int, overall int) Value {
	if overall < 0 || overall >= len(table) {
		return Undefined(ReasonAboveTable)
	}
	return Defined(float64(table[overall]) / 10)
}

// Attrition compares the losses of an arm with those of a reference.
type Attrition struct {
	// Overall is (x₁+x₂) of (n₁+n₂), with the Wilson interval.
	Overall Rate `json:"overall"`
	// Difference is arm less reference, by Newcombe's method 10.
	Difference Difference `json:"difference"`
	// Differential is |p₁-p₂|. Its limits are those of the difference folded
	// at 0: where that may be 0, the lower is 0.
	Differential Difference `json:"differential"`
	// Standard and Boundary are the line used, in percentage points at the
	// overall attrition in whole percent.
	Standard Standard `json:"standard"`
	Boundary Value    `json:"boundary"`
	// Rating is low if Differential is at or under Boundary, else high.
	Rating Rating `json:"rating"`
	// FiveTwenty is the 5-and-20 rule on Overall.
	FiveTwenty Rating `json:"five_twenty"`
	Reason     Reason `json:"reason,omitempty"`
}

// CompareAttrition rates the losses x of n in two arms, in whole numbers
// throughout: at overall attrition rounded to a whole percent (halves up),
// differential attrition |p₁-p₂| is low if at or under the boundary, and high
// past the end of the table. Source of the table: What Works Clearinghouse
// Standards Handbook, version 4.1, 2020, Table II.1. An arm without participants
// is undefined with [ReasonNoParticipants] and not rated.
func CompareAttrition(arm, reference Study, standard Standard) Attrition {
	if standard != Optimistic {
		standard = Cautious
	}
	a, b := NewRate(arm.X, arm.N), NewRate(reference.X, reference.N)
	out := Attrition{Standard: standard, Rating: RatingNone, FiveTwenty: RatingNone}
	out.Difference = Newcombe(a, b)
	out.Differential = out.Difference.fold()
	out.Overall = NewRate(a.X+b.X, a.N+b.N)
	out.FiveTwenty = FiveTwenty(out.Overall)
	if reason := firstReason(a.Value, b.Value); reason != "" {
		out.Boundary, out.Reason = Undefined(reason), reason
		return out
	}
	table, overall := boundaryTenths(standard), wholePercent(out.Overall)
	out.Boundary, out.Rating = tenthsAt(table, overall), RatingHigh
	if overall < len(table) && withinTenths(a, b, table[overall]) {
		out.Rating = RatingLow
	}
	return out
}

// wholePercent rounds x/n to a whole percent, halves up.
func wholePercent(r Rate) int {
	return (200*r.X + r.N) / (2 * r.N)
}

// withinTenths reports whether |p₁-p₂| is at most the given tenths of a
// percentage point, exactly.
func withinTenths(a, b Rate, tenths int) bool {
	gap := a.X*b.N - b.X*a.N
	return 1000*max(gap, -gap) <= tenths*a.N*b.N
}

// fold returns the absolute difference, with limits of what its size may be.
func (d Difference) fold() Difference {
	value, ok := d.Value.Get()
	if !ok {
		return d
	}
	out := Difference{Value: Defined(math.Abs(value)), Lower: d.Lower, Upper: d.Upper, Reason: d.Reason}
	low, ok := d.Lower.Get()
	high, also := d.Upper.Get()
	if !ok || !also {
		return out
	}
	out.Upper = Defined(max(math.Abs(low), math.Abs(high)))
	out.Lower = Defined(max(0, low, -high))
	return out
}

// FiveTwenty rates a loss by the 5-and-20 rule: under 5 % little bias, over 20 %
// a serious threat, else between. Source: Schulz and Grimes, Lancet
// 2002;359:781-785.
func FiveTwenty(loss Rate) Rating {
	switch {
	case loss.N == 0:
		return RatingNone
	case 20*loss.X < loss.N:
		return RatingLittle
	case 5*loss.X > loss.N:
		return RatingSerious
	default:
		return RatingBetween
	}
}

// boundaryTenths is Table II.1 of the What Works Clearinghouse Standards
// Handbook, version 4.1, in tenths of a percentage point: the largest low
// differential attrition at overall attrition of 0, 1, 2 … percent.
func boundaryTenths(s Standard) []int {
	if s == Optimistic {
		return []int{
			100, 101, 102, 103, 104, 105, 107, 108, 109, 109,
			109, 109, 109, 108, 108, 107, 106, 105, 103, 102,
			100, 99, 97, 95, 94, 92, 90, 88, 86, 84,
			82, 80, 78, 76, 74, 72, 70, 67, 65, 63,
			60, 58, 56, 53, 51, 49, 46, 44, 42, 39,
			37, 35, 32, 30, 28, 26, 23, 21, 19, 16,
			14, 11, 9, 7, 5, 3,
		}
	}
	return []int{
		57, 58, 59, 59, 60, 61, 62, 63, 63, 63,
		63, 62, 62, 61, 60, 59, 59, 58, 57, 55,
		54, 53, 52, 51, 49, 48, 47, 45, 44, 43,
		41, 40, 38, 36, 35, 33, 32, 31, 29, 28,
		26, 25, 23, 21, 20, 18, 16, 15, 13, 12,
		10, 9, 7, 6, 4, 3, 2, 0,
	}
}
