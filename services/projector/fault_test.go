package projector_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/log"
	"github.com/throughline-trials/throughline/services/projector"
	"github.com/throughline-trials/throughline/services/store"
	"github.com/throughline-trials/throughline/services/verify"
)

// verify fails the test unless log and facts agree on the number of events.
func (r *rig) verify(events uint64) {
	r.t.Helper()
	report, err := verify.Verify(context.Background(), r.log, r.store, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	if !report.OK || report.FactEvents != events || report.LogEvents != events {
		r.t.Errorf("want %d events and no difference, got %+v", events, report)
	}
}

// events publishes n events in messages of their own.
func (r *rig) events(prefix string, n int) {
	r.t.Helper()
	out := make([]log.Outgoing, n)
	for i := range out {
		participant := fmt.Sprint("p", i%5)
		out[i] = log.Outgoing{Subject: event.EventsSubject("hope", participant), Payload: line(usage(participant, fmt.Sprint(prefix, i), 1))}
	}
	for part := range slices.Chunk(out, log.MaxBatch) {
		if _, err := r.log.Publish(r.t.Context(), part); err != nil {
			r.t.Fatal(err)
		}
	}
}

func (r *rig) exec(statement string) {
	r.t.Helper()
	if err := r.store.Conn().Exec(r.t.Context(), r.store.SQL(statement)); err != nil {
		r.t.Fatal(err)
	}
}

func ready(t *testing.T, p *projector.Projector) {
	t.Helper()
	select {
	case <-p.Ready():
	case <-time.After(30 * time.Second):
		t.Fatalf("not ready: %+v", p.Progress().State())
	}
}

func TestATableThatCannotBeTrustedIsProjectedAnew(t *testing.T) {
	cases := map[string]func(r *rig){
		"a part was set aside": func(r *rig) {
			var part string
			err := r.store.Conn().QueryRow(r.t.Context(), r.store.SQL("SELECT name FROM system.parts WHERE database = '{db}' AND table = 'events' AND active LIMIT 1")).Scan(&part)
			if err != nil {
				r.t.Fatal(err)
			}
			r.exec("ALTER TABLE {db}.events DETACH PART '" + part + "'")
		},
		"it goes beyond the log": func(r *rig) {
			row := r.rows(store.TableEvents)[0]
			row.Seq = 1000
			if err := r.store.Insert(r.t.Context(), store.TableEvents, []store.Row{row}); err != nil {
				r.t.Fatal(err)
			}
		},
		"it is of another log": func(r *rig) {
			r.log = newRig(r.t).log
			r.events("other", 20)
		},
	}
	for name, damage := range cases {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.events("e", 20)
			p, stop := r.start()
			ready(t, p)
			stop()
			damage(r)
			var reset []event.Stream
			p, stop = r.start(func(c *projector.Config) { c.Reset = func(s event.Stream) { reset = append(reset, s) } })
			ready(t, p)
			stop()
			r.verify(20)
			if !slices.Equal(reset, []event.Stream{event.StreamEvents}) {
				t.Errorf("told of resets of %v", reset)
			}
		})
	}
}

func TestAnInsertOutlivesItsContext(t *testing.T) {
	r := newRig(t)
	r.events("e", 50)
	var stop func()
	begun := make(chan uint64, 16)
	_, stop = r.start(func(c *projector.Config) {
		c.Trace = func(p projector.TracePoint) {
			if p.Phase == projector.PhaseInsertBegin {
				begun <- p.Seq
			}
		}
	})
	seq := <-begun
	stop()
	rows := r.rows(store.TableEvents)
	if len(rows) == 0 || rows[len(rows)-1].Seq < seq {
		t.Errorf("the INSERT up to message %d was given up", seq)
	}
	p, _ := r.start()
	ready(t, p)
	r.verify(50)
}

func TestAPurgedEndIsPassed(t *testing.T) {
	r := newRig(t)
	r.events("e", 10)
	r.publish(event.EventsSubject("hope", "gone"), line(usage("gone", "x", 1)))
	if _, err := r.log.Purge(t.Context(), event.StreamEvents, event.EventsSubject("hope", "gone")); err != nil {
		t.Fatal(err)
	}
	p, _ := r.start()
	ready(t, p)
	r.await(p)
	r.verify(10)
	r.events("f", 3)
	r.await(p)
	r.verify(13)
}

