package analyst

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/stats"
	"github.com/throughline-trials/throughline/services/store"
	"github.com/throughline-trials/throughline/services/study"
)

// monday is day 0 of the participants of these tests, unless a test says otherwise.
var monday = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

// on returns a time of a day number, at an hour.
func on(day, hour int) time.Time {
	return monday.AddDate(0, 0, day).Add(time.Duration(hour) * time.Hour)
}

// definition is one study: τ = U = 28 days in periods of 7, follow-up 28 days, g = 7. extra lines are added.
func definition(t testing.TB, extra ...string) *study.Definition {
	t.Helper()
	text := `
id: hand-1
title: Calculated by hand
design: quasi_experimental
arms:
  - {id: a, role: experimental, delivery_type: peer_delivered_technology, components: [app]}
  - {id: b, role: control, components: []}
components:
  - {id: app, channel: app}
intervention: {duration_days: 28, period_days: 7}
non_usage: {silence_days: 7}
`
	for _, line := range extra {
		key, _, _ := strings.Cut(line, ":")
		var kept []string
		dropping := false
		for _, have := range strings.Split(text, "\n") {
			if !strings.HasPrefix(have, " ") {
				dropping = strings.HasPrefix(have, key+":")
			}
			if !dropping {
				kept = append(kept, have)
			}
		}
		text = strings.Join(kept, "\n") + "\n" + line + "\n"
	}
	def, err := study.Parse([]byte(text), "hand-1.yaml")
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return def
}

// trial is a study and what was said in it.
type trial struct {
	t    testing.TB
	def  *study.Definition
	rows []store.Row
	seq  uint64
}

func newTrial(t testing.TB, def *study.Definition) *trial { return &trial{t: t, def: def} }

// say adds one event, received a second after it happened, and returns its id. Attributes are "name=value"; those of the
// envelope are recognised.
func (tr *trial) say(who, typ, at string, attributes ...string) string {
	tr.t.Helper()
	instant, ok := event.ParseInstant(at)
	if !ok {
		tr.t.Fatalf("no time: %s", at)
	}
	return tr.hear(instant.Add(time.Second), who, typ, at, attributes...)
}

// on is say with a day number and an hour, in UTC.
func (tr *trial) on(day, hour int, who, typ string, attributes ...string) string {
	tr.t.Helper()
	return tr.say(who, typ, on(day, hour).Format(time.RFC3339), attributes...)
}

// hear is say with a time of receipt.
func (tr *trial) hear(received time.Time, who, typ, at string, attributes ...string) string {
	tr.t.Helper()
	tr.seq++
	id := fmt.Sprintf("e%d", tr.seq)
	members := []string{
		`"specversion":"1.0"`, fmt.Sprintf(`"id":%q`, id), `"source":"/test"`, fmt.Sprintf(`"type":%q`, typ),
		fmt.Sprintf(`"time":%q`, at), `"study":"hand-1"`,
	}
	if who != "" {
		members = append(members, fmt.Sprintf(`"subject":%q`, who))
	}
	var data []string
	for _, a := range attributes {
		name, value, _ := strings.Cut(a, "=")
		member := fmt.Sprintf("%q:%s", name, literal(value))
		switch name {
		case "timezone", "channel", "actorrole", "modality", "istest", "sent":
			members = append(members, member)
		case "component":
			if typ == event.TypeOutage || typ == event.TypeCorrected {
				data = append(data, member)
			} else {
				members = append(members, member)
			}
		default:
			data = append(data, member)
		}
	}
	if len(data) > 0 {
		members = append(members, `"data":{`+strings.Join(data, ",")+"}")
	}
	e, problems := event.Decode([]byte("{"+strings.Join(members, ",")+"}"), received.AddDate(1, 0, 0))
	if len(problems) > 0 {
		tr.t.Fatalf("%s: %v", typ, problems)
	}
	tr.rows = append(tr.rows, rowOf(e, tr.seq, received))
	return id
}

func literal(value string) string {
	if value == "true" || value == "false" || value == "null" || strings.HasPrefix(value, "{") {
		return value
	}
	if strings.Trim(value, "0123456789.") == "" && value != "" && !strings.HasPrefix(value, "2026") {
		return value
	}
	return fmt.Sprintf("%q", value)
}

