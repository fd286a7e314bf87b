package gateway_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/auth"
	"github.com/throughline-trials/throughline/services/gateway"
)

// openMode puts the grant of open mode into a request.
func openMode(r *http.Request) *http.Request {
	return r.WithContext(auth.WithGrant(r.Context(), auth.OpenGrant()))
}

func TestResends(t *testing.T) {
	h := start(t, gateway.Config{})
	h.publish()
	one, two := h.make(nil), h.make(nil)
	h.want(h.post(batch, array(one, two, one)), 202, 2, 1, "")
	again := strings.Replace(one, `"specversion"`, `"sent":"2026-03-02T00:00:00Z","specversion"`, 1)
	h.want(h.post(single, again), 202, 0, 1, "")
	other := strings.Replace(one, "10:00:00", "10:00:01", 1)
	h.want(h.post(single, other), 400, 0, 0, "id_reused")
	h.want(h.post(batch, array(h.make(fields{"id": "x"}), h.make(fields{"id": "x", "subject": "p2"}))), 202, 1, 0, "id_reused")
	var events, markers int
	for _, e := range h.entries(event.StreamEvents) {
		if e.Duplicate {
			markers++
		} else {
			events++
		}
	}
	if events != 3 || markers != 2 {
		t.Errorf("the log holds %d events and %d markers", events, markers)
	}
	h.reopen()
	h.want(h.post(single, one), 202, 1, 0, "") // forgotten here, sorted out by the projector
}

func TestRecentWindowIsBounded(t *testing.T) {
	h := start(t, gateway.Config{Recent: 10})
	h.publish()
	var events []string
	for range 15 {
		events = append(events, h.make(nil))
	}
	h.want(h.post(batch, array(events...)), 202, 15, 0, "")
	h.want(h.post(batch, array(events[5:]...)), 202, 0, 10, "")
	h.want(h.post(batch, array(events[:5]...)), 202, 5, 0, "")
}

// TestConcurrentResends sends the same events from many clients at once: each is new exactly once.
func TestConcurrentResends(t *testing.T) {
	h := start(t, gateway.Config{})
	h.publish()
	const clients, count = 8, 200
	var events []string
	for i := range count {
		events = append(events, h.make(fields{"subject": fmt.Sprintf("p%d", i%7)}))
	}
	var mu sync.Mutex
	var accepted, duplicates int
	var all sync.WaitGroup
	for c := range clients {
		all.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(c)))
			mine := slices.Clone(events)
			rng.Shuffle(len(mine), func(i, j int) { mine[i], mine[j] = mine[j], mine[i] })
			for chunk := range slices.Chunk(mine, 1+rng.IntN(40)) {
				a := h.post(batch, array(chunk...))
				if a.Status != 202 {
					t.Errorf("got %s", a.text)
				}
				mu.Lock()
				accepted, duplicates = accepted+a.Accepted, duplicates+a.Duplicates
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if accepted != count || duplicates != (clients-1)*count {
		t.Errorf("%d accepted, %d duplicates", accepted, duplicates)
	}
	checkOnce(t, h, count, (clients-1)*count)
}

// checkOnce counts distinct events and markers in the log.
func checkOnce(t *testing.T, h *harness, events, markers int) {
	t.Helper()
	seen := make(map[event.Identity]int)
	got := 0
	for _, e := range h.entries(event.StreamEvents) {
		if len(e.Problems) > 0 {
			t.Fatalf("a line of the log is bad: %v", e.Problems)
		}
		if e.Duplicate {
			got++
			continue
		}
		seen[e.Identity]++
	}
	if len(seen) != events || got != markers {
		t.Errorf("the log holds %d events and %d markers, want %d and %d", len(seen), got, events, markers)
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("event %s is there %d times", id, n)
		}
	}
}

// TestShuffledResends sends any events, each up to three times in any order and any batches: the log has each once.
func TestShuffledResends(t *testing.T) {
	h := start(t, gateway.Config{})
	h.publish()
	total, resends := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		var sent []string
		n := rapid.IntRange(1, 30).Draw(rt, "events")
		for range n {
			e := h.make(fields{"subject": rapid.SampledFrom([]string{"p1", "p2", "p3"}).Draw(rt, "subject")})
			sent = append(sent, slices.Repeat([]string{e}, rapid.IntRange(1, 3).Draw(rt, "times"))...)
		}
		total, resends = total+n, resends+len(sent)-n
		sent = rapid.Permutation(sent).Draw(rt, "order")
		for len(sent) > 0 {
			k := rapid.IntRange(1, len(sent)).Draw(rt, "batch")
			a := h.post(batch, array(sent[:k]...))
			if a.Status != 202 || a.Accepted+a.Duplicates != k {
				rt.Fatalf("got %s", a.text)
			}
			sent = sent[k:]
		}
	})
	checkOnce(t, h, total, resends)
}
