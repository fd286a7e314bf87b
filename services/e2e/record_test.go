package e2e

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// about writes what is said of another event of the tests.
func (tr *trial) about(typ, subject, target, more string) string {
	if more != "" {
		more = ", " + more
	}
	return tr.event(typ, subject, "2026-07-15T09:00:00Z", fmt.Sprintf(`"target_source": "/tests", "target_id": %q`, target)+more)
}

// TestVoidsAndCorrections: what is said about the record acts from its receipt, whatever its time; here all of it is
// received, and dated, after the cut-off.
func TestVoidsAndCorrections(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, "record", twelveWeeks+`, "arms": [{"id": "a", "role": "experimental", "components": ["app"]},
		{"id": "b", "role": "control", "components": ["app"]}]`)
	day := func(n int) string { return cutoffDay.AddDate(0, 0, n-40).Format(time.DateOnly) + "T09:00:00+00:00" }
	fate := func(kind string) string {
		t.Helper()
		return tr.attrition("kind="+kind, "cutoff="+cutoff).arm("a").fate()
	}
	step := func(what, kind, want string, events ...string) {
		t.Helper()
		tr.send(events...)
		equal(t, what, fate(kind), want)
	}

	// C = 40, A = 26: used on day 25, lost on day 30.
	step("a loss", "dropout", "event 30",
		tr.named("assigned", "participant.randomised", "p1", day(0), `"arm": "a"`),
		tr.named("use-25", "exercise.completed", "p1", day(25), ""),
		tr.named("lost-30", "participant.lost_to_follow_up", "p1", day(30), ""))
	before := tr.attrition("kind=dropout", "cutoff="+cutoff).AsOf
	step("the loss was wrong", "dropout", "censored 40", tr.named("void-1", "event.voided", "p1", "2026-07-15T09:00:00Z", `"target_source": "/tests", "target_id": "lost-30"`))
	equal(t, "as it was seen before", tr.attrition("cutoff="+cutoff, "as_of="+before).arm("a").fate(), "event 30")
	step("the void was wrong", "dropout", "event 30", tr.about("event.voided", "p1", "void-1", ""))

	step("use on day 25", "non_usage", "event 25")
	step("it was on day 26", "non_usage", "censored 25", tr.about("event.corrected", "p1", "use-25", fmt.Sprintf(`"time": %q`, day(26))))
	step("no, on day 10: the last correction received stands", "non_usage", "event 10",
		tr.named("correct-10", "event.corrected", "p1", "2026-07-14T09:00:00Z", fmt.Sprintf(`"target_source": "/tests", "target_id": "use-25", "time": %q`, day(10))))
	step("that correction was wrong", "non_usage", "censored 25", tr.about("event.voided", "p1", "correct-10", ""))
	step("it was after the cut-off, which sees the corrected time", "non_usage", "event 0", tr.about("event.corrected", "p1", "use-25", fmt.Sprintf(`"time": %q`, day(41))))
	step("it was test traffic", "non_usage", "event 0", tr.about("event.corrected", "p1", "use-25", fmt.Sprintf(`"time": %q, "istest": true`, day(26))))

	// A void that comes before what it voids waits for it.
	step("void first", "non_usage", "event 0", tr.about("event.voided", "p1", "use-20", ""))
	step("then the event", "non_usage", "event 0", tr.named("use-20", "exercise.completed", "p1", day(20), ""))
	step("an event that stands", "non_usage", "event 22", tr.named("use-22", "exercise.completed", "p1", day(22), ""))

	// A corrected scope: what was a withdrawal from everything is one from the intervention alone.
	step("withdrew", "dropout", "event 28", tr.named("withdrew-28", "participant.withdrew", "p1", day(28), `"scope": "stop_all"`))
	step("from the intervention alone, then lost", "dropout", "event 30", tr.about("event.corrected", "p1", "withdrew-28", `"data": {"scope": "stop_intervention"}`))

	// One randomisation stands: another is refused until the first is voided.
	second := tr.named("assigned-again", "participant.randomised", "p1", day(1), `"arm": "b"`)
	if r := tr.offer(http.StatusBadRequest, second); len(r.Rejected) != 1 || r.Rejected[0].Code != "already_randomised" {
		t.Errorf("a second randomisation: %+v, want already_randomised", r)
	}
	tr.send(tr.about("event.voided", "p1", "assigned", ""))
	if arm := tr.attrition("cutoff=" + cutoff).arm("a"); arm.N != 0 {
		t.Errorf("%d participants after the randomisation was voided, want none", arm.N)
	}
	tr.send(second)
	// In arm b, assigned a day later: C = 39, lost on day 29.
	equal(t, "the randomisation that stands", tr.attrition("cutoff="+cutoff).arm("b").fate(), "event 29")

	if q := tr.quality(); q.Quarantined["already_randomised"] != 0 {
		t.Errorf("quarantined %v: the randomisation was accepted since", q.Quarantined)
	}
}

