package stats_test

import (
	"math"
	"testing"

	"github.com/throughline-trials/throughline/services/stats"
)

// arm builds observations of one arm: events and then censorings.
func arm(index int, events, censored []float64) []stats.Observation {
	var obs []stats.Observation
	for _, t := range events {
		obs = append(obs, stats.Observation{Time: t, Event: true, Arm: index})
	}
	for _, t := range censored {
		obs = append(obs, stats.Observation{Time: t, Arm: index})
	}
	return obs
}

func repeat(t float64, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = t
	}
	return out
}

func wantReason(t *testing.T, what string, got stats.Value, want stats.Reason) {
	t.Helper()
	if got.OK() || got.Reason() != want {
		t.Errorf("%s = %v, want reason %s", what, got, want)
	}
}

func wantNumber(t *testing.T, what string, got stats.Value, want float64) {
	t.Helper()
	nearValue(t, what, got, &want)
}

func TestCurveOfNobody(t *testing.T) {
	curve := stats.KaplanMeier(nil, "")
	if curve.Reason != stats.ReasonNoParticipants || len(curve.Rows) != 0 || curve.Conf != stats.LogLog {
		t.Errorf("curve = %+v", curve)
	}
	wantReason(t, "median", curve.Median().Day, stats.ReasonNoParticipants)
	wantReason(t, "rmst", curve.RestrictedMean(10).Value, stats.ReasonNoParticipants)
	wantReason(t, "S(3)", curve.At(3).Survival, stats.ReasonNoParticipants)
	wantReason(t, "follow-up", stats.FollowUp(nil).Day, stats.ReasonNoParticipants)
	wantReason(t, "horizon", stats.DefaultHorizon(10, []stats.Curve{curve}), stats.ReasonNoParticipants)
}

func TestInvalidTimes(t *testing.T) {
	for _, bad := range []float64{-1, math.NaN(), math.Inf(1)} {
		obs := arm(0, []float64{1, bad}, nil)
		if got := stats.KaplanMeier(obs, "").Reason; got != stats.ReasonInvalid {
			t.Errorf("curve with time %v: %q", bad, got)
		}
		if stats.NelsonAalen(obs) != nil {
			t.Errorf("hazard with time %v", bad)
		}
		if got := stats.NewLogRank(obs, stats.LogRankOptions{Arms: 2}).Reason; got != stats.ReasonInvalid {
			t.Errorf("log-rank with time %v: %q", bad, got)
		}
		if got := stats.AalenJohansen([]stats.Ending{{Time: bad}}, 1).Reason; got != stats.ReasonInvalid {
			t.Errorf("incidence with time %v: %q", bad, got)
		}
	}
	if got := stats.Cox(arm(2, []float64{1}, nil), stats.CoxOptions{Arms: 2})[0].Reason; got != stats.ReasonInvalid {
		t.Errorf("an arm that does not exist: %q", got)
	}
}

func TestOneParticipant(t *testing.T) {
	event := stats.KaplanMeier(arm(0, []float64{0}, nil), "")
	if row := event.Rows[0]; row.Survival != 0 || row.AtRisk != 1 {
		t.Errorf("row = %+v", row)
	}
	wantReason(t, "se", event.Rows[0].SE, stats.ReasonSurvivalZero)
	wantReason(t, "lower", event.Rows[0].Lower, stats.ReasonSurvivalZero)
	wantNumber(t, "median", event.Median().Day, 0)
	wantReason(t, "median lower", event.Median().Lower, stats.ReasonNotReached)
	wantNumber(t, "rmst", event.RestrictedMean(10).Value, 0)
	wantNumber(t, "S after 0", event.At(100).Survival, 0)

	censored := stats.KaplanMeier(arm(0, nil, []float64{5}), "")
	wantNumber(t, "se", censored.Rows[0].SE, 0)
	wantReason(t, "lower", censored.Rows[0].Lower, stats.ReasonSurvivalOne)
	wantReason(t, "median", censored.Median().Day, stats.ReasonNotReached)
	wantNumber(t, "rmst", censored.RestrictedMean(5).Value, 5)
	wantReason(t, "rmst lower", censored.RestrictedMean(5).Lower, stats.ReasonNoVariation)
	wantReason(t, "rmst beyond", censored.RestrictedMean(6).Value, stats.ReasonBeyondFollowUp)
	wantReason(t, "rmst at 0", censored.RestrictedMean(0).Value, stats.ReasonNoHorizon)
	wantReason(t, "rmst below 0", censored.RestrictedMean(-3).Value, stats.ReasonNoHorizon)
	wantReason(t, "S(6)", censored.At(6).Survival, stats.ReasonBeyondFollowUp)
	wantNumber(t, "follow-up", stats.FollowUp(arm(0, nil, []float64{5})).Day, 5)
}

