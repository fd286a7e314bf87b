package verify_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/embedded/embeddedtest"
	"github.com/throughline-trials/throughline/services/log"
	"github.com/throughline-trials/throughline/services/projector"
	"github.com/throughline-trials/throughline/services/store"
	"github.com/throughline-trials/throughline/services/verify"
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }

// rig is a log of 30 messages of one participant each, two events and two resends in each, projected.
type rig struct {
	*testing.T
	js    jetstream.JetStream
	log   *log.Log
	store *store.Store
}

func newRig(t *testing.T) *rig {
	nc, js := embeddedtest.JetStream(t)
	l, err := log.Connect(t.Context(), nc, log.Config{})
	if err != nil {
		t.Fatal(err)
	}
	name, _ := embeddedtest.Database(t)
	s, err := store.Open(t.Context(), store.Options{ClickHouse: embeddedtest.Engines(t).ClickHouseOptions(""), Database: name, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	r := &rig{T: t, js: js, log: l, store: s}
	r.fill()
	r.project()
	return r
}

func usage(participant, id string) event.Event {
	return event.Event{
		ID: id, Source: "/apps/hope", Type: "session.started", Version: 1, Study: "hope", Subject: participant, Component: "app",
		Time: event.Instant{Time: time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC)},
		Data: event.Data{{Name: "active_seconds", Value: event.Value{Kind: event.KindNumber, Num: 61}}},
	}
}

func (r *rig) fill() {
	var out []log.Outgoing
	for i := range 30 {
		participant := fmt.Sprint("p", i%4)
		a, b := usage(participant, fmt.Sprint("a", i)), usage(participant, fmt.Sprint("b", i))
		reused := usage(participant, fmt.Sprint("a", i))
		reused.Component = "coaching"
		payload := append(a.AppendJSON(nil), '\n')
		payload = append(b.AppendJSON(payload), '\n')
		payload = append(a.AppendJSON(payload), '\n')
		payload = append(reused.AppendJSON(payload), '\n')
		payload = log.AppendDuplicate(payload, b.Identity())
		out = append(out, log.Outgoing{Subject: event.EventsSubject("hope", participant), Credential: "c1", Payload: payload})
	}
	if _, err := r.log.Publish(r.Context(), out); err != nil {
		r.Fatal(err)
	}
	_, err := r.log.Publish(r.Context(), []log.Outgoing{{Subject: event.QuarantineSubject("hope", "p1"), Payload: []byte(`{"code":"malformed","length":3,"hash":"00"}`)}})
	if err != nil {
		r.Fatal(err)
	}
}

// project runs a projector until everything is projected.
func (r *rig) project() {
	r.Helper()
	p, err := projector.New(projector.Config{Log: r.log, Store: r.store, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		r.Fatal(err)
	}
	ctx, cancel := context.WithCancel(r.Context())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	select {
	case <-p.Ready():
	case <-time.After(30 * time.Second):
		r.Error("the projector does not get ready")
	}
	cancel()
	if err := <-done; err != nil {
		r.Error(err)
	}
}

func (r *rig) verify() verify.Report {
	r.Helper()
	report, err := verify.Verify(r.Context(), r.log, r.store, nil)
	if err != nil {
		r.Fatal(err)
	}
	return report
}

// damage runs a statement to its end.
func (r *rig) damage(statement string) {
	r.Helper()
	if err := r.store.Conn().Exec(r.Context(), r.store.SQL(statement)); err != nil {
		r.Fatal(err)
	}
}

func (r *rig) row(seq uint64, index uint32) store.Row {
	var found store.Row
	err := r.store.Facts(r.Context(), store.Query{Tables: []string{store.TableEvents}, From: seq, To: seq}, func(row *store.Row) error {
		if row.Index == index {
			found = *row
		}
		return nil
	})
	if err != nil {
		r.Fatal(err)
	}
	return found
}

const whole = `{"ok":true,"log_events":60,"fact_events":60,"quarantined":31,"duplicates":60,"missing":0,"doubled":0,"altered":0,"unlogged":0,"position":"e30.a0.s0.q1","differences":[]}`

func TestDifferencesAreNamed(t *testing.T) {
	id := func(name string) string { return event.IdentityOf("hope", "/apps/hope", name).String() }
	cases := []struct {
		name   string
		damage func(r *rig)
		want   string
	}{
		{"nothing", func(*rig) {}, whole},
		{"a deleted row", func(r *rig) {
			r.damage("ALTER TABLE {db}.events DELETE WHERE seq = 3 AND idx = 1 SETTINGS mutations_sync = 2")
		}, `{"ok":false,"log_events":60,"fact_events":59,"quarantined":31,"duplicates":60,"missing":1,"doubled":0,"altered":0,"unlogged":0,"position":"e30.a0.s0.q1","differences":[` +
			`{"kind":"missing","stream":"events","seq":3,"index":1,"study":"hope","identity":"` + id("b2") + `"}]}`},
		{"a deleted first row of several", func(r *rig) {
			r.damage("ALTER TABLE {db}.events DELETE WHERE seq = 3 AND idx = 0 SETTINGS mutations_sync = 2")
		}, `{"ok":false,"log_events":60,"fact_events":59,"quarantined":31,"duplicates":60,"missing":1,"doubled":0,"altered":0,"unlogged":0,"position":"e30.a0.s0.q1","differences":[` +
			`{"kind":"missing","stream":"events","seq":3,"index":0,"study":"hope","identity":"` + id("a2") + `"}]}`},
		{"a doubled row", func(r *rig) {
			if err := r.store.Insert(r.Context(), store.TableEvents, []store.Row{r.row(5, 1)}); err != nil {
				r.Fatal(err)
			}
		}, `{"ok":false,"log_events":60,"fact_events":61,"quarantined":31,"duplicates":60,"missing":0,"doubled":1,"altered":0,"unlogged":0,"position":"e30.a0.s0.q1","differences":[` +
			`{"kind":"doubled","stream":"events","seq":5,"index":1,"study":"hope","identity":"` + id("b4") + `"}]}`},
		{"a changed field", func(r *rig) {
			r.damage("ALTER TABLE {db}.events UPDATE component = 'coaching' WHERE seq = 7 AND idx = 0 SETTINGS mutations_sync = 2")
		}, `{"ok":false,"log_events":60,"fact_events":60,"quarantined":31,"duplicates":60,"missing":0,"doubled":0,"altered":1,"unlogged":0,"position":"e30.a0.s0.q1","differences":[` +
			`{"kind":"altered","stream":"events","seq":7,"index":0,"study":"hope","identity":"` + id("a6") + `","field":"component"}]}`},
		{"data that were written otherwise", func(r *rig) {
			r.damage(`ALTER TABLE {db}.events UPDATE data = '{"active_seconds": 61}' WHERE seq = 7 AND idx = 0 SETTINGS mutations_sync = 2`)
		}, `{"ok":false,"log_events":60,"fact_events":60,"quarantined":31,"duplicates":60,"missing":0,"doubled":0,"altered":1,"unlogged":0,"position":"e30.a0.s0.q1","differences":[` +
			`{"kind":"altered","stream":"events","seq":7,"index":0,"study":"hope","identity":"` + id("a6") + `","field":"data"}]}`},
		{"a dropped message", func(r *rig) {
			stream, err := r.js.Stream(r.Context(), log.StreamName(event.StreamEvents))
			if err == nil {
				err = stream.SecureDeleteMsg(r.Context(), 9)
			}
			if err != nil {
				r.Fatal(err)
			}
		}, `{"ok":false,"log_events":58,"fact_events":60,"quarantined":30,"duplicates":58,"missing":0,"doubled":0,"altered":0,"unlogged":5,"position":"e30.a0.s0.q1","differences":[` +
			`{"kind":"unlogged","stream":"events","seq":9,"index":0,"study":"hope","identity":"` + id("a8") + `"},` +
			`{"kind":"unlogged","stream":"events","seq":9,"index":1,"study":"hope","identity":"` + id("b8") + `"},` +
			`{"kind":"unlogged","stream":"events","seq":9,"index":2,"study":"hope","identity":"` + id("a8") + `"},` +
			`{"kind":"unlogged","stream":"events","seq":9,"index":3,"study":"hope","identity":"` + id("a8") + `"},` +
			`{"kind":"unlogged","stream":"events","seq":9,"index":4,"study":"hope","identity":"` + id("b8") + `"}]}`},
		{"a duplicate that counts", func(r *rig) {
			row := r.row(3, 0)
			row.Index = 2
			r.damage("ALTER TABLE {db}.events DELETE WHERE seq = 3 AND idx = 2 SETTINGS mutations_sync = 2")
			if err := r.store.Insert(r.Context(), store.TableEvents, []store.Row{row}); err != nil {
				r.Fatal(err)
			}
		}, `{"ok":false,"log_events":60,"fact_events":61,"quarantined":31,"duplicates":60,"missing":0,"doubled":0,"altered":1,"unlogged":0,"position":"e30.a0.s0.q1","differences":[` +
			`{"kind":"altered","stream":"events","seq":3,"index":2,"identity":"` + id("a2") + `","field":"kind"}]}`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			c.damage(r)
			got, err := json.Marshal(r.verify())
			if err != nil || string(got) != c.want {
				t.Errorf("%v\n got %s\nwant %s", err, got, c.want)
			}
		})
	}
}
