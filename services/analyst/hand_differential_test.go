package analyst

import (
	"fmt"
	"testing"

	"github.com/throughline-trials/throughline/services/stats"
)

func (tr *trial) differential(clock Clock, q DifferentialQuery) *Differential {
	tr.t.Helper()
	frame, records := tr.read(clock)
	out, err := frame.Differential(records, q)
	if err != nil {
		tr.t.Fatal(err)
	}
	finite(tr.t, out)
	return out
}

// lose lets x of n participants of an arm be lost on day 10.
func (tr *trial) lose(arm string, x, n int) {
	for i := range n {
		who := fmt.Sprintf("%s%d", arm, i)
		tr.join(who, arm)
		if i < x {
			tr.on(10, 9, who, "participant.lost_to_follow_up")
		}
	}
}

// 6 of 20 against 2 of 20: overall 8/40 = 20 %, where the cautious boundary is 5.4 and the optimistic 10 points;
// differential 20 points. 20 % is not over 20 %: between.
func TestDifferentialDropout(t *testing.T) {
	tr := newTrial(t, definition(t))
	tr.lose("a", 2, 20)
	tr.lose("b", 6, 20)
	got := tr.differential(at(28), DifferentialQuery{})
	if len(got.Dropout.Comparisons) != 1 || got.Reference != "a" || got.Standard != stats.Cautious {
		t.Fatalf("%+v", got)
	}
	c := got.Dropout.Comparisons[0]
	tr.want("overall", xn(c.Overall), "8/40")
	near(t, "differential", c.Attrition.Differential.Value, 0.2)
	near(t, "difference", c.Difference.Value, 0.2)
	near(t, "boundary", c.Boundary, 5.4)
	// Newcombe 10 of 6/20 and 2/20: Wilson (0.1455, 0.5190) and (0.0279, 0.3010).
	want := stats.Newcombe(stats.NewRate(6, 20), stats.NewRate(2, 20))
	if c.Difference != want || c.Rating != stats.RatingHigh || c.FiveTwenty != stats.RatingBetween {
		t.Errorf("%+v", c)
	}
	if got.Dropout.Largest == nil || got.Dropout.Largest.Arm != "b" || got.Dropout.Largest.Note != "" {
		t.Errorf("largest %+v", got.Dropout.Largest)
	}
	if len(got.Points) != 1 || len(got.Boundaries) != 66 || got.Points[0].Attrition != "dropout" {
		t.Fatalf("points %+v, %d boundaries", got.Points, len(got.Boundaries))
	}
	near(t, "x of the point", got.Points[0].Overall, 20)
	near(t, "y of the point", got.Points[0].Differential, 20)
	optimistic := tr.differential(at(28), DifferentialQuery{Standard: stats.Optimistic}).Dropout.Comparisons[0]
	near(t, "optimistic boundary", optimistic.Boundary, 10)
	// Follow-up is 28 days: at noon of day 27 the end has passed for nobody.
	early := tr.differential(at(27), DifferentialQuery{}).Dropout
	if c := early.Comparisons[0]; c.Reason != ReasonNobodyAtEnd || c.Difference.Value.OK() || c.Rating != stats.RatingNone || early.Largest != nil {
		t.Errorf("day 27: %+v", early)
	}
	if early.Note != interimNote || got.Dropout.Note != "" {
		t.Errorf("notes %q, %q", early.Note, got.Dropout.Note)
	}
}

func TestDifferentialOfThreeArms(t *testing.T) {
	tr := newTrial(t, definition(t, "arms: [{id: a, components: [app]}, {id: b, components: []}, {id: c, components: []}]"))
	tr.lose("a", 1, 10)
	tr.lose("b", 2, 10)
	tr.lose("c", 0, 10)
	got := tr.differential(at(28), DifferentialQuery{}).Dropout
	// |0.2 - 0.1| and |0 - 0.1| are equal: the first is named, with a note as it was picked.
	if len(got.Comparisons) != 2 || got.Largest.Arm != "b" || got.Largest.Note == "" {
		t.Errorf("%+v, largest %+v", got.Comparisons, got.Largest)
	}
	tr.want("overall", xn(got.Overall), "3/30")
}

// An arm of one, and one design with one arm.
func TestDifferentialUndefined(t *testing.T) {
	one := newTrial(t, definition(t, "arms: [{id: a, components: [app]}]"))
	one.join("p", "a")
	got := one.differential(at(28), DifferentialQuery{}).Dropout
	if got.Reason != stats.ReasonOneArm || len(got.Comparisons) != 0 || got.Largest != nil || xn(got.Overall) != "0/1" {
		t.Errorf("one arm: %+v", got)
	}
	two := newTrial(t, definition(t))
	two.join("p", "a")
	if c := two.differential(at(28), DifferentialQuery{}).Dropout.Comparisons[0]; c.Reason != ReasonNobodyAtEnd || c.Attrition.Differential.Value.OK() {
		t.Errorf("empty arm: %+v", c)
	}
	if got := two.differential(at(28), DifferentialQuery{Query: Query{Population: Started}}).Dropout; got.Reason != ReasonConditionedOnUse {
		t.Errorf("started: %+v", got)
	}
	frame, records := two.read(at(28))
	if _, err := frame.Differential(records, DifferentialQuery{Standard: "bold"}); err == nil {
		t.Error("an unknown standard is taken")
	}
}

// Of a both submit, of b one of two: 1/4 missing overall, 50 points apart.
func TestDifferentialAssessment(t *testing.T) {
	tr := measured(t)
	for _, who := range []string{"a1", "a2", "b1", "b2"} {
		tr.join(who, who[:1])
		if who != "b2" {
			tr.measure(20, 9, who, "end", 1)
		}
	}
	got := tr.differential(at(28), DifferentialQuery{})
	end := got.Assessments[1]
	if end.Timepoint != "end" || !end.Primary {
		t.Fatalf("%+v", end)
	}
	c := end.Comparisons[0]
	tr.want("overall", xn(c.Overall), "1/4")
	near(t, "differential", c.Attrition.Differential.Value, 0.5)
	if c.FiveTwenty != stats.RatingSerious || c.Rating != stats.RatingHigh {
		t.Errorf("%+v", c)
	}
}
