package analyst

import (
	"encoding/json"
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// TestBoxesAddUp: whatever was said, nobody is in two boxes of a kind or in none, and every difference has a cause.
func TestBoxesAddUp(t *testing.T) {
	def := life(t)
	rapid.Check(t, func(rt *rapid.T) {
		tr := newTrial(t, def)
		for i := range rapid.IntRange(0, 6).Draw(rt, "participants") {
			invent(rt, tr, fmt.Sprintf("p%d", i))
		}
		frame, records := tr.read(at(rapid.IntRange(0, 45).Draw(rt, "cutoff")))
		flow := frame.Flow(records)
		for _, line := range flow.Balance {
			if line.Difference > 0 || line.Arm != "" && line.Difference != 0 || line.Box == "randomised" && line.Difference != 0 {
				rt.Fatalf("%+v", line)
			}
		}
		sum := 0
		for _, line := range flow.Balance {
			sum -= line.Difference
		}
		for _, i := range flow.Imbalances {
			sum -= i.N
		}
		if sum != 0 || flow.Balanced != (len(flow.Imbalances) == 0) {
			rt.Fatalf("%d without a cause: %+v, %+v", sum, flow.Balance, flow.Imbalances)
		}
		checkUse(rt, frame, records)
		checkJSON(rt, frame, records)
	})
}

// checkUse holds the cells of use tables and the ends of competing risks against the number of participants.
func checkUse(t *rapid.T, frame *Frame, records []*Record) {
	out, err := frame.Attrition(records, AttritionQuery{Kind: NonUsage, Variant: rapid.SampledFrom([]Variant{LastUse, FirstLapse}).Draw(t, "variant")})
	if err != nil {
		t.Fatal(err)
	}
	for _, arm := range out.Arms {
		if arm.UseTable == nil {
			continue
		}
		u := arm.UseTable
		if sum := u.TooEarly + u.InStudyUsing + u.InStudyNotUsing + u.LeftUsing + u.LeftStopped + u.Died; sum != u.N || u.N > arm.Participants {
			t.Fatalf("cells give %d of %d: %+v", sum, u.N, u)
		}
		in, ended := arm.Incidence, 0
		for _, cause := range in.Causes {
			ended += cause.Events
			last := 0.0
			for _, point := range cause.Curve {
				if point.Incidence < last || point.Incidence > 1 {
					t.Fatalf("%s falls, or is above 1: %+v", cause.Cause, cause.Curve)
				}
				last = point.Incidence
			}
		}
		if in.N+in.TooEarly != arm.Participants || ended > in.N {
			t.Fatalf("n %d, too early %d, ended %d of %d", in.N, in.TooEarly, ended, arm.Participants)
		}
	}
}

// checkJSON writes every other answer.
func checkJSON(t *rapid.T, frame *Frame, records []*Record) {
	q := Query{Population: rapid.SampledFrom([]Population{Randomised, Started, PerProtocol}).Draw(t, "population")}
	dose, err := frame.Dose(records, DoseQuery{Query: q, By: "component"})
	if err != nil {
		t.Fatal(err)
	}
	outcomes, err := frame.Outcomes(records, q)
	if err != nil {
		t.Fatal(err)
	}
	differential, err := frame.Differential(records, DifferentialQuery{Query: q})
	if err != nil {
		t.Fatal(err)
	}
	for _, answer := range []any{dose, outcomes, differential, frame.Flow(records)} {
		if _, err := json.Marshal(answer); err != nil {
			t.Fatal(err)
		}
	}
}
