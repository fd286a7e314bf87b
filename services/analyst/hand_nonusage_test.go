package analyst

import (
	"testing"
)

// In all of these τ = U = 28 and g = 7; E = min(C, 28), A = E - 7.

func TestNeverUsed(t *testing.T) {
	tr := newTrial(t, definition(t))
	tr.join("p", "a")
	tr.want("C = g: A = 0", tr.stopped(7), "too early")
	tr.want("C = g + 1: A = 1, L = 0", tr.stopped(8), "event 0")
	tr.want("far later: A = 21, L = 0", tr.stopped(100), "event 0")
}

func TestSilence(t *testing.T) {
	tr := newTrial(t, definition(t))
	tr.join("p", "a")
	tr.use("p", 10)
	// C = 17: A = 10, so L = 10 is not before A; days 11 … 16 are g - 1 silent days.
	tr.want("g - 1 silent days", tr.stopped(17), "censored 9")
	// C = 18: A = 11; days 11 … 17 are g silent days.
	tr.want("g silent days", tr.stopped(18), "event 10")
	// first lapse: nothing on days 0 … 7, so L = 0.
	tr.want("late start, first lapse", tr.lapsed(18), "event 0")
}

func TestLateStart(t *testing.T) {
	tr := newTrial(t, definition(t))
	tr.join("p", "a")
	tr.use("p", 7)
	// Use on day g = 7: something on days 0 … g, so no late start and no lapse. C = 14: A = 7.
	tr.want("use on day g", tr.lapsed(14), "censored 6")
	arm := tr.attrition(at(14), AttritionQuery{Kind: NonUsage}).Arms[0]
	if *arm.Reactivations != (Reactivations{}) {
		t.Errorf("reactivations %+v, want none", *arm.Reactivations)
	}
	late := newTrial(t, tr.def)
	late.join("p", "a")
	late.use("p", 8)
	late.want("use on day g + 1", late.lapsed(14), "event 0")
	arm = late.attrition(at(14), AttritionQuery{Kind: NonUsage}).Arms[0]
	if *arm.Reactivations != (Reactivations{LateStarts: 1}) {
		t.Errorf("reactivations %+v, want one late start", *arm.Reactivations)
	}
}

func TestUseToTheLastDay(t *testing.T) {
	tr := newTrial(t, definition(t))
	tr.join("p", "a")
	tr.use("p", 0, 7, 14, 21, 27)
	// E = 28, A = 21, L = 27: censored at min(28, 21) - 1.
	tr.want("used to day 27", tr.stopped(60), "censored 20")
	// Use on or after day U = 28 does not count: as above.
	tr.use("p", 28, 40)
	tr.want("and after", tr.stopped(60), "censored 20")
}

func TestAccessLongerThanIntervention(t *testing.T) {
	tr := newTrial(t, definition(t, "intervention: {duration_days: 28, period_days: 7, access_days: 42}"))
	tr.join("p", "a")
	tr.use("p", 30)
	// C = 100: E = 42, A = 35, L = 30, min(τ, A) = 28: censored at 27.
	tr.want("used after τ", tr.stopped(100), "censored 27")
	other := newTrial(t, tr.def)
	other.join("p", "a")
	other.use("p", 27)
	// L = 27 < min(28, 35): event.
	other.want("stopped at the last day of τ", other.stopped(100), "event 27")
}

func TestModulesDoneEarly(t *testing.T) {
	tr := newTrial(t, definition(t, "completion: {modules: 2}"))
	tr.join("p", "a")
	tr.on(3, 9, "p", "module.completed", "component=app", "module=one")
	tr.on(4, 9, "p", "module.completed", "component=app", "module=one") // again: counts once
	tr.on(5, 9, "p", "module.completed", "component=app", "module=two")
	// C = 28: A = 21, L = 5 < 21, but completed on day 5, before days 6 … 12 had passed.
	tr.want("all modules done on day 5", tr.stopped(28), "censored 5")
	if got := tr.engagement(at(28)).Arms[0]; xn(got.Completion) != "1/1" || xn(got.CompletionAtEnd) != "1/1" {
		t.Errorf("completion %s, at end %s, want 1/1", xn(got.Completion), xn(got.CompletionAtEnd))
	}
	if got := tr.engagement(at(4)).Arms[0]; xn(got.Completion) != "0/1" || got.CompletionAtEnd.Reason != ReasonNobodyAtEnd {
		t.Errorf("on day 4: completion %s, at end %q", xn(got.Completion), got.CompletionAtEnd.Reason)
	}
}

