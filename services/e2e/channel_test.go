package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// ruleCase is what counts on a channel, and what does not.
type ruleCase struct{ name, channel, counts, misses string }

// TestDefaultRules: what counts on each channel when the definition says nothing, in period 1, and what comes near it and
// does not, in period 2. Every case is one participant of an arm with a component of that channel.
func TestDefaultRules(t *testing.T) {
	t.Parallel()
	cases := []ruleCase{
		{"post", "listserv", `post.created`, `digest.sent {"thread": "t1"} system`},
		{"reply", "bulletin_board", `reply.created`, `content.flagged`},
		{"reaction", "social_network", `reaction.added`, `group.joined`},
		{"view", "shared_document", `thread.viewed {"view_seconds": 30}`, `thread.viewed {"view_seconds": 29}`},
		{"app-session", "app", `session.ended {"session_id": "a", "active_seconds": 60}`, `session.ended {"session_id": "b", "active_seconds": 59}`},
		{"app-module", "app", `module.completed {"module": "m1"}`, `module.started {"module": "m1"}`},
		{"web-exercise", "web", `exercise.completed`, `screen.viewed`},
		{"web-training", "web", `training.session_completed {"tasks": 3, "minutes": 20}`, `prompt.opened`},
		{"text", "text_message", `message.replied {"direction": "from_participant"}`, `message.delivered {"direction": "to_participant"}`},
		{"mail", "email", `email.link_clicked`, `email.opened`},
		{"mail-reply", "email", `message.replied`, `message.delivered`},
		{"call", "phone_call", `call.ended {"both_present": true, "connected_seconds": 300}`, `call.ended {"both_present": true, "connected_seconds": 299}`},
		{"call-alone", "video_call", `call.ended {"both_present": true, "connected_seconds": 301}`, `call.ended {"both_present": false, "connected_seconds": 900}`},
		{"call-attempt", "phone_call", `call.ended {"both_present": true, "connected_seconds": 600}`, `call.attempted {"call_id": "c9"}`},
		{"kiosk-module", "kiosk", `module.completed {"module": "m1"}`, `kiosk.visit_started`},
		{"tablet", "tablet", `tablet.handed_over`, `screen.viewed`},
		{"tablet-session", "tablet", `session.ended {"session_id": "a", "active_seconds": 90}`, `tablet.handed_over staff`},
		{"video", "video", `video.progressed {"video": "v1", "unique_percent": 75}`, `video.progressed {"video": "v2", "unique_percent": 74}`},
		{"video-paused", "video", `video.completed {"video": "v1", "unique_percent": 100}`, `video.paused {"video": "v1"}`},
		{"visit", "in_person", `visit.attended`, `visit.no_show`},
	}
	var components, arms []string
	for _, c := range cases {
		components = append(components, fmt.Sprintf(`{"id": %q, "channel": %q}`, c.name, c.channel))
		arms = append(arms, fmt.Sprintf(`{"id": %q, "role": "experimental", "components": [%q]}`, c.name, c.name))
	}
	tr := newTrial(t, "default-rules", `"timezone": "UTC", "intervention": {"duration_days": 28, "period_days": 7},
		"components": [`+strings.Join(components, ", ")+`], "arms": [`+strings.Join(arms, ", ")+`]`)
	var events []string
	for _, c := range cases {
		diary := then(c.act(0, c.counts), c.act(8, c.misses))
		events = append(events, tr.life(life{name: c.name, c: 14, diary: diary})...)
	}
	tr.send(events...)
	got := tr.engagement("cutoff=" + cutoff)
	for _, c := range cases {
		if periods := got.arm(c.name).periods(); periods != "+-" {
			t.Errorf("%s: periods %q, want %q: %s counts, %s does not", c.name, periods, "+-", c.counts, c.misses)
		}
	}
}

// act reads "TYPE [DATA] [ROLE]", the event of the case's component on a day.
func (c ruleCase) act(day int, text string) act {
	typ, rest, _ := strings.Cut(text, " ")
	more := []string{fmt.Sprintf(`"component": %q`, c.name)}
	data := ""
	if end := strings.LastIndex(rest, "}"); end >= 0 {
		data, rest = rest[1:end], strings.TrimSpace(rest[end+1:])
	}
	if rest != "" {
		more = append(more, fmt.Sprintf(`"actorrole": %q`, rest))
	}
	return at(day, typ, data, more...)
}

