package analyst

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/throughline-trials/throughline/services/store"
)

// TestPastEqualsLive: what is answered as of a past moment of a growing log is what was answered live then.
func TestPastEqualsLive(t *testing.T) {
	r := newRig(t)
	def := life(t)
	tr := newTrial(t, def)
	rows := rapid.Custom(func(rt *rapid.T) []store.Row {
		for i := range 20 {
			invent(rt, tr, fmt.Sprintf("p%d", i))
		}
		tr.on(7, 0, "", "outage.declared", "component=app", "from=2026-01-13T00:00:00Z")
		rows := rapid.Permutation(tr.rows).Draw(rt, "order")
		for i := range rows { // received in this order over sixty days, but never before the day 40 days after they happened
			rows[i].Received = on(0, 0).Add(time.Duration(i+1) * 60 * 24 * time.Hour / time.Duration(len(rows)))
		}
		return rows
	}).Example(7)

	r.project(on(0, 0), published(t, def, on(-1, 0)))
	s, _ := r.start()
	reader := s.Reader()
	live := map[time.Time]string{}
	for step := range 10 {
		through := on(6*(step+1), 0)
		n := slices.IndexFunc(rows, func(row store.Row) bool { return row.Received.After(through) })
		if n < 0 {
			n = len(rows)
		}
		r.project(through, slices.Clone(rows[:n])...)
		rows = rows[n:]
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		if err := reader.until(ctx, func(c cut) bool { return c.through.Equal(through) }); err != nil {
			t.Fatal(err)
		}
		cancel()
		live[through] = answers(t, reader, Query{})
	}
	if len(rows) != 0 {
		t.Fatalf("%d rows were not projected", len(rows))
	}
	for through, want := range live {
		if got := answers(t, reader, Query{AsOf: through}); got != want {
			t.Errorf("as of %s:\n%s\nlive it was\n%s", through, got, want)
		}
	}
	for _, day := range []int{3, 20, 41} { // another cut-off: records that hold and records that do not
		q := Query{Cutoff: on(day, 5)}
		got := answers(t, reader, q)
		q.AsOf = on(60, 0)
		if want := answers(t, &Reader{engine: reader.engine, past: newPast(1)}, q); got != want {
			t.Errorf("cut-off day %d:\n%s\nwant\n%s", day, got, want)
		}
	}
}
