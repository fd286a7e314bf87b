package study_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/study"
)

// parse reads a definition made of what has no default and the given lines.
func parse(t *testing.T, lines string) *study.Definition {
	t.Helper()
	d, err := study.Parse([]byte("id: hope-2026\ntitle: A title\n"+lines), "")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

const oneArm = "design: pre_post\narms: [{id: one}]\n"

func TestDefaults(t *testing.T) {
	d := parse(t, oneArm+"intervention: {duration_days: 84}\n")
	if d.Timezone != "UTC" || d.Location().String() != "UTC" || d.PeriodDays() != 7 || d.AccessDays() != 84 || d.FollowUpDays != 84 ||
		d.SilenceDays("") != 14 || d.Periods() != 12 || d.DefinitionID() != "default-1" || d.Blinding.Analysts != study.SightOpen ||
		d.Engagement.Combine != study.CombineAny || d.Engagement.Throughout != study.Whole || d.Engagement.Headline != study.HeadlineParticipation ||
		d.Erasure.LegalBasis != "consent" || d.Disclosure != nil || d.PerProtocol != nil || d.Completion != nil {
		t.Errorf("defaults: %+v", d)
	}
	if arm := d.Arms[0]; arm.Role != study.RoleControl || arm.DeliveryType != event.DeliveryNone || arm.Label != "one" {
		t.Errorf("an arm without components is %+v", arm)
	}
	randomised := parse(t, "design: randomised_controlled_trial\narms: [{id: one}]\nintervention: {duration_days: 84}\n")
	if randomised.Blinding.Analysts != study.SightCoded {
		t.Error("a randomised design is not coded by default")
	}
}

func TestSilenceDefault(t *testing.T) {
	for _, c := range []struct {
		intervention string
		want         int
	}{
		{"{duration_days: 84, period_days: 7}", 14},
		{"{duration_days: 84, period_days: 14}", 28},
		{"{duration_days: 84, period_days: 1}", 14},
		{"{duration_days: 15}", 14},
		{"{duration_days: 14}", 13}, // never as long as the intervention
		{"{duration_days: 2}", 1},
		{"{duration_days: 84, access_days: 10}", 9},
	} {
		if got := parse(t, oneArm+"intervention: "+c.intervention+"\n").SilenceDays(""); got != c.want {
			t.Errorf("%s: %d silent days, want %d", c.intervention, got, c.want)
		}
	}
}

func TestArmsAndComponents(t *testing.T) {
	d := parse(t, `design: randomised_controlled_trial
arms:
  - {id: usual, role: control}
  - {id: both, role: experimental, delivery_type: peer_delivered_technology, components: [app, visits]}
  - {id: calls, role: active_comparator, components: [calls]}
components:
  - {id: app, channel: app}
  - {id: visits, channel: in_person, delivery_type: synchronous}
  - {id: calls, channel: phone_call, delivery_type: synchronous, portion: in_person}
intervention: {duration_days: 84}
timezone: America/New_York
sites: [{id: a, timezone: Europe/London}, {id: b}]
non_usage: {silence_days: 10, by_component: {calls: 28}}
`)
	if arm, ok := d.HeadlineArm(); !ok || arm.ID != "both" {
		t.Errorf("headline arm %+v", arm)
	}
	if arm, _ := d.Arm("calls"); arm.DeliveryType != event.DeliverySynchronous {
		t.Error("an arm does not take the delivery type that its components agree on")
	}
	if d.DeliveryTypeOf("app", "both") != event.DeliveryPeerDelivered || d.DeliveryTypeOf("visits", "both") != event.DeliverySynchronous {
		t.Error("delivery types of components")
	}
	if d.PortionOf("app") != event.PortionTechnology || d.PortionOf("visits") != event.PortionInPerson || d.PortionOf("calls") != event.PortionInPerson {
		t.Error("portions of components")
	}
	if got := d.ArmComponents("both", event.PortionInPerson); len(got) != 1 || got[0] != "visits" {
		t.Errorf("in-person components %v", got)
	}
	if d.SiteLocation("a").String() != "Europe/London" || d.SiteLocation("b").String() != "America/New_York" || d.SiteLocation("?") != d.Location() {
		t.Error("zones of sites")
	}
	if d.SilenceDays("calls") != 28 || d.SilenceDays("app") != 10 || d.ArmIndex("calls") != 2 || d.ArmIndex("none") != -1 {
		t.Error("silence or order of arms")
	}
}

func TestDisclosureForms(t *testing.T) {
	for text, want := range map[string]study.Disclosure{
		"{policy: nhs5}": {Policy: "nhs5", K: 5, RoundBase: 5},
		"{policy: {k: 6, zero_is_safe: true, min_denominator: 30}}": {K: 6, ZeroIsSafe: true, MinDenominator: 30},
		"{k: 6, round_base: 5}": {K: 6, RoundBase: 5},
	} {
		d := parse(t, oneArm+"intervention: {duration_days: 84}\ndisclosure: "+text+"\n")
		if *d.Disclosure != want {
			t.Errorf("%s is %+v, want %+v", text, *d.Disclosure, want)
		}
	}
}

func TestShare(t *testing.T) {
	for text, want := range map[string]string{"1": "1", "1.0": "1", "0.75": "0.75", "0.750000000000": "0.75", "0.000000001": "0.000000001"} {
		share, err := study.ParseShare(text)
		if err != nil || share.String() != want {
			t.Errorf("%s is %s, %v", text, share, err)
		}
	}
	for _, bad := range []string{"", "0", "0.0", "1.1", "-0.5", ".5", "2", "1e-1", "0.0000000001", "0.5x", strings.Repeat("0", 100)} {
		if _, err := study.ParseShare(bad); err == nil {
			t.Errorf("%q is taken for a share", bad)
		}
	}
	share, _ := study.ParseShare("0.1")
	if !share.Reached(3, 30) || share.Reached(2, 21) || !share.Reached(0, 0) {
		t.Error("0.1 is not exact")
	}
}

func TestCompatible(t *testing.T) {
	old := parse(t, "design: pre_post\narms: [{id: one, components: [app]}, {id: two}]\ncomponents: [{id: app, channel: app}, {id: web, channel: web}]\nintervention: {duration_days: 84}\n")
	next := parse(t, "design: pre_post\narms: [{id: one, label: New words}]\nintervention: {duration_days: 84}\n")
	if err := study.Compatible(old, next, study.Usage{}); err != nil {
		t.Errorf("nothing has events: %v", err)
	}
	if err := study.Compatible(nil, next, study.Usage{}); err != nil {
		t.Error(err)
	}
	used := study.Usage{Arms: map[string]bool{"one": true, "two": true}, Components: map[string]bool{"app": true}}
	var problems study.Problems
	if err := study.Compatible(old, next, used); !errors.As(err, &problems) || len(problems) != 2 {
		t.Errorf("dropped arm and component: %v", err)
	}
	if err := study.Compatible(old, old, used); err != nil {
		t.Error(err)
	}
}
