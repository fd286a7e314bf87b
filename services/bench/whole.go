package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	tlog "github.com/throughline-trials/throughline/services/log"
)

// Names of the figures of the whole.
const (
	BaseLoad      = "load of what is there before, batches of 500"
	Restart       = "restart after kill -9 to ready"
	Idle          = "idle resident memory"
	VisibleFacts  = "acknowledged to facts, p99"
	VisibleResult = "acknowledged to results, p99"
	VisibleLoad   = "load meanwhile"
	Sustained     = "sustained, HTTP to facts, one and fifty participants"
	Lag           = "lag at its end"
)

// The bounds.
const (
	leastSustained = 20_000 // events/s
	mostLag        = 2      // s
	mostVisible    = 2000   // ms
	mostRestart    = 5      // s
	mostIdle       = 500    // MB
)

// whole is what everything together is measured on.
type whole struct {
	Config
	report  *Report
	shapes  *shapes
	process *process
	sender  *sender
	sent    int // events on the stream of events
}

func runWhole(ctx context.Context, c Config, report *Report) (err error) {
	w := &whole{Config: c, report: report, shapes: newShapes(c.Scale.Participants), process: &process{config: c, data: c.Data}}
	defer func() { err = errors.Join(err, w.process.stop()) }()
	for _, step := range []struct {
		name string
		run  func(context.Context) error
	}{{"start, and load of what is there before", w.base}, {"restart", w.restart}, {"idle", w.idle}, {"visibility", w.visible}, {"sustained load", w.sustained}} {
		w.Progress(step.name)
		if err := step.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return nil
}

// start starts the process, or starts it again.
func (w *whole) start(ctx context.Context) error {
	if err := w.process.start(ctx); err != nil {
		return err
	}
	w.sender = newSender(w.process.connection.HTTP)
	return nil
}

// base loads what is there before anything is measured.
func (w *whole) base(ctx context.Context) error {
	if err := w.start(ctx); err != nil {
		return err
	}
	if _, _, err := w.sender.setup(ctx, w.shapes.one.profile); err != nil {
		return err
	}
	w.sent = w.Scale.Participants // the enrolments; randomisations and the definition are on other streams
	o, err := w.sender.drive(ctx, 4, w.shapes.bulk.batch, 0, w.Scale.Base-w.sent)
	if err != nil {
		return err
	}
	w.sent += o.events
	if err := w.settle(ctx, o.last); err != nil {
		return err
	}
	w.report.add(rate(BaseLoad, o.events, time.Since(o.ended)+o.took))
	return w.counted(ctx)
}

// settle waits until the facts hold a position of the events stream.
func (w *whole) settle(ctx context.Context, at tlog.Position) error {
	return w.process.until(ctx, "the facts to reach "+at.String(), seldom, func() bool { return w.process.holds(ctx, at.At(event.StreamEvents)) })
}

// counted compares the facts with what was acknowledged.
func (w *whole) counted(ctx context.Context) error {
	n, err := w.process.count(ctx)
	if err == nil && n != w.sent {
		err = fmt.Errorf("%d events are in the facts, %d were acknowledged", n, w.sent)
	}
	return err
}

func (w *whole) restart(ctx context.Context) error {
	if err := w.process.kill(); err != nil {
		return err
	}
	if err := w.start(ctx); err != nil {
		return err
	}
	w.report.add(Figure{Name: Restart, Value: w.process.ready.Seconds(), Unit: Seconds}).below(mostRestart)
	return nil
}

// idle waits until the process has used hardly any processor time for a while, and measures its memory.
func (w *whole) idle(ctx context.Context) error {
	const step = time.Second / 2
	const hardly = step / 5
	since, seen := time.Now(), time.Now()
	_, before, err := w.process.resident()
	if err != nil {
		return err
	}
	var resident int64
	err = w.process.until(ctx, "it to be idle", step, func() bool {
		var used time.Duration
		if resident, used, err = w.process.resident(); err != nil {
			return true
		}
		now := time.Now()
		if used-before > hardly*now.Sub(seen)/step {
			since = now
		}
		before, seen = used, now
		return now.Sub(since) >= w.Scale.Idle
	})
	if err != nil {
		return err
	}
	w.report.add(Figure{Name: Idle, Value: float64(resident) / 1e6, Unit: Megabytes}).below(mostIdle)
	return nil
}

// sustained sends batches of one and of fifty participants for a while, and waits until the last is in the facts.
func (w *whole) sustained(ctx context.Context) error {
	began := time.Now()
	_, before, err := w.process.resident()
	if err != nil {
		return err
	}
	o, err := w.sender.drive(ctx, w.Scale.Clients, w.shapes.mixed, w.Scale.Sustained, 0)
	if err != nil {
		return err
	}
	if err := w.settle(ctx, o.last); err != nil {
		return err
	}
	lag := time.Since(o.ended)
	took := time.Since(began)
	_, used, err := w.process.resident()
	if err != nil {
		return err
	}
	w.sent += o.events
	if err := w.counted(ctx); err != nil {
		return err
	}
	f := w.report.add(rate(Sustained, o.events, took))
	f.P50, f.P99 = o.latency.quantile(0.50), o.latency.quantile(0.99)
	f.Note = fmt.Sprintf("%s events in %.1f s, counted in ClickHouse; p50 and p99 until acknowledged; the process used %.1f µs of processor time for each",
		grouped(float64(o.events)), took.Seconds(), float64((used-before).Microseconds())/float64(o.events))
	f.atLeast(leastSustained)
	w.report.limited(f, HTTPOne, HTTPFifty, ProjectorAlone, EngineAlone)
	w.report.add(Figure{Name: Lag, Value: lag.Seconds(), Unit: Seconds}).below(mostLag)
	return nil
}
