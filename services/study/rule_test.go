package study_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/study"
)

// TestDefaultRules goes through the channels at the edge of every threshold.
func TestDefaultRules(t *testing.T) {
	for _, c := range []struct {
		channel event.Channel
		typ     string
		data    string
		want    bool
	}{
		{event.ChannelListserv, "post.created", `{}`, true},
		{event.ChannelBulletinBoard, "reply.created", `{}`, true},
		{event.ChannelSocialNetwork, "reaction.added", `{}`, true},
		{event.ChannelSharedDocument, "thread.viewed", `{"view_seconds":30}`, true},
		{event.ChannelSharedDocument, "thread.viewed", `{"view_seconds":29.9}`, false},
		{event.ChannelListserv, "thread.viewed", `{}`, false},
		{event.ChannelListserv, "digest.sent", `{}`, false},
		{event.ChannelApp, "session.started", `{"active_seconds":60}`, true},
		{event.ChannelWeb, "session.ended", `{"active_seconds":59}`, false},
		{event.ChannelApp, "module.completed", `{}`, true},
		{event.ChannelWeb, "exercise.completed", `{}`, true},
		{event.ChannelApp, "training.session_completed", `{}`, true},
		{event.ChannelApp, "screen.viewed", `{}`, false},
		{event.ChannelApp, "prompt.opened", `{}`, false},
		{event.ChannelTextMessage, "message.replied", `{}`, true},
		{event.ChannelTextMessage, "message.delivered", `{}`, false},
		{event.ChannelEmail, "email.link_clicked", `{}`, true},
		{event.ChannelEmail, "message.replied", `{}`, true},
		{event.ChannelEmail, "email.opened", `{}`, false},
		{event.ChannelPhoneCall, "call.ended", `{"both_present":true,"connected_seconds":300}`, true},
		{event.ChannelVideoCall, "call.ended", `{"both_present":true,"connected_seconds":299}`, false},
		{event.ChannelPhoneCall, "call.ended", `{"both_present":false,"connected_seconds":300}`, false},
		{event.ChannelPhoneCall, "call.ended", `{"connected_seconds":300}`, false},
		{event.ChannelPhoneCall, "call.attempted", `{}`, false},
		{event.ChannelKiosk, "module.completed", `{}`, true},
		{event.ChannelTablet, "tablet.handed_over", `{}`, true},
		{event.ChannelTablet, "video.completed", `{}`, true},
		{event.ChannelVideo, "video.completed", `{"unique_percent":75}`, true},
		{event.ChannelVideo, "video.progressed", `{"unique_percent":74.9}`, false},
		{event.ChannelVideo, "video.started", `{"unique_percent":80}`, false},
		{event.ChannelInPerson, "visit.attended", `{}`, true},
		{event.ChannelInPerson, "visit.no_show", `{}`, false},
		{event.ChannelFitnessTracker, "wear_day.recorded", `{"minutes_worn":480}`, true},
		{event.ChannelFitnessTracker, "wear_day.recorded", `{"minutes_worn":479}`, false},
		{event.ChannelFitnessTracker, "tracker.synced", `{}`, false},
		{event.ChannelKiosk, "peer_contact.completed", `{"two_way":true}`, true},
		{event.ChannelVideo, "peer_contact.completed", `{"two_way":false}`, false},
	} {
		rule := study.DefaultRule(c.channel, 7)
		raw := fmt.Sprintf(`{"specversion":"1.0","id":"1","source":"/x","type":%q,"subject":"p","study":"hope-2026","time":"2026-01-01T00:00:00Z","data":%s}`, c.typ, c.data)
		e, problems := event.Decode([]byte(raw), time.Time{})
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		if got := rule.Counts(c.typ, e.Data.Get); got != c.want {
			t.Errorf("%s: %s %s counts %t, want %t", c.channel, c.typ, c.data, got, c.want)
		}
	}
	for _, channel := range event.Channels() {
		rule := study.DefaultRule(channel, 7)
		for _, typ := range rule.AllTypes() {
			if _, ok := event.Lookup(typ); !ok {
				t.Errorf("%s: %s is not in the catalogue", channel, typ)
			}
		}
	}
}

func TestWearDaysOfAPeriod(t *testing.T) {
	for period, want := range map[int]int{1: 1, 7: 4, 8: 5, 14: 8, 30: 18} {
		if got := study.DefaultRule(event.ChannelFitnessTracker, period).MinDays; got != want {
			t.Errorf("a period of %d days asks for %d wear days, want %d", period, got, want)
		}
	}
}

func TestEngaged(t *testing.T) {
	rule := func(text string) study.Rule {
		d := parse(t, "design: pre_post\narms: [{id: one, components: [app]}]\ncomponents: [{id: app, channel: app}]\n"+
			"intervention: {duration_days: 84}\nengagement: {rules: {app: "+text+"}}\n")
		return d.RuleFor("app")
	}
	day := func(days ...int) (period []study.Activity) {
		for _, d := range days {
			period = append(period, study.Activity{Day: d, Branches: 1})
		}
		return period
	}
	other := []study.Activity{{Day: 0, Branches: 2}}
	for _, c := range []struct {
		rule   string
		period []study.Activity
		want   bool
	}{
		{"{types: [module.completed]}", nil, false},
		{"{types: [module.completed]}", day(3), true},
		{"{types: [module.completed], min_events: 3}", day(3, 3), false},
		{"{types: [module.completed], min_events: 3}", day(3, 3, 3), true},
		{"{types: [module.completed], min_days: 2}", day(3, 3, 3), false},
		{"{types: [module.completed], min_days: 2}", day(3, 4), true},
		{"{any_of: [{types: [module.completed], min_events: 2}, {types: [post.created]}]}", day(3), false},
		{"{any_of: [{types: [module.completed], min_events: 2}, {types: [post.created]}]}", day(3, 3), true},
		{"{any_of: [{types: [module.completed], min_events: 2}, {types: [post.created]}]}", other, true},
		{"{any_of: [{types: [module.completed]}, {types: [post.created]}], min_events: 2}", other, false},
		{"{any_of: [{types: [module.completed]}, {types: [post.created]}], min_events: 2}", append(day(0), other...), true},
	} {
		r := rule(c.rule)
		if got := r.Engaged(c.period); got != c.want {
			t.Errorf("%s with %v is engaged %t, want %t", c.rule, c.period, got, c.want)
		}
	}
}

func TestActors(t *testing.T) {
	for _, c := range []struct {
		typ  string
		role event.ActorRole
		want bool
	}{
		{"session.started", "", true}, {"session.started", event.RoleParticipant, true}, {"thread.viewed", event.RoleStaff, false},
		{"message.replied", event.RolePeer, false}, {"peer_contact.completed", event.RolePeer, true}, {"call.ended", event.RoleClinician, true},
		{"visit.attended", event.RoleStaff, true}, {"call.ended", event.RoleSystem, false},
	} {
		if got := study.ActorCounts(c.typ, c.role); got != c.want {
			t.Errorf("%s by %q counts %t, want %t", c.typ, c.role, got, c.want)
		}
	}
}

func TestDefinitionAsJSON(t *testing.T) {
	text, err := json.Marshal(read(t, "hope.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var back map[string]any
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if strata, ok := back["strata"].(map[string]any); !ok || len(strata) != 1 {
		t.Errorf("strata are %v", back["strata"])
	}
}
