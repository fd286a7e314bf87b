package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/analyst"
	"github.com/throughline-trials/throughline/services/store"
	"github.com/throughline-trials/throughline/services/study"
)

// twoArms is the study of the properties of order.
const twoArms = `"timezone": "Europe/Dublin", "components": [{"id": "app", "channel": "app"}, {"id": "calls", "channel": "phone_call"}],
	"intervention": {"duration_days": 42, "period_days": 7}, "follow_up_days": 60, "completion": {"modules": 3},
	"arms": [{"id": "one", "role": "experimental", "components": ["app", "calls"]}, {"id": "two", "role": "control", "components": ["app"]}]`

// saying is one event without its study.
type saying struct {
	id, typ, subject, when, data string
	more                         []string
}

func (tr *trial) say(s saying) string {
	return tr.named(s.id, s.typ, s.subject, s.when, s.data, s.more...)
}

// history draws what happened to some participants: randomised once each, at most one correction of each event, and no
// two events at the same second.
func history(rt *rapid.T) []saying {
	var all []saying
	add := func(subject, typ string, day int, data string, more ...string) {
		n := len(all)
		at := cutoffDay.AddDate(0, 0, day-50).Add(time.Duration(rapid.IntRange(0, 47).Draw(rt, "half hour"))*30*time.Minute + time.Duration(n)*time.Second)
		zone := rapid.SampledFrom([]string{"", `"timezone": "Pacific/Auckland"`, `"timezone": "America/Denver"`}).Draw(rt, "zone")
		if zone != "" {
			more = append(more, zone)
		}
		all = append(all, saying{fmt.Sprintf("h%d", n), typ, subject, at.Format(time.RFC3339), data, more})
	}
	kinds := []struct{ typ, data, more string }{
		{"exercise.completed", "", ""}, {"module.completed", `"module": "m%d"`, ""}, {"session.started", `"session_id": "s%d"`, ""},
		{"session.ended", `"session_id": "s%d"`, ""}, {"exercise.completed", "", `"istest": true`}, {"exercise.completed", "", `"actorrole": "staff"`},
		{"call.ended", `"call_id": "c%d", "connected_seconds": 400, "both_present": true`, `"component": "calls"`},
		{"participation.paused", "", ""}, {"participation.resumed", "", ""}, {"participant.withdrew", `"scope": "stop_intervention"`, ""},
		{"participant.withdrew", `"scope": "stop_all"`, ""}, {"participant.lost_to_follow_up", "", ""}, {"participant.completed", "", ""},
		{"participant.died", "", ""}, {"intervention.completed", "", ""}, {"intervention.discontinued", `"decided_by": "sponsor"`, ""},
		{"participant.enrolled", "", ""},
	}
	if rapid.Bool().Draw(rt, "outage") {
		from := cutoffDay.AddDate(0, 0, rapid.IntRange(-50, 5).Draw(rt, "from"))
		data := fmt.Sprintf(`"from": %q`, from.Format(time.RFC3339))
		if length := rapid.IntRange(0, 20).Draw(rt, "days"); length > 0 {
			data += fmt.Sprintf(`, "to": %q, "component": "app"`, from.AddDate(0, 0, length).Format(time.RFC3339))
		}
		add("", "outage.declared", 10, data)
	}
	for p := range rapid.IntRange(1, 4).Draw(rt, "participants") {
		subject := fmt.Sprintf("p%d", p)
		add(subject, "participant.randomised", rapid.IntRange(0, 30).Draw(rt, "day 0"), fmt.Sprintf(`"arm": %q`, rapid.SampledFrom([]string{"one", "two"}).Draw(rt, "arm")))
		for range rapid.IntRange(0, 14).Draw(rt, "events") {
			// Use is more common than all else.
			k := kinds[max(0, rapid.IntRange(-12, len(kinds)-1).Draw(rt, "kind"))]
			data := k.data
			if strings.Contains(data, "%d") {
				data = fmt.Sprintf(data, rapid.IntRange(1, 3).Draw(rt, "which"))
			}
			if k.more != "" {
				add(subject, k.typ, rapid.IntRange(-2, 52).Draw(rt, "day"), data, k.more)
			} else {
				add(subject, k.typ, rapid.IntRange(-2, 52).Draw(rt, "day"), data)
			}
		}
	}
	corrected := map[int]bool{}
	for range rapid.IntRange(0, 6).Draw(rt, "changes") {
		n := rapid.IntRange(0, len(all)-1).Draw(rt, "target")
		target := fmt.Sprintf(`"target_source": "/tests", "target_id": %q`, all[n].id)
		if !corrected[n] && all[n].typ != "event.corrected" && all[n].typ != "event.voided" && rapid.Bool().Draw(rt, "correct") {
			corrected[n] = true
			add(all[n].subject, "event.corrected", 55, target+fmt.Sprintf(`, "time": %q`, cutoffDay.AddDate(0, 0, rapid.IntRange(-50, 2).Draw(rt, "moved to")).Add(time.Duration(n)*time.Second).Format(time.RFC3339)))
			continue
		}
		add(all[n].subject, "event.voided", 55, target)
	}
	return all
}

