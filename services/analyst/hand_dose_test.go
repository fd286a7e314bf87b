package analyst

import (
	"fmt"
	"strings"
	"testing"
)

func (tr *trial) dose(clock Clock, q DoseQuery) *Dose {
	tr.t.Helper()
	frame, records := tr.read(clock)
	out, err := frame.Dose(records, q)
	if err != nil {
		tr.t.Fatal(err)
	}
	finite(tr.t, out)
	return out
}

// kind returns the dose of a kind in the first arm.
func (d *Dose) kind(k DoseKind) KindDose {
	for _, one := range d.Arms[0].Kinds {
		if one.Kind == k {
			return one
		}
	}
	return KindDose{}
}

// totals writes the total of every kind in the first arm.
func totals(d *Dose) string {
	var out []string
	for _, k := range d.Arms[0].Kinds {
		out = append(out, k.Total.String())
	}
	return strings.Join(out, " ")
}

// Sessions, active minutes, modules, posts, replies, two-way contacts, calls; what the rules leave out.
func TestWhatIsADose(t *testing.T) {
	many := []string{
		"arms: [{id: a, components: [app, board, coaching]}, {id: b, components: [clinic]}]",
		"components: [{id: app, channel: app}, {id: board, channel: bulletin_board}, {id: coaching, channel: phone_call}, {id: clinic, channel: in_person}]",
	}
	for name, c := range map[string]struct {
		said func(*trial)
		want string
	}{
		"nothing": {func(*trial) {}, "0 0 0 0 0 0 0"},
		"session": {func(tr *trial) { tr.on(1, 9, "p", "session.started", "component=app", "active_seconds=90") }, "1 1.5 0 0 0 0 0"},
		"a session of two events": {func(tr *trial) {
			tr.on(1, 9, "p", "session.started", "component=app", "session_id=s")
			tr.on(1, 10, "p", "session.ended", "component=app", "session_id=s")
		}, "1 60 0 0 0 0 0"},
		"a session too short to qualify": {func(tr *trial) { tr.on(1, 9, "p", "session.started", "component=app", "active_seconds=30") }, "1 0.5 0 0 0 0 0"},
		"a session of a day is capped":   {func(tr *trial) { tr.on(1, 9, "p", "session.started", "component=app", "active_seconds=86400") }, "1 720 0 0 0 0 0"},
		"training by itself":             {func(tr *trial) { tr.on(1, 9, "p", "training.session_completed", "component=app", "minutes=20") }, "1 20 0 0 0 0 0"},
		"training within a session": {func(tr *trial) {
			tr.on(1, 9, "p", "session.started", "component=app", "active_seconds=5400")
			tr.on(1, 10, "p", "training.session_completed", "component=app", "minutes=20")
		}, "1 90 0 0 0 0 0"},
		"module, again": {func(tr *trial) {
			tr.on(1, 9, "p", "module.completed", "component=app", "module=one")
			tr.on(2, 9, "p", "module.completed", "component=app", "module=one")
		}, "0 0 2 0 0 0 0"},
		"posts and replies": {func(tr *trial) {
			tr.on(1, 9, "p", "post.created", "component=board")
			tr.on(1, 9, "p", "reply.created", "component=board")
			tr.on(1, 9, "p", "reaction.added", "component=board")
		}, "0 0 0 1 1 0 0"},
		"a peer's post": {func(tr *trial) { tr.on(1, 9, "p", "post.created", "component=board", "actorrole=peer") }, "0 0 0 0 0 0 0"},
		"contact": {func(tr *trial) {
			tr.on(1, 9, "p", "peer_contact.completed", "mode=phone_call", "two_way=true", "actorrole=peer")
		}, "0 0 0 0 0 1 0"},
		"contact, one-way":     {func(tr *trial) { tr.on(1, 9, "p", "peer_contact.completed", "mode=phone_call", "two_way=false") }, "0 0 0 0 0 0 0"},
		"calls":                {func(tr *trial) { tr.on(1, 9, "p", "call.ended", "both_present=true"); tr.on(1, 9, "p", "call.ended") }, "0 0 0 0 0 0 2"},
		"voicemail":            {func(tr *trial) { tr.on(1, 9, "p", "call.ended", "both_present=false") }, "0 0 0 0 0 0 0"},
		"before day 0":         {func(tr *trial) { tr.on(-1, 9, "p", "session.started", "component=app", "active_seconds=90") }, "0 0 0 0 0 0 0"},
		"in no elapsed period": {func(tr *trial) { tr.on(14, 9, "p", "session.started", "component=app", "active_seconds=90") }, "0 0 0 0 0 0 0"},
		"of another arm":       {func(tr *trial) { tr.on(1, 9, "p", "module.completed", "component=clinic") }, "0 0 0 0 0 0 0"},
		"test traffic":         {func(tr *trial) { tr.on(1, 9, "p", "module.completed", "component=app", "istest=true") }, "0 0 0 0 0 0 0"},
		"voided":               {func(tr *trial) { tr.void(on(3, 0), "p", tr.on(1, 9, "p", "module.completed", "component=app")) }, "0 0 0 0 0 0 0"},
		"corrected": {func(tr *trial) {
			tr.correct(on(3, 0), "p", tr.on(1, 9, "p", "call.ended", "both_present=true"), "both_present=false")
		}, "0 0 0 0 0 0 0"},
		"after withdrawal": {func(tr *trial) {
			tr.on(1, 9, "p", "participant.withdrew", "scope=stop_intervention")
			tr.on(2, 9, "p", "module.completed", "component=app")
		}, "0 0 0 0 0 0 0"},
		"in a pause of a period": {func(tr *trial) {
			tr.on(0, 8, "p", "participation.paused")
			tr.on(8, 8, "p", "participation.resumed")
			tr.on(1, 9, "p", "module.completed", "component=app")
		}, "0 0 0 0 0 0 0"},
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTrial(t, definition(t, many...))
			tr.join("p", "a")
			c.said(tr)
			tr.want("totals", totals(tr.dose(at(14), DoseQuery{})), c.want)
		})
	}
}

