package analyst

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/store"
)

// entry is one accepted event as it stands after what was said about it.
type entry struct {
	row     *store.Row
	event   *event.Event // the row's own, or the corrected one
	offset  *int16       // minutes east of UTC that decide its day; nil where site or study decides
	voided  bool
	changed bool // by a correction
}

// aboutRecord reports whether an event says something about the record: it acts from its receipt, whatever its time.
func aboutRecord(typ string) bool {
	switch typ {
	case event.TypeVoided, event.TypeCorrected, event.TypeDefinition, event.TypeOutage:
		return true
	}
	return false
}

// resolve returns the events among rows that are known as of the clock, each as it stands. A void of a void restores, the
// correction received last wins, and what names an event that is not among the rows waits for it. Test traffic voids and
// corrects nothing. The order of rows does not matter.
func resolve(rows []store.Row, clock Clock) []entry {
	entries := make([]entry, 0, len(rows))
	var statements []*store.Row
	for i := range rows {
		r := &rows[i]
		if r.Kind != store.KindEvent || !clock.received(r.Received) {
			continue
		}
		entries = append(entries, entry{row: r, event: &r.Event, offset: r.Offset})
		if isStatement(&r.Event) {
			statements = append(statements, r)
		}
	}
	if len(statements) > 0 {
		newLedger(statements).apply(entries)
	}
	return entries
}

func isStatement(e *event.Event) bool {
	return !e.IsTest && (e.Type == event.TypeVoided || e.Type == event.TypeCorrected)
}

// ledger is what was said about the events of one participant, or of the study.
type ledger struct {
	voids       map[event.Identity][]event.Identity // by target: the voids of it
	corrections map[event.Identity][]*store.Row     // by target: the last received first
	voided      map[event.Identity]bool             // as far as it is settled
	asking      map[event.Identity]bool
}

func newLedger(statements []*store.Row) *ledger {
	l := &ledger{
		voids:       map[event.Identity][]event.Identity{},
		corrections: map[event.Identity][]*store.Row{},
		voided:      map[event.Identity]bool{},
		asking:      map[event.Identity]bool{},
	}
	// Voids that void each other in a ring have no order of their own; they get one that is not that of arrival.
	slices.SortFunc(statements, func(a, b *store.Row) int { return bytes.Compare(a.Identity[:], b.Identity[:]) })
	for _, r := range statements {
		target := event.IdentityOf(r.Event.Study, r.Event.Data.Text("target_source"), r.Event.Data.Text("target_id"))
		if r.Event.Type == event.TypeVoided {
			l.voids[target] = append(l.voids[target], r.Identity)
		} else {
			l.corrections[target] = append(l.corrections[target], r)
		}
	}
	for _, r := range statements {
		l.isVoided(r.Identity)
	}
	for _, list := range l.corrections {
		slices.SortFunc(list, receivedLast)
	}
	return l
}

// receivedLast orders rows by receipt, the last first.
func receivedLast(a, b *store.Row) int {
	return cmp.Or(b.Received.Compare(a.Received), cmp.Compare(b.Seq, a.Seq), cmp.Compare(b.Index, a.Index), bytes.Compare(a.Identity[:], b.Identity[:]))
}

// isVoided reports whether a void that stands names the event.
func (l *ledger) isVoided(id event.Identity) bool {
	voids, named := l.voids[id]
	if !named || l.asking[id] {
		return false
	}
	if known, ok := l.voided[id]; ok {
		return known
	}
	l.asking[id] = true
	standing := slices.ContainsFunc(voids, func(v event.Identity) bool { return v != id && !l.isVoided(v) })
	delete(l.asking, id)
	l.voided[id] = standing
	return standing
}

func (l *ledger) apply(entries []entry) {
	for i := range entries {
		e := &entries[i]
		e.voided = l.isVoided(e.row.Identity)
		if e.voided {
			continue
		}
		for _, correction := range l.corrections[e.row.Identity] {
			if !l.isVoided(correction.Identity) && e.correct(&correction.Event) {
				break
			}
		}
	}
}

// correct applies a correction and reports whether it fits the event.
func (e *entry) correct(correction *event.Event) bool {
	target := e.row.Event
	target.ID = correction.Data.Text("target_id") // which rows kept in memory do not carry
	corrected, problems := event.Apply(target, *correction)
	if len(problems) > 0 {
		return false
	}
	e.event, e.changed, e.offset = &corrected, true, nil
	if minutes, ok := offsetOf(&corrected, corrected.Time.Time); ok {
		e.offset = &minutes
	}
	return true
}