// TestLongerActivities: what is told by several events: a session by its events, a visit by its two ends.
func TestLongerActivities(t *testing.T) {
	t.Parallel()
	later := func(day int, clock, typ, data string) act { return act{day, clock, typ, data, nil} }
	lives := []life{
		// Without active_seconds: from the start to the last event of the session.
		{name: "session-60s", c: 14, diary: then(later(0, "09:00", "session.started", `"session_id": "s"`), later(0, "09:01", "screen.viewed", `"session_id": "s"`)), periods: "+-"},
		{name: "session-0s", c: 14, diary: then(later(0, "09:00", "session.started", `"session_id": "s"`)), periods: "--"},
		// On the local day it began: day 6, in period 1.
		{name: "past-midnight", c: 14, diary: then(later(6, "23:50", "session.started", `"session_id": "s"`), later(7, "00:20", "session.ended", `"session_id": "s"`)), periods: "+-"},
	}
	tr := cohort(t, "sessions", fourWeeks, lives)
	tr.check(t, lives)

	lives = []life{
		{name: "visit-5min", c: 14, diary: then(later(0, "09:00", "kiosk.visit_started", ""), later(0, "09:05", "kiosk.visit_ended", "")), periods: "+-"},
		{name: "visit-4min", c: 14, diary: then(later(0, "09:00", "kiosk.visit_started", ""), later(0, "09:04", "kiosk.visit_ended", "")), periods: "--"},
		// Start to the next end.
		{name: "two-visits", c: 14, diary: then(later(0, "09:00", "kiosk.visit_started", ""), later(0, "09:02", "kiosk.visit_ended", ""), later(0, "09:08", "kiosk.visit_ended", "")), periods: "--"},
	}
	tr = cohort(t, "visits", strings.ReplaceAll(fourWeeks, `"channel": "app"`, `"channel": "kiosk"`), lives)
	tr.check(t, lives)
}

// TestUnassigned: an event that names no component belongs to the arm's component of its channel, or to the one whose
// rule has its type; where neither decides it belongs to none and is counted as such.
func TestUnassigned(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, "unassigned", `"timezone": "UTC", "intervention": {"duration_days": 28, "period_days": 7},
		"components": [{"id": "one", "channel": "app"}, {"id": "two", "channel": "app"}, {"id": "calls", "channel": "phone_call"}],
		"arms": [{"id": "a", "role": "experimental", "components": ["one", "two", "calls"]}]`)
	tr.send(tr.life(life{name: "a", c: 40, diary: then(
		at(0, "exercise.completed", ""),                                                     // of one or of two
		at(8, "call.ended", `"both_present": true, "connected_seconds": 400`),               // of the one that counts calls
		at(15, "exercise.completed", "", `"component": "two"`),                              // says so
		at(22, "exercise.completed", "", `"channel": "phone_call"`, `"istest": true`))})...) // test traffic is not looked at
	equal(t, "periods", tr.engagement("cutoff="+cutoff).arm("a").periods(), "-++-")
	if q := tr.quality("cutoff=" + cutoff); q.Unassigned != 1 || q.TestEvents != 1 || q.Events != 5 {
		t.Errorf("%d unassigned, %d test events of %d, want 1, 1 and 5", q.Unassigned, q.TestEvents, q.Events)
	}
}

// TestPopulations: everyone assigned, those who started, and those who kept to the protocol if it is declared.
func TestPopulations(t *testing.T) {
	t.Parallel()
	definition := fourWeeks + `, "arms": [{"id": "a", "role": "experimental", "components": ["app"]}]`
	tr := newTrial(t, "populations", definition)
	day0 := cutoffDay.AddDate(0, 0, -60)
	when := func(day int) string { return day0.AddDate(0, 0, day).Format(time.DateOnly) + "T09:00:00Z" }
	var events []string
	for subject, days := range map[string][]int{"never": nil, "once": {0}, "twice": {0, 8}, "begun": nil} {
		events = append(events, tr.event("participant.randomised", subject, when(0), `"arm": "a"`))
		for _, d := range days {
			events = append(events, tr.event("exercise.completed", subject, when(d), ""))
		}
	}
	events = append(events, tr.event("intervention.started", "begun", when(1), ""),
		tr.event("participant.lost_to_follow_up", "twice", when(20), ""), tr.event("participant.lost_to_follow_up", "never", when(20), ""))
	tr.send(events...)
	count := func(population string) string {
		t.Helper()
		return tr.attrition("cutoff="+cutoff, "population="+population).arm("a").Rate.String()
	}
	equal(t, "randomised", count("randomised"), "2/4")
	equal(t, "started", count("started"), "1/3")
	if got := tr.attrition("cutoff="+cutoff, "population=per_protocol").arm("a"); got.N != 0 || got.Rate.Value != nil || got.Reason == "" {
		t.Errorf("per protocol without a declaration: %+v, want null with a reason", got)
	}
	tr.publish(definition + `, "per_protocol": {"engaged_periods": 2}`)
	equal(t, "per protocol", count("per_protocol"), "1/1")

	// One arm, nothing randomised, in another study: everyone enrolled, from the day of enrolment on.
	tr = newTrial(t, "enrolled", `"design": "pre_post", `+definition)
	tr.send(tr.event("participant.enrolled", "p1", when(0), ""), tr.event("participant.lost_to_follow_up", "p1", when(20), ""))
	equal(t, "enrolled", tr.attrition("cutoff="+cutoff).arm("a").fate(), "event 20")
}
