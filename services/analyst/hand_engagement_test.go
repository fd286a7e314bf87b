package analyst

import (
	"fmt"
	"testing"

	"github.com/throughline-trials/throughline/services/stats"
)

// people is a study of so many participants with four elapsed periods each, of which engaged in all are engaged: as many
// participants as possible in all four, one in the rest.
func people(t *testing.T, n, engaged int) *trial {
	tr := newTrial(t, definition(t))
	for i := range n {
		who := fmt.Sprintf("p%03d", i)
		tr.join(who, "a")
		for period := 0; period < 4 && engaged > 0; period++ {
			tr.use(who, 7*period+i%7)
			engaged--
		}
	}
	return tr
}

func TestTierEdges(t *testing.T) {
	for _, c := range []struct {
		n, engaged int
		want       stats.Tier
	}{
		{1, 3, stats.TierHigh},      // 3/4: 4·3 ≥ 3·4
		{25, 75, stats.TierHigh},    // 75/100
		{25, 74, stats.TierMedium},  // 74/100: 296 < 300
		{50, 149, stats.TierMedium}, // 149/200: 596 < 600
		{50, 150, stats.TierHigh},   // 150/200
		{1, 2, stats.TierMedium},    // 1/2
		{50, 99, stats.TierLow},     // 99/200: 198 < 200
		{50, 100, stats.TierMedium}, // 100/200
		{1, 0, stats.TierLow},       // 0/4
	} {
		e := people(t, c.n, c.engaged).engagement(at(28))
		arm := e.Arms[0]
		if arm.Participation.X != c.engaged || arm.Participation.N != 4*c.n || arm.Participation.Tier != c.want || e.StudyTier != c.want {
			t.Errorf("%d of %d: %s %s, study %s, want %s", c.engaged, 4*c.n, xn(arm.Participation.Rate), arm.Participation.Tier, e.StudyTier, c.want)
		}
	}
	none := people(t, 1, 0).engagement(at(6)) // no period has elapsed: 0/0
	if arm := none.Arms[0]; arm.Participation.Tier != stats.TierNotReported || arm.Participation.N != 0 || none.StudyTier != stats.TierNotReported ||
		arm.Participation.Reason != stats.ReasonNoParticipants || arm.Tiers.NotReported != 1 || len(arm.Periods) != 0 {
		t.Errorf("0/0: %+v", arm)
	}
}

func TestElapsedPeriods(t *testing.T) {
	tr := newTrial(t, definition(t, "intervention: {duration_days: 30, period_days: 7}"))
	tr.join("p", "a")
	tr.use("p", 0, 29)
	// Period k is elapsed when C ≥ 7k; days 28 and 29 are in no period.
	for day, want := range map[int]string{6: "0/0", 7: "1/1", 13: "1/1", 14: "1/2", 28: "1/4", 100: "1/4"} {
		if got := xn(tr.engagement(at(day)).Arms[0].Participation.Rate); got != want {
			t.Errorf("C = %d: %s, want %s", day, got, want)
		}
	}
}

func TestThroughout(t *testing.T) {
	tr := newTrial(t, definition(t, "engagement: {throughout: 0.75, headline: throughout}"))
	for who, periods := range map[string]int{"p": 4, "q": 3, "r": 2} {
		tr.join(who, "a")
		for k := range periods {
			tr.use(who, 7*k)
		}
	}
	// Shares 4/4, 3/4 and 2/4: two of three reach 0.75, and 2·2 ≥ 3: medium. Participation is 9/12: high.
	e := tr.engagement(at(28))
	arm := e.Arms[0]
	if xn(arm.Throughout.Rate) != "2/3" || arm.Throughout.Tier != stats.TierMedium || arm.Participation.Tier != stats.TierHigh || e.StudyTier != stats.TierMedium {
		t.Errorf("throughout %s %s, participation %s, study %s", xn(arm.Throughout.Rate), arm.Throughout.Tier, arm.Participation.Tier, e.StudyTier)
	}
	if arm.Throughout.Provisional {
		t.Error("all periods are over")
	}
	if got := tr.engagement(at(27)).Arms[0].Throughout; !got.Provisional {
		t.Error("the last period is not over")
	}
	if got := arm.Tiers; got != (TierCounts{High: 2, Medium: 1}) {
		t.Errorf("tiers of participants %+v", got)
	}
}

