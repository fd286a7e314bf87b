package gateway

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"github.com/throughline-trials/throughline/pkg/event"
	tlog "github.com/throughline-trials/throughline/services/log"
)

const (
	maxContests  = 8  // how often an allocation is decided anew because another came first
	historyReads = 16 // participants whose allocations are read at the same time
)

// history is what the log says of one participant's allocation.
type history struct {
	last      uint64 // sequence of the last message, 0 if there is none
	events    []allocationEvent
	place     map[event.Identity]int
	elsewhere map[event.Identity]event.Digest // voids and corrections that came before what they are about: see [Gateway.readElsewhere]
}

type allocationEvent struct {
	id      event.Identity
	content event.Digest
	typ     string
	target  event.Identity // of a void or correction
}

// readHistory reads the allocation stream of one participant.
func readHistory(ctx context.Context, l *tlog.Log, studyID, participant string) (*history, error) {
	h := &history{place: make(map[event.Identity]int)}
	subject := event.AllocationSubject(studyID, participant)
	for from := uint64(1); ; from = h.last + 1 {
		m, found, err := l.NextOn(ctx, event.StreamAllocations, subject, from)
		if err != nil {
			return nil, errors.Join(errUnavailable, err)
		}
		if !found {
			return h, nil
		}
		h.last = m.Seq
		for _, entry := range m.Entries() {
			if !entry.Duplicate && len(entry.Problems) == 0 {
				h.add(&entry.Event, entry.Identity, entry.Event.Content())
			}
		}
	}
}