// rowOf returns the row that projection makes of an event.
func rowOf(e event.Event, seq uint64, received time.Time) store.Row {
	row := store.Row{Seq: seq, Kind: store.KindEvent, Identity: e.Identity(), Content: e.Content(), Event: e, Received: received}
	if minutes, ok := offsetOf(&e, e.Time.Time); ok {
		row.Offset = &minutes
	}
	return row
}

// void and correct say something about an earlier event, heard at a time.
func (tr *trial) void(heard time.Time, who, target string) string {
	return tr.hear(heard, who, event.TypeVoided, heard.Format(time.RFC3339), "target_source=/test", "target_id="+target)
}

func (tr *trial) correct(heard time.Time, who, target string, attributes ...string) string {
	return tr.hear(heard, who, event.TypeCorrected, heard.Format(time.RFC3339), append(attributes, "target_source=/test", "target_id="+target)...)
}

// join enrols and randomises a participant at the first second of day 0.
func (tr *trial) join(who, arm string) {
	tr.on(0, 0, who, "participant.enrolled")
	tr.on(0, 0, who, "participant.randomised", "arm="+arm)
}

// use adds a qualifying session on each of the days.
func (tr *trial) use(who string, days ...int) {
	for _, day := range days {
		tr.on(day, 12, who, "session.started", "component=app", "active_seconds=60")
	}
}

// read derives everybody and returns the frame.
func (tr *trial) read(clock Clock) (*Frame, []*Record) {
	tr.t.Helper()
	byWho := map[string][]store.Row{}
	for _, r := range tr.rows {
		byWho[r.Event.Subject] = append(byWho[r.Event.Subject], r)
	}
	var records []*Record
	for _, who := range slices.Sorted(maps.Keys(byWho)) {
		if who == "" {
			continue
		}
		record := Derive(tr.def, byWho[who], clock)
		text, err := record.encode()
		if err != nil {
			tr.t.Fatal(err)
		}
		again, err := decodeRecord(text)
		if err != nil {
			tr.t.Fatal(err)
		}
		records = append(records, again) // as it comes from the table
	}
	return NewFrame(tr.def, 1, byWho[""], clock), records
}

// at is the clock of a cut-off at noon of a day, with everything received.
func at(day int) Clock { return Clock{Cutoff: on(day, 12), AsOf: on(1000, 0)} }

// attrition returns the answer at a clock.
func (tr *trial) attrition(clock Clock, q AttritionQuery) *Attrition {
	tr.t.Helper()
	frame, records := tr.read(clock)
	out, err := frame.Attrition(records, q)
	if err != nil {
		tr.t.Fatal(err)
	}
	return out
}

func (tr *trial) engagement(clock Clock) *Engagement {
	tr.t.Helper()
	frame, records := tr.read(clock)
	out, err := frame.Engagement(records, EngagementQuery{})
	if err != nil {
		tr.t.Fatal(err)
	}
	return out
}

func (tr *trial) quality(clock Clock) *Quality {
	frame, records := tr.read(clock)
	return frame.Quality(records, Refusals{})
}

// outcome says in words what attrition says of the one participant of the first arm.
func outcome(a *Attrition) string {
	arm := a.Arms[0]
	switch {
	case arm.TooEarly == 1 && arm.N == 0:
		return "too early"
	case arm.N != 1 || len(arm.Curve) != 1:
		return fmt.Sprintf("n %d, reason %s", arm.N, arm.Reason)
	case arm.Events == 1:
		return fmt.Sprintf("event %g", arm.Curve[0].Day)
	}
	return fmt.Sprintf("censored %g", arm.Curve[0].Day)
}

// stopped and dropped say what attrition says of the one participant at noon of a day.
func (tr *trial) stopped(day int) string {
	return outcome(tr.attrition(at(day), AttritionQuery{Kind: NonUsage}))
}

func (tr *trial) lapsed(day int) string {
	return outcome(tr.attrition(at(day), AttritionQuery{Kind: NonUsage, Variant: FirstLapse}))
}

func (tr *trial) dropped(day int) string {
	return outcome(tr.attrition(at(day), AttritionQuery{Kind: Dropout}))
}

func (tr *trial) want(what, got, want string) {
	tr.t.Helper()
	if got != want {
		tr.t.Errorf("%s: %s, want %s", what, got, want)
	}
}

// xn writes a rate as "x/n".
func xn(r stats.Rate) string { return fmt.Sprintf("%d/%d", r.X, r.N) }