func TestParticipationInterval(t *testing.T) {
	// x of n by participant: 4/4, 4/4, 0/4. By hand: N = 12, X = 8, k = 3; BMS = (16/4 + 16/4 - 64/12)/2 = 4/3,
	// WMS = (8 - 8)/9 = 0, n₀ = (144 - 48)/(2·12) = 4, ICC = (4/3)/(4/3) = 1, design effect 1 + 3 = 4: Wilson of 2 of 3.
	got := people(t, 3, 8).engagement(at(28)).Arms[0].Participation
	low, high := stats.Wilson(2, 3)
	if icc, _ := got.ICC.Get(); icc != 1 {
		t.Errorf("ICC %v", got.ICC)
	}
	if deff, _ := got.DesignEffect.Get(); deff != 4 {
		t.Errorf("design effect %v", got.DesignEffect)
	}
	if got.Lower != low || got.Upper != high {
		t.Errorf("limits %v %v, want %v %v", got.Lower, got.Upper, low, high)
	}
}

func TestPartlyCoveredPeriod(t *testing.T) {
	tr := newTrial(t, definition(t))
	tr.join("p", "a")
	tr.use("p", 6)
	tr.on(0, 9, "p", "participation.paused")
	tr.on(6, 9, "p", "participation.resumed")
	tr.on(7, 9, "p", "participation.paused")
	tr.on(14, 9, "p", "participation.resumed")
	tr.use("p", 9)
	// Period 1: paused on days 0 … 5, not on 6: evaluable in full, engaged. Period 2: paused on every day, not evaluable,
	// the use of day 9 is not counted there. Periods 3 and 4: not engaged.
	arm := tr.engagement(at(28)).Arms[0]
	if got := xn(arm.Participation.Rate); got != "1/3" {
		t.Errorf("participation %s, want 1/3", got)
	}
	want := []string{"1/1", "0/0", "0/1", "0/1"}
	for i, p := range arm.Periods {
		if got := fmt.Sprintf("%d/%d", p.Engaged, p.Evaluable); got != want[i] {
			t.Errorf("period %d: %s, want %s", p.Period, got, want[i])
		}
	}
}

func TestOutagePeriod(t *testing.T) {
	tr := newTrial(t, definition(t))
	tr.join("p", "a")
	tr.on(100, 0, "", "outage.declared", "component=app", "from=2026-01-05T00:00:00Z", "to=2026-01-12T00:00:00Z")
	if got := xn(tr.engagement(at(28)).Arms[0].Participation.Rate); got != "0/3" {
		t.Errorf("a whole period out: %s, want 0/3", got)
	}
	part := newTrial(t, definition(t))
	part.join("p", "a")
	part.on(100, 0, "", "outage.declared", "component=app", "from=2026-01-05T00:00:00Z", "to=2026-01-11T23:59:59Z")
	if got := xn(part.engagement(at(28)).Arms[0].Participation.Rate); got != "0/4" {
		t.Errorf("a second short: %s, want 0/4", got)
	}
	// Absent to: still on; clipped at the cut-off. At noon of day 14, days 7 … 13 lie wholly in it.
	on := newTrial(t, definition(t))
	on.join("p", "a")
	id := on.on(7, 0, "", "outage.declared", "from=2026-01-12T00:00:00Z")
	if got := xn(on.engagement(at(14)).Arms[0].Participation.Rate); got != "0/1" {
		t.Errorf("still on: %s, want 0/1", got)
	}
	on.void(monday.AddDate(0, 0, 20), "", id)
	if got := xn(on.engagement(at(14)).Arms[0].Participation.Rate); got != "0/2" {
		t.Errorf("voided: %s, want 0/2", got)
	}
}

func TestCombineAll(t *testing.T) {
	arms := "arms: [{id: a, components: [app, coaching]}, {id: b, role: control}]"
	components := "components: [{id: app, channel: app}, {id: coaching, channel: phone_call}]"
	for combine, want := range map[string]string{"any": "3/4", "all": "2/4"} {
		tr := newTrial(t, definition(t, arms, components, "engagement: {combine: "+combine+"}"))
		tr.join("p", "a")
		tr.use("p", 0, 7, 14)
		tr.on(1, 9, "p", "call.ended", "component=coaching", "both_present=true", "connected_seconds=300")
		tr.on(8, 9, "p", "call.ended", "component=coaching", "both_present=true", "connected_seconds=299") // too short
		tr.on(50, 0, "", "outage.declared", "component=coaching", "from=2026-01-19T00:00:00Z", "to=2026-01-26T00:00:00Z")
		// Period 1: both. Period 2: the app alone. Period 3: coaching is not evaluable, so the app is all there is.
		if got := xn(tr.engagement(at(28)).Arms[0].Participation.Rate); got != want {
			t.Errorf("%s: %s, want %s", combine, got, want)
		}
	}
}
