package stats

import (
	"encoding/json"
	"math"
	"strconv"
)

// Reason says, in stable snake_case, why a number is not given.
type Reason string

// The reasons that this package gives.
const (
	// ReasonNotComputed is the reason of the zero Value.
	ReasonNotComputed Reason = "not_computed"
	// ReasonInvalid marks input outside the contract: a negative or infinite
	// time, an arm that does not exist, more events than trials.
	ReasonInvalid Reason = "invalid_input"
	// ReasonNotFinite marks an overflow: the formula has no finite result.
	ReasonNotFinite Reason = "not_finite"
	// ReasonNoParticipants means nobody is in the denominator.
	ReasonNoParticipants Reason = "no_participants"
	// ReasonNoEvents means no event in the arm, or in any arm.
	ReasonNoEvents Reason = "no_events"
	// ReasonNoReferenceEvents means no event in the arm compared with.
	ReasonNoReferenceEvents Reason = "no_events_in_reference"
	// ReasonNotReached means the curve never falls to the level asked for.
	ReasonNotReached Reason = "not_reached"
	// ReasonBeyondFollowUp means the day lies after the last one observed.
	ReasonBeyondFollowUp Reason = "beyond_follow_up"
	// ReasonNoHorizon means that the horizon is not after day 0.
	ReasonNoHorizon Reason = "no_horizon"
	// ReasonHorizonsDiffer means two means of different horizons.
	ReasonHorizonsDiffer Reason = "horizons_differ"
	// ReasonSurvivalOne means no interval, as the curve is still at 1.
	ReasonSurvivalOne Reason = "survival_one"
	// ReasonSurvivalZero means no interval, as the curve is at 0.
	ReasonSurvivalZero Reason = "survival_zero"
	// ReasonIncidenceZero means no interval, as the incidence is still 0.
	ReasonIncidenceZero Reason = "incidence_zero"
	// ReasonIncidenceOne means no interval, as the incidence is 1.
	ReasonIncidenceOne Reason = "incidence_one"
	// ReasonOneArm means fewer than two arms with participants.
	ReasonOneArm Reason = "one_arm"
	// ReasonOneCluster means that one cluster says nothing about others.
	ReasonOneCluster Reason = "one_cluster"
	// ReasonClustersOfOne means that no cluster has two members.
	ReasonClustersOfOne Reason = "clusters_of_one"
	// ReasonNoVariation means that all values are the same.
	ReasonNoVariation Reason = "no_variation"
	// ReasonSingular means that the arms cannot be told apart: at no event
	// were they at risk together.
	ReasonSingular Reason = "singular_variance"
	// ReasonNotEstimable means that the estimate is infinite or unbounded: one
	// arm has its events only when the other is no longer at risk.
	ReasonNotEstimable Reason = "not_estimable"
	// ReasonNotConverged means that the iteration did not settle.
	ReasonNotConverged Reason = "not_converged"
	// ReasonNoStudies means that no study has the number.
	ReasonNoStudies Reason = "no_studies"
	// ReasonOneStudy means that one study is not pooled.
	ReasonOneStudy Reason = "one_study"
	// ReasonTwoStudies means that a prediction interval needs three studies.
	ReasonTwoStudies Reason = "fewer_than_three_studies"
	// ReasonTooFew means fewer than two values.
	ReasonTooFew Reason = "fewer_than_two"
	// ReasonAboveTable means overall attrition beyond the published table.
	ReasonAboveTable Reason = "above_table"
)

// Z is the 97.5 % point of the standard normal distribution.
const Z = 1.959963984540054

// Value is a number, or the reason why there is none. The zero Value is
// undefined, so that a forgotten field never reads as 0. Values compare with ==.
type Value struct {
	number  float64
	defined bool
	reason  Reason
}

// Defined returns v as a Value; NaN and infinities become undefined with
// [ReasonNotFinite].
func Defined(v float64) Value {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return Undefined(ReasonNotFinite)
	}
	return Value{number: v, defined: true}
}

// Undefined returns a Value without a number.
func Undefined(r Reason) Value {
	return Value{reason: r}
}

// Get returns the number and whether there is one.
func (v Value) Get() (float64, bool) {
	return v.number, v.defined
}

// OK reports whether there is a number.
func (v Value) OK() bool {
	return v.defined
}

// Ptr returns the number for a nullable column: nil where undefined.
func (v Value) Ptr() *float64 {
	if !v.defined {
		return nil
	}
	n := v.number
	return &n
}

// Reason is empty for a number, and otherwise says why there is none.
func (v Value) Reason() Reason {
	if v.defined {
		return ""
	}
	if v.reason == "" {
		return ReasonNotComputed
	}
	return v.reason
}

// String formats the number in its shortest form, or the reason in brackets.
func (v Value) String() string {
	if !v.defined {
		return "(" + string(v.Reason()) + ")"
	}
	return strconv.FormatFloat(v.number, 'g', -1, 64)
}

// MarshalJSON gives the number, or null.
func (v Value) MarshalJSON() ([]byte, error) {
	if !v.defined {
		return []byte("null"), nil
	}
	return json.Marshal(v.number)
}

// UnmarshalJSON takes a number or null; null has [ReasonNotComputed].
func (v *Value) UnmarshalJSON(data []byte) error {
	var n *float64
	if err := json.Unmarshal(data, &n); err != nil {
		return err
	}
	*v = Value{}
	if n != nil {
		*v = Defined(*n)
	}
	return nil
}

// symmetric returns centre ± z·se.
func symmetric(centre, se float64) (lower, upper Value) {
	return Defined(centre - Z*se), Defined(centre + Z*se)
}

func bothUndefined(r Reason) (lower, upper Value) {
	return Undefined(r), Undefined(r)
}

func clamp01(v float64) float64 {
	return min(1, max(0, v))
}
