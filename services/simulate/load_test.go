package simulate

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
)

// ledger is a server that keeps what it is sent.
type ledger struct {
	mu      sync.Mutex
	studies map[string]bool
	order   map[string][]string // by study and subject
	events  int
	fail    int // fails at this batch; 0: never
	batches int
}

func newLedger() *ledger { return &ledger{studies: map[string]bool{}, order: map[string][]string{}} }

var errRefused = errors.New("refused")

func (l *ledger) submit(_ context.Context, batch []event.Event) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.batches++
	if l.batches == l.fail {
		return errRefused
	}
	if len(batch) == 0 || len(batch) > event.MaxBatchEvents {
		return fmt.Errorf("batch of %d events", len(batch))
	}
	for _, e := range batch {
		if e.Type == event.TypeDefinition {
			l.studies[e.Study] = true
		} else if !l.studies[e.Study] {
			return fmt.Errorf("%s before its definition", e.Study)
		}
		key := e.Study + " " + e.Subject
		l.order[key] = append(l.order[key], e.Source+" "+e.ID)
		l.events++
	}
	return nil
}

func (l *ledger) has(e event.Event) bool {
	for _, id := range l.order[e.Study+" "+e.Subject] {
		if id == e.Source+" "+e.ID {
			return true
		}
	}
	return false
}

func TestLoadSendsEverythingInOrder(t *testing.T) {
	studies := portfolio(t, noon)
	server := newLedger()
	var last Progress
	told := 0
	progress, err := Load(t.Context(), studies, Loading{Until: noon, Submit: server.submit, Progress: func(p Progress) {
		if p.Sent < last.Sent || p.Events < last.Events {
			t.Errorf("progress goes back from %+v to %+v", last, p)
		}
		last = p
		told++
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := 0
	for _, s := range studies {
		for range s.Events(noon) {
			want++
		}
		for i := range s.Subjects() {
			checkOrder(t, server, &s, i)
		}
	}
	if server.events != want || progress.Events != want {
		t.Errorf("%d events sent, %d counted, want %d", server.events, progress.Events, want)
	}
	if progress.Done != 30 || progress.Fraction() != 1 || told < 100 {
		t.Errorf("progress ends at %+v after %d calls", progress, told)
	}
}

// checkOrder compares the order in which a subject's events came with the order of their arrival; the study's last event
// may come later.
func checkOrder(t *testing.T, server *ledger, s *Study, i int) {
	t.Helper()
	last := s.Last()
	var want []string
	for _, e := range s.Subject(i, time.Time{}, noon) {
		if e.ID != last.ID || e.Source != last.Source {
			want = append(want, e.Source+" "+e.ID)
		}
	}
	got := server.order[s.ID+" "+s.roster.name(i)]
	if len(got) < len(want) {
		t.Fatalf("%s: %d of %d events of subject %d", s.ID, len(got), len(want), i)
	}
	for n := range want {
		if got[n] != want[n] {
			t.Fatalf("%s: subject %d: event %d is %s, want %s", s.ID, i, n, got[n], want[n])
		}
	}
}

func TestLoadGoesOnWhereItStopped(t *testing.T) {
	studies := portfolio(t, noon)
	server := newLedger()
	server.fail = 120
	_, err := Load(t.Context(), studies, Loading{Until: noon, Submit: server.submit})
	if !errors.Is(err, errRefused) {
		t.Fatalf("error %v, want the server's", err)
	}
	have := func(_ context.Context, s *Study) (bool, error) { return server.has(s.Last()), nil }
	progress, err := Load(t.Context(), studies, Loading{Until: noon, Submit: server.submit, Have: have})
	if err != nil {
		t.Fatal(err)
	}
	if progress.Skipped == 0 || progress.Skipped == len(studies) || progress.Done != len(studies) {
		t.Errorf("the second load ends at %+v", progress)
	}
	before := server.events
	progress, err = Load(t.Context(), studies, Loading{Until: noon, Submit: server.submit, Have: have})
	if err != nil || server.events != before || progress.Skipped != len(studies) || progress.Fraction() != 1 {
		t.Errorf("the third load sends %d events: %+v, %v", server.events-before, progress, err)
	}
}

func TestLoadStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	server := newLedger()
	_, err := Load(ctx, portfolio(t, noon), Loading{Until: noon, Submit: func(ctx context.Context, batch []event.Event) error {
		cancel()
		return server.submit(ctx, batch)
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestLoadNeedsWhereAndWhen(t *testing.T) {
	if _, err := Load(t.Context(), nil, Loading{}); err == nil {
		t.Error("a load to nowhere is accepted")
	}
}