func TestTheSecondWaitsForTheLease(t *testing.T) {
	r := newRig(t)
	r.events("e", 10)
	first, stopFirst := r.start()
	ready(t, first)
	second, _ := r.start()
	r.await(second) // by what the first publishes
	select {
	case <-second.Ready():
		t.Error("two projectors are at work")
	default:
	}
	stopFirst()
	r.events("f", 10)
	ready(t, second)
	r.await(second)
	r.verify(20)
}

func TestRebuildWhileIngesting(t *testing.T) {
	r := newRig(t)
	r.events("e", 3000)
	p, _ := r.start(func(c *projector.Config) { c.MaxRows = 400 })
	ready(t, p)
	r.exec("ALTER TABLE {db}.events DELETE WHERE seq = 7 SETTINGS mutations_sync = 2")
	stop, stopped := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		for {
			select {
			case <-stop:
				stopped <- n
				return
			default:
				r.events(fmt.Sprint("r", n, "-"), 20)
				n++
			}
		}
	}()
	var done []event.Stream
	epoch := p.Progress().State().Epoch
	err := p.Rebuild(t.Context(), func(s projector.RebuildStep) {
		if s.Done {
			done = append(done, s.Stream)
		}
	})
	close(stop)
	batches := <-stopped
	if err != nil || !slices.Equal(done, projector.Streams()) {
		t.Fatalf("rebuilt %v: %v", done, err)
	}
	r.events("after", 5)
	r.await(p)
	r.verify(uint64(3000 + 20*batches + 5))
	if got := p.Progress().State().Epoch; got != epoch+4 {
		t.Errorf("%d epochs have passed, want one for each table", got-epoch)
	}
	if n := r.count("SELECT count() FROM system.tables WHERE database = '{db}' AND name LIKE '%next'"); n != 0 {
		t.Errorf("%d tables are left over", n)
	}
}

func TestAnotherProcessAsksForARebuild(t *testing.T) {
	r := newRig(t)
	r.events("e", 100)
	if err := projector.RequestRebuild(t.Context(), r.log, nil); !errors.Is(err, projector.ErrNotProjecting) {
		t.Errorf("nobody rebuilds: %v", err)
	}
	p, _ := r.start()
	ready(t, p)
	r.exec("ALTER TABLE {db}.events DELETE WHERE seq = 7 SETTINGS mutations_sync = 2")
	done := 0
	err := projector.RequestRebuild(t.Context(), r.log, func(s projector.RebuildStep) {
		if s.Done {
			done++
		}
	})
	if err != nil || done != 4 {
		t.Errorf("%d tables are done: %v", done, err)
	}
	r.verify(100)
}

func (r *rig) count(statement string) (n uint64) {
	r.t.Helper()
	if err := r.store.Conn().QueryRow(r.t.Context(), r.store.SQL(statement)).Scan(&n); err != nil {
		r.t.Fatal(err)
	}
	return n
}

func TestAnInterruptedRebuildLeavesTheFacts(t *testing.T) {
	r := newRig(t)
	r.events("e", 500)
	p, stop := r.start(func(c *projector.Config) { c.MaxRows = 50 })
	ready(t, p)
	ctx, cancel := context.WithCancel(t.Context())
	err := p.Rebuild(ctx, func(projector.RebuildStep) { cancel() })
	if err == nil {
		t.Error("a rebuild that was cancelled says that it is done")
	}
	stop()
	if err := p.Rebuild(t.Context(), nil); err == nil {
		t.Error("a projector that has ended rebuilds")
	}
	if err := r.store.MakeNext(t.Context(), store.TableEvents); err != nil { // as a killed one leaves it
		t.Fatal(err)
	}
	p, _ = r.start()
	ready(t, p)
	r.verify(500)
	if n := r.count("SELECT count() FROM system.tables WHERE database = '{db}' AND name LIKE '%next'"); n != 0 {
		t.Errorf("%d tables are left over", n)
	}
}
