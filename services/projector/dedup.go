package projector

import (
	"context"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/store"
)

// deduper decides which events are the first of their identity. It belongs to one table and one writer.
type deduper struct {
	store  *store.Store
	table  string
	filter *filter // of the identities in the table, and maybe some more

	first    map[event.Identity]int // row of the block that is the first of its identity
	suspects []event.Identity
}

// load fills the filter from the table.
func (d *deduper) load(ctx context.Context, rows uint64) error {
	f := newFilter(rows)
	err := d.store.Identities(ctx, d.table, func(ids []event.Identity) error {
		for i := range ids {
			f.add(&ids[i])
		}
		return nil
	})
	if err == nil {
		d.filter = f
	}
	return err
}

// decide turns every event of a block that is not the first of its identity into a duplicate, or into a refusal if it
// says something else. The rows must be in the order of the log and follow on those of the table.
func (d *deduper) decide(ctx context.Context, rows []store.Row) error {
	if d.first == nil {
		d.first = make(map[event.Identity]int)
	}
	clear(d.first)
	d.suspects = d.suspects[:0]
	for i := range rows {
		if rows[i].Kind == store.KindEvent {
			d.meet(i, &rows[i].Identity)
		}
	}
	var known map[event.Identity]store.Found
	if len(d.suspects) > 0 {
		var err error
		if known, err = d.store.Lookup(ctx, d.table, d.suspects); err != nil {
			return err
		}
	}
	d.mark(rows, known)
	return nil
}

func (d *deduper) meet(i int, id *event.Identity) {
	if _, seen := d.first[*id]; seen {
		return
	}
	d.first[*id] = i
	if d.filter.maybe(id) {
		d.suspects = append(d.suspects, *id)
	} else {
		d.filter.add(id)
	}
}

func (d *deduper) mark(rows []store.Row, known map[event.Identity]store.Found) {
	for i := range rows {
		r := &rows[i]
		if r.Kind != store.KindEvent {
			continue
		}
		content := rows[d.first[r.Identity]].Content
		if found, ok := known[r.Identity]; ok {
			content = found.Content
		} else if d.first[r.Identity] == i {
			continue
		}
		if r.Content == content {
			MarkDuplicate(r)
		} else {
			MarkReused(r)
		}
	}
}

// MarkDuplicate turns an event into the marker of a duplicate.
func MarkDuplicate(r *store.Row) {
	r.Kind, r.Offset = store.KindDuplicate, nil
	r.Event = event.Event{Study: r.Event.Study, Subject: r.Event.Subject, Type: r.Event.Type}
}

// MarkReused turns an event into the refusal of one that has the identity of another. The event is kept.
func MarkReused(r *store.Row) {
	r.Kind, r.Code, r.Field = store.KindRefused, event.CodeIDReused, "id"
	r.Detail = "another event of this source has the same id; give every event an id of its own"
}