// TestOrder: the same events shuffled, and each sent three times, leave the same counted facts and the same numbers.
func TestOrder(t *testing.T) {
	t.Parallel()
	database := openFacts(t, sharedConnection(t))
	rapid.Check(t, func(rt *rapid.T) {
		all := history(rt)
		once, thrice := newTrial(t, "order", twoArms), newTrial(t, "order", twoArms)
		var events, shuffled []string
		for _, s := range all {
			events = append(events, once.say(s))
			shuffled = append(shuffled, thrice.say(s), thrice.say(s), thrice.say(s))
		}
		once.send(events...)
		shuffled = rapid.Permutation(shuffled).Draw(rt, "order of arrival")
		accepted, duplicates := 0, 0
		for len(shuffled) > 0 {
			n := rapid.IntRange(1, len(shuffled)).Draw(rt, "batch")
			r := thrice.offer(http.StatusAccepted, shuffled[:n]...)
			accepted, duplicates, shuffled = accepted+r.Accepted, duplicates+r.Duplicates, shuffled[n:]
			if len(r.Rejected) > 0 {
				rt.Fatalf("refused: %+v", r.Rejected)
			}
		}
		if accepted != len(all) || duplicates != 2*len(all) {
			rt.Fatalf("%d accepted and %d duplicates of %d events sent three times", accepted, duplicates, len(all))
		}
		a, b := once.numbers(), thrice.numbers()
		if first, second := database.counted(once.study), database.counted(thrice.study); len(first) != len(all)+1 || !slices.Equal(first, second) {
			rt.Fatalf("facts of %d events:\n%s\nof the same, shuffled and tripled:\n%s", len(all), strings.Join(first, "\n"), strings.Join(second, "\n"))
		}
		if b["quality"]["duplicates"] != float64(2*len(all)) {
			rt.Fatalf("%v duplicates in /quality, want %d", b["quality"]["duplicates"], 2*len(all))
		}
		b["quality"]["duplicates"] = a["quality"]["duplicates"]
		for name := range a {
			if !reflect.DeepEqual(a[name], b[name]) {
				rt.Fatalf("%s:\n%v\nof the same events, shuffled and tripled:\n%v", name, a[name], b[name])
			}
		}
	})
}

// numbers asks for all results of a study and leaves out what must differ from study to study.
func (tr *trial) numbers() map[string]map[string]any {
	tr.Helper()
	all := map[string]map[string]any{}
	for name, parameters := range map[string][]string{
		"attrition": {"kind=dropout"}, "attrition ": {"kind=non_usage"}, "attrition  ": {"kind=non_usage", "variant=first_lapse", "by=component"},
		"engagement": nil, "quality": nil,
	} {
		var result map[string]any
		tr.results(strings.TrimSpace(name), &result, append(parameters, "cutoff="+cutoff)...)
		for _, differs := range []string{"study", "as_of", "position"} {
			delete(result, differs)
		}
		all[name] = result
	}
	return all
}

