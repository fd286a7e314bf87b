package simulate

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
)

func texts(events []event.Event) []string {
	out := make([]string, len(events))
	for i := range events {
		out[i] = string(events[i].AppendJSON(nil))
	}
	return out
}

func TestLiveDependsOnTheClockAlone(t *testing.T) {
	studies := portfolio(t, noon)
	whole, err := NewLive(studies, 2)
	if err != nil {
		t.Fatal(err)
	}
	pieces, err := NewLive(studies, 2)
	if err != nil {
		t.Fatal(err)
	}
	want := texts(whole.Between(noon, noon.Add(time.Minute)))
	var got []string
	for s := range 20 {
		at := noon.Add(time.Duration(3*s) * time.Second)
		got = append(got, texts(pieces.Between(at, at.Add(3*time.Second)))...)
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("a minute in pieces has %d events, at once %d", len(got), len(want))
	}
	if len(want) < 120 || len(want) > 900 {
		t.Errorf("%d events in a minute at two acts a second", len(want))
	}
}

func TestLiveEventsAreAcceptedSensedAndSometimesLate(t *testing.T) {
	live, err := NewLive(portfolio(t, noon), 5)
	if err != nil {
		t.Fatal(err)
	}
	late, types, studies := 0, map[string]bool{}, map[string]bool{}
	for minute := range 60 {
		at := noon.Add(time.Duration(minute) * time.Minute)
		for _, e := range live.Between(at, at.Add(time.Minute)) {
			raw := e.AppendJSON(nil)
			if _, problems := event.Decode(raw, at.Add(time.Minute)); len(problems) > 0 {
				t.Fatalf("%v\n%s", problems, raw)
			}
			if e.Modality == event.ModalityImported {
				t.Fatalf("a live event is imported: %s", raw)
			}
			if at.Sub(e.Time.Time) > time.Hour {
				late++
			}
			types[e.Type], studies[e.Study] = true, true
		}
	}
	if late == 0 || len(types) < 8 || len(studies) != 3 {
		t.Errorf("%d late events, %d types, studies %v", late, len(types), studies)
	}
}

// TestLiveMakesUpForAPause starts again after five days: what was due is sent, the trickle is not.
func TestLiveMakesUpForAPause(t *testing.T) {
	studies := portfolio(t, noon)
	live, err := NewLive(studies, 1)
	if err != nil {
		t.Fatal(err)
	}
	back := noon.Add(5 * 24 * time.Hour)
	events := live.Between(noon, back)
	want := 0
	for i := range studies {
		if !studies[i].Running {
			continue
		}
		for n := range studies[i].Subjects() {
			want += len(studies[i].Subject(n, noon, back))
		}
	}
	if want < 100 || len(events) < want || len(events) > want+60*12 {
		t.Errorf("%d events after five days, %d were due", len(events), want)
	}
}

func TestLiveRunSendsAndTriesAgain(t *testing.T) {
	studies := portfolio(t, time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)) // where a synctest bubble begins
	synctest.Test(t, func(t *testing.T) {
		live, err := NewLive(studies, 2)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 61*time.Second)
		defer cancel()
		start := time.Now()
		sent, calls := 0, 0
		err = live.Run(ctx, start, func(_ context.Context, batch []event.Event) error {
			if calls++; calls == 3 {
				return errRefused
			}
			sent += len(batch)
			return nil
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("run ends with %v", err)
		}
		again, err := NewLive(studies, 2)
		if err != nil {
			t.Fatal(err)
		}
		if want := len(again.Between(start, start.Add(time.Minute))); sent != want {
			t.Errorf("%d events sent in a minute, want %d", sent, want)
		}
	})
}

func TestLiveRefusesImpossibleRates(t *testing.T) {
	for _, rate := range []float64{-1, 5000} {
		if _, err := NewLive(nil, rate); err == nil {
			t.Errorf("rate %v is accepted", rate)
		}
	}
}

// TestLiveCatchesUp sends what was due while the server was away, and nothing that is there.
func TestLiveCatchesUp(t *testing.T) {
	live, err := NewLive(portfolio(t, noon), 1)
	if err != nil {
		t.Fatal(err)
	}
	server := newLedger()
	for _, s := range portfolio(t, noon) {
		server.studies[s.ID] = true
	}
	known := func(_ context.Context, events []event.Event) ([]bool, error) {
		there := make([]bool, len(events))
		for i, e := range events {
			there[i] = server.has(e)
		}
		return there, nil
	}
	first, err := live.CatchUp(t.Context(), Anchor(noon), noon.AddDate(0, 0, 3), known, server.submit)
	if err != nil || first < 100 {
		t.Fatalf("%d events sent: %v", first, err)
	}
	again, err := live.CatchUp(t.Context(), Anchor(noon), noon.AddDate(0, 0, 3), known, server.submit)
	if err != nil || again != 0 {
		t.Errorf("%d events sent again: %v", again, err)
	}
	more, err := live.CatchUp(t.Context(), Anchor(noon), noon.AddDate(0, 0, 9), known, server.submit)
	if err != nil || more < 100 || server.events < first+more {
		t.Errorf("%d more events sent: %v", more, err)
	}
}
