package stats_test

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"

	"github.com/throughline-trials/throughline/services/stats"
	"pgregory.net/rapid"
)

// drawTrial draws a trial of up to four arms, three strata and many ties.
func drawTrial(t *rapid.T) (obs []stats.Observation, arms int) {
	arms = rapid.IntRange(1, 4).Draw(t, "arms")
	last := rapid.SampledFrom([]int{0, 3, 30, 300}).Draw(t, "last day")
	obs = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) stats.Observation {
		return stats.Observation{
			Time: float64(rapid.IntRange(0, last).Draw(t, "time")), Event: rapid.Bool().Draw(t, "event"),
			Arm: rapid.IntRange(0, arms-1).Draw(t, "arm"), Stratum: rapid.IntRange(-1, 2).Draw(t, "stratum"),
		}
	}), 0, 60).Draw(t, "observations")
	return obs, arms
}

// everything is all that the package says of a trial.
func everything(obs []stats.Observation, arms int) []any {
	out := []any{stats.FollowUp(obs), stats.NelsonAalen(obs)}
	for _, conf := range []stats.Conf{stats.LogLog, stats.Log, stats.Plain} {
		curve := stats.KaplanMeier(obs, conf)
		out = append(out, curve, curve.Median(), curve.Quantile(0.75), curve.RestrictedMean(20), curve.At(3), curve.EventRows())
	}
	for _, weight := range []stats.Weight{stats.Unweighted, stats.GehanBreslow, stats.TaroneWare, stats.Peto, stats.FlemingHarrington} {
		for _, stratified := range []bool{false, true} {
			out = append(out, stats.NewLogRank(obs, stats.LogRankOptions{Arms: arms, Weight: weight, Rho: 1, Stratified: stratified}))
		}
	}
	for _, ties := range []stats.Ties{stats.Efron, stats.Breslow} {
		out = append(out, stats.Cox(obs, stats.CoxOptions{Arms: arms, Ties: ties}), stats.Cox(obs, stats.CoxOptions{Arms: arms, Ties: ties, Stratified: true}))
	}
	return append(out, stats.AalenJohansen(endings(obs), 2))
}

// endings makes two causes of the events: by arm, even and odd.
func endings(obs []stats.Observation) []stats.Ending {
	out := make([]stats.Ending, len(obs))
	for i, o := range obs {
		out[i].Time = o.Time
		if o.Event {
			out[i].Cause = 1 + o.Arm%2
		}
	}
	return out
}

// TestOrderChangesNothing also shows that nothing is NaN or infinite, which JSON
// refuses.
func TestOrderChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		obs, arms := drawTrial(t)
		before := everything(obs, arms)
		if _, err := json.Marshal(before); err != nil {
			t.Fatal(err)
		}
		shuffled := rapid.Permutation(obs).Draw(t, "order")
		if after := everything(shuffled, arms); !reflect.DeepEqual(before, after) {
			t.Fatalf("another order gives other figures:\n%+v\n%+v", before, after)
		}
	})
}

func TestCurveLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		obs, _ := drawTrial(t)
		for _, conf := range []stats.Conf{stats.LogLog, stats.Log, stats.Plain} {
			curve := stats.KaplanMeier(obs, conf)
			left, before := len(obs), 1.0
			for _, row := range curve.Rows {
				if row.AtRisk != left || row.Survival < 0 || row.Survival > before {
					t.Fatalf("row %+v after survival %v with %d left", row, before, left)
				}
				brackets(t, "S", stats.Defined(row.Survival), row.Lower, row.Upper, 0, 1)
				left, before = left-row.Events-row.Censored, row.Survival
			}
			if left != 0 {
				t.Fatalf("%d are never accounted for", left)
			}
			day := float64(rapid.IntRange(0, 310).Draw(t, "day"))
			at := curve.At(day)
			if at.AtRisk+at.Events+at.Censored != len(obs) {
				t.Fatalf("declared day %+v of %d", at, len(obs))
			}
			if mean, ok := curve.RestrictedMean(day).Value.Get(); ok && (mean < 0 || mean > day) {
				t.Fatalf("mean %v to %v", mean, day)
			}
			median := curve.Median()
			brackets(t, "median", median.Day, median.Lower, median.Upper, 0, math.Inf(1))
		}
	})
}

// brackets checks low ≤ limits ≤ high around a value; undefined ones are free.
func brackets(t *rapid.T, what string, value, lower, upper stats.Value, low, high float64) {
	v, ok := value.Get()
	const slack = 1e-12
	if l, given := lower.Get(); given && (l < low || ok && l > v+slack) {
		t.Fatalf("%s: %v below, %v, %v", what, lower, value, upper)
	}
	if u, given := upper.Get(); given && (u > high || ok && u < v-slack) {
		t.Fatalf("%s: %v, %v, %v above", what, lower, value, upper)
	}
}

func TestIncidencesAndSurvivalAreAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		obs, _ := drawTrial(t)
		curve, all := stats.KaplanMeier(obs, ""), stats.AalenJohansen(endings(obs), 2)
		for i, row := range all.Rows {
			sum := curve.Rows[i].Survival
			for _, cause := range row.Causes {
				sum += cause.Incidence
				brackets(t, "incidence", stats.Defined(cause.Incidence), cause.Lower, cause.Upper, 0, 1)
			}
			if math.Abs(sum-1) > 1e-12 {
				t.Fatalf("day %v: the parts sum to %v", row.Day, sum)
			}
		}
	})
}