func TestQuantileTies(t *testing.T) {
	tests := []struct {
		name             string
		events, censored []float64
		level, want      float64
	}{
		{"along the level, a later drop", []float64{1, 2, 3, 4}, nil, 0.5, 2.5},
		{"along the level, no later drop", []float64{1, 2}, []float64{3, 3}, 0.5, 2},
		{"a censoring between is no drop", []float64{1, 2, 6}, []float64{4}, 0.5, 4},
		{"half by rounding", []float64{1, 2, 3, 4, 5, 6}, nil, 0.5, 3.5},
		{"through the level", []float64{1, 2, 3}, nil, 0.5, 2},
		{"first quarter", []float64{1, 2, 3, 4}, nil, 0.75, 1.5},
		{"all at day 0", repeat(0, 4), nil, 0.5, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wantNumber(t, "day", stats.KaplanMeier(arm(0, tt.events, tt.censored), "").Quantile(tt.level).Day, tt.want)
		})
	}
	for _, level := range []float64{0, 1, -1, math.NaN()} {
		wantReason(t, "level", stats.KaplanMeier(arm(0, []float64{1}, nil), "").Quantile(level).Day, stats.ReasonInvalid)
	}
}

func TestDeclaredDay(t *testing.T) {
	curve := stats.KaplanMeier(arm(0, []float64{3, 7, 7}, []float64{5, 7, 9}), "")
	at := curve.At(7)
	if at.AtRisk != 4 || at.Events != 1 || at.Censored != 1 {
		t.Errorf("day 7: at risk, events, censored = %d, %d, %d", at.AtRisk, at.Events, at.Censored)
	}
	wantNumber(t, "S(7), its events included", at.Survival, 5.0/6*2/4)
	before := curve.At(2)
	wantNumber(t, "S(2)", before.Survival, 1)
	wantNumber(t, "se(2)", before.SE, 0)
	wantReason(t, "lower(2)", before.Lower, stats.ReasonSurvivalOne)
	after := curve.At(10)
	wantReason(t, "S(10)", after.Survival, stats.ReasonBeyondFollowUp)
	if after.AtRisk != 0 || after.Events != 3 || after.Censored != 3 {
		t.Errorf("day 10 = %+v", after)
	}
	wantReason(t, "S(-1)", curve.At(-1).Survival, stats.ReasonInvalid)
	wantReason(t, "S(NaN)", curve.At(math.NaN()).Survival, stats.ReasonInvalid)
}

func TestEventsBeforeCensoringsAtTies(t *testing.T) {
	curve := stats.KaplanMeier(arm(0, []float64{5}, []float64{5, 5, 5}), "")
	if row := curve.Rows[0]; row.Survival != 0.75 || row.AtRisk != 4 || row.Events != 1 || row.Censored != 3 {
		t.Errorf("row = %+v", row)
	}
}

func TestEveryoneLostOnDayZero(t *testing.T) {
	obs := append(arm(0, repeat(0, 5), nil), arm(1, repeat(0, 7), nil)...)
	test := stats.NewLogRank(obs, stats.LogRankOptions{Arms: 2})
	wantReason(t, "chisq", test.ChiSq, stats.ReasonSingular)
	wantReason(t, "p", test.P, stats.ReasonSingular)
	if test.Observed[1] != 7 || test.Expected[1] != 7 {
		t.Errorf("observed and expected = %v, %v", test.Observed, test.Expected)
	}
	groups := stats.ByArm(obs, 2)
	a, b := stats.KaplanMeier(groups[0], "").RestrictedMean(30), stats.KaplanMeier(groups[1], "").RestrictedMean(30)
	diff := b.Less(a)
	wantNumber(t, "difference", diff.Value, 0)
	wantReason(t, "p", diff.P, stats.ReasonNoVariation)
}