func TestCompletedAfterUse(t *testing.T) {
	for day, want := range map[int]string{
		12: "censored 12", // the last of the silent days 6 … 12 had not passed
		13: "event 5",     // g silent days had passed
	} {
		tr := newTrial(t, definition(t))
		tr.join("p", "a")
		tr.use("p", 5)
		tr.on(day, 9, "p", "intervention.completed")
		tr.want("completed", tr.stopped(28), want)
	}
}

func TestReactivation(t *testing.T) {
	tr := newTrial(t, definition(t))
	tr.join("p", "a")
	tr.use("p", 2, 15)
	// C = 20: A = 13, L = 15: censored at 12. First lapse: days 3 … 9 after day 2.
	tr.want("last use", tr.stopped(20), "censored 12")
	tr.want("first lapse", tr.lapsed(20), "event 2")
	arm := tr.attrition(at(20), AttritionQuery{Kind: NonUsage}).Arms[0]
	if *arm.Reactivations != (Reactivations{Participants: 1, Number: 1, Active: 1}) {
		t.Errorf("reactivations %+v, want one, active", *arm.Reactivations)
	}
	// C = 28: A = 21, L = 15: silent again, since day 15.
	tr.want("last use, later", tr.stopped(28), "event 15")
	tr.want("first lapse, later", tr.lapsed(28), "event 2")
	arm = tr.attrition(at(28), AttritionQuery{Kind: NonUsage}).Arms[0]
	if *arm.Reactivations != (Reactivations{Participants: 1, Number: 1}) {
		t.Errorf("reactivations %+v, want one, not active", *arm.Reactivations)
	}
}

func TestDeathAfterUse(t *testing.T) {
	tr := newTrial(t, definition(t))
	tr.join("p", "a")
	tr.use("p", 9)
	tr.on(10, 3, "p", "participant.died")
	// E = day of death = 10, A = 3, L = 9: censored at 2.
	tr.want("died on day 10", tr.stopped(28), "censored 2")
	tr.want("dropout", tr.dropped(28), "censored 10")
	// Periods: death in period 2 makes it and all later ones not evaluable; period 1 was not engaged.
	arm := tr.engagement(at(28)).Arms[0]
	if got := xn(arm.Participation.Rate); got != "0/1" {
		t.Errorf("participation %s, want 0/1", got)
	}
}

func TestDiscontinued(t *testing.T) {
	tr := newTrial(t, definition(t))
	tr.join("p", "a")
	tr.use("p", 3)
	tr.on(12, 3, "p", "intervention.discontinued", "decided_by=participant")
	// The participant's own stopping is what non-usage measures: E = 28, A = 21, L = 3.
	tr.want("by the participant", tr.stopped(28), "event 3")
	tr.on(9, 3, "p", "intervention.discontinued", "decided_by=investigator")
	// E = 9, A = 2, L = 3: censored at 1.
	tr.want("by the investigator", tr.stopped(28), "censored 1")
}

func TestPauseInsideSilence(t *testing.T) {
	tr := newTrial(t, definition(t))
	tr.join("p", "a")
	tr.use("p", 5)
	tr.on(8, 9, "p", "participation.paused")
	tr.on(13, 9, "p", "participation.resumed")
	// Paused on days 8 … 12. C = 17: other days 6, 7, 13 … 16 after day 5 are 6; after day 4 they are 7: A = 5.
	tr.want("six other silent days", tr.stopped(17), "censored 4")
	// C = 18: other days after day 5 are 6, 7, 13 … 17: seven; A = 6.
	tr.want("seven other silent days", tr.stopped(18), "event 5")
}

func TestPauseWithoutEnd(t *testing.T) {
	tr := newTrial(t, definition(t))
	tr.join("p", "a")
	tr.use("p", 5)
	tr.on(8, 9, "p", "participation.paused")
	// Paused from day 8 on: E = 28, other days 0 … 7; fewer than 7 of them after day 1: A = 1. L = 5: censored at 0.
	tr.want("paused to the cut-off", tr.stopped(28), "censored 0")
	tr.on(10, 9, "p", "participant.withdrew", "scope=stop_intervention")
	// The pause ends with day 10. Other days after day 5: 6, 7, 11 … 27; A: fewer than 7 of 21 … 27 after day 21.
	tr.want("paused to the withdrawal", tr.stopped(28), "event 5")
}

