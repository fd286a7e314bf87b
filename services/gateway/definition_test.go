package gateway_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/gateway"
)

// without returns the definition of hope with one text replaced.
func without(old, replacement string) string { return strings.Replace(hope, old, replacement, 1) }

func TestBadDefinitions(t *testing.T) {
	h := start(t, gateway.Config{})
	for name, c := range map[string]struct {
		text  string
		words []string
	}{
		"no title, bad design": {`{"id":"hope","design":"guess","arms":[],"intervention":{"duration_days":84}}`, []string{"title", "design"}},
		"unknown component":    {without(`["app","coaching"]`, `["app","garden"]`), []string{"garden"}},
		"unknown field":        {without(`"title"`, `"titel"`), []string{"titel"}},
		"of another study":     {without(`"id":"hope"`, `"id":"other"`), []string{"another study"}},
		"empty":                {`{}`, []string{"id"}},
	} {
		t.Run(name, func(t *testing.T) {
			h.T = t
			before := h.ends()
			a := h.post(single, h.definition(nil, c.text))
			if a.Status != 400 || a.codes() != "invalid_value" {
				t.Fatalf("got %s", a.text)
			}
			for _, word := range c.words {
				if !strings.Contains(a.text, word) {
					t.Errorf("%q is not told: %s", word, a.text)
				}
			}
			after := h.ends()
			if after.Studies != before.Studies || after.Quarantine != before.Quarantine+1 {
				t.Errorf("the log went from %s to %s", before, after)
			}
		})
	}
	h.T = t
	h.want(h.post(single, h.make(nil)), 400, 0, 0, "unknown_study")
}

func TestDefinitionBeforeItsEvents(t *testing.T) {
	h := start(t, gateway.Config{})
	h.want(h.post(batch, array(h.make(nil), h.definition(nil, hope))), 202, 2, 0, "")
}

func TestDefinitionResends(t *testing.T) {
	h := start(t, gateway.Config{})
	one, two := h.definition(nil, hope), h.definition(nil, without("Hope", "Hope again"))
	h.want(h.post(single, one), 202, 1, 0, "")
	h.want(h.post(single, one), 202, 0, 1, "")
	h.want(h.post(single, two), 202, 1, 0, "")
	h.reopen() // the former versions are known from the log
	h.want(h.post(single, one), 202, 0, 1, "")
	h.want(h.post(single, strings.Replace(one, "Hope", "Despair", 1)), 400, 0, 0, "id_reused")
	if got := h.ends().Studies; got != 2 {
		t.Errorf("%d definitions", got)
	}
}

func TestDefinitionMayNotDropWhatHasEvents(t *testing.T) {
	h := start(t, gateway.Config{})
	h.publish()
	noCoaching := `{"id":"hope","title":"Hope","design":"randomised_controlled_trial","arms":[{"id":"peer","components":["app"]},{"id":"usual","role":"control"}],
		"components":[{"id":"app","channel":"app"}],"sites":[{"id":"boston"}],"strata":{"sex":["female","male"]},"intervention":{"duration_days":84}}`
	noUsual := without(`"id":"usual"`, `"id":"waiting"`)
	h.want(h.post(single, h.make(fields{"component": "app"})), 202, 1, 0, "")
	h.want(h.post(single, h.definition(nil, noCoaching)), 202, 1, 0, "")
	h.want(h.post(single, h.definition(nil, hope)), 202, 1, 0, "")
	h.want(h.post(single, h.make(fields{"component": "coaching"})), 202, 1, 0, "")
	a := h.post(single, h.definition(nil, noCoaching))
	h.want(a, 400, 0, 0, "invalid_value")
	if !strings.Contains(a.text, "coaching") {
		t.Errorf("the component is not named: %s", a.text)
	}
	h.want(h.post(single, h.definition(nil, noUsual)), 202, 1, 0, "")
	h.want(h.post(single, h.definition(nil, hope)), 202, 1, 0, "")
	h.want(h.post(single, h.randomised("r", "p1", "usual")), 202, 1, 0, "")
	h.want(h.post(single, h.definition(nil, noUsual)), 400, 0, 0, "invalid_value")
}

