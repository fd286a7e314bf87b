package gateway_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/gateway"
)

func (h *harness) randomised(id, subject, arm string) string {
	return h.make(fields{"type": "participant.randomised", "id": id, "source": "/rand", "subject": subject, "data": fields{"arm": arm}})
}

func (h *harness) voided(id, subject, source, target string) string {
	return h.make(fields{"type": "event.voided", "id": id, "source": "/rand", "subject": subject,
		"data": fields{"target_source": source, "target_id": target, "reason": "entered_in_error"}})
}

func TestOneRandomisationStands(t *testing.T) {
	h := start(t, gateway.Config{})
	h.publish()
	first := h.randomised("r1", "p1", "peer")
	h.want(h.post(single, first), 202, 1, 0, "")
	h.want(h.post(single, first), 202, 0, 1, "")
	h.want(h.post(single, h.randomised("r1", "p1", "usual")), 400, 0, 0, "id_reused")
	h.want(h.post(single, h.randomised("r2", "p1", "usual")), 400, 0, 0, "already_randomised")
	h.want(h.post(single, h.voided("v1", "p1", "/rand", "r1")), 202, 1, 0, "")
	second := h.randomised("r3", "p1", "usual")
	h.want(h.post(single, second), 202, 1, 0, "")
	h.want(h.post(single, h.randomised("r4", "p1", "peer")), 400, 0, 0, "already_randomised")
	h.want(h.post(single, first), 202, 0, 1, "")

	h.reopen() // allocations are known from the log, not from memory
	h.want(h.post(single, second), 202, 0, 1, "")
	h.want(h.post(single, h.randomised("r5", "p1", "peer")), 400, 0, 0, "already_randomised")
	h.want(h.post(single, h.voided("v2", "p1", "/rand", "r3")), 202, 1, 0, "")
	h.want(h.post(single, h.voided("v3", "p1", "/rand", "v2")), 202, 1, 0, "") // voiding a void restores
	h.want(h.post(single, h.randomised("r6", "p1", "peer")), 400, 0, 0, "already_randomised")
	if got := len(h.entries(event.StreamAllocations)); got != 5 {
		t.Errorf("%d allocation events", got)
	}
}

func TestAllocationsWithinOneRequest(t *testing.T) {
	h := start(t, gateway.Config{})
	h.publish()
	a := h.post(batch, array(
		h.randomised("a", "p1", "peer"), h.randomised("b", "p1", "usual"), h.voided("v", "p1", "/rand", "a"), h.randomised("c", "p1", "usual"),
		h.randomised("a", "p1", "peer"), h.make(nil), h.randomised("d", "p2", "usual"),
	))
	h.want(a, 202, 5, 1, "already_randomised")
	if got := h.ends(); got.Allocations != 2 {
		t.Errorf("%d messages for two participants", got.Allocations)
	}
}

func TestVoidsGoWhereTheirTargetIs(t *testing.T) {
	h := start(t, gateway.Config{})
	h.publish()
	usage := h.make(fields{"id": "u1", "source": "/app"})
	h.want(h.post(batch, array(usage, h.randomised("r1", "p1", "peer"))), 202, 2, 0, "")
	before := h.ends()
	h.want(h.postAs("hope register", single, h.voided("v1", "p1", "/app", "u1")), 202, 1, 0, "")
	h.want(h.postAs("hope register", single, h.voided("v2", "p1", "/rand", "r1")), 400, 0, 0, "not_in_scope")
	h.want(h.postAs("hope allocate", single, h.voided("v3", "p1", "/app", "u1")), 400, 0, 0, "not_in_scope")
	after := h.ends()
	if after.Events != before.Events+1 || after.Allocations != before.Allocations {
		t.Errorf("the log went from %s to %s", before, after)
	}
	correction := h.make(fields{"type": "event.corrected", "source": "/rand", "data": fields{"target_source": "/rand", "target_id": "r1", "arm": "usual"}})
	h.want(h.postAs("hope allocate", single, correction), 202, 1, 0, "")
	wrong := h.make(fields{"type": "event.corrected", "source": "/rand", "data": fields{"target_source": "/rand", "target_id": "r1", "arm": "nobody"}})
	h.want(h.postAs("hope allocate", single, wrong), 400, 0, 0, "unknown_arm")
	h.want(h.postAs("hope allocate", single, h.voided("v4", "p1", "/rand", "r1")), 202, 1, 0, "")
	if after := h.ends(); after.Allocations != before.Allocations+2 {
		t.Errorf("the log went from %s to %s", before, after)
	}
	studyLevel := h.make(fields{"type": "event.voided", "subject": nil, "data": fields{"target_source": "/s", "target_id": "outage-1"}})
	h.want(h.postAs("hope register", single, studyLevel), 202, 1, 0, "")
	if after := h.ends(); after.Studies != before.Studies+1 {
		t.Errorf("a void without subject: the log went from %s to %s", before, after)
	}
	h.publishAgain(t)
}

// publishAgain shows that the last definition is found although something was said about the study after it.
func (h *harness) publishAgain(t *testing.T) {
	m, found, err := h.log.LastDefinition(t.Context(), "hope")
	if err != nil || !found || m.Seq != 1 {
		t.Errorf("last definition at %d, %t, %v", m.Seq, found, err)
	}
}

// TestContestedRandomisation has two gateways randomise the same participants at once: one of them wins each.
func TestContestedRandomisation(t *testing.T) {
	h := start(t, gateway.Config{})
	h.publish()
	other := h.another()
	const participants = 60
	var mu sync.Mutex
	accepted := make(map[string]int)
	var all sync.WaitGroup
	for c, who := range []*harness{h, other, h, other} {
		var events [participants]string
		for p := range participants {
			events[p] = who.randomised(fmt.Sprintf("%d-%d", c, p), fmt.Sprintf("p%d", p), "peer")
		}
		all.Go(func() {
			for p := range participants {
				a := who.post(single, events[p])
				if a.Status != 202 && a.codes() != "already_randomised" {
					t.Errorf("got %s", a.text)
				}
				mu.Lock()
				accepted[fmt.Sprint(p)] += a.Accepted
				mu.Unlock()
			}
		})
	}
	all.Wait()
	for p, n := range accepted {
		if n != 1 {
			t.Errorf("participant %s was randomised %d times", p, n)
		}
	}
	if got := len(h.entries(event.StreamAllocations)); got != participants {
		t.Errorf("%d allocations in the log", got)
	}
}

// TestVoidBeforeItsAllocation: a void that came before the randomisation travels with the events, and sent again after
// it is still the same event, even where that is known from the log alone.
func TestVoidBeforeItsAllocation(t *testing.T) {
	h := start(t, gateway.Config{})
	h.publish()
	early, late := h.voided("v1", "p1", "/rand", "r1"), h.voided("v2", "p1", "/rand", "r2")
	h.want(h.post(single, early), 202, 1, 0, "")
	h.want(h.post(single, h.randomised("r1", "p1", "peer")), 202, 1, 0, "")
	before := h.ends()
	h.want(h.post(single, early), 202, 0, 1, "")
	h.want(h.post(single, h.voided("v1", "p1", "/other", "r1")), 400, 0, 0, "id_reused")
	h.reopen()
	h.want(h.post(single, early), 202, 0, 1, "")
	if after := h.ends(); after.Allocations != before.Allocations {
		t.Errorf("the log went from %s to %s", before, after)
	}
	h.want(h.post(batch, array(late, h.randomised("r2", "p2", "peer"), late)), 202, 2, 1, "")
}
