package e2e

import (
	"testing"
)

// twelveWeeks is an intervention of τ = 84 days in weeks, access U = 84, silence g = 14, follow-up 168 days.
const twelveWeeks = `"timezone": "UTC", "components": [{"id": "app", "channel": "app"}],
	"intervention": {"duration_days": 84, "period_days": 7, "access_days": 84}, "follow_up_days": 168, "non_usage": {"silence_days": 14}`

// TestNonUsage: E = min(C, U, death, discontinued by investigator or sponsor), A = E - g; event at L if L < min(τ, A),
// else censored at min(τ, A) - 1; A ≤ 0 is too early.
func TestNonUsage(t *testing.T) {
	t.Parallel()
	module := func(day int, name string) act { return at(day, "module.completed", `"module": "`+name+`"`) }
	withdrew := func(scope string) []act { // used on days 0 and 5, left in the afternoon of day 5, used on day 20 again
		return then(use(0, 5), act{5, "15:00", "participant.withdrew", `"scope": "` + scope + `"`, nil}, use(20))
	}
	lives := []life{
		// Never started: C = g leaves A = 0; C = g + 1 leaves A = 1 and L = 0 < 1.
		{name: "never-c14", c: 14, nonUse: "too early", lapse: "too early", uptake: "0/1"},
		{name: "never-c15", c: 15, nonUse: "event 0", lapse: "event 0", uptake: "0/1"},
		// One use on day 0 is L = 0 likewise: the same dates, but with uptake.
		{name: "once-c14", c: 14, diary: use(0), nonUse: "too early", uptake: "1/1"},
		{name: "once-c15", c: 15, diary: use(0), nonUse: "event 0", uptake: "1/1"},

		// C = 40: A = 26. After day 26 the days 27…39 are 13 complete silent days, g - 1. After day 25 they are 14.
		{name: "silent-13", c: 40, diary: use(0, 10, 20, 26), nonUse: "censored 25", lapse: "censored 25"},
		{name: "silent-14", c: 40, diary: use(0, 10, 20, 25), nonUse: "event 25", lapse: "event 25"},
		// Day C is not complete: use on it is not in [0, E).
		{name: "used-on-c", c: 40, diary: use(0, 10, 20, 25, 40), nonUse: "event 25"},

		// C = 100: E = U = 84, A = 70. Use to the last day is censored at 69; 14 silent days are 70…83.
		{name: "to-the-end", c: 100, diary: daily(0, 83), nonUse: "censored 69", lapse: "censored 69", periods: "++++++++++++"},
		{name: "stopped-69", c: 100, diary: daily(0, 69), nonUse: "event 69", lapse: "event 69"},
		{name: "stopped-70", c: 100, diary: daily(0, 70), nonUse: "censored 69", lapse: "censored 69"},
		// From day U on the intervention is not offered, and use does not count.
		{name: "used-after-access", c: 120, diary: use(0, 10, 84, 90), nonUse: "event 10"},

		// Both modules were done on day 3, before 14 silent days had passed: censored on that day.
		{name: "modules-early", c: 40, diary: then(module(1, "m1"), module(3, "m2")), nonUse: "censored 3", lapse: "censored 3", completion: "1/1"},
		{name: "module-twice", c: 40, diary: then(module(1, "m1"), module(3, "m1")), nonUse: "event 3", completion: "0/1"},
		// L = 3; day 17 is the 14th silent day. Completed on it, they had not passed; completed on day 18, they had.
		{name: "completed-17", c: 40, diary: then(use(3), at(17, "intervention.completed", "")), nonUse: "censored 17", completion: "1/1"},
		{name: "completed-18", c: 40, diary: then(use(3), at(18, "intervention.completed", "")), nonUse: "event 3", completion: "1/1"},

		// Silent on days 3…29, then back: L = 30 ≥ A = 26. The first lapse began after day 2.
		{name: "came-back", c: 40, diary: use(2, 30), nonUse: "censored 25", lapse: "event 2"},
		// Nothing on days 0…14: by first lapse L is 0. By last use L = 20 < 26.
		{name: "late-start", c: 40, diary: use(20), nonUse: "event 20", lapse: "event 0"},

		// Died on day 20, used on day 19: E = 20, A = 6, L = 19.
		{name: "died-after-use", c: 60, diary: then(use(0, 10, 19), at(20, "participant.died", "")), nonUse: "censored 5", dropout: "censored 20"},
		{name: "died-after-silence", c: 60, diary: then(use(3), at(20, "participant.died", "")), nonUse: "event 3", dropout: "censored 20"},
		// Died on day 11: E = 11, A < 0.
		{name: "died-early", c: 60, diary: then(use(10), at(11, "participant.died", "")), nonUse: "too early", dropout: "censored 11"},

		// Paused on days 12…18. C = 31: after day 10 are the 20 days 11…30, 13 of them other days, so that A = 10.
		{name: "paused-13", c: 31, diary: then(use(10), at(12, "participation.paused", ""), at(19, "participation.resumed", "")), nonUse: "censored 9"},
		// C = 32: after day 10 are 14 other days, so that A = 11.
		{name: "paused-14", c: 32, diary: then(use(10), at(12, "participation.paused", ""), at(19, "participation.resumed", "")), nonUse: "event 10"},

		// Withdrawal does not censor non-usage; use after it never counts: L = 5. Only two scopes are dropout.
		{name: "stop-intervention", c: 60, diary: withdrew("stop_intervention"), nonUse: "event 5", dropout: "censored 60", periods: "+-------"},
		{name: "stop-keep", c: 60, diary: withdrew("stop_intervention_keep_followup"), nonUse: "event 5", dropout: "censored 60", periods: "+-------"},
		{name: "stop-all", c: 60, diary: withdrew("stop_all"), nonUse: "event 5", dropout: "event 5", periods: "+-------"},
		{name: "erase", c: 60, diary: withdrew("erase"), nonUse: "event 5", dropout: "event 5", periods: "+-------"},
		{name: "consent", c: 60, diary: then(use(0, 5), act{5, "15:00", "consent.withdrawn", "", nil}, use(20)), nonUse: "event 5", dropout: "event 5", periods: "+-------"},
		// After a loss use still counts: L = 20.
		{name: "lost-and-back", c: 60, diary: then(use(0, 5), at(6, "participant.lost_to_follow_up", ""), use(20)), nonUse: "event 20", dropout: "event 6", periods: "+-+-----"},

		// Only an end that investigator or sponsor decided on ends E.
		{name: "ended-by-sponsor", c: 60, diary: then(use(0, 10, 19), at(20, "intervention.discontinued", `"decided_by": "sponsor"`)), nonUse: "censored 5"},
		{name: "ended-by-self", c: 60, diary: then(use(0, 10, 19), at(20, "intervention.discontinued", `"decided_by": "participant"`)), nonUse: "event 19"},

		// Activity before day 0 does not count.
		{name: "before-day-0", c: 40, diary: use(-1), nonUse: "event 0", uptake: "0/1"},
	}
	tr := cohort(t, "non-usage", twelveWeeks+`, "completion": {"modules": 2}`, lives)
	tr.check(t, lives)

	// Who came back: one reactivation on day 30, and days 31…39 are no lapse.
	r := tr.attrition("kind=non_usage", "cutoff="+cutoff).arm("came-back").Reactivations
	if r.Participants != 1 || r.Number != 1 || r.Active != 1 {
		t.Errorf("reactivations %+v, want 1 of 1 participant, who is active", r)
	}
}

