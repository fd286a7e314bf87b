package analyst

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/store"
	"github.com/throughline-trials/throughline/services/study"
)

// life is a definition with a component of each kind of rule.
func life(t testing.TB) *study.Definition {
	return definition(t,
		"timezone: America/New_York",
		"arms: [{id: a, components: [app, coaching, band, clinic, desk]}, {id: b, role: control, components: [board]}]",
		"components: [{id: app, channel: app}, {id: coaching, channel: phone_call}, {id: band, channel: fitness_tracker}, "+
			"{id: clinic, channel: in_person}, {id: desk, channel: kiosk}, {id: board, channel: bulletin_board}]",
		"assessments: [{instrument: hope, primary: true, timepoints: [{id: base, day: 0, window_days: 3}, {id: end, day: 20, window_days: 5}]}]",
		"completion: {modules: 2, sessions: 1}", "strata: {sex: [female, male]}", "sites: [{id: west, timezone: America/Los_Angeles}]")
}

// said is one kind of event that may be said of a participant.
type said struct {
	typ        string
	attributes []string
}

func sayings() []said {
	return []said{
		{"session.started", []string{"session_id=s"}}, {"session.started", []string{"active_seconds=90"}}, {"session.ended", []string{"session_id=s"}},
		{"session.ended", nil}, {"session.started", nil}, {"module.completed", []string{"component=app", "module=one"}},
		{"module.completed", []string{"component=app", "module=two"}}, {"module.completed", nil}, {"exercise.completed", []string{"istest=true"}},
		{"call.ended", []string{"both_present=true", "connected_seconds=300", "actorrole=peer"}},
		{"wear_day.recorded", []string{"minutes_worn=500", "covered_from=2026-01-09T05:00:00Z"}}, {"wear_day.recorded", []string{"minutes_worn=480"}},
		{"visit.attended", nil}, {"kiosk.visit_started", nil}, {"kiosk.visit_ended", nil}, {"post.created", nil},
		{"peer_contact.completed", []string{"two_way=true", "mode=phone_call"}}, {"peer.assigned", []string{"peer=m1"}}, {"peer.assigned", []string{"peer=m2"}},
		{"participation.paused", nil}, {"participation.resumed", nil}, {"participant.lost_to_follow_up", nil}, {"participant.completed", nil},
		{"participant.died", nil}, {"participant.withdrew", []string{"scope=stop_intervention"}}, {"participant.withdrew", []string{"scope=stop_all"}},
		{"measure.submitted", []string{"instrument=hope", "timepoint=base", "score=4"}}, {"measure.submitted", []string{"instrument=hope", "timepoint=end", "score=7"}},
		{"participant.screened", []string{"eligible=true"}}, {"participant.screened", []string{"eligible=false", "reason=other_trial"}},
		{"message.replied", []string{"response_seconds=60"}}, {"message.sent", []string{"actorrole=peer", "response_seconds=90"}},
		{"post.created", []string{"thread=t1"}}, {"reply.created", []string{"thread=t1"}}, {"fidelity.rated", []string{"actorrole=staff", "score=80"}},
		{"training.session_completed", []string{"component=app", "minutes=15"}}, {"consent.withdrawn", nil}, {"peer.changed", []string{"peer=m3"}},
		{"intervention.completed", nil}, {"intervention.discontinued", []string{"decided_by=sponsor"}}, {"intervention.started", nil},
		{"technical_fault.reported", []string{"blocks_use=true"}}, {"participant.enrolled", []string{"site=west", `strata={"sex":"male"}`}},
	}
}

// invent says a random history of one participant, with voids and corrections. Everything is received at once.
func invent(t *rapid.T, tr *trial, who string) {
	received := on(60, 0)
	zones := []string{"", "timezone=Pacific/Kiritimati", "timezone=America/New_York"}
	var ids []string
	say := func(typ string, attributes ...string) {
		minute := rapid.IntRange(-1440, 40*1440).Draw(t, "minute")
		if zone := rapid.SampledFrom(zones).Draw(t, "zone"); zone != "" {
			attributes = append(slices.Clone(attributes), zone)
		}
		at := monday.Add(time.Duration(minute) * time.Minute)
		ids = append(ids, tr.hear(received, who, typ, at.Format(time.RFC3339), attributes...))
	}
	say("participant.randomised", "arm="+rapid.SampledFrom([]string{"a", "a", "b"}).Draw(t, "arm"))
	for range rapid.IntRange(0, 40).Draw(t, "events") {
		s := rapid.SampledFrom(sayings()).Draw(t, "saying")
		say(s.typ, s.attributes...)
	}
	for range rapid.IntRange(0, 4).Draw(t, "voids") {
		ids = append(ids, tr.void(received, who, rapid.SampledFrom(ids).Draw(t, "voided")))
	}
	for _, target := range slices.Compact(rapid.SliceOfN(rapid.SampledFrom(ids), 0, 1).Draw(t, "corrected")) {
		tr.correct(received, who, target, "time=2026-01-20T09:00:00Z")
	}
}

