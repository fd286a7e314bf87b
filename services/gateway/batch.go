package gateway

import (
	"context"

	"github.com/throughline-trials/throughline/pkg/event"
	tlog "github.com/throughline-trials/throughline/services/log"
)

const detailReused = "an event with this study, source and id but other content was accepted before: a new event needs a new id"

// batch is one request on its way from bytes to answer.
type batch struct {
	submission
	gateway  *Gateway
	items    []item
	ticket   *ticket
	awaits   []*ticket // of other requests whose success the answer rests on
	position tlog.Position
	reserved int // refusals that were given room in quarantine
}

// run takes the batch all the way. An error means that nothing of it may be taken for done.
func (b *batch) run(ctx context.Context) (Result, error) {
	err := b.commit(ctx)
	b.ticket.settle("", 0, err)
	<-b.ticket.done
	position, err := b.ticket.result()
	b.unclaim(err == nil)
	if err != nil {
		b.gateway.quarantine.unreserve(b.grant.ID, b.reserved)
		return Result{}, err
	}
	for _, t := range b.awaits {
		<-t.done
		if _, err := t.result(); err != nil {
			return Result{}, err
		}
	}
	b.gateway.replayLate(b)
	// Beyond what this request wrote, the position covers what was acknowledged before it: the definition its events were
	// checked against, the randomisation they need, the first of a resend. So the last position that a client got covers
	// everything it sent.
	b.position = b.position.Max(position).Max(b.gateway.acknowledged())
	return result(b.items, b.position), nil
}

// commit decides every event and hands what is to be written to the lanes.
func (b *batch) commit(ctx context.Context) error {
	for i := range b.items {
		b.decode(&b.items[i])
		admit(&b.items[i], b.grant)
	}
	if err := b.define(ctx); err != nil {
		return err
	}
	for i := range b.items {
		if it := &b.items[i]; it.outcome == pending {
			if err := b.gateway.checkStudy(ctx, it); err != nil {
				return err
			}
		}
	}
	if err := b.allocate(ctx); err != nil {
		return err
	}
	b.claim()
	return b.write()
}

// claim sorts out resends, within the request and among what went before. Allocations are sorted out by their stream.
func (b *batch) claim() {
	for i := range b.items {
		if it := &b.items[i]; it.outcome == pending {
			b.claimItem(it)
		}
	}
}

func (b *batch) claimItem(it *item) {
	if content, known := b.gateway.studies.seen(it.identity); known {
		b.meet(it, compare(content, it.content))
		return
	}
	st, other := b.gateway.recents.claim(it.identity, it.content, b.ticket)
	if st == unseen {
		it.claimed = true
		return
	}
	if other != nil && other != b.ticket {
		b.awaits = append(b.awaits, other)
	}
	b.meet(it, st)
}

func (b *batch) meet(it *item, st standing) {
	if st == duplicate {
		it.outcome = duplicated
		return
	}
	it.refuseFor(event.CodeIDReused, "id", detailReused)
}

// unclaim lets go of the identities: those now in the log are remembered.
func (b *batch) unclaim(ok bool) {
	var settled, released []event.Identity
	for i := range b.items {
		it := &b.items[i]
		switch {
		case !it.claimed:
		case ok && it.outcome != refused:
			settled = append(settled, it.identity)
		default:
			released = append(released, it.identity)
		}
	}
	b.gateway.recents.settle(settled)
	b.gateway.recents.release(released)
}

// write hands events, markers of duplicates and refusals to their lanes.
func (b *batch) write() error {
	g := b.gateway
	events := newPacker(b.grant.ID, b.ticket)
	studyEvents := newPacker(b.grant.ID, b.ticket)
	for i := range b.items {
		it := &b.items[i]
		switch {
		case it.outcome == duplicated && !b.replay:
			events.addDuplicate(event.EventsSubject(it.event.Study, it.event.Subject), it.identity)
		case it.outcome != pending:
		case it.event.Subject == "":
			it.outcome = accepted
			studyEvents.addEvent(event.StudySubject(it.event.Study, event.StudyToken(it.event.Type)), &it.event, len(it.raw))
		default:
			it.outcome = accepted
			events.addEvent(event.EventsSubject(it.event.Study, it.event.Subject), &it.event, len(it.raw))
		}
	}
	if err := g.eventLane.add(events.parts()); err != nil {
		return err
	}
	if err := g.studyLane.add(studyEvents.parts()); err != nil {
		return err
	}
	if b.replay {
		return nil
	}
	return g.quarantine.write(b)
}
