package importer

import (
	"context"
	"fmt"

	"github.com/throughline-trials/throughline/pkg/event"
)

// Sender delivers events to the log.
type Sender interface {
	// Send delivers at most [event.MaxBatchEvents] events and returns once the log has them on disk. Refused events are
	// no error: the receipt names them. With an error it is not known what was delivered; sending again is harmless.
	Send(ctx context.Context, events []event.Event) (Receipt, error)
}

// Receipt is what became of the events of one Send.
type Receipt struct {
	Duplicates int       `json:"duplicates"` // had been delivered before
	Rejected   []Refused `json:"rejected"`
	Position   string    `json:"position"`
}

// Refused is one event that was not taken.
type Refused struct {
	Index  int        `json:"index"` // in what was sent, from 0
	Code   event.Code `json:"code"`
	Field  string     `json:"field"`
	Detail string     `json:"detail"`
}

// send delivers the steps in batches and counts what became of them.
func (r *run) send(ctx context.Context, steps []step) error {
	var pending batch
	for i := range steps {
		s := &steps[i]
		switch {
		case s.fault != nil:
			r.report.refuse(s.refusal(s.fault))
		case len(s.send) == 0:
			r.report.count(s.wish.spec.Name, s.action, 1)
		case r.config.DryRun:
			r.report.count(s.wish.spec.Name, s.action, 1)
			r.sent += len(s.send)
		default:
			if len(pending.events)+len(s.send) > event.MaxBatchEvents {
				if err := r.deliver(ctx, &pending); err != nil {
					return err
				}
			}
			pending.add(s)
		}
	}
	return r.deliver(ctx, &pending)
}

// batch is the events of some steps, to be sent together.
type batch struct {
	events []event.Event
	owners []*step // of each event
}

func (b *batch) add(s *step) {
	for _, e := range s.send {
		b.events = append(b.events, e)
		b.owners = append(b.owners, s)
	}
}

// deliver sends a batch and empties it. A step is refused if one of its events is.
func (r *run) deliver(ctx context.Context, b *batch) error {
	if len(b.events) == 0 {
		return nil
	}
	receipt, err := r.config.Sender.Send(ctx, b.events)
	if err != nil {
		return fmt.Errorf("send events: %w", err)
	}
	refused := map[*step]Refused{}
	for _, rejected := range receipt.Rejected {
		if rejected.Index < 0 || rejected.Index >= len(b.owners) {
			return fmt.Errorf("send events: the answer refuses an event that was not sent")
		}
		refused[b.owners[rejected.Index]] = rejected
	}
	r.sent += len(b.events) - len(receipt.Rejected)
	if receipt.Position != "" {
		r.report.Position = receipt.Position
	}
	r.settle(b, refused, receipt.Duplicates)
	*b = batch{}
	return nil
}

// settle counts the steps of a batch. Without a history, what the log had already was unchanged.
func (r *run) settle(b *batch, refused map[*step]Refused, duplicates int) {
	if r.config.History != nil {
		duplicates = 0
	}
	for i, s := range b.owners {
		if i > 0 && b.owners[i-1] == s {
			continue
		}
		rejected, bad := refused[s]
		switch {
		case bad:
			r.report.refuse(s.refusal(&fault{s.wish.spec.columnOf(rejected.Field), string(rejected.Code), rejected.Detail}))
		case duplicates > 0:
			duplicates--
			r.report.count(s.wish.spec.Name, ActionUnchanged, 1)
		default:
			r.report.count(s.wish.spec.Name, s.action, 1)
		}
	}
}

func (s *step) refusal(f *fault) Refusal {
	return Refusal{Row: s.wish.row, Line: s.wish.line, Column: f.column, Event: s.wish.spec.Name, Code: f.code, Reason: f.reason}
}
