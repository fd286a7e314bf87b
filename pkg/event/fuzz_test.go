package event_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"

	"github.com/throughline-trials/throughline/pkg/event"
)

// seeds adds an event of every type, and some that are refused.
func seeds(f *testing.F) {
	for _, kind := range event.Types() {
		f.Add(exampleOf(kind).raw(f))
	}
	f.Add(correction("data.data", object{"reason": "moved", "time": "2016-12-31T23:59:60Z"}, "data.percent", nil).raw(f))
	f.Add(session().with("subject", "p.>", "arm", 1, "time", "noon", "data.mood", []any{"jane@example.org"}).raw(f))
	f.Add([]byte(`{"id":"\ud83d\ude00","data":{"a":[{"b":{}}],"a":1e999}}`))
}

func FuzzDecode(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, problems := event.Decode(raw, now)
		for _, p := range problems {
			if p.Code == "" || p.Detail == "" {
				t.Errorf("an empty problem: %+v", p)
			}
		}
		if len(problems) > 0 {
			event.EventsSubject(e.Study, e.Subject)
			e.Identity()
			return
		}
		if !json.Valid(raw) {
			t.Error("took what is not JSON")
		}
		line := e.AppendJSON(nil)
		if bytes.IndexByte(line, '\n') >= 0 {
			t.Error("the canonical form has several lines")
		}
		again, problems := event.Decode(line, now)
		if len(problems) > 0 && len(line) <= event.MaxEventBytes {
			t.Fatalf("%s is refused: %v", line, problems)
		}
		if !reflect.DeepEqual(again, e) {
			t.Errorf("%s comes back as %s", line, again.AppendJSON(nil))
		}
		if !bytes.Equal(again.AppendJSON(nil), line) || again.Identity() != e.Identity() || again.Content() != e.Content() {
			t.Errorf("%s is not stable", line)
		}
	})
}

func FuzzSplitArray(f *testing.F) {
	for _, s := range []string{"[]", `[{"a":[1]},"x,]"]`, "[1,2", `["\\"]`, "[{]}]"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		elements, err := event.SplitArray(body)
		var want []json.RawMessage
		if json.Unmarshal(body, &want) != nil || bytes.Equal(bytes.TrimSpace(body), []byte("null")) {
			return // more is split than is valid
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(want) > event.MaxBatchEvents+1 {
			want = want[:event.MaxBatchEvents+1]
		}
		if len(elements) != len(want) {
			t.Fatalf("got %d elements, want %d", len(elements), len(want))
		}
		for i := range want {
			if !bytes.Equal(elements[i], want[i]) {
				t.Errorf("element %d is %q, want %q", i, elements[i], want[i])
			}
		}
	})
}

func FuzzApply(f *testing.F) {
	f.Add(session().raw(f), correction("data.percent", 5, "data.time", "2026-11-20T00:00:00Z").raw(f))
	f.Add(exampleOf(must("participant.withdrew")).raw(f), correction("data.data", object{"reason": nil}, "data.scope", "stop_all").raw(f))
	f.Add(exampleOf(must(event.TypeOutage)).raw(f), correction("data.component", "web", "data.to", nil).raw(f))
	f.Fuzz(func(t *testing.T, target, by []byte) {
		e, problems := event.Decode(target, now)
		c, more := event.Decode(by, now)
		if len(problems)+len(more) > 0 {
			return
		}
		before := e.AppendJSON(nil)
		got, problems := event.Apply(e, c)
		if !bytes.Equal(e.AppendJSON(nil), before) {
			t.Error("the target was changed")
		}
		if got.Identity() != e.Identity() || got.Type != e.Type || got.Subject != e.Subject {
			t.Error("a correction changed which event it is")
		}
		if len(problems) > 0 {
			return
		}
		line := got.AppendJSON(nil)
		again, problems := event.Decode(line, now)
		if len(problems) > 0 && len(line) <= event.MaxEventBytes || !reflect.DeepEqual(again, got) {
			t.Errorf("the corrected event %s comes back as %s, %v", line, again.AppendJSON(nil), problems)
		}
		if twice, problems := event.Apply(got, c); len(problems) > 0 || !reflect.DeepEqual(twice, got) {
			t.Errorf("applied twice it differs: %s, %v", twice.AppendJSON(nil), problems)
		}
	})
}

func must(name string) *event.Type {
	kind, _ := event.Lookup(name)
	return kind
}

func FuzzSubjects(f *testing.F) {
	for _, s := range []string{"hope-2026", "p-17", "*", ">", "p.>", "~", "", "tl.events.hope.p", "\r\n"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, study, participant string) {
		for kind, subject := range map[string]string{
			event.SubjectEvents: event.EventsSubject(study, participant), event.SubjectAllocation: event.AllocationSubject(study, participant),
			event.SubjectQuarantine: event.QuarantineSubject(study, participant),
		} {
			gotKind, gotStudy, gotParticipant, ok := event.ParseSubject(subject)
			if !ok || gotKind != kind || gotStudy != valid(study, event.ValidStudy) || gotParticipant != valid(participant, event.ValidSubject) {
				t.Errorf("%q of %q and %q comes back as %q, %q, %q, %v", subject, study, participant, gotKind, gotStudy, gotParticipant, ok)
			}
		}
		if _, gotStudy, rest, ok := event.ParseSubject(event.StudySubject(study, participant)); !ok || gotStudy != valid(study, event.ValidStudy) || rest != valid(participant, event.ValidCode) {
			t.Errorf("study subject of %q and %q comes back as %q, %q, %v", study, participant, gotStudy, rest, ok)
		}
		if _, gotStudy, _, ok := event.ParseSubject(event.AuditSubject(study)); !ok || gotStudy != valid(study, event.ValidStudy) {
			t.Errorf("audit subject of %q comes back as %q, %v", study, gotStudy, ok)
		}
		event.ParseSubject(study)
	})
}

func valid(s string, is func(string) bool) string {
	if is(s) {
		return s
	}
	return ""
}

func FuzzPersonalData(f *testing.F) {
	for _, s := range []string{"jane@example.org", "+15551234567", "555 123 4567", "%40%", "＠", "((((1", "1.1.1.1.1.1.1.1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if what, found := event.PersonalData(s); found != (what != "") {
			t.Errorf("got %q, %v", what, found)
		}
		if _, found := event.PersonalData(s + " jane@example.org"); !found {
			t.Errorf("%q hides an address", s)
		}
	})
}
