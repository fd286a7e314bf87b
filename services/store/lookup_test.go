package store_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/store"
)

func TestLookup(t *testing.T) {
	s := open(t)
	block := s.NewBlock()
	for i := range 100_000 {
		r := sample(uint64(i+1), fmt.Sprint("p", i%100))
		if i%10 == 9 {
			r.Kind = store.KindDuplicate
		}
		block.Append(&r)
	}
	if err := block.Insert(t.Context(), store.TableEvents); err != nil {
		t.Fatal(err)
	}
	again := sample(1, "p0") // of an identity that is there, but later
	again.Seq, again.Content = 500_000, event.Digest{1}
	insert(t, s, store.TableEvents, again)

	ids := []event.Identity{sample(1, "").Identity, sample(10, "").Identity, sample(100_001, "").Identity}
	for i := range 9_000 {
		ids = append(ids, sample(uint64(i*10+2), "").Identity)
	}
	found, err := s.Lookup(t.Context(), store.TableEvents, ids)
	if err != nil {
		t.Fatal(err)
	}
	first := sample(1, "p0")
	if got := found[ids[0]]; got.Seq != 1 || got.Content != first.Content || len(found) != 9_001 {
		t.Errorf("%d found, the first %+v", len(found), got)
	}
	n := 0
	err = s.Identities(t.Context(), store.TableEvents, func(ids []event.Identity) error { n += len(ids); return nil })
	if err != nil || n != 90_001 {
		t.Errorf("%d identities of events: %v", n, err)
	}
	if plan := explain(t, s, "SELECT identity, content, seq, idx FROM {db}.events WHERE kind = 'event' AND identity IN (x'"+ids[0].String()+"')"); !strings.Contains(plan, "by_identity") {
		t.Errorf("the projection is not used:\n%s", plan)
	}
}

func explain(t *testing.T, s *store.Store, statement string) (plan string) {
	t.Helper()
	rows, err := s.Conn().Query(t.Context(), s.SQL("EXPLAIN indexes = 1, projections = 1 "+statement))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		plan += text + "\n"
	}
	return plan
}

func TestDecisionsAreGroupedByIdentity(t *testing.T) {
	s := open(t)
	a, b := sample(1, "p1"), sample(2, "p1")
	second := a
	second.Seq, second.Kind = 3, store.KindDuplicate
	gateway := a
	gateway.Seq, gateway.Kind, gateway.Content = 4, store.KindDuplicate, event.Digest{}
	late := a
	late.Seq = 9
	insert(t, s, store.TableEvents, b, second)
	insert(t, s, store.TableEvents, a, gateway, late)
	var got []string
	err := s.Decisions(t.Context(), store.TableEvents, 8, func(d *store.Decision) error {
		got = append(got, fmt.Sprintf("%t %d %s", d.Identity == a.Identity, d.Seq, d.Kind))
		return nil
	})
	if err != nil || len(got) != 3 {
		t.Fatal(got, err)
	}
	if !strings.Contains(strings.Join(got, ", "), "true 1 event, true 3 duplicate") {
		t.Error(got)
	}
}
