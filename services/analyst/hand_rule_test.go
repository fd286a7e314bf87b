package analyst

import (
	"fmt"
	"testing"
)

// what says how many qualifying activities the events of one participant of arm a on day 3 are, by component.
func what(t *testing.T, tr *trial) string {
	t.Helper()
	_, records := tr.read(at(28))
	sums := make([]int, len(tr.def.Components))
	for _, u := range records[0].Uses {
		if u.Day != 3 {
			t.Errorf("a use on day %d", u.Day)
		}
		sums[u.Component] += u.Count
	}
	return fmt.Sprint(sums)
}

func TestDefaultRules(t *testing.T) {
	type said struct {
		typ        string
		attributes []string
	}
	one := func(typ string, attributes ...string) []said { return []said{{typ, attributes}} }
	for _, c := range []struct {
		channel string
		said    []said
		want    int
	}{
		{"listserv", one("post.created"), 1},
		{"listserv", one("reply.created"), 1},
		{"listserv", one("post.created", "actorrole=peer"), 0},
		{"listserv", one("digest.sent"), 0},
		{"bulletin_board", one("reaction.added"), 1},
		{"bulletin_board", one("thread.viewed", "view_seconds=30"), 1},
		{"bulletin_board", one("thread.viewed", "view_seconds=29"), 0},
		{"social_network", one("thread.viewed", "view_seconds=300", "actorrole=staff"), 0},
		{"shared_document", one("thread.viewed"), 0},
		{"app", one("session.started", "active_seconds=60"), 1},
		{"app", one("session.started", "active_seconds=59"), 0},
		{"app", one("session.started"), 0}, // start to the last event: 0
		{"app", one("module.completed"), 1},
		{"app", one("exercise.completed"), 1},
		{"web", one("training.session_completed"), 1},
		{"web", one("screen.viewed"), 0},
		{"app", one("prompt.delivered"), 0},
		{"text_message", one("message.replied"), 1},
		{"text_message", one("message.replied", "direction=from_participant"), 1},
		{"text_message", one("message.replied", "direction=to_participant"), 0},
		{"text_message", one("message.replied", "actorrole=peer"), 0},
		{"text_message", one("message.delivered"), 0},
		{"email", one("email.link_clicked"), 1},
		{"email", one("message.replied"), 1},
		{"email", one("email.opened"), 0},
		{"phone_call", one("call.ended", "both_present=true", "connected_seconds=300"), 1},
		{"phone_call", one("call.ended", "both_present=true", "connected_seconds=300", "actorrole=peer"), 1},
		{"phone_call", one("call.ended", "both_present=true", "connected_seconds=299"), 0},
		{"phone_call", one("call.ended", "connected_seconds=300"), 0},
		{"video_call", one("call.attempted"), 0},
		{"kiosk", one("module.completed"), 1},
		{"kiosk", one("kiosk.visit_started"), 0},
		{"tablet", one("tablet.handed_over"), 1},
		{"tablet", one("session.started"), 1},
		{"tablet", one("video.started"), 1},
		{"video", one("video.progressed", "unique_percent=75"), 1},
		{"video", one("video.completed", "unique_percent=74.9"), 0},
		{"video", one("video.started", "unique_percent=100"), 0},
		{"in_person", one("visit.attended", "actorrole=staff"), 1},
		{"in_person", one("visit.no_show"), 0},
		{"fitness_tracker", one("wear_day.recorded", "minutes_worn=480"), 1},
		{"fitness_tracker", one("tracker.synced"), 0},
		{"phone_call", one("peer_contact.completed", "two_way=true", "mode=phone_call", "actorrole=peer"), 1},
		{"app", one("peer_contact.completed", "two_way=true", "mode=app"), 1},
		{"app", one("peer_contact.completed", "two_way=false", "mode=app"), 0},
		{"app", one("peer_contact.completed", "mode=app"), 0},
	} {
		tr := newTrial(t, definition(t, "components: [{id: app, channel: "+c.channel+"}]"))
		tr.join("p", "a")
		for _, s := range c.said {
			tr.on(3, 9, "p", s.typ, append(s.attributes, "component=app")...)
		}
		if got, want := what(t, tr), fmt.Sprintf("[%d]", c.want); got != want {
			t.Errorf("%s: %v: %s, want %s", c.channel, c.said, got, want)
		}
	}
}