// TestOrderDoesNotMatter: in whatever order rows lie, and among whatever markers, the record is the same.
func TestOrderDoesNotMatter(t *testing.T) {
	def := life(t)
	rapid.Check(t, func(rt *rapid.T) {
		tr := newTrial(t, def)
		invent(rt, tr, "p")
		clock := at(rapid.IntRange(0, 45).Draw(rt, "cutoff"))
		want := Derive(def, tr.rows, clock)
		shuffled := rapid.Permutation(tr.rows).Draw(rt, "order")
		for _, r := range tr.rows {
			r.Kind = store.KindDuplicate
			shuffled = append(shuffled, r)
		}
		if got := Derive(def, shuffled, clock); !reflect.DeepEqual(got, want) {
			rt.Fatalf("shuffled: %+v\nwant %+v", got, want)
		}
	})
}

// TestDelayChangesNoNumber: events that come later, in another order and with other sequences give the same numbers once
// they are there; but for lateness, and for sets in which two randomisations or corrections compete.
func TestDelayChangesNoNumber(t *testing.T) {
	def := life(t)
	rapid.Check(t, func(rt *rapid.T) {
		tr := newTrial(t, def)
		invent(rt, tr, "p")
		clock := at(rapid.IntRange(0, 45).Draw(rt, "cutoff"))
		want := Derive(def, tr.rows, clock)
		delayed := rapid.Permutation(tr.rows).Draw(rt, "order")
		for i := range delayed {
			delayed[i].Seq = uint64(i + 1)
			delayed[i].Received = delayed[i].Received.AddDate(0, 0, rapid.IntRange(0, 30).Draw(rt, "days"))
		}
		got := Derive(def, delayed, clock)
		for _, r := range []*Record{&got, &want} {
			r.Counts.Late1h, r.Counts.Late24h, r.Counts.Late7d, r.Counts.Skew = 0, 0, 0, nil
		}
		if !reflect.DeepEqual(got, want) {
			rt.Fatalf("delayed: %+v\nwant %+v", got, want)
		}
	})
}

// TestRecordHoldsForItsCutoffs: a record derived at one cut-off gives at another one that it holds for what a record
// derived there gives.
func TestRecordHoldsForItsCutoffs(t *testing.T) {
	def := life(t)
	rapid.Check(t, func(rt *rapid.T) {
		tr := newTrial(t, def)
		invent(rt, tr, "p")
		tr.on(70, 0, "", "outage.declared", "from=2026-01-13T00:00:00Z", "to=2026-01-18T00:00:00Z")
		first, second := at(rapid.IntRange(0, 45).Draw(rt, "first")), at(rapid.IntRange(0, 45).Draw(rt, "second"))
		study, rows := tr.rows[len(tr.rows)-1:], tr.rows[:len(tr.rows)-1]
		one, other := Derive(def, rows, first), Derive(def, rows, second)
		if !one.holds(second.Cutoff) {
			return
		}
		frame := NewFrame(def, 1, study, second)
		if got, want := everything(t, frame, &one), everything(t, frame, &other); got != want {
			rt.Fatalf("read at %s:\n%s\nwant\n%s", second.Cutoff, got, want)
		}
	})
}

// everything is all that a frame says of one record.
func everything(t testing.TB, f *Frame, r *Record) string {
	var out string
	add := func(v any, err error) {
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out += string(b) + "\n"
	}
	for _, q := range []AttritionQuery{{By: "sex"}, {Kind: NonUsage, By: "component"}, {Kind: NonUsage, Variant: FirstLapse, By: "site"}} {
		a, err := f.Attrition([]*Record{r}, q)
		add(a, err)
	}
	e, err := f.Engagement([]*Record{r}, EngagementQuery{})
	add(e, err)
	add(f.Quality([]*Record{r}, Refusals{}), nil)
	add(f.Flow([]*Record{r}), nil)
	d, err := f.Dose([]*Record{r}, DoseQuery{By: "component"})
	add(d, err)
	o, err := f.Outcomes([]*Record{r}, Query{})
	add(o, err)
	l, err := f.Differential([]*Record{r}, DifferentialQuery{})
	add(l, err)
	return out
}

