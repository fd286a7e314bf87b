package projector_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/log"
	"github.com/throughline-trials/throughline/services/store"
)

// TestOrderAndRepetitionDoNotMatter delivers sets of events in any order, each up to three times and packed in any way,
// with the projector restarted now and then: what counts is the same as when each is delivered once.
func TestOrderAndRepetitionDoNotMatter(t *testing.T) {
	r := newRig(t)
	p, stop := r.start()
	study := 0
	rapid.Check(t, func(t *rapid.T) {
		study++
		name := fmt.Sprint("study-", study)
		want := make(map[event.Identity]event.Digest)
		var lines []event.Event
		for i := range rapid.IntRange(1, 12).Draw(t, "events") {
			e := usage(fmt.Sprint("p", rapid.IntRange(0, 2).Draw(t, "participant")), fmt.Sprint(i), rapid.Float64Range(0, 100).Draw(t, "seconds"))
			e.Study = name
			want[e.Identity()] = e.Content()
			for range rapid.IntRange(1, 3).Draw(t, "copies") {
				lines = append(lines, e)
			}
		}
		out := pack(t, rapid.Permutation(lines).Draw(t, "order"))
		if cut := rapid.IntRange(0, 10*len(out)).Draw(t, "restart"); cut > 0 && cut < len(out) {
			r.send(out[:cut])
			stop()
			p, stop = r.start()
			out = out[cut:]
		}
		r.send(out)
		r.await(p)
		got := r.counted(name)
		if len(got) != len(want) {
			t.Fatalf("%d events count, want %d", len(got), len(want))
		}
		for id, content := range want {
			if got[id] != content {
				t.Fatalf("event %s counts with other content", id)
			}
		}
	})
}

func (r *rig) send(out []log.Outgoing) {
	r.t.Helper()
	if _, err := r.log.Publish(r.t.Context(), out); err != nil {
		r.t.Fatal(err)
	}
}

// pack puts neighbours of one participant into one message, or not.
func pack(t *rapid.T, events []event.Event) []log.Outgoing {
	var out []log.Outgoing
	for _, e := range events {
		subject := event.EventsSubject(e.Study, e.Subject)
		if n := len(out); n > 0 && out[n-1].Subject == subject && rapid.Bool().Draw(t, "packed") {
			out[n-1].Payload = append(e.AppendJSON(out[n-1].Payload), '\n')
			continue
		}
		out = append(out, log.Outgoing{Subject: subject, Payload: append(line(e), '\n')})
	}
	return out
}

// counted reads what counts of a study and fails the test if an identity counts twice.
func (r *rig) counted(study string) map[event.Identity]event.Digest {
	r.t.Helper()
	found := make(map[event.Identity]event.Digest)
	err := r.store.Facts(r.t.Context(), store.Query{Study: study, Kinds: []store.Kind{store.KindEvent}}, func(row *store.Row) error {
		if _, twice := found[row.Identity]; twice {
			r.t.Errorf("event %s counts twice", row.Identity)
		}
		found[row.Identity] = row.Event.Content()
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return found
}
