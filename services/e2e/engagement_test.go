package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// fourWeeks is an intervention of four periods of a week.
const fourWeeks = `"timezone": "UTC", "components": [{"id": "app", "channel": "app"}], "intervention": {"duration_days": 28, "period_days": 7}`

// TestTierEdges: high if 4x ≥ 3n, medium if 2x ≥ n, else low; n = 0 is not reported. Periods of one day: whoever was
// assigned n days before the cut-off has n elapsed periods, and x of them are engaged.
func TestTierEdges(t *testing.T) {
	t.Parallel()
	cases := []struct {
		x, n int
		tier string
	}{
		{3, 4, "high"},      // 12 ≥ 12
		{74, 100, "medium"}, // 296 < 300; 148 ≥ 100
		{149, 200, "medium"},
		{150, 200, "high"},
		{1, 2, "medium"}, // 2 ≥ 2
		{99, 200, "low"}, // 198 < 200
		{100, 200, "medium"},
		{0, 3, "low"},
		{0, 0, "not_reported"}, // assigned today
	}
	var lives []life
	for _, c := range cases {
		lives = append(lives, life{name: fmt.Sprintf("x%d-n%d", c.x, c.n), c: c.n, diary: daily(0, c.x-1)})
	}
	tr := cohort(t, "tier-edges", `"components": [{"id": "app", "channel": "app"}], "intervention": {"duration_days": 200, "period_days": 1}`, lives)
	got := tr.engagement("cutoff=" + cutoff)
	var counts tiers
	for i, c := range cases {
		arm := got.arm(lives[i].name)
		if arm.Participation.X != c.x || arm.Participation.N != c.n || arm.Participation.Tier != c.tier {
			t.Errorf("%s: participation %v is %q, want %q", lives[i].name, arm.Participation.rate, arm.Participation.Tier, c.tier)
		}
		counts.High, counts.Medium = counts.High+arm.Tiers.High, counts.Medium+arm.Tiers.Medium
		counts.Low, counts.NotReported = counts.Low+arm.Tiers.Low, counts.NotReported+arm.Tiers.NotReported
	}
	if want := (tiers{High: 2, Medium: 4, Low: 2, NotReported: 1}); counts != want {
		t.Errorf("tiers of participants %+v, want %+v", counts, want)
	}
	// The study's tier is that of its first experimental arm: 3 of 4.
	equal(t, "study tier", got.StudyTier, "high")
	if none := got.arm("x0-n0").Participation; none.Value != nil || none.Reason == "" {
		t.Errorf("participation without periods %+v, want null with a reason", none)
	}
}

// TestThroughout: of participants with n ≥ 1 those with x ≥ share · n, the share as an exact decimal: 0.55 · 20 is 11,
// though it is 11.000000000000002 in binary.
func TestThroughout(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, "throughout", `"arms": [{"id": "one", "role": "experimental", "components": ["app"]}],
		"components": [{"id": "app", "channel": "app"}], "intervention": {"duration_days": 20, "period_days": 1},
		"non_usage": {"silence_days": 7}, "engagement": {"throughout": 0.55, "headline": "throughout"}`)
	var events []string
	for name, used := range map[string]int{"eleven": 11, "ten": 10, "twenty": 20, "none": 0} {
		l := life{name: name, c: 30, diary: daily(0, used-1)}
		events = append(events, strings.ReplaceAll(strings.Join(tr.life(l), "\x00"), fmt.Sprintf(`"arm": %q`, name), `"arm": "one"`))
	}
	tr.send(strings.Split(strings.Join(events, "\x00"), "\x00")...)
	got := tr.engagement("cutoff=" + cutoff)
	arm := got.arm("one")
	// 11 and 20 of 20 reach the share: 2 of 4 participants is medium. Participation is 41 of 80: medium.
	equal(t, "throughout", arm.Throughout.String()+" "+arm.Throughout.Tier, "2/4 medium")
	equal(t, "participation", arm.Participation.String()+" "+arm.Participation.Tier, "41/80 medium")
	equal(t, "study tier", got.StudyTier, "medium")
	if want := (tiers{High: 1, Medium: 2, Low: 1}); arm.Tiers != want {
		t.Errorf("tiers of participants %+v, want %+v", arm.Tiers, want)
	}
}