// TestAnswersAreFinite: no answer holds what JSON cannot, whatever was said.
func TestAnswersAreFinite(t *testing.T) {
	def := life(t)
	rapid.Check(t, func(rt *rapid.T) {
		tr := newTrial(t, def)
		for i := range rapid.IntRange(0, 6).Draw(rt, "participants") {
			invent(rt, tr, fmt.Sprintf("p%d", i))
		}
		frame, records := tr.read(at(rapid.IntRange(0, 45).Draw(rt, "cutoff")))
		for _, population := range []Population{Randomised, Started, PerProtocol} {
			for _, portion := range []event.Portion{event.PortionAll, event.PortionInPerson} {
				q := Query{Population: population, Portion: portion}
				a, err := frame.Attrition(records, AttritionQuery{Query: q, Kind: NonUsage, Strata: []string{"sex"}})
				if err != nil {
					rt.Fatal(err)
				}
				if _, err := json.Marshal(a); err != nil {
					rt.Fatal(err)
				}
				checkArms(rt, a)
			}
		}
	})
}

func checkArms(t *rapid.T, a *Attrition) {
	for _, arm := range a.Arms {
		if arm.Reason == "" && arm.N+arm.TooEarly != arm.Participants || arm.Events > arm.N {
			t.Fatalf("arm %s: n %d, too early %d, events %d of %d", arm.Arm, arm.N, arm.TooEarly, arm.Events, arm.Participants)
		}
		events := 0
		for _, row := range arm.Curve {
			events += row.Events
		}
		if events != arm.Events {
			t.Fatalf("arm %s: %d events on the curve, %d counted", arm.Arm, events, arm.Events)
		}
	}
}

// TestPackedRows: rows kept in memory give the record that rows from the facts give.
func TestPackedRows(t *testing.T) {
	def := life(t)
	rapid.Check(t, func(rt *rapid.T) {
		tr := newTrial(t, def)
		invent(rt, tr, "p")
		for i := range tr.rows {
			tr.rows[i].Table = store.TableEvents
			if tr.rows[i].Event.Type == event.TypeRandomised {
				tr.rows[i].Table = store.TableAllocations
			}
		}
		clock := at(rapid.IntRange(0, 45).Draw(rt, "cutoff"))
		who := store.Participant{Study: "hand-1", Participant: "p"}
		cut := rapid.IntRange(0, len(tr.rows)).Draw(rt, "first part")
		h := newHot(1 << 20)
		h.put(who, tr.rows[:cut])
		h.add(nil, who, tr.rows[cut:])
		rows, ok := h.add(nil, who, tr.rows) // what it has already changes nothing
		if !ok || len(rows) != len(tr.rows) {
			rt.Fatalf("%d rows, want %d", len(rows), len(tr.rows))
		}
		if got, want := Derive(def, rows, clock), Derive(def, tr.rows, clock); !reflect.DeepEqual(got, want) {
			rt.Fatalf("packed: %+v\nwant %+v", got, want)
		}
	})
}

func TestHotIsBounded(t *testing.T) {
	tr := newTrial(t, definition(t))
	tr.join("p", "a")
	tr.use("p", 1, 2, 3)
	h := newHot(2000)
	for i := range 100 {
		who := store.Participant{Study: "hand-1", Participant: fmt.Sprintf("p%d", i)}
		h.put(who, tr.rows)
		if h.size > 2000 {
			t.Fatalf("%d bytes after %d participants", h.size, i+1)
		}
		if _, ok := h.add(nil, who, nil); !ok {
			t.Fatalf("the last is not kept")
		}
	}
	if _, ok := h.add(nil, store.Participant{Study: "hand-1", Participant: "p0"}, nil); ok {
		t.Error("the first is still kept")
	}
	for len(h.kept) > 0 {
		h.drop(h.order.Back().Value.(*packed).who)
	}
	if h.size != 0 {
		t.Errorf("%d bytes of nothing", h.size)
	}
}