func TestOutageInsideSilence(t *testing.T) {
	tr := newTrial(t, definition(t))
	tr.join("p", "a")
	tr.use("p", 5)
	tr.on(50, 0, "", "outage.declared", "component=app", "from=2026-01-13T00:00:00Z", "to=2026-01-18T00:00:00Z")
	// Days 8 … 12 lie wholly in it: as the pause above.
	tr.want("six other silent days", tr.stopped(17), "censored 4")
	tr.want("seven other silent days", tr.stopped(18), "event 5")
	part := newTrial(t, tr.def)
	part.join("p", "a")
	part.use("p", 5)
	part.on(50, 0, "", "outage.declared", "from=2026-01-13T00:00:01Z", "to=2026-01-17T23:59:59Z")
	// Only days 9 … 11 do. C = 15: other days after day 5: 6, 7, 8, 12, 13, 14: six, A = 5. C = 16: seven, A = 6.
	part.want("days in part", part.stopped(15), "censored 4")
	part.want("days in part, one more", part.stopped(16), "event 5")
}

func TestOutageOfOneOfTwo(t *testing.T) {
	def := definition(t,
		"arms: [{id: a, components: [app, coaching]}, {id: b, role: control}]",
		"components: [{id: app, channel: app}, {id: coaching, channel: phone_call}]")
	tr := newTrial(t, def)
	tr.join("p", "a")
	tr.use("p", 5)
	tr.on(50, 0, "", "outage.declared", "component=app", "from=2026-01-13T00:00:00Z", "to=2026-01-18T00:00:00Z")
	// Coaching was there: no day is left out of the whole. C = 13: A = 6.
	tr.want("whole", tr.stopped(13), "event 5")
	q := AttritionQuery{Kind: NonUsage, Query: Query{Component: "app"}}
	tr.want("the app", outcome(tr.attrition(at(17), q)), "censored 4")
	q.Component = "coaching" // never used
	tr.want("coaching", outcome(tr.attrition(at(17), q)), "event 0")
}

func TestProvisional(t *testing.T) {
	tr := newTrial(t, definition(t))
	tr.join("p", "a")
	if !tr.attrition(at(27), AttritionQuery{Kind: NonUsage}).Arms[0].Provisional {
		t.Error("C = 27 < U = 28: E depends on C")
	}
	if tr.attrition(at(28), AttritionQuery{Kind: NonUsage}).Arms[0].Provisional {
		t.Error("C = U: E depends on C no more")
	}
	if tr.attrition(at(27), AttritionQuery{Kind: NonUsage, Variant: FirstLapse}).Provisional {
		t.Error("a first lapse is not provisional")
	}
	tr.on(9, 0, "p", "participant.died")
	if tr.attrition(at(27), AttritionQuery{Kind: NonUsage}).Arms[0].Provisional {
		t.Error("E is the day of death")
	}
}

func TestRatesAtEnd(t *testing.T) {
	tr := newTrial(t, definition(t))
	tr.join("p", "a")
	early := tr.attrition(at(27), AttritionQuery{Kind: NonUsage}).Arms[0]
	if xn(early.Rate) != "1/1" || early.RateAtEnd.N != 0 || early.RateAtEnd.Reason != ReasonNobodyAtEnd {
		t.Errorf("C < U: rate %s, at end %+v", xn(early.Rate), early.RateAtEnd)
	}
	if got := tr.attrition(at(28), AttritionQuery{Kind: NonUsage}).Arms[0]; xn(got.RateAtEnd) != "1/1" {
		t.Errorf("C = U: at end %s", xn(got.RateAtEnd))
	}
	if got := tr.attrition(at(7), AttritionQuery{Kind: NonUsage}).Arms[0]; got.UptakeAtEnd.Reason != ReasonNobodyAtEnd || xn(got.Uptake) != "0/1" {
		t.Errorf("C = g: uptake %s, at end %+v", xn(got.Uptake), got.UptakeAtEnd)
	}
	if got := tr.attrition(at(8), AttritionQuery{Kind: NonUsage}).Arms[0]; xn(got.UptakeAtEnd) != "0/1" {
		t.Errorf("C > g: uptake at end %s", xn(got.UptakeAtEnd))
	}
}

func TestSensitivityStrip(t *testing.T) {
	tr := newTrial(t, definition(t))
	tr.join("p", "a")
	tr.use("p", 2, 15)
	// C = 28, E = 28. g = 7: A = 21, L = 15, event. g = 14: A = 14, L = 15, none. g = 21: A = 7, none. g = 28 is not below τ.
	got := tr.attrition(at(28), AttritionQuery{Kind: NonUsage}).Arms[0].Sensitivity
	for i, want := range []string{"1/1", "0/1", "0/1", "0/0"} {
		if xn(got[i].Rate) != want {
			t.Errorf("g = %d: %s, want %s", got[i].SilenceDays, xn(got[i].Rate), want)
		}
	}
	if got[3].Rate.Reason != ReasonSilenceTooLong {
		t.Errorf("g = 28: reason %q", got[3].Rate.Reason)
	}
}