// TestParticipationInterval: participants are the clusters of their periods. Four participants with four periods each, of
// which 4, 4, 0 and 2 are engaged: N = 16, X = 10, k = 4, n₀ = 4,
// BMS = ((16 + 16 + 0 + 4)/4 - 100/16)/3 = 0.916667, WMS = (10 - 9)/12 = 0.083333,
// ICC = (0.916667 - 0.083333)/(0.916667 + 3 · 0.083333) = 0.714286, design effect = 1 + 3 · ICC = 3.142857,
// and Wilson's interval of 0.625 among 16/3.142857 = 5.090909 is 0.5712 ± 0.3220.
func TestParticipationInterval(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, "interval", fourWeeks+`, "arms": [{"id": "a", "role": "experimental", "components": ["app"]}]`)
	var events []string
	for subject, days := range map[string][]int{"all": {0, 7, 14, 21}, "all-too": {6, 13, 20, 27}, "none": nil, "half": {0, 21}} {
		l := tr.life(life{name: subject, c: 40, diary: use(days...)})
		l[0] = strings.Replace(l[0], fmt.Sprintf(`"arm": %q`, subject), `"arm": "a"`, 1)
		events = append(events, l...)
	}
	tr.send(events...)
	p := tr.engagement("cutoff=" + cutoff).arm("a").Participation
	equal(t, "participation", p.String()+" "+p.Tier, "10/16 medium")
	near(t, "ICC", p.ICC, 0.7143)
	near(t, "design effect", p.DesignEffect, 3.1429)
	near(t, "lower limit", p.Lower, 0.2492)
	near(t, "upper limit", p.Upper, 0.8932)
}

// TestPeriods: which periods count, and which are evaluable.
func TestPeriods(t *testing.T) {
	t.Parallel()
	weekly := use(0, 7, 14, 21)
	paused := func(from, to int) []act {
		return then(act{from, "00:30", "participation.paused", "", nil}, act{to, "00:30", "participation.resumed", "", nil})
	}
	session := func(day, seconds int) act {
		return at(day, "session.ended", fmt.Sprintf(`"session_id": "s%d", "active_seconds": %d`, day, seconds))
	}
	lives := []life{
		{name: "three-of-four", c: 40, diary: use(0, 8, 27), periods: "++-+"},
		// Elapsed when C ≥ k · 7.
		{name: "c20", c: 20, diary: weekly, periods: "++"},
		{name: "c21", c: 21, diary: weekly, periods: "+++"},
		// The last day of a period and the first of the next.
		{name: "edges", c: 40, diary: use(6, 7), periods: "++--"},
		// Every day of period 2 is paused: days 7 to 13. The activity in it is kept and not counted there.
		{name: "paused-whole", c: 40, diary: then(weekly, paused(7, 14)), periods: "+.++", uptake: "1/1"},
		// Day 13 is not paused: evaluable in full, the minimum unchanged.
		{name: "paused-partly", c: 40, diary: then(use(0, 14, 21), paused(7, 13)), periods: "+-++"},
		{name: "paused-partly-used", c: 40, diary: then(weekly, paused(7, 13)), periods: "++++"},
		// Never resumed: to the cut-off.
		{name: "paused-for-good", c: 40, diary: then(use(0), act{14, "00:30", "participation.paused", "", nil}), periods: "+-.."},
		// Died on day 15: in period 3, before period 4.
		{name: "died", c: 40, diary: then(weekly[:2], at(15, "participant.died", "")), periods: "++.."},
		// Evaluable and not engaged after withdrawal on day 8.
		{name: "withdrew", c: 40, diary: then(weekly, act{8, "00:30", "participant.withdrew", `"scope": "stop_intervention"`, nil}), periods: "++--"},
		// Test traffic, staff and prompts are stored and not use.
		{name: "test-traffic", c: 40, diary: then(at(0, "exercise.completed", "", `"istest": true`)), periods: "----", uptake: "0/1"},
		{name: "staff", c: 40, diary: then(at(0, "exercise.completed", "", `"actorrole": "staff"`)), periods: "----", uptake: "0/1"},
		{name: "prompts", c: 40, diary: then(at(0, "prompt.delivered", ""), at(7, "screen.viewed", "")), periods: "----", uptake: "0/1"},
		// A session counts from 60 active seconds.
		{name: "sessions", c: 40, diary: then(session(0, 59), session(7, 60)), periods: "-+--"},
	}
	tr := cohort(t, "periods", fourWeeks, lives, `{"id": "usual", "role": "control", "delivery_type": "none", "components": []}`)
	tr.send(tr.event("participant.randomised", "nobody", "2026-05-01T09:00:00+00:00", `"arm": "usual"`),
		tr.event("participant.lost_to_follow_up", "nobody", "2026-05-11T09:00:00+00:00", ""))
	tr.check(t, lives)

	t.Run("an arm without components", func(t *testing.T) {
		tr := tr.with(t)
		arm := tr.engagement("cutoff=" + cutoff).arm("usual")
		equal(t, "tier", arm.Participation.Tier, "not_reported")
		use := tr.attrition("kind=non_usage", "cutoff="+cutoff).arm("usual")
		if use.N != 0 || use.Events != 0 || use.Reason != "not_in_arm" || use.Rate.Value != nil || use.Uptake.Value != nil {
			t.Errorf("non-usage %+v, want null: not_in_arm", use)
		}
		// It is in the study like any other: lost on day 10.
		equal(t, "dropout", tr.attrition("cutoff="+cutoff).arm("usual").fate(), "event 10")
	})
	if q := tr.quality(); q.TestEvents != 1 {
		t.Errorf("%d test events, want 1", q.TestEvents)
	}
}