func TestArmWithoutEvents(t *testing.T) {
	obs := append(arm(0, []float64{2, 4, 6}, []float64{8, 8}), arm(1, nil, []float64{3, 8, 8, 8})...)
	obs = append(obs, arm(2, []float64{1, 5, 7, 8}, []float64{8})...)
	got := stats.Cox(obs, stats.CoxOptions{Arms: 4})
	if got[0].Reason != stats.ReasonNoEvents || got[2].Reason != stats.ReasonNoParticipants {
		t.Errorf("contrasts = %+v", got)
	}
	without := stats.Cox(append(arm(0, []float64{2, 4, 6}, []float64{8, 8}), arm(1, []float64{1, 5, 7, 8}, []float64{8})...), stats.CoxOptions{Arms: 2})
	if got[1].Coef != without[0].Coef || got[1].SE != without[0].SE || got[1].Arm != 2 {
		t.Errorf("the other contrast is %+v, and %+v without the arm", got[1], without[0])
	}
	if test := stats.NewLogRank(obs, stats.LogRankOptions{Arms: 4}); test.DF != 2 || !test.P.OK() {
		t.Errorf("the test keeps the arm: %+v", test)
	}
	none := stats.Cox(append(arm(0, nil, []float64{9, 9}), arm(1, []float64{1, 2}, nil)...), stats.CoxOptions{Arms: 2})
	if none[0].Reason != stats.ReasonNoReferenceEvents {
		t.Errorf("reference without events: %+v", none[0])
	}
}

func TestCoxWithoutBound(t *testing.T) {
	separated := append(arm(0, []float64{5, 6}, nil), arm(1, []float64{1, 2}, nil)...)
	for _, ties := range []stats.Ties{stats.Efron, stats.Breslow} {
		if got := stats.Cox(separated, stats.CoxOptions{Arms: 2, Ties: ties})[0]; got.Reason != stats.ReasonNotEstimable {
			t.Errorf("%s: %+v", ties, got)
		}
	}
	// A third arm apart from two that compare leaves them as they are.
	pair := append(arm(0, []float64{5, 7}, nil), arm(2, []float64{6, 8}, nil)...)
	alone := stats.Cox(append(arm(0, []float64{5, 7}, nil), arm(1, []float64{6, 8}, nil)...), stats.CoxOptions{Arms: 2})
	both := stats.Cox(append(pair, arm(1, []float64{1, 2}, nil)...), stats.CoxOptions{Arms: 3})
	if both[0].Reason != stats.ReasonNotEstimable || both[1].Coef != alone[0].Coef {
		t.Errorf("contrasts = %+v, alone %+v", both, alone)
	}
}

func TestTooFewArms(t *testing.T) {
	obs := arm(1, []float64{1, 2}, nil)
	wantReason(t, "log-rank", stats.NewLogRank(obs, stats.LogRankOptions{Arms: 2}).ChiSq, stats.ReasonOneArm)
	wantReason(t, "cox", stats.Cox(obs, stats.CoxOptions{Arms: 2})[0].HR, stats.ReasonOneArm)
	wantReason(t, "nobody", stats.NewLogRank(nil, stats.LogRankOptions{Arms: 2}).P, stats.ReasonNoParticipants)
	quiet := append(arm(0, nil, []float64{4}), arm(1, nil, []float64{4})...)
	wantReason(t, "no events", stats.NewLogRank(quiet, stats.LogRankOptions{Arms: 2}).P, stats.ReasonNoEvents)
	if got := stats.Cox(obs, stats.CoxOptions{}); len(got) != 0 {
		t.Errorf("no arms give %d contrasts", len(got))
	}
}