// TestNonUsageWithLongAccess: U = 120 > τ = 84, so that the last days of the intervention can be judged: at C = 140
// E = 120, A = 106 and min(τ, A) = 84.
func TestNonUsageWithLongAccess(t *testing.T) {
	t.Parallel()
	lives := []life{
		{name: "stopped-83", c: 140, diary: use(0, 83), nonUse: "event 83"},
		{name: "stopped-84", c: 140, diary: use(0, 84), nonUse: "censored 83"},
		// C = 97: A = 83, day 82 is the last whose answer is known.
		{name: "early-look", c: 97, diary: use(0, 83), nonUse: "censored 82"},
	}
	tr := cohort(t, "long-access", `"components": [{"id": "app", "channel": "app"}],
		"intervention": {"duration_days": 84, "period_days": 7, "access_days": 120}, "follow_up_days": 168`, lives)
	tr.check(t, lives)
}

// TestSilencePresets: g defaults to max(14, 2 · period_days), by component where declared.
func TestSilencePresets(t *testing.T) {
	t.Parallel()
	lives := []life{
		// Periods of 10 days: g = 20. C = 40: A = 20.
		{name: "stopped-19", c: 40, diary: use(0, 19), nonUse: "event 19"},
		{name: "stopped-20", c: 40, diary: use(0, 20), nonUse: "censored 19"},
	}
	tr := cohort(t, "silence", `"components": [{"id": "app", "channel": "app"}],
		"intervention": {"duration_days": 80, "period_days": 10}, "non_usage": {"by_component": {"app": 7}}`, lives)
	tr.check(t, lives)
	// Of the component alone g = 7: A = 33, and both had stopped before.
	app := tr.attrition("kind=non_usage", "component=app", "cutoff="+cutoff)
	equal(t, "of the component", app.arm("stopped-19").fate(), "event 19")
	equal(t, "of the component", app.arm("stopped-20").fate(), "event 20")
}