// readElsewhere reads which voids and corrections of one participant travelled with the events. One that came before the
// allocation that it is about did, and stays there: sent again, now that its target is known, it is the same event.
func (g *Gateway) readElsewhere(ctx context.Context, studyID, participant string) (map[event.Identity]event.Digest, error) {
	found := make(map[event.Identity]event.Digest)
	err := g.readAll(ctx, event.StreamEvents, event.EventsSubject(studyID, participant), func(m tlog.Message) error {
		for _, entry := range m.Entries() {
			if _, again := found[entry.Identity]; !again && aboutAnother(&entry.Event) {
				found[entry.Identity] = entry.Event.Content()
			}
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(errUnavailable, err)
	}
	return found, nil
}

func (h *history) add(e *event.Event, id event.Identity, content event.Digest) {
	if _, again := h.place[id]; again {
		return
	}
	h.place[id] = len(h.events)
	h.events = append(h.events, allocationEvent{id: id, content: content, typ: e.Type, target: targetOf(e)})
}

// targetOf returns the identity that a void or correction means.
func targetOf(e *event.Event) event.Identity {
	if !aboutAnother(e) {
		return event.Identity{}
	}
	return event.IdentityOf(e.Study, e.Data.Text("target_source"), e.Data.Text("target_id"))
}

// aboutAnother reports whether an event says something about another one.
func aboutAnother(e *event.Event) bool {
	return e.Type == event.TypeVoided || e.Type == event.TypeCorrected
}

// mayAllocate reports whether an event concerns, or may concern, an allocation.
func mayAllocate(e *event.Event) bool {
	return e.Subject != "" && (e.Type == event.TypeRandomised || aboutAnother(e))
}

// randomised reports whether a randomisation stands: one that is not voided.
func (h *history) randomised() bool {
	for i := range h.events {
		if h.events[i].typ == event.TypeRandomised && !h.voided(i, len(h.events)) {
			return true
		}
	}
	return false
}

// voided reports whether an event is voided by one that is not itself voided. The depth ends a ring of voids.
func (h *history) voided(i, depth int) bool {
	if depth == 0 {
		return false
	}
	for j := range h.events {
		v := &h.events[j]
		if v.typ == event.TypeVoided && v.target == h.events[i].id && j != i && !h.voided(j, depth-1) {
			return true
		}
	}
	return false
}

// allocation is what one request says about one participant's allocation.
type allocation struct {
	study, participant string
	items              []*item
	last               uint64    // sequence of the participant's last message before
	verdicts           []verdict // of the items, in their order
	ticket             *ticket   // of the message on its way; nil if there is none
}

// aboutAllocations reports whether any item says something about an allocation of the history.
func (a *allocation) aboutAllocations(h *history) bool {
	for _, it := range a.items {
		if _, known := h.place[it.identity]; known || !aboutAnother(&it.event) {
			continue
		}
		if _, concerns := h.place[targetOf(&it.event)]; concerns {
			return true
		}
	}
	return false
}

// verdict is what becomes of one item if the message goes through.
type verdict struct {
	outcome outcome // pending: the item is no allocation and travels with the events
	code    event.Code
	field   string
	detail  string
	awaits  *ticket // of the other that a duplicate is of, if that one is on its way
}

// allocate decides randomisations, and voids and corrections of participants, and commits those that concern
// allocations. Items that turn out to concern other events stay pending.
func (b *batch) allocate(ctx context.Context) error {
	todo := b.allocations()
	for range maxContests {
		if len(todo) == 0 {
			return nil
		}
		if err := b.commitAllocations(ctx, todo); err != nil {
			return err
		}
		var lost []*allocation
		for _, a := range todo {
			switch err := b.conclude(a); {
			case errors.Is(err, tlog.ErrConflict):
				lost = append(lost, a)
			case err != nil:
				return err
			}
		}
		todo = lost
	}
	if len(todo) > 0 {
		return errors.Join(errUnavailable, tlog.ErrConflict)
	}
	return nil
}

// allocations gathers the items that may concern allocations, by participant.
func (b *batch) allocations() []*allocation {
	var all []*allocation
	index := make(map[string]*allocation)
	for i := range b.items {
		it := &b.items[i]
		if it.outcome != pending || !mayAllocate(&it.event) {
			continue
		}
		key := event.AllocationSubject(it.event.Study, it.event.Subject)
		a, ok := index[key]
		if !ok {
			a = &allocation{study: it.event.Study, participant: it.event.Subject}
			index[key] = a
			all = append(all, a)
		}
		a.items = append(a.items, it)
	}
	return all
}

// commitAllocations decides each allocation by what the log says now, and waits until the log has taken or refused all.
func (b *batch) commitAllocations(ctx context.Context, todo []*allocation) error {
	parts := make([]part, len(todo))
	reads, ctx := errgroup.WithContext(ctx)
	reads.SetLimit(historyReads)
	for i, a := range todo {
		reads.Go(func() error {
			h, err := readHistory(ctx, b.gateway.log, a.study, a.participant)
			if err == nil && a.aboutAllocations(h) {
				h.elsewhere, err = b.gateway.readElsewhere(ctx, a.study, a.participant)
			}
			if err != nil {
				return err
			}
			parts[i] = b.decide(a, h)
			return nil
		})
	}
	if err := reads.Wait(); err != nil {
		return err
	}
	var out []part
	for i, a := range todo {
		if a.ticket != nil {
			out = append(out, parts[i])
		}
	}
	if err := b.gateway.allocationLane.add(out); err != nil {
		return err
	}
	for _, a := range todo {
		if a.ticket != nil {
			a.ticket.settle("", 0, nil)
			<-a.ticket.done
		}
	}
	return nil
}

// decide judges the items in their order and makes the message that holds what is accepted.
func (b *batch) decide(a *allocation, h *history) part {
	a.verdicts, a.ticket, a.last = make([]verdict, len(a.items)), nil, h.last
	var lines []byte
	last := h.last
	for i, it := range a.items {
		a.verdicts[i] = b.judge(it, h)
		if a.verdicts[i].outcome == accepted {
			h.add(&it.event, it.identity, it.content)
			lines = appendLine(lines, &it.event)
		}
	}
	if lines == nil {
		return part{}
	}
	a.ticket = newTicket()
	return part{ticket: a.ticket, out: tlog.Outgoing{
		Subject: event.AllocationSubject(a.study, a.participant), Credential: b.grant.ID, Payload: lines, ExpectLastSubjectSeq: &last,
	}}
}

func (b *batch) judge(it *item, h *history) verdict {
	if i, known := h.place[it.identity]; known {
		return resent(h.events[i].content, it)
	}
	if it.event.Type == event.TypeRandomised {
		if h.randomised() {
			return verdict{outcome: refused, code: event.CodeAlreadyRandomised, detail: "the participant is randomised already; void that randomisation first if it was wrong"}
		}
		return verdict{outcome: accepted}
	}
	if _, concerns := h.place[targetOf(&it.event)]; !concerns {
		if !b.grant.Has(event.ScopeRegister) {
			return verdict{outcome: refused, code: event.CodeNotInScope, field: "type", detail: "the target is no allocation: this needs a credential with scope register"}
		}
		return verdict{}
	}
	if !b.grant.Has(event.ScopeAllocate) {
		return verdict{outcome: refused, code: event.CodeNotInScope, field: "type", detail: "the target is an allocation: this needs a credential with scope allocate"}
	}
	if content, known := h.elsewhere[it.identity]; known {
		return resent(content, it)
	}
	return b.claimAbout(it)
}

// claimAbout accepts what is said about an allocation unless the same is on its way with the events.
func (b *batch) claimAbout(it *item) verdict {
	if it.claimed {
		return verdict{outcome: accepted}
	}
	switch st, other := b.gateway.recents.claim(it.identity, it.content, b.ticket); st {
	case unseen:
		it.claimed = true
		return verdict{outcome: accepted}
	case duplicate:
		return verdict{outcome: duplicated, awaits: other}
	default:
		return verdict{outcome: refused, code: event.CodeIDReused, field: "id", detail: detailReused}
	}
}

// resent is the verdict on an event of an identity that the log has with some content.
func resent(content event.Digest, it *item) verdict {
	if content == it.content {
		return verdict{outcome: duplicated}
	}
	return verdict{outcome: refused, code: event.CodeIDReused, field: "id", detail: detailReused}
}

// conclude applies the verdicts once the message is on disk.
func (b *batch) conclude(a *allocation) error {
	if a.ticket != nil {
		position, err := a.ticket.result()
		if err != nil {
			return err
		}
		b.position = b.position.Max(position)
	}
	b.position = b.position.Max(tlog.Position{Allocations: a.last})
	for i, it := range a.items {
		switch v := a.verdicts[i]; v.outcome {
		case refused:
			it.refuseFor(v.code, v.field, v.detail)
		case accepted, duplicated:
			it.outcome = v.outcome
			if v.awaits != nil && v.awaits != b.ticket {
				b.awaits = append(b.awaits, v.awaits)
			}
		}
	}
	return nil
}