func TestSessions(t *testing.T) {
	def := definition(t)
	session := func(tr *trial, minute int, typ string, attributes ...string) {
		tr.say("p", typ, fmt.Sprintf("2026-01-08T%02d:%02d:00Z", 9+minute/60, minute%60), append(attributes, "component=app")...)
	}
	for name, c := range map[string]struct {
		said func(*trial)
		want string
		long int
	}{
		"one activity": {func(tr *trial) {
			session(tr, 0, "session.started", "session_id=s")
			session(tr, 5, "session.ended", "session_id=s", "active_seconds=100")
		}, "[1]", 0},
		"active seconds go before the clock": {func(tr *trial) {
			session(tr, 0, "session.started", "session_id=s")
			session(tr, 5, "session.ended", "session_id=s", "active_seconds=59")
		}, "[0]", 0},
		"from start to end": {func(tr *trial) {
			session(tr, 0, "session.started", "session_id=s")
			session(tr, 1, "session.ended", "session_id=s")
		}, "[1]", 0},
		"no end: to its last event, without the half hour": {func(tr *trial) {
			session(tr, 0, "session.started", "session_id=s")
			session(tr, 1, "screen.viewed", "session_id=s")
		}, "[1]", 0},
		"no end and nothing else: 0": {func(tr *trial) {
			session(tr, 0, "session.started", "session_id=s")
		}, "[0]", 0},
		"no ids: the end belongs to the begin": {func(tr *trial) {
			session(tr, 0, "session.started")
			session(tr, 2, "session.ended")
		}, "[1]", 0},
		"two sessions": {func(tr *trial) {
			session(tr, 0, "session.started", "session_id=s", "active_seconds=60")
			session(tr, 10, "session.started", "session_id=u", "active_seconds=60")
		}, "[2]", 0},
		"events of one that never began": {func(tr *trial) {
			session(tr, 0, "screen.viewed", "session_id=s")
			session(tr, 9, "screen.viewed", "session_id=s")
		}, "[0]", 0},
		"longer than twelve hours": {func(tr *trial) {
			session(tr, 0, "session.started", "session_id=s")
			session(tr, 721, "session.ended", "session_id=s")
		}, "[1]", 1},
		"of another": {func(tr *trial) {
			session(tr, 0, "session.started", "session_id=s", "actorrole=staff")
			session(tr, 9, "session.ended", "session_id=s", "actorrole=staff")
		}, "[0]", 0},
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTrial(t, def)
			tr.join("p", "a")
			c.said(tr)
			tr.want("activities", what(t, tr), c.want)
			if got := tr.quality(at(28)).LongSessions; got != c.long {
				t.Errorf("long sessions %d, want %d", got, c.long)
			}
		})
	}
}

// A session counts on the local day it began.
func TestSessionOverMidnight(t *testing.T) {
	tr := newTrial(t, definition(t))
	tr.join("p", "a")
	tr.say("p", "session.started", "2026-01-08T23:58:00Z", "component=app", "session_id=s")
	tr.say("p", "session.ended", "2026-01-09T00:10:00Z", "component=app", "session_id=s")
	tr.want("activities", what(t, tr), "[1]")
	// Ended after the cut-off, it is as long as what is known of it: nothing.
	_, records := tr.read(Clock{Cutoff: on(3, 24), AsOf: on(100, 0)})
	if len(records[0].Uses) != 0 {
		t.Errorf("before its end: uses %v", records[0].Uses)
	}
}

func TestKioskVisits(t *testing.T) {
	for name, c := range map[string]struct {
		end  string
		want string
	}{
		"five minutes":   {"2026-01-08T09:05:00Z", "[1]"},
		"a second less":  {"2026-01-08T09:04:59Z", "[0]"},
		"never ended":    {"", "[0]"},
		"ended too late": {"2026-01-08T21:00:01Z", "[0]"},
	} {
		tr := newTrial(t, definition(t, "components: [{id: app, channel: kiosk}]"))
		tr.join("p", "a")
		tr.say("p", "kiosk.visit_started", "2026-01-08T09:00:00Z")
		if c.end != "" {
			tr.say("p", "kiosk.visit_ended", c.end)
		}
		tr.want(name, what(t, tr), c.want)
	}
}

