package e2e

import (
	"fmt"
	"math"
	"testing"
	"time"
)

// TestSurvival follows the textbook example of survival analysis (acute myelogenous leukaemia, Miller 1981) through the
// whole system: each remission that ended is a loss to follow-up, each that was still going on when last seen a completed
// follow-up. The figures are those that R's survival package prints for it.
func TestSurvival(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, "survival", twelveWeeks+`, "arms": [{"id": "peer-app", "role": "experimental", "components": ["app"]},
		{"id": "usual", "role": "control", "components": []}]`)
	const seen = -1 // the factor of a day on which somebody was last seen
	var events []string
	for arm, days := range map[string][]int{
		"peer-app": {9, 13, 13 * seen, 18, 23, 28 * seen, 31, 34, 45 * seen, 48, 161 * seen},
		"usual":    {5, 5, 8, 8, 12, 16 * seen, 23, 27, 30, 33, 43, 45},
	} {
		for i, day := range days {
			subject, typ := fmt.Sprintf("%s-%d", arm, i), "participant.lost_to_follow_up"
			if day < 0 {
				day, typ = -day, "participant.completed"
			}
			day0 := cutoffDay.AddDate(0, 0, -170)
			events = append(events,
				tr.event("participant.randomised", subject, day0.Format(time.DateOnly)+"T08:00:00Z", fmt.Sprintf(`"arm": %q`, arm)),
				tr.event(typ, subject, day0.AddDate(0, 0, day).Format(time.DateOnly)+"T09:00:00Z", ""))
		}
	}
	tr.send(events...)
	got := tr.attrition("cutoff="+cutoff, "horizon=30")
	peer, usual := got.arm("peer-app"), got.arm("usual")
	if peer.N != 11 || peer.Events != 7 || usual.N != 12 || usual.Events != 11 {
		t.Errorf("%d of %d and %d of %d, want 7 of 11 and 11 of 12", peer.Events, peer.N, usual.Events, usual.N)
	}
	near(t, "median", peer.Median.Day, 31)
	near(t, "lower limit of the median", peer.Median.Lower, 13)
	if peer.Median.Upper != nil {
		t.Errorf("upper limit of the median %v, want null", *peer.Median.Upper)
	}
	near(t, "restricted mean", &peer.RMST.Value, 24.602)
	near(t, "its standard error", &peer.RMST.SE, 2.313)
	near(t, "its lower limit", &peer.RMST.Lower, 20.069)
	near(t, "its upper limit", &peer.RMST.Upper, 29.136)
	first := peer.Curve[0]
	if first.Day != 9 || first.AtRisk != 11 || first.Events != 1 || first.Censored != 0 {
		t.Errorf("first step %+v, want day 9, 11 at risk, 1 event", first)
	}
	near(t, "S(9)", &first.Survival, 0.9091)
	near(t, "its standard error", first.SE, 0.0867)
	near(t, "its lower limit", first.Lower, 0.5081)
	near(t, "its upper limit", first.Upper, 0.9867)

	if got.Tests == nil || len(got.Tests.Cox) != 1 || got.Tests.Logrank.DF != 1 {
		t.Fatalf("tests %+v, want log-rank and one contrast", got.Tests)
	}
	near(t, "log-rank", &got.Tests.Logrank.ChiSq, 3.396)
	near(t, "its p", &got.Tests.Logrank.P, 0.0653)
	cox := got.Tests.Cox[0]
	if cox.Arm != "usual" || cox.Reference != "peer-app" {
		t.Errorf("contrast of %s and %s, want usual less peer-app", cox.Arm, cox.Reference)
	}
	near(t, "coefficient", cox.Coef, 0.9155)
	near(t, "its standard error", cox.SE, 0.5119)
	near(t, "hazard ratio", cox.HR, 2.498)
	near(t, "its lower limit", cox.Lower, 0.916)
	near(t, "its upper limit", cox.Upper, 6.813)

	// The rates of both kinds: everybody's end has passed.
	equal(t, "rate", peer.Rate.String(), "7/11")
	equal(t, "rate at the end", peer.RateAtEnd.String(), "7/11")
	// Wilson: centre (7/11 + z²/22)/(1 + z²/11) = 0.601068, half width z √(p(1-p)/11 + z²/484)/(1 + z²/11) = 0.247267.
	near(t, "Wilson, lower", peer.Rate.Lower, 0.3538)
	near(t, "Wilson, upper", peer.Rate.Upper, 0.8483)
}

// near complains if a figure is not the expected one, to the digits that the expectation has (half a unit of the last,
// at most four decimals).
func near(t testing.TB, what string, got *float64, want float64) {
	t.Helper()
	if got == nil || math.Abs(*got-want) > 0.0006 {
		t.Errorf("%s: %v, want %v", what, deref(got), want)
	}
}

func deref(v *float64) any {
	if v == nil {
		return "null"
	}
	return *v
}