// At noon of day 21 three periods are over. Modules of p: 2, 0, 1; of q: 4, 0, -, as q is paused all through the third;
// r died in the second: 0, -, -.
func TestDosePerPeriodAndWeek(t *testing.T) {
	tr := newTrial(t, definition(t))
	for _, who := range []string{"p", "q", "r"} {
		tr.join(who, "a")
	}
	tr.join("s", "b")
	do := func(who string, days ...int) {
		for _, day := range days {
			tr.on(day, 9, who, "module.completed", "component=app")
		}
	}
	do("p", 0, 6, 14)
	do("q", 1, 2, 3, 4, 15)
	tr.on(14, 0, "q", "participation.paused")
	tr.on(10, 9, "r", "participant.died")
	got := tr.dose(at(21), DoseQuery{})
	modules := got.kind(DoseModules)
	if len(modules.Periods) != 3 || got.Arms[0].Evaluable != 3 {
		t.Fatalf("%+v", got.Arms[0])
	}
	first, second, third := modules.Periods[0], modules.Periods[1], modules.Periods[2]
	// 2, 4, 0: mean 2, median 2, type 7: q1 = 1, q3 = 3, p90 = 2 + 0.8·2 = 3.6; one of three had nothing.
	near(t, "mean", first.Mean, 2)
	near(t, "q1", first.Q1, 1)
	near(t, "q3", first.Q3, 3)
	near(t, "p90", first.P90, 3.6)
	tr.want("zeros", xn(first.Zeros), "1/3")
	tr.want("zeros of period 2", xn(second.Zeros), "2/2")
	if third.N != 1 || third.SD.OK() {
		t.Errorf("period 3: %+v", third)
	}
	near(t, "period 3", third.Mean, 1)
	near(t, "total", modules.Total, 7)
	// p: 3 in 3 weeks; q: 4 in 2; r: 0 in 1.
	near(t, "a week, mean", modules.PerWeek.Mean, 1)
	near(t, "a week, max", modules.PerWeek.Max, 2)
	if b := got.Arms[1]; b.Reason != ReasonNotInArm || b.Kinds[0].Total.OK() || b.Kinds[0].PerWeek.Reason != ReasonNotInArm || len(b.Kinds[0].Periods) != 0 {
		t.Errorf("arm b: %+v", b)
	}
	early := tr.dose(at(6), DoseQuery{})
	if a := early.Arms[0]; a.Reason != ReasonNothingElapsed || a.Kinds[0].PerWeek.Mean.OK() || a.Peers.Contacts.Reason != ReasonNothingElapsed {
		t.Errorf("day 6: %+v", a)
	}
}

