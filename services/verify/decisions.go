package verify

import (
	"cmp"
	"context"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/store"
)

// maxDoubtful bounds the memory of what is known to differ.
const maxDoubtful = 1 << 20

// doubtful holds what the first pass found to differ, because who was first is not to be judged by it.
type doubtful struct {
	lost     map[event.Identity]lost // events that are missing
	altered  map[event.Identity]bool // identities of rows that were altered
	unlogged map[place]bool          // rows that no message has
}

type place struct {
	seq   uint64
	index uint32
}

// lost is the first row of an identity that is missing, and how many are.
type lost struct {
	first store.Decision
	rows  uint64
}

func newDoubtful() doubtful {
	return doubtful{lost: make(map[event.Identity]lost), altered: make(map[event.Identity]bool), unlogged: make(map[place]bool)}
}

func (d *doubtful) full() bool {
	return len(d.lost)+len(d.altered)+len(d.unlogged) >= maxDoubtful
}

func (d *doubtful) addMissing(want *store.Row) {
	if want.Kind != store.KindEvent || d.full() {
		return
	}
	l, ok := d.lost[want.Identity]
	if !ok {
		l.first = store.Decision{Identity: want.Identity, Content: want.Content, Seq: want.Seq, Index: want.Index, Kind: store.KindEvent}
	}
	l.rows++
	d.lost[want.Identity] = l
}

func (d *doubtful) addAltered(identities ...event.Identity) {
	for _, id := range identities {
		if !d.full() {
			d.altered[id] = true
		}
	}
}

func (d *doubtful) addUnlogged(got *store.Row) {
	if !d.full() {
		d.unlogged[place{got.Seq, got.Index}] = true
	}
}

// group is the rows of one identity so far.
type group struct {
	first store.Decision
	last  store.Decision
	rows  uint64
}

// decisions checks, from the rows alone, that of every identity the first row is the event, that those which say the
// same are duplicates and those which say something else are refused; and counts them.
func (c *comparison) decisions(ctx context.Context) error {
	var g group
	var later uint64 // rows that are not the first of their identity
	err := c.store.Decisions(ctx, c.table, c.end, func(d *store.Decision) error {
		if c.doubtful.unlogged[place{d.Seq, d.Index}] || g.rows > 0 && g.last.Seq == d.Seq && g.last.Index == d.Index {
			return nil // no message has it, or it is doubled: as is known
		}
		if g.rows == 0 || d.Identity != g.first.Identity {
			later += c.close(&g)
			g = c.open(d)
		}
		g.last = *d
		g.rows++
		c.decide(&g)
		return nil
	})
	if err != nil {
		return err
	}
	later += c.close(&g)
	for _, l := range c.doubtful.lost {
		later += l.rows - 1
	}
	c.report.LogEvents += c.candidates - min(later, c.candidates)
	return nil
}

// open begins the group of a row, with the row before it that is missing, if there is one.
func (c *comparison) open(d *store.Decision) group {
	l, ok := c.doubtful.lost[d.Identity]
	if !ok || cmp.Or(cmp.Compare(l.first.Seq, d.Seq), cmp.Compare(l.first.Index, d.Index)) > 0 {
		return group{first: *d}
	}
	l.rows--
	c.doubtful.lost[d.Identity] = l
	return group{first: l.first, rows: 1}
}

// close ends a group and returns how many of its rows, with those that are missing, were not the first.
func (c *comparison) close(g *group) uint64 {
	if g.rows == 0 {
		return 0
	}
	rows := g.rows + c.doubtful.lost[g.first.Identity].rows
	delete(c.doubtful.lost, g.first.Identity)
	return rows - 1
}

// decide checks the last row of a group.
func (c *comparison) decide(g *group) {
	want, code := store.KindEvent, event.Code("")
	if g.rows > 1 {
		if g.last.Content == g.first.Content {
			want = store.KindDuplicate
			c.report.Duplicates++
		} else {
			want, code = store.KindRefused, event.CodeIDReused
			c.report.Quarantined++
		}
	}
	if g.last.Kind == want && g.last.Code == code || c.doubtful.altered[g.last.Identity] {
		return
	}
	c.report.add(Difference{
		Kind: Altered, Stream: c.stream, Seq: g.last.Seq, Index: g.last.Index, Identity: g.last.Identity.String(), Field: "kind",
	})
}
