package gateway

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	tlog "github.com/throughline-trials/throughline/services/log"
	"github.com/throughline-trials/throughline/services/study"
)

// searchTimeout bounds the search for events of what a new version drops.
const searchTimeout = 2 * time.Minute

// define publishes the definitions among the items, before anything else is looked at, so that a request may hold a
// definition and events of its study.
func (b *batch) define(ctx context.Context) error {
	for i := range b.items {
		it := &b.items[i]
		if it.outcome != pending || it.event.Type != event.TypeDefinition {
			continue
		}
		if err := b.defineItem(ctx, it); err != nil {
			return err
		}
	}
	return nil
}

// defineItem publishes one definition, deciding anew when another one of its study came first.
func (b *batch) defineItem(ctx context.Context, it *item) error {
	next, err := study.Parse(definitionOf(&it.event), "")
	if err != nil {
		it.refuse(definitionProblems(err)...)
		return nil
	}
	if next.ID != it.event.Study {
		it.refuseFor(event.CodeInvalidValue, "data.id", "the definition is of another study than the event")
		return nil
	}
	for range maxContests {
		err := b.tryDefine(ctx, it, next)
		if !errors.Is(err, tlog.ErrConflict) {
			return err
		}
	}
	return errors.Join(errUnavailable, tlog.ErrConflict)
}

// tryDefine publishes a definition if it may follow the one that the log has last.
func (b *batch) tryDefine(ctx context.Context, it *item, next *study.Definition) error {
	g := b.gateway
	last, found, err := g.log.LastDefinition(ctx, it.event.Study)
	if err != nil {
		return errors.Join(errUnavailable, err)
	}
	if found {
		g.studies.take(last)
	}
	if content, known := g.studies.seen(it.identity); known {
		b.meet(it, compare(content, it.content))
		return nil
	}
	if v, known := g.studies.get(it.event.Study); known {
		if err := g.checkSuccession(ctx, v.definition, next); err != nil {
			if !refusal(err) {
				return err
			}
			it.refuse(definitionProblems(err)...)
			return nil
		}
	}
	return b.publishDefinition(ctx, it, last.Seq)
}

func (b *batch) publishDefinition(ctx context.Context, it *item, after uint64) error {
	g := b.gateway
	out := tlog.Outgoing{
		Subject:    event.StudySubject(it.event.Study, event.StudyToken(event.TypeDefinition)),
		Credential: b.grant.ID, Payload: appendLine(nil, &it.event), ExpectLastSubjectSeq: &after,
	}
	c := startCommit(event.StreamStudies, 1, len(out.Payload))
	seqs, err := g.log.Publish(context.WithoutCancel(ctx), []tlog.Outgoing{out})
	g.metrics.committed(c.end(err))
	if err != nil {
		return err
	}
	g.studyLane.passed(seqs[0])
	g.studies.take(tlog.Message{Stream: event.StreamStudies, Subject: out.Subject, Seq: seqs[0], Time: g.config.Clock(), Payload: out.Payload})
	b.position = b.position.Max(tlog.Position{Studies: seqs[0]})
	it.outcome = accepted
	g.replayer.wake(it.event.Study)
	return nil
}

// definitionProblems turns what is wrong with a definition into problems of its event.
func definitionProblems(err error) []event.Problem {
	var faults study.Problems
	if errors.As(err, &faults) && len(faults) > 0 {
		return fromStudy(faults)
	}
	return []event.Problem{{Code: event.CodeInvalidValue, Field: "data", Detail: "the definition cannot be read"}}
}

func refusal(err error) bool {
	var faults study.Problems
	return errors.As(err, &faults)
}

// checkSuccession returns [study.Problems] if a new version drops an arm or component that has events. Only when it
// drops some at all is the log searched for their events.
func (g *Gateway) checkSuccession(ctx context.Context, old, next *study.Definition) error {
	dropped := droppedBy(old, next)
	if len(dropped.Arms) == 0 && len(dropped.Components) == 0 {
		return study.Compatible(old, next, study.Usage{})
	}
	ctx, cancel := context.WithTimeout(ctx, searchTimeout)
	defer cancel()
	used, err := g.usage(ctx, old.ID, dropped)
	if err != nil {
		return errors.Join(errUnavailable, err)
	}
	return study.Compatible(old, next, used)
}

func droppedBy(old, next *study.Definition) study.Usage {
	dropped := study.Usage{Arms: make(map[string]bool), Components: make(map[string]bool)}
	for _, a := range old.Arms {
		if _, kept := next.Arm(a.ID); !kept {
			dropped.Arms[a.ID] = true
		}
	}
	for _, c := range old.Components {
		if _, kept := next.Component(c.ID); !kept {
			dropped.Components[c.ID] = true
		}
	}
	return dropped
}

var errFoundAll = errors.New("every one has events")

// usage searches the log of a study for events of arms and components, and returns those that have some.
func (g *Gateway) usage(ctx context.Context, studyID string, of study.Usage) (study.Usage, error) {
	used := study.Usage{Arms: make(map[string]bool), Components: make(map[string]bool)}
	note := func(m tlog.Message) error {
		for _, entry := range m.Entries() {
			noteUse(used, &entry.Event, of)
		}
		if len(used.Arms) == len(of.Arms) && len(used.Components) == len(of.Components) {
			return errFoundAll
		}
		return nil
	}
	subjects := []struct {
		stream  event.Stream
		subject string
	}{
		{event.StreamAllocations, "tl.allocation." + studyID + ".>"},
		{event.StreamStudies, event.StudySubject(studyID, event.StudyToken(event.TypeOutage))},
		{event.StreamStudies, event.StudySubject(studyID, event.StudyToken(event.TypeCorrected))},
		{event.StreamEvents, "tl.events." + studyID + ".>"},
	}
	for _, s := range subjects {
		err := g.readAll(ctx, s.stream, s.subject, note)
		if errors.Is(err, errFoundAll) {
			return used, nil
		}
		if err != nil {
			return used, fmt.Errorf("search events of study: %w", err)
		}
	}
	return used, nil
}

// noteUse marks the arms and components an event names, of those that are looked for.
func noteUse(used study.Usage, e *event.Event, of study.Usage) {
	for _, component := range []string{e.Component, e.Data.Text("component")} {
		if of.Components[component] {
			used.Components[component] = true
		}
	}
	if arm := e.Data.Text("arm"); of.Arms[arm] {
		used.Arms[arm] = true
	}
}

// readAll hands over what a subject has now.
func (g *Gateway) readAll(ctx context.Context, stream event.Stream, subject string, fn func(tlog.Message) error) error {
	last, _, err := g.log.Last(ctx, stream)
	if err != nil || last == 0 {
		return err
	}
	return g.log.ReadRange(ctx, stream, tlog.Range{From: 1, To: last, Subject: subject}, fn)
}
