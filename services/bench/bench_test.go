package bench

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// binary builds the program that is measured.
func binary(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "throughline")
	if out, err := exec.Command("go", "build", "-o", path, "../cmd/throughline").CombinedOutput(); err != nil {
		t.Fatalf("build throughline: %v\n%s", err, out)
	}
	return path
}

// TestRun measures everything in little, on the real engines: every figure must be there, and what is measured must be
// right, but not how fast it is.
func TestRun(t *testing.T) {
	report, err := Run(t.Context(), Config{
		Binary: binary(t), Data: t.TempDir(),
		Scale: Scale{
			Part: 100 * time.Millisecond, Base: 3000, Participants: 100, Idle: 200 * time.Millisecond,
			Sustained: 500 * time.Millisecond, Clients: 4, Visible: 500 * time.Millisecond, VisibleRate: 1000,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		DecodeAlone, LogAlone, LogAloneSmall, LogAloneSingle, LogRead, EngineAlone, HTTPOne, HTTPFifty, ProjectorAlone,
		BaseLoad, Restart, Idle, VisibleFacts, VisibleResult, VisibleLoad, Sustained, Lag,
	} {
		if f, ok := report.Find(name); !ok || !(f.Value > 0) || math.IsInf(f.Value, 0) {
			t.Errorf("%s is %+v", name, f)
		}
	}
	for _, name := range []string{HTTPOne, HTTPFifty, ProjectorAlone, Sustained} {
		if f, _ := report.Find(name); f.Limit == nil || f.Limit.Share <= 0 {
			t.Errorf("%s has no limit beside it: %+v", name, f)
		}
	}
	for _, name := range []string{Restart, Idle, VisibleFacts, VisibleResult, Sustained, Lag} {
		if f, _ := report.Find(name); f.Bound == nil {
			t.Errorf("%s has no bound", name)
		}
	}
}

func TestReport(t *testing.T) {
	r := newReport(Quick())
	r.add(Figure{Name: EngineAlone, Value: 50_000, Unit: EventsPerSecond})
	r.add(Figure{Name: DecodeAlone, Value: 1_234_567, Unit: EventsPerSecond})
	f := r.add(Figure{Name: Sustained, Value: 25_000, Unit: EventsPerSecond, P50: 12.25, P99: 80})
	r.limited(f, DecodeAlone, EngineAlone, LogRead)
	f.atLeast(leastSustained)
	r.add(Figure{Name: Lag, Value: 1.5, Unit: Seconds}).below(mostLag)
	if !r.OK() {
		t.Error("a bound that was kept is said to be missed")
	}
	var table bytes.Buffer
	if err := r.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1,234,567 events/s", "50,000 events/s (" + EngineAlone + ")", "50 %", ">= 20,000 events/s kept", "12.2 ms", "< 2.00 s kept"} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, table.String())
		}
	}
	r.add(Figure{Name: Restart, Value: 5, Unit: Seconds}).below(mostRestart)
	if r.OK() {
		t.Error("a bound that was missed is said to be kept")
	}
	var text bytes.Buffer
	if err := r.WriteJSON(&text); err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal(text.Bytes(), &back); err != nil || len(back.Figures) != len(r.Figures) {
		t.Errorf("the report does not come back from JSON: %v", err)
	}
}

func TestQuantile(t *testing.T) {
	var l latencies
	if got := l.quantile(0.99); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
	for i := 100; i >= 1; i-- {
		l.add(time.Duration(i) * time.Millisecond)
	}
	for q, want := range map[float64]float64{0: 1, 0.5: 50, 0.99: 99, 1: 100} {
		if got := l.quantile(q); got != want {
			t.Errorf("quantile %v is %v ms, want %v", q, got, want)
		}
	}
}

func TestValidate(t *testing.T) {
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Run(t.Context(), Config{Data: full})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"Binary", "Data", "Part", "Idle", "Sustained", "Visible", "Base", "Participants", "Clients", "VisibleRate"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %s is not named", err, want)
		}
	}
}

// TestShapes checks that batches are of as many participants as they are said to be, and that none comes twice.
func TestShapes(t *testing.T) {
	s := newShapes(200)
	seen := map[string]bool{}
	for _, c := range []struct {
		shape        *shape
		participants int
	}{{s.one, 1}, {s.fifty, 50}, {s.bulk, 50}, {s.one, 1}, {s.fifty, 50}} {
		who := map[string]bool{}
		for _, e := range c.shape.batch() {
			who[e.Subject] = true
			if seen[e.ID] {
				t.Fatalf("event %s comes twice", e.ID)
			}
			seen[e.ID] = true
		}
		if len(who) != c.participants {
			t.Errorf("a batch of %d participants, want %d", len(who), c.participants)
		}
	}
}