// TestTwoClocks: an event uploaded 30 days late, seen by cutoff and by as_of before and after it.
func TestTwoClocks(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC()
	ago := func(days int) string { return now.AddDate(0, 0, -days).Format(time.RFC3339) }
	tr := newTrial(t, "two-clocks", twelveWeeks+`, "arms": [{"id": "a", "role": "experimental", "components": ["app"]}]`)
	// The history comes from an import, which is not called late.
	tr.send(tr.event("participant.randomised", "p1", ago(40), `"arm": "a"`, `"modality": "imported"`),
		tr.event("participant.enrolled", "p1", ago(40), "", `"modality": "imported"`))
	uptake := func(parameters ...string) string {
		t.Helper()
		return tr.attrition(append(parameters, "kind=non_usage")...).arm("a").Uptake.String()
	}
	before := tr.attrition().AsOf
	equal(t, "before the upload", uptake(), "0/1")
	tr.send(tr.event("exercise.completed", "p1", ago(30), ""))
	equal(t, "after the upload", uptake(), "1/1")
	equal(t, "as of before the upload", uptake("as_of="+before), "0/1")
	equal(t, "cut off before the event", uptake("cutoff="+ago(31)), "0/1")
	equal(t, "cut off after the event", uptake("cutoff="+ago(29)), "1/1")
	equal(t, "cut off after the event, as of before the upload", uptake("cutoff="+ago(29), "as_of="+before), "0/1")

	q := tr.quality()
	if q.Events != 3 || q.Late1h != 1 || q.Late24h != 1 || q.Late7d != 1 {
		t.Errorf("of %d events %d, %d and %d are late, want 3 and one each", q.Events, q.Late1h, q.Late24h, q.Late7d)
	}
	if q := tr.quality("as_of=" + before); q.Events != 2 || q.Late7d != 0 {
		t.Errorf("as of before the upload: %d events, %d late; want 2 and none", q.Events, q.Late7d)
	}

	// A cut-off after as_of is refused, as is an as_of that has not come.
	path := "/v1/studies/" + tr.study + "/attrition"
	tr.ask(path, "as_of="+before, "cutoff="+now.Add(time.Minute).Format(time.RFC3339)).problem(t, http.StatusBadRequest)
	tr.ask(path, "as_of="+now.AddDate(0, 0, 2).Format(time.RFC3339)).problem(t, http.StatusBadRequest)

	// What is shown now is shown again, byte for byte, by asking for its clocks.
	live := tr.ask(path, "kind=non_usage", "after="+tr.position)
	var s stamp
	live.decode(t, &s)
	again := tr.ask(path, "kind=non_usage", "as_of="+s.AsOf, "cutoff="+s.Cutoff)
	if string(live.body) != string(again.body) {
		t.Errorf("asked again for as_of %s:\n%s\nwant\n%s", s.AsOf, again.body, live.body)
	}
}