// TestRestDays: 30 days are four whole periods of a week; days 28 and 29 are in none.
func TestRestDays(t *testing.T) {
	t.Parallel()
	lives := []life{{name: "rest", c: 60, diary: use(0, 28, 29), periods: "+---"}}
	tr := cohort(t, "rest-days", `"components": [{"id": "app", "channel": "app"}], "intervention": {"duration_days": 30, "period_days": 7}`, lives)
	tr.check(t, lives)
}

// TestOutage: a declared outage takes the days that lie wholly in [from, to), of its component.
func TestOutage(t *testing.T) {
	t.Parallel()
	// The outage is days 7 to 13 of those assigned 40 days before the cut-off: whole days from midnight to midnight.
	day := func(n int) string { return cutoffDay.AddDate(0, 0, n-40).Format(time.DateOnly) }
	settings := `"timezone": "UTC", "components": [{"id": "app", "channel": "app"}, {"id": "web", "channel": "web"}],
		"intervention": {"duration_days": 28, "period_days": 7}, "non_usage": {"silence_days": 14}`
	lives := []life{
		{name: "whole", c: 40, diary: use(0, 14, 21), periods: "+.++"},
		{name: "whole-used", c: 40, diary: use(0, 8, 14, 21), periods: "+.++"},
		// Assigned a day earlier: the outage is days 8 to 14, which leaves day 7.
		{name: "partly", c: 41, diary: use(0, 15, 22), periods: "+-++"},
		// C = 47: the outage is days 14 to 20, and E = 28. After day 6 are the 21 days 7…27, 14 of them others; after day 7
		// there are 13, so that A = 7.
		{name: "silence-14", c: 47, diary: use(0, 6), nonUse: "event 6"},
		{name: "silence-13", c: 47, diary: use(0, 7), nonUse: "censored 6"},
	}
	tr := cohort(t, "outage", settings, lives, `{"id": "both", "role": "experimental", "components": ["app", "web"]}`)
	both := tr.life(life{name: "both", c: 40, diary: then(
		at(0, "module.completed", "", `"component": "app"`), at(14, "module.completed", "", `"component": "web"`), at(21, "module.completed", "", `"component": "app"`))})
	tr.send(append(both, tr.event("outage.declared", "", "2026-06-29T09:00:00Z",
		fmt.Sprintf(`"component": "app", "from": "%sT00:00:00Z", "to": "%sT00:00:00Z"`, day(7), day(14))))...)
	tr.check(t, lives)
	// The other component worked: with any of both, period 2 is evaluable and not engaged.
	equal(t, "periods with another component", tr.engagement("cutoff="+cutoff).arm("both").periods(), "+-++")

	// Declared by mistake: what is said of the study as a whole is voided like all else.
	tr.send(tr.named("mistake", "outage.declared", "", "2026-06-29T09:00:00Z", fmt.Sprintf(`"from": "%sT00:00:00Z", "reason": "power"`, day(14))))
	equal(t, "an outage of everything that goes on", tr.engagement("cutoff="+cutoff).arm("both").periods(), "+-..")
	tr.send(tr.event("event.corrected", "", "2026-06-29T09:30:00Z", fmt.Sprintf(`"target_source": "/tests", "target_id": "mistake", "to": "%sT00:00:00Z"`, day(21))))
	equal(t, "an outage of a week", tr.engagement("cutoff="+cutoff).arm("both").periods(), "+-.+")
	tr.send(tr.event("event.voided", "", "2026-06-29T10:00:00Z", `"target_source": "/tests", "target_id": "mistake"`))
	equal(t, "an outage that was none", tr.engagement("cutoff="+cutoff).arm("both").periods(), "+-++")

	// An outage a minute shorter leaves day 13 whole.
	lives = []life{{name: "shorter", c: 40, diary: use(0, 14, 21), periods: "+-++"}}
	tr = cohort(t, "short-outage", fourWeeks, lives)
	tr.send(tr.event("outage.declared", "", "2026-06-29T09:00:00Z",
		fmt.Sprintf(`"component": "app", "from": "%sT00:00:00Z", "to": "%sT23:59:00Z"`, day(7), day(13))))
	tr.check(t, lives)
}