func TestStrata(t *testing.T) {
	obs := append(arm(0, []float64{1, 3, 5}, []float64{9}), arm(1, []float64{2, 4}, []float64{9, 9})...)
	for i := range obs {
		obs[i].Stratum = 40
	}
	whole := stats.NewLogRank(obs, stats.LogRankOptions{Arms: 2})
	one := stats.NewLogRank(obs, stats.LogRankOptions{Arms: 2, Stratified: true})
	if whole.ChiSq != one.ChiSq || one.MissingStratum != 0 {
		t.Errorf("one stratum: %+v, unstratified %+v", one, whole)
	}
	alone := append(obs, stats.Observation{Time: 1, Event: true, Arm: 1, Stratum: 2})
	if got := stats.NewLogRank(alone, stats.LogRankOptions{Arms: 2, Stratified: true}); got.ChiSq != whole.ChiSq {
		t.Errorf("a stratum of one arm changes χ² to %v from %v", got.ChiSq, whole.ChiSq)
	}
	for i := range obs {
		obs[i].Stratum = stats.NoStratum
	}
	none := stats.NewLogRank(obs, stats.LogRankOptions{Arms: 2, Stratified: true})
	wantReason(t, "all strata missing", none.ChiSq, stats.ReasonNoParticipants)
	if none.MissingStratum != len(obs) {
		t.Errorf("missing = %d", none.MissingStratum)
	}
}

func TestMeansOfDifferentHorizons(t *testing.T) {
	curve := stats.KaplanMeier(arm(0, []float64{1, 2, 9}, nil), "")
	wantReason(t, "difference", curve.RestrictedMean(3).Less(curve.RestrictedMean(4)).Value, stats.ReasonHorizonsDiffer)
	wantNumber(t, "horizon", stats.DefaultHorizon(30, []stats.Curve{curve, stats.KaplanMeier(nil, "")}), 9)
	wantNumber(t, "horizon", stats.DefaultHorizon(5, []stats.Curve{curve}), 5)
}

func TestIncidenceEdges(t *testing.T) {
	if got := stats.AalenJohansen(nil, 2).Reason; got != stats.ReasonNoParticipants {
		t.Errorf("nobody: %q", got)
	}
	if got := stats.AalenJohansen([]stats.Ending{{Cause: 3}}, 2).Reason; got != stats.ReasonInvalid {
		t.Errorf("a cause that does not exist: %q", got)
	}
	sure := stats.AalenJohansen([]stats.Ending{{Time: 1, Cause: 1}, {Time: 2, Cause: 1}}, 2)
	last := sure.Rows[1].Causes
	if last[0].Incidence != 1 {
		t.Errorf("incidence = %v", last[0].Incidence)
	}
	wantReason(t, "limits at 1", last[0].Lower, stats.ReasonIncidenceOne)
	wantReason(t, "limits at 0", last[1].Upper, stats.ReasonIncidenceZero)
	if _, reason := sure.At(50); reason != "" {
		t.Errorf("all struck, yet day 50 is %q", reason)
	}
	open := stats.AalenJohansen([]stats.Ending{{Time: 1, Cause: 1}, {Time: 2}}, 1)
	if _, reason := open.At(3); reason != stats.ReasonBeyondFollowUp {
		t.Errorf("day 3: %q", reason)
	}
	if rows, _ := open.At(0.5); rows[0].Incidence != 0 || rows[0].Lower.OK() {
		t.Errorf("before the first time: %+v", rows)
	}
}

func TestParseNames(t *testing.T) {
	if c, err := stats.ParseConf(""); c != stats.LogLog || err != nil {
		t.Errorf("default scale %q, %v", c, err)
	}
	if w, err := stats.ParseWeight(""); w != stats.Unweighted || err != nil {
		t.Errorf("default weight %q, %v", w, err)
	}
	if ties, err := stats.ParseTies(""); ties != stats.Efron || err != nil {
		t.Errorf("default ties %q, %v", ties, err)
	}
	if s, err := stats.ParseStandard(""); s != stats.Cautious || err != nil {
		t.Errorf("default boundary %q, %v", s, err)
	}
	_, conf := stats.ParseConf("x")
	_, weight := stats.ParseWeight("x")
	_, ties := stats.ParseTies("x")
	_, standard := stats.ParseStandard("x")
	for _, err := range []error{conf, weight, ties, standard} {
		if err == nil {
			t.Error("an unknown name is taken")
		}
	}
}