func TestConcurrentDefinitions(t *testing.T) {
	h := start(t, gateway.Config{})
	var all sync.WaitGroup
	for i := range 6 {
		body := h.definition(nil, without("Hope", fmt.Sprintf("Hope %d", i)))
		all.Go(func() {
			if a := h.post(single, body); a.Accepted != 1 {
				t.Errorf("got %s", a.text)
			}
		})
	}
	all.Wait()
	if got := h.ends().Studies; got != 6 {
		t.Errorf("%d definitions", got)
	}
}

// TestDefinitionOfAnotherGateway publishes with one gateway and sends events to another at once.
func TestDefinitionOfAnotherGateway(t *testing.T) {
	now := time.Now()
	h := start(t, gateway.Config{Clock: func() time.Time { return now }})
	other := h.another()
	other.publish()
	h.want(h.post(single, h.make(nil)), 202, 1, 0, "")
}

func TestReplay(t *testing.T) {
	h := start(t, gateway.Config{})
	early := []string{
		h.make(fields{"component": "app"}), h.make(fields{"component": "garden"}),
		h.make(fields{"type": "participant.enrolled"}), h.randomised("r1", "p1", "peer"), h.randomised("r2", "p2", "waiting"),
	}
	h.want(h.postAs("hope emit,register,allocate", batch, array(early...)), 400, 0, 0, strings.TrimSpace(strings.Repeat("unknown_study ", 5)))
	h.want(h.post(single, h.make(fields{"id": "bad", "arm": "x"})), 400, 0, 0, "unknown_attribute")
	h.publish()
	h.eventually("the first replay", func() bool {
		return len(h.entries(event.StreamEvents)) == 2 && len(h.entries(event.StreamAllocations)) == 1
	})
	if kept := len(h.refusals()); kept != 6 {
		t.Errorf("%d refusals: the replay recorded some again", kept)
	}
	h.want(h.post(single, early[0]), 202, 0, 1, "")

	h.reopen() // nothing is replayed twice
	h.want(h.post(single, h.make(fields{"component": "garden"})), 400, 0, 0, "unknown_component")
	wider := without(`{"id":"coaching"`, `{"id":"garden","channel":"in_person"},{"id":"coaching"`)
	wider = strings.Replace(wider, `{"id":"usual"`, `{"id":"waiting","role":"control"},{"id":"usual"`, 1)
	wider = strings.Replace(wider, `["app","coaching"]`, `["app","coaching","garden"]`, 1)
	h.want(h.post(single, h.definition(nil, wider)), 202, 1, 0, "")
	h.eventually("the second replay", func() bool { return len(h.entries(event.StreamAllocations)) == 2 })
	h.eventually("the second replay", func() bool { return len(h.entries(event.StreamEvents)) == 5 })
	for _, e := range h.entries(event.StreamEvents) {
		if len(e.Problems) > 0 {
			t.Errorf("replayed a bad event: %v", e.Problems)
		}
	}
	last, _, err := h.log.Last(t.Context(), event.StreamAllocations)
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := h.log.NextOn(t.Context(), event.StreamAllocations, event.AllocationSubject("hope", "p2"), last)
	if err != nil || m.Credential != "hope-emit,register,allocate" {
		t.Errorf("replayed under the credential %q: %v", m.Credential, err)
	}
}

// TestReplayAfterRestart refuses events, publishes the definition past the gateway, and starts a gateway.
func TestReplayAfterRestart(t *testing.T) {
	h := start(t, gateway.Config{})
	h.want(h.post(single, h.make(nil)), 400, 0, 0, "unknown_study")
	if err := h.gateway.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	other := h.another()
	other.publish()
	if err := other.gateway.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.open()
	h.eventually("the replay", func() bool { return len(h.entries(event.StreamEvents)) == 1 })
}