func TestOwnRules(t *testing.T) {
	rule := func(text string) string { return "engagement: {rules: {app: " + text + "}}" }
	for name, c := range map[string]struct {
		rule string
		said func(*trial)
		want string // participation over the first period
	}{
		"min_events, not reached": {"{types: [module.completed], min_events: 2}", func(tr *trial) {
			tr.on(3, 9, "p", "module.completed")
		}, "0/1"},
		"min_events": {"{types: [module.completed], min_events: 2}", func(tr *trial) {
			tr.on(3, 9, "p", "module.completed")
			tr.on(3, 10, "p", "module.completed")
		}, "1/1"},
		"min_days, one day": {"{types: [module.completed], min_days: 2}", func(tr *trial) {
			tr.on(3, 9, "p", "module.completed")
			tr.on(3, 10, "p", "module.completed")
		}, "0/1"},
		"min_days": {"{types: [module.completed], min_days: 2}", func(tr *trial) {
			tr.on(3, 9, "p", "module.completed")
			tr.on(4, 10, "p", "module.completed")
		}, "1/1"},
		"a given rule replaces the default": {"{types: [module.completed]}", func(tr *trial) {
			tr.on(3, 9, "p", "session.started", "active_seconds=3600")
		}, "0/1"},
		"equals": {"{types: [session.ended], where: {ended_by: {equals: user}}}", func(tr *trial) {
			tr.on(3, 9, "p", "session.ended", "ended_by=timeout")
		}, "0/1"},
		"max": {"{types: [module.completed], where: {percent: {max: 50}}}", func(tr *trial) {
			tr.on(3, 9, "p", "module.completed", "percent=51")
			tr.on(3, 9, "p", "module.completed") // absent: holds no condition
		}, "0/1"},
		"any_of, minima of a member": {"{any_of: [{types: [module.completed], min_events: 2}, {types: [exercise.completed]}]}", func(tr *trial) {
			tr.on(3, 9, "p", "module.completed")
		}, "0/1"},
		"any_of, the other member": {"{any_of: [{types: [module.completed], min_events: 2}, {types: [exercise.completed]}]}", func(tr *trial) {
			tr.on(3, 9, "p", "module.completed")
			tr.on(3, 9, "p", "exercise.completed")
		}, "1/1"},
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTrial(t, definition(t, rule(c.rule)))
			tr.join("p", "a")
			c.said(tr)
			tr.want("participation", xn(tr.engagement(at(7)).Arms[0].Participation.Rate), c.want)
		})
	}
}

func TestWhichComponent(t *testing.T) {
	def := definition(t,
		"arms: [{id: a, components: [app, site, coaching]}, {id: b, components: [board]}]",
		"components: [{id: app, channel: app}, {id: site, channel: web}, {id: coaching, channel: phone_call}, {id: board, channel: bulletin_board}]",
		"engagement: {rules: {site: {types: [module.completed]}}}")
	for name, c := range map[string]struct {
		typ                       string
		attributes                []string
		want                      string
		unassigned, contamination int
	}{
		"named":                         {"module.completed", []string{"component=app"}, "[1 0 0 0]", 0, 0},
		"by its channel":                {"module.completed", []string{"channel=web"}, "[0 1 0 0]", 0, 0},
		"by its type":                   {"exercise.completed", nil, "[1 0 0 0]", 0, 0},
		"two have its type":             {"module.completed", nil, "[0 0 0 0]", 1, 0},
		"a channel that is not there":   {"exercise.completed", []string{"channel=tablet"}, "[1 0 0 0]", 0, 0},
		"nothing decides":               {"video.completed", []string{"unique_percent=100"}, "[0 0 0 0]", 1, 0},
		"of another arm":                {"post.created", []string{"component=board"}, "[0 0 0 0]", 0, 1},
		"of another arm by its type":    {"post.created", nil, "[0 0 0 0]", 0, 1},
		"a peer contact by its mode":    {"peer_contact.completed", []string{"two_way=true", "mode=phone_call"}, "[0 0 1 0]", 0, 0},
		"whatever component it names":   {"peer_contact.completed", []string{"two_way=true", "mode=phone_call", "component=app"}, "[0 0 1 0]", 0, 0},
		"a mode that is not there":      {"peer_contact.completed", []string{"two_way=true", "mode=in_person", "component=app"}, "[1 0 0 0]", 0, 0},
		"a measure belongs to none":     {"measure.submitted", []string{"instrument=x", "timepoint=y", "score=1"}, "[0 0 0 0]", 0, 0},
		"test traffic is not looked at": {"video.completed", []string{"istest=true"}, "[0 0 0 0]", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTrial(t, def)
			tr.join("p", "a")
			tr.on(3, 9, "p", c.typ, c.attributes...)
			tr.want("activities", what(t, tr), c.want)
			q := tr.quality(at(28))
			if q.Unassigned != c.unassigned || *q.Contamination != c.contamination {
				t.Errorf("unassigned %d, contamination %d; want %d, %d", q.Unassigned, *q.Contamination, c.unassigned, c.contamination)
			}
		})
	}
}

func TestContaminationOfAControlArm(t *testing.T) {
	tr := newTrial(t, definition(t))
	tr.join("p", "b")
	tr.use("p", 3, 4)
	q := tr.quality(at(28))
	if *q.Contamination != 2 || len(q.ContaminationBy) != 1 || q.ContaminationBy[0] != (ContaminatedByOthers{"app", 1, 2}) {
		t.Errorf("contamination %d: %+v", *q.Contamination, q.ContaminationBy)
	}
	if arm := tr.attrition(at(28), AttritionQuery{}).Arms[1]; arm.Uptake.N != 0 {
		t.Errorf("uptake of the control arm %s", xn(arm.Uptake))
	}
}