func TestDoseByComponent(t *testing.T) {
	tr := newTrial(t, definition(t, "arms: [{id: a, components: [app, web]}, {id: b, components: [app]}]",
		"components: [{id: app, channel: app}, {id: web, channel: web}]"))
	tr.join("p", "a")
	tr.on(1, 9, "p", "module.completed", "component=app")
	tr.on(1, 9, "p", "module.completed", "component=web")
	got := tr.dose(at(7), DoseQuery{By: "component"})
	near(t, "both", got.kind(DoseModules).Total, 2)
	if len(got.Groups) != 2 || got.Groups[1].Group != "web" || got.Groups[1].Arms[1].Reason != ReasonNotInArm {
		t.Fatalf("%+v", got.Groups)
	}
	near(t, "of web", got.Groups[1].Arms[0].Kinds[doseModules].Total, 1)
	near(t, "asked for app", tr.dose(at(7), DoseQuery{Query: Query{Component: "app"}}).kind(DoseModules).Total, 1)
	frame, records := tr.read(at(7))
	if _, err := frame.Dose(records, DoseQuery{By: "site"}); err == nil {
		t.Error("by site is taken")
	}
}

func TestPeers(t *testing.T) {
	tr := newTrial(t, definition(t, "arms: [{id: a, components: [board, coaching]}, {id: b, components: []}]",
		"components: [{id: board, channel: bulletin_board}, {id: coaching, channel: phone_call}]"))
	for i, peer := range []string{"m1", "m1", "m2"} {
		who := fmt.Sprint("p", i)
		tr.join(who, "a")
		tr.on(0, 9, who, "peer.assigned", "peer="+peer)
	}
	tr.on(5, 9, "p1", "peer.changed", "peer=m2") // m1 has one, m2 two
	tr.join("p3", "a")
	for day := 1; day <= 5; day++ {
		tr.on(day, 9, "p0", "peer_contact.completed", "two_way=true", "mode=phone_call", "peer=m1")
	}
	tr.on(1, 9, "p1", "peer_contact.completed", "two_way=true", "mode=video_call") // of no component, and yet a contact
	tr.on(1, 9, "p1", "message.sent", "actorrole=peer", "direction=to_participant", "response_seconds=100")
	tr.on(1, 9, "p1", "message.replied", "direction=from_participant", "response_seconds=200")
	tr.on(2, 9, "p1", "message.replied", "direction=from_participant", "response_seconds=300")
	tr.on(2, 9, "p1", "message.sent", "actorrole=system", "automated=true", "response_seconds=1")
	tr.on(3, 9, "p2", "fidelity.rated", "actorrole=staff", "score=80")
	tr.on(4, 9, "p2", "fidelity.rated", "actorrole=staff", "score=90")
	// t1: p0, answered by p1. t2: p0 talks to itself. t3: p1, answered by one in no arm. t4: p2, no answer.
	tr.on(1, 8, "p0", "post.created", "thread=t1", "component=board")
	tr.on(1, 9, "p1", "reply.created", "thread=t1", "component=board")
	tr.on(1, 8, "p0", "post.created", "thread=t2", "component=board")
	tr.on(1, 9, "p0", "reply.created", "thread=t2", "component=board")
	tr.on(2, 8, "p0", "post.created", "thread=t3", "component=board")
	tr.on(1, 8, "p1", "post.created", "thread=t3", "component=board") // earlier, although told later
	tr.on(3, 8, "guest", "reply.created", "thread=t3", "component=board")
	tr.on(1, 8, "p2", "post.created", "thread=t4", "component=board")
	peers := tr.dose(at(14), DoseQuery{}).Arms[0].Peers
	// four participants of two elapsed periods: 6 of 8
	if peers.Contacts.Contacts != 6 || peers.Contacts.ParticipantPeriods != 8 {
		t.Errorf("contacts %+v", peers.Contacts)
	}
	near(t, "contacts", peers.Contacts.PerPeriod, 0.75)
	if peers.Response.N != 3 || peers.Response.ByPeer.N != 1 || peers.Response.ByParticipant.N != 2 {
		t.Errorf("responses %+v", peers.Response)
	}
	near(t, "median", peers.Response.Median, 200)
	near(t, "90th percentile", peers.Response.P90, 280) // 200 + 0.8·100
	if peers.Caseload.Peers != 2 || peers.Caseload.Unassigned != 1 {
		t.Errorf("caseload %+v", peers.Caseload)
	}
	near(t, "caseload", peers.Caseload.Mean, 1.5)
	near(t, "fidelity", peers.Fidelity.Mean, 85)
	tr.want("reciprocity", xn(peers.Reciprocity), "2/4")
	b := tr.dose(at(14), DoseQuery{}).Arms[1].Peers
	if b.Contacts.Reason != ReasonNotInArm || b.Response.Reason != ReasonNoResponses || b.Caseload.Reason != ReasonNoPeers ||
		b.Fidelity.Reason != ReasonNoRatings || b.Reciprocity.Reason != ReasonNoThreads {
		t.Errorf("arm b: %+v", b)
	}
	app := tr.dose(at(14), DoseQuery{Query: Query{Component: "coaching"}}).Arms[0].Peers
	if app.Contacts.Contacts != 5 {
		t.Errorf("contacts of coaching: %+v", app.Contacts)
	}
	if started := tr.dose(at(14), DoseQuery{Query: Query{Population: PerProtocol}}).Arms[0]; started.Reason != ReasonNoPerProtocol || started.Peers.Caseload.Reason != ReasonNoPerProtocol {
		t.Errorf("per protocol: %+v", started)
	}
}

