package analyst

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/throughline-trials/throughline/services/stats"
)

func (tr *trial) outcomes(clock Clock, q Query) *Outcomes {
	tr.t.Helper()
	frame, records := tr.read(clock)
	out, err := frame.Outcomes(records, q)
	if err != nil {
		tr.t.Fatal(err)
	}
	finite(tr.t, out)
	return out
}

// measured is a study with one instrument, due on day 0 and on day 20 ± 4.
func measured(t testing.TB, extra ...string) *trial {
	return newTrial(t, definition(t, append(extra,
		"assessments: [{instrument: hope, domain: hope, primary: true, timepoints: [{id: base, day: 0, window_days: 1}, {id: end, day: 20, window_days: 4}]}]")...))
}

func (tr *trial) measure(day, hour int, who, timepoint string, score float64) string {
	return tr.on(day, hour, who, "measure.submitted", "instrument=hope", "timepoint="+timepoint, fmt.Sprintf("score=%g", score))
}

func near(t testing.TB, what string, got stats.Value, want float64) {
	t.Helper()
	if v, ok := got.Get(); !ok || math.Abs(v-want) > 1e-12*max(1, math.Abs(want)) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestValueAtTimepoint(t *testing.T) {
	for name, c := range map[string]struct {
		said func(*trial)
		want string // scores at base and end of those that have one
	}{
		"nothing":                       {func(*trial) {}, "- -"},
		"before day 0":                  {func(tr *trial) { tr.measure(-30, 9, "p", "base", 5) }, "5 -"},
		"baseline, the latest wins":     {func(tr *trial) { tr.measure(0, 9, "p", "base", 5); tr.measure(1, 9, "p", "base", 6) }, "6 -"},
		"baseline after its window":     {func(tr *trial) { tr.measure(2, 9, "p", "base", 5) }, "- -"},
		"the nearest":                   {func(tr *trial) { tr.measure(17, 9, "p", "end", 1); tr.measure(21, 9, "p", "end", 2) }, "- 2"},
		"a tie, the earlier":            {func(tr *trial) { tr.measure(22, 9, "p", "end", 2); tr.measure(18, 9, "p", "end", 1) }, "- 1"},
		"a tie of one day, the earlier": {func(tr *trial) { tr.measure(20, 9, "p", "end", 2); tr.measure(20, 8, "p", "end", 1) }, "- 1"},
		"the last day of the window":    {func(tr *trial) { tr.measure(24, 9, "p", "end", 2) }, "- 2"},
		"after the window":              {func(tr *trial) { tr.measure(25, 9, "p", "end", 2) }, "- -"},
		"before the window":             {func(tr *trial) { tr.measure(15, 9, "p", "end", 2) }, "- -"},
		"another timepoint's":           {func(tr *trial) { tr.measure(20, 9, "p", "base", 2) }, "- -"},
		"an instrument that there is not": {func(tr *trial) {
			tr.on(0, 9, "p", "measure.submitted", "instrument=other", "timepoint=base", "score=1")
		}, "- -"},
		"test traffic": {func(tr *trial) {
			tr.on(0, 9, "p", "measure.submitted", "instrument=hope", "timepoint=base", "score=1", "istest=true")
		}, "- -"},
		"corrected": {func(tr *trial) { tr.correct(on(3, 0), "p", tr.measure(0, 9, "p", "base", 5), "score=7") }, "7 -"},
		"voided":    {func(tr *trial) { tr.void(on(3, 0), "p", tr.measure(0, 9, "p", "base", 5)) }, "- -"},
		"after stop_all": {func(tr *trial) {
			tr.on(19, 9, "p", "participant.withdrew", "scope=stop_all")
			tr.measure(20, 9, "p", "end", 2)
		}, "- -"},
		"after consent was withdrawn": {func(tr *trial) { tr.on(19, 9, "p", "consent.withdrawn"); tr.measure(20, 9, "p", "end", 2) }, "- -"},
		"after stop_intervention": {func(tr *trial) {
			tr.on(19, 9, "p", "participant.withdrew", "scope=stop_intervention")
			tr.measure(20, 9, "p", "end", 2)
		}, "- 2"},
		"after loss": {func(tr *trial) { tr.on(19, 9, "p", "participant.lost_to_follow_up"); tr.measure(20, 9, "p", "end", 2) }, "- 2"},
		"no score":   {func(tr *trial) { tr.on(20, 9, "p", "measure.submitted", "instrument=hope", "timepoint=end") }, "- -"},
	} {
		t.Run(name, func(t *testing.T) {
			tr := measured(t)
			tr.join("p", "a")
			c.said(tr)
			var got []string
			for _, at := range tr.outcomes(at(28), Query{}).Assessments[0].Timepoints {
				text := "-"
				if mean, ok := at.Arms[0].Mean.Get(); ok {
					text = fmt.Sprint(mean)
				}
				got = append(got, text)
			}
			tr.want("values", strings.Join(got, " "), c.want)
		})
	}
}

// Arm a: changes 2 and 4, mean 3, SD √2. Arm b: changes 0, 1 and 2, mean 1, SD 1. b less a: pooled SD
// √((1·2 + 2·1)/3) = √(4/3), d = -2/√(4/3) = -√3, J = 1 - 3/(4·3 - 1) = 8/11, g = -8√3/11,
// var = (8/11)²(5/6 + 3/10) = (64/121)(17/15).
func TestChange(t *testing.T) {
	tr := measured(t)
	for who, scores := range map[string][]float64{"a1": {10, 12}, "a2": {10, 14}, "b1": {9, 9}, "b2": {9, 10}, "b3": {9, 11}} {
		tr.join(who, who[:1])
		tr.measure(0, 9, who, "base", scores[0])
		tr.measure(20, 9, who, "end", scores[1])
	}
	tr.join("a3", "a")
	tr.measure(20, 9, "a3", "end", 40) // no baseline: in n and mean, in no change
	tr.join("b4", "b")
	tr.measure(0, 9, "b4", "base", 9) // missing at the end
	end := tr.outcomes(at(28), Query{}).Assessments[0].Timepoints[1]
	a, b := end.Arms[0], end.Arms[1]
	near(t, "mean of a", a.Mean, 22) // (12 + 14 + 40)/3
	if a.N != 3 || a.Change.N != 2 || b.N != 3 || b.Change.N != 3 {
		t.Errorf("n %d, %d; changes %d, %d", a.N, b.N, a.Change.N, b.Change.N)
	}
	near(t, "change of a", a.Change.Mean, 3)
	near(t, "SD of a", a.Change.SD, math.Sqrt2)
	near(t, "change of b", b.Change.Mean, 1)
	near(t, "SD of b", b.Change.SD, 1)
	tr.want("missing of a", xn(a.Missing), "0/3")
	tr.want("missing of b", xn(b.Missing), "1/4")
	g := end.Between[0]
	near(t, "g", g.G, -8*math.Sqrt(3)/11)
	near(t, "variance", g.Variance, 64.0/121*17/15)
	near(t, "upper", g.Upper, -8*math.Sqrt(3)/11+stats.Z*math.Sqrt(64.0/121*17/15))
	base := tr.outcomes(at(28), Query{}).Assessments[0].Timepoints[0]
	if base.Between[0].Reason != ReasonIsBaseline || base.Arms[0].ChangeReason != ReasonIsBaseline || base.Arms[0].Change.Mean.OK() {
		t.Errorf("baseline: %+v", base)
	}
	started := tr.outcomes(at(28), Query{Population: Started}).Assessments[0].Timepoints[1].Between[0]
	if started.Reason != ReasonConditionedOnUse || started.G.OK() {
		t.Errorf("population started: %+v", started)
	}
}

// Due once day + window < C: 24 < C. Who died until then was not due, who died later was.
func TestMissing(t *testing.T) {
	tr := measured(t)
	for _, who := range []string{"p", "q", "r", "s"} {
		tr.join(who, "a")
	}
	tr.on(24, 9, "q", "participant.died")
	tr.on(25, 9, "r", "participant.died")
	tr.measure(20, 9, "s", "end", 3)
	tr.on(22, 9, "s", "participant.died") // had submitted
	for day, want := range map[int]string{24: "0/0", 25: "2/3", 40: "2/3"} {
		end := tr.outcomes(at(day), Query{}).Assessments[0].Timepoints[1]
		tr.want(fmt.Sprint("day ", day), xn(end.Arms[0].Missing), want)
		if day == 24 && end.Arms[0].Missing.Reason != ReasonNobodyDue {
			t.Errorf("reason %q", end.Arms[0].Missing.Reason)
		}
		if one := end.Arms[0]; one.N != 1 || one.Reason != stats.ReasonTooFew || one.SD.OK() {
			t.Errorf("one value: %+v", one.Moments)
		}
		if none := end.Arms[1]; none.N != 0 || none.Reason != stats.ReasonNoParticipants || none.Mean.OK() {
			t.Errorf("no value: %+v", none.Moments)
		}
	}
}

func TestNoBaseline(t *testing.T) {
	tr := newTrial(t, definition(t, "assessments: [{instrument: hope, timepoints: [{id: end, day: 20}]}]"))
	tr.join("p", "a")
	end := tr.outcomes(at(28), Query{}).Assessments[0].Timepoints[0]
	if end.Baseline || end.Arms[0].ChangeReason != ReasonNoBaseline || end.Between[0].Reason != ReasonNoBaseline {
		t.Errorf("%+v", end)
	}
}