// TestDropout: the first of the ends of the study counts if its day is at most min(C, 168); day C counts.
func TestDropout(t *testing.T) {
	t.Parallel()
	lost, completed, died := "participant.lost_to_follow_up", "participant.completed", "participant.died"
	lives := []life{
		{name: "lost-on-c", c: 30, diary: then(at(30, lost, "")), dropout: "event 30"},
		{name: "lost-on-168", c: 200, diary: then(at(168, lost, "")), dropout: "event 168"},
		{name: "lost-on-169", c: 200, diary: then(at(169, lost, "")), dropout: "censored 168"},
		{name: "in-follow-up", c: 30, dropout: "censored 30"},
		{name: "assigned-today", c: 0, dropout: "censored 0"},
		{name: "completed-first", c: 60, diary: then(at(20, completed, ""), at(25, "participant.withdrew", `"scope": "stop_all"`)), dropout: "censored 20"},
		{name: "lost-first", c: 60, diary: then(at(25, completed, ""), at(20, lost, "")), dropout: "event 20"},
		// At the same moment death comes before dropout, and dropout before completion.
		{name: "tie-death", c: 60, diary: then(at(20, lost, ""), at(20, died, "")), dropout: "censored 20"},
		{name: "tie-completion", c: 60, diary: then(at(20, completed, ""), at(20, lost, "")), dropout: "event 20"},
		// A status before day 0 stands at day 0.
		{name: "before-day-0", c: 60, diary: then(at(-3, "consent.withdrawn", "")), dropout: "event 0"},
		// Completing the intervention ends nothing.
		{name: "intervention-done", c: 60, diary: then(at(20, "intervention.completed", ""), at(30, lost, "")), dropout: "event 30"},
		// What is dated after the cut-off has not happened yet.
		{name: "lost-tomorrow", c: 30, diary: then(at(31, lost, "")), dropout: "censored 30"},
	}
	tr := cohort(t, "dropout", twelveWeeks, lives)
	tr.check(t, lives)
	// rate_at_end is of those whose 168 days have passed.
	at := tr.attrition("cutoff=" + cutoff)
	equal(t, "rate at the end", at.arm("lost-on-169").RateAtEnd.String(), "0/1")
	if r := at.arm("lost-on-c").RateAtEnd; r.N != 0 || r.Value != nil || r.Reason == "" {
		t.Errorf("rate at the end %+v for nobody at the end, want null with a reason", r)
	}
}
