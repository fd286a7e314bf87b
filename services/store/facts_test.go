package store_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/store"
)

var created = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// sample makes a row that fills every column.
func sample(seq uint64, participant string) store.Row {
	offset := int16(-300)
	at := time.Date(2026, 3, 1, 9, 30, 0, 123456000, time.FixedZone("", -5*3600)).Add(time.Duration(seq) * time.Minute)
	e := event.Event{
		ID: fmt.Sprint("e-", seq), Source: "/apps/hope/android", Type: "session.ended", Version: 1, Study: "hope", Subject: participant,
		Time: event.Instant{Time: at, Local: true}, Sent: event.Instant{Time: at.UTC().Add(time.Second)}, Timezone: "America/New_York", Component: "app",
		Channel: event.ChannelApp, ActorRole: event.RolePeer, Modality: event.ModalityImported,
		AppVersion: "1.2", SDKVersion: "go/3", IsTest: seq%2 == 0,
		Data: event.Data{
			{Name: "active_seconds", Value: event.Value{Kind: event.KindNumber, Num: 61.5}},
			{Name: "ended_by", Value: event.Value{Kind: event.KindString, Str: "a \"quoted\" \n\x01 text ü"}},
			{Name: "gone", Value: event.Value{}},
			{Name: "strata", Value: event.Value{Kind: event.KindMap, Map: map[string]string{"sex": "female", "a": "b"}}},
			{Name: "two_way", Value: event.Value{Kind: event.KindBool, Bool: true}},
		},
	}
	return store.Row{
		Table: store.TableEvents, Seq: seq, Index: uint32(seq % 3), Kind: store.KindEvent, Identity: e.Identity(), Content: e.Content(), Event: e,
		Credential: "c1", Received: created.Add(time.Duration(seq) * time.Second), Offset: &offset, Created: created, Length: 7,
		Code: event.CodeTooOld, Field: "time", Detail: "is long ago",
	}
}

func insert(t testing.TB, s *store.Store, table string, rows ...store.Row) {
	t.Helper()
	if err := s.Insert(t.Context(), table, rows); err != nil {
		t.Fatal(err)
	}
}

func facts(t testing.TB, s *store.Store, q store.Query) []store.Row {
	t.Helper()
	var got []store.Row
	if err := s.Facts(t.Context(), q, func(r *store.Row) error {
		got = append(got, *r)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestRowsComeBackAsTheyWere(t *testing.T) {
	s := open(t)
	want := []store.Row{sample(1, "p1"), {Table: store.TableEvents, Seq: 2, Kind: store.KindEmpty, Received: created, Created: created}}
	insert(t, s, store.TableEvents, want...)
	got := facts(t, s, store.Query{Tables: []string{store.TableEvents}, BySequence: true})
	if len(got) != len(want) {
		t.Fatalf("%d rows, want %d", len(got), len(want))
	}
	for i := range want {
		if !got[i].Event.Time.Equal(want[i].Event.Time.Time) || got[i].Event.Content() != want[i].Event.Content() {
			t.Errorf("row %d: event\n%s\nwant\n%s", i, got[i].Event.AppendJSON(nil), want[i].Event.AppendJSON(nil))
		}
		want[i].Normalize()
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("row %d:\n%+v\nwant\n%+v", i, got[i], want[i])
		}
	}
}

func TestOneInsertIsOnePart(t *testing.T) {
	s := open(t)
	b := s.NewBlock()
	for i := range 200_000 {
		r := sample(uint64(i+1), fmt.Sprint("p", i%1000))
		b.Append(&r)
	}
	if err := b.Insert(t.Context(), store.TableEvents); err != nil {
		t.Fatal(err)
	}
	var parts, rows uint64
	err := s.Conn().QueryRow(t.Context(), s.SQL("SELECT count(), sum(rows) FROM system.parts WHERE database = '{db}' AND table = 'events'")).Scan(&parts, &rows)
	if err != nil || parts != 1 || rows != 200_000 {
		t.Fatalf("%d parts with %d rows (%v), want one with all", parts, rows, err)
	}
}

func TestTablesAreMerged(t *testing.T) {
	s := open(t)
	insert(t, s, store.TableEvents, sample(1, "p2"), sample(2, "p1"), sample(3, "p2"))
	insert(t, s, store.TableAllocations, sample(1, "p2"), sample(2, "p3"))
	var got string
	for _, r := range facts(t, s, store.Query{Study: "hope"}) {
		got += fmt.Sprintf("%s/%s/%d ", r.Event.Subject, r.Table[:1], r.Seq)
	}
	if want := "p1/e/2 p2/e/1 p2/e/3 p2/a/1 p3/a/2 "; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	got = ""
	for _, r := range facts(t, s, store.Query{Study: "hope", Participants: []string{"p3", "p1", "it's\\"}, From: 2, To: 2, ReceivedUpTo: created.Add(2 * time.Second),
		Kinds: []store.Kind{store.KindEvent}, Types: []string{"session.ended"}}) {
		got += fmt.Sprintf("%s/%s/%d ", r.Event.Subject, r.Table[:1], r.Seq)
	}
	if want := "p1/e/2 p3/a/2 "; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