// Two studies of one delivery type: 2 modules in 2 weeks and 6 in 2 weeks: 1 and 3 a week together.
func TestDoseAcrossStudies(t *testing.T) {
	var studies []StudySummary
	for _, modules := range []int{2, 6} {
		tr := newTrial(t, definition(t))
		tr.join("p", "a")
		tr.join("q", "b")
		for day := range modules {
			tr.on(day, 9, "p", "module.completed", "component=app")
		}
		frame, records := tr.read(at(14))
		s, err := frame.Summary(records, true)
		if err != nil {
			t.Fatal(err)
		}
		studies = append(studies, s)
	}
	out := CompareDeliveryTypes(studies, at(14))
	finite(t, out)
	for _, d := range out.DeliveryTypes {
		dose := d.Dose[doseModules]
		if d.DeliveryType != "peer_delivered_technology" {
			if dose.PerWeek.Reason != ReasonNothingElapsed || dose.PerWeek.Mean.OK() {
				t.Errorf("%s: %+v", d.DeliveryType, dose)
			}
			continue
		}
		if dose.PerWeek.N != 2 {
			t.Errorf("n %d", dose.PerWeek.N)
		}
		near(t, "mean", dose.PerWeek.Mean, 2)
		near(t, "min", dose.PerWeek.Min, 1)
	}
}