// TestRules: rules that the definition gives replace the default whole; the tracker's default is four days of eight hours.
func TestRules(t *testing.T) {
	t.Parallel()
	worn := func(minutes int, days ...int) []act {
		var acts []act
		for _, d := range days {
			acts = append(acts, at(d, "wear_day.recorded", fmt.Sprintf(`"minutes_worn": %d`, minutes)))
		}
		return acts
	}
	call := func(day, seconds int, both bool) act {
		return at(day, "call.ended", fmt.Sprintf(`"call_id": "c%d", "connected_seconds": %d, "both_present": %v`, day, seconds, both))
	}
	arm := func(id, components string) string {
		return fmt.Sprintf(`{"id": %q, "role": "experimental", "components": [%s]}`, id, components)
	}
	lives := []life{
		// ⌈4 · 7 / 7⌉ = 4 distinct days of at least 480 minutes.
		{name: "tracker", c: 40, diary: then(worn(480, 0, 1, 2, 3), worn(480, 7, 8, 9), worn(479, 10, 14, 15, 16, 17)), periods: "+---"},
		// Both present and 300 seconds.
		{name: "calls", c: 40, diary: then(call(0, 300, true), call(7, 299, true), call(14, 600, false)), periods: "+---"},
		// Declared: exercises on two distinct days; twice on one day is one.
		{name: "practice", c: 40, diary: then(use(0, 1, 7, 7), at(14, "module.completed", "")), periods: "+---"},
		// A peer contact that went both ways counts for the component of its mode; a phone call's does.
		{name: "contacts", c: 40, diary: then(
			at(0, "peer_contact.completed", `"mode": "phone_call", "two_way": true`, `"actorrole": "peer"`),
			at(7, "peer_contact.completed", `"mode": "phone_call", "two_way": false`, `"actorrole": "peer"`)), periods: "+---"},
		// Visits of the staff's diary count for both sides.
		{name: "visits", c: 40, diary: then(at(0, "visit.attended", "", `"actorrole": "staff"`), at(7, "visit.no_show", "")), periods: "+---"},
	}
	tr := newTrial(t, "rules", `"timezone": "UTC", "intervention": {"duration_days": 28, "period_days": 7},
		"components": [{"id": "tracker", "channel": "fitness_tracker"}, {"id": "calls", "channel": "phone_call"},
			{"id": "practice", "channel": "app"}, {"id": "visits", "channel": "in_person"}],
		"engagement": {"rules": {"practice": {"types": ["exercise.completed"], "min_days": 2}}},
		"arms": [`+strings.Join([]string{arm("tracker", `"tracker"`), arm("calls", `"calls"`), arm("practice", `"practice"`),
		arm("contacts", `"calls"`), arm("visits", `"visits"`)}, ", ")+`]`)
	var events []string
	for _, l := range lives {
		events = append(events, tr.life(l)...)
	}
	tr.send(events...)
	tr.check(t, lives)

	// The portions: visits are in person, all else is technology.
	technology := tr.attrition("kind=non_usage", "portion=technology", "cutoff="+cutoff)
	equal(t, "visits", technology.arm("visits").Reason, "not_in_arm")
	equal(t, "calls", technology.arm("calls").fate(), "event 0")
	inPerson := tr.attrition("kind=non_usage", "portion=in_person", "cutoff="+cutoff)
	equal(t, "visits in person", inPerson.arm("visits").fate(), "event 0")
	// Dropout is of the study: no portions.
	if d := tr.attrition("portion=technology", "cutoff="+cutoff).arm("calls"); d.N != 0 || d.Rate.Value != nil || d.Reason == "" {
		t.Errorf("dropout of a portion %+v, want null with a reason", d)
	}
}

// TestCombine: any one component, or all of them; use of a component outside the arm is contamination.
func TestCombine(t *testing.T) {
	t.Parallel()
	for combine, want := range map[string]string{"any": "++--", "all": "+---"} {
		t.Run(combine, func(t *testing.T) {
			tr := newTrial(t, "combine-"+combine, `"timezone": "UTC", "intervention": {"duration_days": 28, "period_days": 7},
				"components": [{"id": "app", "channel": "app"}, {"id": "web", "channel": "web"}, {"id": "calls", "channel": "phone_call"}],
				"engagement": {"combine": "`+combine+`"},
				"arms": [{"id": "two", "role": "experimental", "components": ["app", "web"]}, {"id": "calls", "components": ["calls"]}]`)
			module := func(day int, component string) act {
				return at(day, "module.completed", "", fmt.Sprintf(`"component": %q`, component))
			}
			tr.send(tr.life(life{name: "two", c: 40, diary: then(module(0, "app"), module(1, "web"), module(8, "app"),
				at(15, "call.ended", `"connected_seconds": 600, "both_present": true`, `"component": "calls"`))})...)
			equal(t, "periods", tr.engagement("cutoff="+cutoff).arm("two").periods(), want)
			if q := tr.quality("cutoff=" + cutoff); q.Contamination != 1 {
				t.Errorf("contamination %d, want 1", q.Contamination)
			}
		})
	}
}