// TestDelay: events received in another order and up to 30 days late give the same numbers, but for lateness.
func TestDelay(t *testing.T) {
	t.Parallel()
	tr := &trial{client: client{TB: t}, study: "delay"}
	def, err := study.Parse([]byte(`{"id": "delay", "title": "A study of the tests", "design": "randomised_controlled_trial", `+twoArms+`}`), "delay.json")
	if err != nil {
		t.Fatal(err)
	}
	asOf := cutoffDay.AddDate(0, 0, 60)
	clock := analyst.Clock{Cutoff: cutoffDay.Add(12 * time.Hour), AsOf: asOf}
	for range 50 { // it costs next to nothing
		rapid.Check(t, func(rt *rapid.T) {
			var prompt, late []store.Row
			for i, s := range history(rt) {
				e, problems := event.Decode([]byte(tr.say(s)), asOf)
				if len(problems) > 0 {
					rt.Fatalf("decode %s: %v", s.typ, problems)
				}
				row := store.Row{Kind: store.KindEvent, Identity: e.Identity(), Content: e.Content(), Event: e, Seq: uint64(i + 1), Received: e.Time.UTC(), Offset: offsetOf(t, e)}
				prompt = append(prompt, row)
				row.Received = row.Received.Add(time.Duration(rapid.IntRange(0, 30*24*3600).Draw(rt, "delay")) * time.Second)
				late = append(late, row)
			}
			slices.SortFunc(late, func(a, b store.Row) int { return a.Received.Compare(b.Received) })
			for i := range late {
				late[i].Seq = uint64(i + 1)
			}
			a, b := tables(rt, def, prompt, clock), tables(rt, def, late, clock)
			if a != b {
				rt.Fatalf("received at once:\n%s\nreceived late:\n%s", a, b)
			}
		})
	}
}

// offsetOf is what the projector notes of an event's zone.
func offsetOf(t *testing.T, e event.Event) *int16 {
	at := e.Time.Time
	if e.Timezone != "" {
		zone, err := time.LoadLocation(e.Timezone)
		if err != nil {
			t.Fatal(err)
		}
		at = at.In(zone)
	} else if !e.Time.Local {
		return nil
	}
	_, seconds := at.Zone()
	minutes := int16(seconds / 60)
	return &minutes
}

// tables derives all results of rows as JSON, without lateness.
func tables(rt *rapid.T, def *study.Definition, rows []store.Row, clock analyst.Clock) string {
	people := map[string][]store.Row{}
	var common []store.Row
	for _, r := range rows {
		if r.Event.Subject == "" {
			common = append(common, r)
			continue
		}
		people[r.Event.Subject] = append(people[r.Event.Subject], r)
	}
	var records []*analyst.Record
	for _, subject := range slices.Sorted(maps.Keys(people)) {
		record := analyst.Derive(def, people[subject], clock)
		records = append(records, &record)
	}
	frame := analyst.NewFrame(def, 1, common, clock)
	dropout, err1 := frame.Attrition(records, analyst.AttritionQuery{})
	last, err2 := frame.Attrition(records, analyst.AttritionQuery{Kind: analyst.NonUsage})
	first, err3 := frame.Attrition(records, analyst.AttritionQuery{Kind: analyst.NonUsage, Variant: analyst.FirstLapse})
	tiers, err4 := frame.Engagement(records, analyst.EngagementQuery{})
	quality := frame.Quality(records, analyst.Refusals{})
	quality.Late1h, quality.Late24h, quality.Late7d = 0, 0, 0
	text, err5 := json.MarshalIndent([]any{dropout, last, first, tiers, quality}, "", " ")
	for _, err := range []error{err1, err2, err3, err4, err5} {
		if err != nil {
			rt.Fatal(err)
		}
	}
	return string(text)
}