// TestDefinitionVersions: a new version supersedes from its receipt on; the old one answers for what was seen before.
func TestDefinitionVersions(t *testing.T) {
	t.Parallel()
	definition := `"timezone": "UTC", "components": [{"id": "app", "channel": "app"}], "intervention": {"duration_days": 84, "period_days": 7},
		"engagement": {"id": "rules-%d"}, "non_usage": {"silence_days": %d}, "arms": [{"id": "a", "role": "experimental", "components": ["app"]}]`
	tr := newTrial(t, "versions", fmt.Sprintf(definition, 1, 14))
	tr.send(tr.life(life{name: "a", c: 40, diary: use(30)})...)
	// C = 40: with g = 14 A = 26, with g = 7 A = 33.
	first := tr.attrition("kind=non_usage", "cutoff="+cutoff)
	equal(t, "version 1", first.arm("a").fate(), "censored 25")
	tr.publish(fmt.Sprintf(definition, 2, 7))
	second := tr.attrition("kind=non_usage", "cutoff="+cutoff)
	equal(t, "version 2", second.arm("a").fate(), "event 30")
	if first.DefinitionVersion != 1 || second.DefinitionVersion != 2 || first.Definition != "rules-1" || second.Definition != "rules-2" {
		t.Errorf("stamped %d %s and %d %s", first.DefinitionVersion, first.Definition, second.DefinitionVersion, second.Definition)
	}
	equal(t, "as of before", tr.attrition("kind=non_usage", "cutoff="+cutoff, "as_of="+first.AsOf).arm("a").fate(), "censored 25")
	equal(t, "by the old rules", tr.attrition("kind=non_usage", "cutoff="+cutoff, "definition=rules-1").arm("a").fate(), "censored 25")

	// A new version may not drop an arm that has events.
	r := tr.offer(http.StatusBadRequest, tr.event("definition.published", "", "2026-01-01T00:00:00Z", fmt.Sprintf(
		`"id": %q, "title": "A study of the tests", "design": "randomised_controlled_trial", "components": [{"id": "app", "channel": "app"}],
		"intervention": {"duration_days": 84}, "arms": [{"id": "other", "components": ["app"]}]`, tr.study)))
	if len(r.Rejected) != 1 || r.Rejected[0].Code != "invalid_value" {
		t.Errorf("an arm was dropped: %+v, want a refusal", r)
	}
}

// TestEventsBeforeTheirDefinition: what comes before the definition that it needs is refused and kept, and counts by
// itself once that is published.
func TestEventsBeforeTheirDefinition(t *testing.T) {
	t.Parallel()
	tr := &trial{client: client{TB: t, base: sharedConnection(t).HTTP}, study: "early-" + strings.ToLower(rand.Text()[:8])}
	refused := func(code string, events ...string) {
		t.Helper()
		r := tr.offer(http.StatusBadRequest, events...)
		for _, one := range r.Rejected {
			if one.Code != code {
				t.Errorf("refused %+v, want %s", one, code)
			}
		}
		if len(r.Rejected) != len(events) {
			t.Errorf("%d of %d refused", len(r.Rejected), len(events))
		}
	}
	early := tr.life(life{name: "a", c: 40, diary: use(0, 25)})
	refused("unknown_study", early...)
	tr.publish(oneArm)
	tr.awaitEvents(t, 3)
	equal(t, "non-usage", tr.attrition("kind=non_usage", "cutoff="+cutoff).arm("a").fate(), "event 25")

	web := tr.event("exercise.completed", "a", cutoffDay.AddDate(0, 0, 26-40).Format(time.DateOnly)+"T09:00:00Z", "", `"component": "web"`)
	other := tr.event("participant.randomised", "p2", "2026-06-01T09:00:00Z", `"arm": "b"`)
	refused("unknown_component", web)
	refused("unknown_arm", other)
	if q := tr.quality(); q.Quarantined["unknown_component"] != 1 || q.Quarantined["unknown_arm"] != 1 || q.Quarantined["unknown_study"] != 0 {
		t.Errorf("quarantined %v, want one component and one arm", q.Quarantined)
	}
	tr.publish(`"timezone": "UTC", "components": [{"id": "app", "channel": "app"}, {"id": "web", "channel": "web"}],
		"intervention": {"duration_days": 84, "period_days": 7}, "non_usage": {"silence_days": 14},
		"arms": [{"id": "a", "role": "experimental", "components": ["app", "web"]}, {"id": "b", "role": "control", "components": []}]`)
	tr.awaitEvents(t, 5)
	equal(t, "non-usage with the other component", tr.attrition("kind=non_usage", "cutoff="+cutoff).arm("a").fate(), "censored 25")
	if q := tr.quality(); len(q.Quarantined) != 0 {
		t.Errorf("quarantined %v, want nothing: all were accepted since", q.Quarantined)
	}
	// Sent again by an app that was told they were refused: the same events still.
	r := tr.offer(http.StatusAccepted, append(early, web, other)...)
	if len(r.Rejected) != 0 {
		t.Errorf("sent again: %+v", r.Rejected)
	}
	tr.awaitEvents(t, 5)
}

// awaitEvents waits until the study has so many events, and complains if it has another number in the end.
func (tr *trial) awaitEvents(t *testing.T, n int) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(20 * time.Second)
	for {
		q := tr.quality()
		if q.Events == n {
			return
		}
		select {
		case <-limit:
			t.Fatalf("%d events after 20 s, want %d; quarantined %v", q.Events, n, q.Quarantined)
		case <-tick.C:
		}
	}
}
