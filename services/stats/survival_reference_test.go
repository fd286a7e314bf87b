package stats_test

import (
	"testing"

	"github.com/throughline-trials/throughline/services/stats"
)

func TestRestrictedMeanReference(t *testing.T) {
	for name, arms := range trials {
		var ref reference
		readJSON(t, name+".json", &ref)
		groups := stats.ByArm(readTrial(t, name+".csv", arms), len(arms))
		for i, arm := range arms {
			mean := stats.KaplanMeier(groups[i], stats.LogLog).RestrictedMean(ref.Tau)
			nearValue(t, name+" "+arm+" rmst", mean.Value, ref.Arms[arm].RMST)
			nearValue(t, name+" "+arm+" rmst se", mean.SE, ref.Arms[arm].RMSTSE)
		}
	}
}

func TestLogRankReference(t *testing.T) {
	for name, arms := range trials {
		t.Run(name, func(t *testing.T) {
			var ref reference
			readJSON(t, name+".json", &ref)
			obs := readTrial(t, name+".csv", arms)
			checkTest(t, "log-rank", stats.NewLogRank(obs, stats.LogRankOptions{Arms: 2}), ref.LogRank)
			checkTest(t, "fh", stats.NewLogRank(obs, stats.LogRankOptions{Arms: 2, Weight: stats.FlemingHarrington, Rho: 1}), ref.FH)
			if ref.Stratified != nil {
				got := stats.NewLogRank(obs, stats.LogRankOptions{Arms: 2, Stratified: true})
				checkTest(t, "stratified", got, *ref.Stratified)
				if got.MissingStratum != 1 {
					t.Errorf("left out %d without a stratum, want 1", got.MissingStratum)
				}
			}
		})
	}
}

func checkTest(t *testing.T, what string, got stats.LogRank, want referenceTest) {
	t.Helper()
	nearValue(t, what+" chisq", got.ChiSq, want.ChiSq)
	nearValue(t, what+" p", got.P, want.P)
	for i := range want.Observed {
		near(t, what+" observed", got.Observed[i], want.Observed[i])
		near(t, what+" expected", got.Expected[i], want.Expected[i])
	}
	if want.DF != 0 && got.DF != want.DF {
		t.Errorf("%s: df = %d, want %d", what, got.DF, want.DF)
	}
}

func TestCoxReference(t *testing.T) {
	for name, arms := range trials {
		t.Run(name, func(t *testing.T) {
			var ref reference
			readJSON(t, name+".json", &ref)
			obs := readTrial(t, name+".csv", arms)
			for ties, want := range map[stats.Ties]referenceCox{stats.Efron: ref.Efron, stats.Breslow: ref.Breslow} {
				got := stats.Cox(obs, stats.CoxOptions{Arms: 2, Ties: ties})
				if len(got) != 1 {
					t.Fatalf("%d contrasts", len(got))
				}
				nearValue(t, string(ties)+" coef", got[0].Coef, want.Coef)
				nearValue(t, string(ties)+" se", got[0].SE, want.SE)
				nearValue(t, string(ties)+" hr", got[0].HR, want.HR)
				nearValue(t, string(ties)+" lower", got[0].Lower, want.Lower)
				nearValue(t, string(ties)+" upper", got[0].Upper, want.Upper)
			}
		})
	}
}

func TestAalenJohansenReference(t *testing.T) {
	var ref struct {
		Time     []float64
		AtRisk   []int     `json:"n_risk"`
		NonUse   []float64 `json:"non_use"`
		Withdraw []float64 `json:"withdrawn"`
		NonUseSE []float64 `json:"non_use_se"`
		WithSE   []float64 `json:"withdrawn_se"`
	}
	readJSON(t, "competing.json", &ref)
	causes := map[string]int{"none": 0, "non_use": 1, "withdrawn": 2}
	var endings []stats.Ending
	for _, row := range readCSV(t, "competing.csv") {
		endings = append(endings, stats.Ending{Time: number(t, row[0]), Cause: causes[row[1]]})
	}
	curve, i := stats.AalenJohansen(endings, 2), 0
	for _, row := range curve.Rows {
		if row.Causes[0].Events+row.Causes[1].Events == 0 {
			continue
		}
		if row.Day != ref.Time[i] || row.AtRisk != ref.AtRisk[i] {
			t.Errorf("row %d is day %v with %d at risk", i, row.Day, row.AtRisk)
		}
		near(t, "non-use", row.Causes[0].Incidence, ref.NonUse[i])
		near(t, "withdrawn", row.Causes[1].Incidence, ref.Withdraw[i])
		near(t, "non-use se", row.Causes[0].SE, ref.NonUseSE[i])
		near(t, "withdrawn se", row.Causes[1].SE, ref.WithSE[i])
		i++
	}
	if i != len(ref.Time) {
		t.Errorf("%d rows with events, want %d", i, len(ref.Time))
	}
}
