package analyst

import (
	"container/list"

	"github.com/throughline-trials/throughline/services/store"
)

// hot keeps the rows of the participants that were touched last, packed, so that a new event does not make the database
// read all that there was before. What does not fit is read from the facts.
type hot struct {
	bound  int // bytes
	packer packer
	reader *unpacker
	kept   map[store.Participant]*list.Element
	order  *list.List // of *packed, the last touched first
	size   int
	fresh  []byte // being packed
}

// packed is the rows of one participant, up to a cut.
type packed struct {
	who  store.Participant
	rows []byte
	last int64             // microseconds at which the last of them was received
	seqs map[string]uint64 // by table: of the last of them
}

// spare is the part of a participant's rows that is kept free for more, when there is need of more: 1/spare.
const spare = 16

// packedOverhead is what a participant costs beside its rows.
const packedOverhead = 250

func newHot(bound int) *hot {
	w := newWords()
	return &hot{bound: bound, packer: packer{w}, reader: newUnpacker(w), kept: map[store.Participant]*list.Element{}, order: list.New()}
}

// clear forgets everything.
func (h *hot) clear() { *h = *newHot(h.bound) }

// put keeps the rows of a participant: all that there are up to the cut.
func (h *hot) put(who store.Participant, rows []store.Row) {
	h.drop(who)
	p := &packed{who: who, seqs: map[string]uint64{}}
	h.extend(p, rows)
	h.kept[who] = h.order.PushFront(p)
	h.size += cap(p.rows) + packedOverhead
	h.shrink(p)
}

// add appends rows to those of a participant, but for those it has, and returns all of them in dst. False means that the
// participant is not kept.
func (h *hot) add(dst []store.Row, who store.Participant, rows []store.Row) ([]store.Row, bool) {
	element, ok := h.kept[who]
	if !ok {
		return dst, false
	}
	p := element.Value.(*packed)
	h.order.MoveToFront(element)
	h.size -= cap(p.rows)
	h.extend(p, rows)
	h.size += cap(p.rows)
	h.shrink(p)
	return h.reader.rows(dst, p.rows, who.Study, who.Participant), true
}

// extend packs rows that come by table and sequence. A row that is there already is one of a message that is: messages
// are kept whole.
func (h *hot) extend(p *packed, rows []store.Row) {
	before := p.seqs
	p.seqs = map[string]uint64{}
	for table, seq := range before {
		p.seqs[table] = seq
	}
	h.fresh = h.fresh[:0]
	for i := range rows {
		r := &rows[i]
		if r.Seq <= before[r.Table] {
			continue
		}
		h.fresh = h.packer.append(h.fresh, r, p.last)
		p.last, p.seqs[r.Table] = r.Received.UnixMicro(), r.Seq
	}
	if need := len(p.rows) + len(h.fresh); need > cap(p.rows) {
		grown := make([]byte, len(p.rows), need+len(p.rows)/spare)
		copy(grown, p.rows)
		p.rows = grown
	}
	p.rows = append(p.rows, h.fresh...)
}

func (h *hot) drop(who store.Participant) {
	if element, ok := h.kept[who]; ok {
		p := h.order.Remove(element).(*packed)
		h.size -= cap(p.rows) + packedOverhead
		delete(h.kept, who)
	}
}

// shrink lets those go that were touched longest ago, but not one.
func (h *hot) shrink(except *packed) {
	for h.size > h.bound {
		last := h.order.Back().Value.(*packed)
		if last == except {
			return
		}
		h.drop(last.who)
	}
}