// TestOneCauseIsSurvival compares a single cause with the Kaplan-Meier curve:
// F = 1 - S, with the same standard error.
func TestOneCauseIsSurvival(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		obs, _ := drawTrial(t)
		single := make([]stats.Ending, len(obs))
		for i, o := range obs {
			single[i].Time = o.Time
			if o.Event {
				single[i].Cause = 1
			}
		}
		curve := stats.KaplanMeier(obs, "")
		for i, row := range stats.AalenJohansen(single, 1).Rows {
			se, ok := curve.Rows[i].SE.Get()
			if math.Abs(row.Causes[0].Incidence+curve.Rows[i].Survival-1) > 1e-12 || ok && math.Abs(row.Causes[0].SE-se) > 1e-9 {
				t.Fatalf("%+v and %+v", row, curve.Rows[i])
			}
		}
	})
}

func TestTestLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		obs, arms := drawTrial(t)
		test := stats.NewLogRank(obs, stats.LogRankOptions{Arms: arms})
		observed, expected := 0.0, 0.0
		for i := range test.Observed {
			observed += test.Observed[i]
			expected += test.Expected[i]
		}
		if math.Abs(observed-expected) > 1e-9 {
			t.Fatalf("observed %v, expected %v", observed, expected)
		}
		names := rapid.Permutation([]int{0, 1, 2, 3}[:arms]).Draw(t, "names")
		renamed := append([]stats.Observation(nil), obs...)
		for i := range renamed {
			renamed[i].Arm = names[obs[i].Arm]
		}
		other := stats.NewLogRank(renamed, stats.LogRankOptions{Arms: arms})
		a, ok := test.ChiSq.Get()
		b, also := other.ChiSq.Get()
		if ok != also || math.Abs(a-b) > 1e-8*(1+a) {
			t.Fatalf("χ² %v, with the arms renamed %v", test.ChiSq, other.ChiSq)
		}
		if p, ok := test.P.Get(); ok && (p < 0 || p > 1) {
			t.Fatalf("p = %v", p)
		}
	})
}

func TestSwappedArmsNegateTheContrast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		obs, arms := drawTrial(t)
		if arms != 2 {
			return
		}
		swapped := append([]stats.Observation(nil), obs...)
		for i := range swapped {
			swapped[i].Arm = 1 - obs[i].Arm
		}
		one, two := stats.Cox(obs, stats.CoxOptions{Arms: 2})[0], stats.Cox(swapped, stats.CoxOptions{Arms: 2})[0]
		a, ok := one.Coef.Get()
		b, also := two.Coef.Get()
		if ok != also || math.Abs(a+b) > 1e-8 {
			t.Fatalf("%+v and swapped %+v", one, two)
		}
		brackets(t, "hazard ratio", one.HR, one.Lower, one.Upper, 0, math.Inf(1))
	})
}

func drawClusters(t *rapid.T) []stats.Cluster {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) stats.Cluster {
		n := rapid.IntRange(0, 12).Draw(t, "n")
		return stats.Cluster{X: rapid.IntRange(0, n).Draw(t, "x"), N: n}
	}), 0, 20).Draw(t, "clusters")
}

func TestRateLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		clusters := drawClusters(t)
		got := stats.NewClusteredRate(clusters)
		brackets(t, "rate", got.Value, got.Lower, got.Upper, 0, 1)
		if other := stats.NewClusteredRate(rapid.Permutation(clusters).Draw(t, "order")); other != got {
			t.Fatalf("another order gives %+v, not %+v", other, got)
		}
		if deff, ok := got.DesignEffect.Get(); ok {
			simple := stats.NewRate(got.X, got.N)
			if deff < 1 || got.Upper.OK() && width(got.Rate) < width(simple)-1e-12 {
				t.Fatalf("design effect %v: %+v narrower than %+v", deff, got.Rate, simple)
			}
		}
		if icc, ok := got.ICC.Get(); ok && icc > 1+1e-12 {
			t.Fatalf("icc = %v", icc)
		}
		if _, err := json.Marshal(got); err != nil {
			t.Fatal(err)
		}
		d := stats.Newcombe(got.Rate, stats.NewRate(1, 3))
		brackets(t, "difference", d.Value, d.Lower, d.Upper, -1, 1)
	})
}

func width(r stats.Rate) float64 {
	low, _ := r.Lower.Get()
	high, _ := r.Upper.Get()
	return high - low
}

func TestPoolLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var studies []stats.Study
		for _, c := range drawClusters(t) {
			studies = append(studies, stats.Study(c))
		}
		got := stats.Pool(studies)
		brackets(t, "pooled", got.Value, got.Lower, got.Upper, 0, 1)
		brackets(t, "interval inside prediction", got.Lower, got.PredictionLower, stats.Value{}, 0, 1)
		if i2, ok := got.I2.Get(); ok && (i2 < 0 || i2 > 1) {
			t.Fatalf("i2 = %v", i2)
		}
		if other := stats.Pool(rapid.Permutation(studies).Draw(t, "order")); other != got {
			t.Fatalf("another order gives %+v, not %+v", other, got)
		}
		if _, err := json.Marshal(got); err != nil {
			t.Fatal(err)
		}
	})
}
