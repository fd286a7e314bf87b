package projector_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/embedded/embeddedtest"
	"github.com/throughline-trials/throughline/services/log"
	"github.com/throughline-trials/throughline/services/projector"
	"github.com/throughline-trials/throughline/services/store"
)

func TestMain(m *testing.M) {
	if text := os.Getenv(childVariable); text != "" {
		os.Exit(child(text))
	}
	embeddedtest.Main(m)
}

// rig is a log and a store of the test's own.
type rig struct {
	t     testing.TB
	log   *log.Log
	store *store.Store
}

func newRig(t testing.TB) *rig {
	t.Helper()
	nc, _ := embeddedtest.JetStream(t)
	l, err := log.Connect(t.Context(), nc, log.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return &rig{t: t, log: l, store: openStore(t)}
}

func openStore(t testing.TB) *store.Store {
	t.Helper()
	name, _ := embeddedtest.Database(t)
	s, err := store.Open(t.Context(), store.Options{ClickHouse: embeddedtest.Engines(t).ClickHouseOptions(""), Database: name, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// start runs a projector until stop is called or the test ends.
func (r *rig) start(change ...func(*projector.Config)) (p *projector.Projector, stop func()) {
	r.t.Helper()
	config := projector.Config{
		Log: r.log, Store: r.store, Registerer: prometheus.NewRegistry(), Logger: slog.New(slog.DiscardHandler),
		Interval: 5 * time.Millisecond, Gather: time.Millisecond,
	}
	for _, f := range change {
		f(&config)
	}
	p, err := projector.New(config)
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			r.t.Errorf("projector: %v", err)
		}
	}
	r.t.Cleanup(stop)
	return p, stop
}

// await waits until a projector has passed the present end of the log.
func (r *rig) await(p *projector.Projector) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	end, err := r.log.End(ctx)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := p.Progress().Wait(ctx, end); err != nil {
		r.t.Fatalf("wait for %s: %v (at %+v)", end, err, p.Progress().State())
	}
}

func (r *rig) publish(subject string, lines ...[]byte) uint64 {
	r.t.Helper()
	var payload []byte
	for _, line := range lines {
		payload = append(append(payload, line...), '\n')
	}
	seqs, err := r.log.Publish(r.t.Context(), []log.Outgoing{{Subject: subject, Credential: "c1", Payload: payload}})
	if err != nil {
		r.t.Fatal(err)
	}
	return seqs[0]
}

// usage makes an event of a participant.
func usage(participant, id string, seconds float64) event.Event {
	return event.Event{
		ID: id, Source: "/apps/hope", Type: "session.ended", Version: 1, Study: "hope", Subject: participant,
		Time: event.Instant{Time: time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC)},
		Data: event.Data{{Name: "active_seconds", Value: event.Value{Kind: event.KindNumber, Num: seconds}}},
	}
}

func line(e event.Event) []byte { return e.AppendJSON(nil) }

func (r *rig) rows(table string) []store.Row {
	r.t.Helper()
	var rows []store.Row
	err := r.store.Facts(context.Background(), store.Query{Tables: []string{table}, BySequence: true}, func(row *store.Row) error {
		rows = append(rows, *row)
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return rows
}

// summary writes rows as "seq.index kind code id".
func summary(rows []store.Row) string {
	var s string
	for _, row := range rows {
		s += fmt.Sprintf("%d.%d %s %s %s\n", row.Seq, row.Index, row.Kind, row.Code, row.Event.ID)
	}
	return s
}

func TestEveryLineLeavesARow(t *testing.T) {
	r := newRig(t)
	subject := event.EventsSubject("hope", "p1")
	a, b := usage("p1", "a", 60), usage("p1", "b", 60)
	changed := a
	changed.Data = nil
	resent := a
	resent.Sent = event.Instant{Time: a.Time.Add(time.Hour)}
	foreign := usage("p2", "f", 1)
	randomised := event.Event{ID: "r", Source: "/x", Type: "participant.randomised", Version: 1, Study: "hope", Subject: "p1", Time: a.Time,
		Data: event.Data{{Name: "arm", Value: event.Value{Kind: event.KindString, Str: "app"}}}}
	future := usage("p1", "later", 1)
	future.Time.Time = time.Now().Add(48 * time.Hour).UTC().Truncate(time.Second)
	r.publish(subject, line(a), line(a), line(b))
	r.publish(subject, line(resent), line(changed), log.AppendDuplicate(nil, a.Identity()))
	r.publish(subject)
	r.publish(subject, line(foreign), line(randomised), line(future), []byte("{nonsense"))
	r.publish(event.AllocationSubject("hope", "p1"), line(randomised))
	r.publish(event.QuarantineSubject("hope", "p1"), []byte(`{"code":"future_time","field":"time","detail":"d","length":9,"hash":"00","event":`+string(line(future))+`}`), []byte("?"))

	p, stop := r.start()
	r.await(p)
	<-p.Ready()
	stop()
	want := `1.0 event  a
1.1 duplicate  
1.2 event  b
2.0 duplicate  
2.1 refused id_reused a
2.2 duplicate  
3.0 empty  
4.0 refused not_in_scope 
4.1 refused not_in_scope 
4.2 refused future_time later
4.3 refused malformed 
`
	if got := summary(r.rows(store.TableEvents)); got != want {
		t.Errorf("events:\n%swant\n%s", got, want)
	}
	if got, want := summary(r.rows(store.TableAllocations)), "1.0 event  r\n"; got != want {
		t.Errorf("allocations: %s want %s", got, want)
	}
	if got, want := summary(r.rows(store.TableQuarantine)), "1.0 refused future_time later\n1.1 refused malformed \n"; got != want {
		t.Errorf("quarantine: %s want %s", got, want)
	}
	if s := p.Progress().State(); !s.CaughtUp || s.Position.String() != "e4.a1.s0.q1" || time.Since(s.Through) > time.Minute {
		t.Errorf("progress %+v", s)
	}
}

func TestResumesWhereTheTableEnds(t *testing.T) {
	r := newRig(t)
	for i := range 20 {
		e := usage("p1", fmt.Sprint(i%7), 1)
		r.publish(event.EventsSubject("hope", "p1"), line(e))
		if i%5 == 4 {
			p, stop := r.start()
			r.await(p)
			stop()
		}
	}
	rows := r.rows(store.TableEvents)
	events := 0
	for i, row := range rows {
		if row.Seq != uint64(i+1) {
			t.Fatalf("row %d is of message %d", i, row.Seq)
		}
		if row.Kind == store.KindEvent {
			events++
		}
		if i > 0 && row.Received.Before(rows[i-1].Received) {
			t.Errorf("message %d was received before the one before", row.Seq)
		}
	}
	if len(rows) != 20 || events != 7 {
		t.Errorf("%d rows with %d events, want 20 with 7", len(rows), events)
	}
}
