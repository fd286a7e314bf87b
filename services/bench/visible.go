package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	tlog "github.com/throughline-trials/throughline/services/log"
	"github.com/throughline-trials/throughline/services/simulate"
)

// watchEvery is the least time between two acknowledgements whose way is watched.
const watchEvery = 200 * time.Millisecond

// acknowledged is an acknowledgement to watch.
type acknowledged struct {
	position tlog.Position
	at       time.Time
}

// visible sends at a steady rate and measures how long what was acknowledged takes into the facts and into results.
//
//	ticker ─▶ send ─▶ every watchEvery ─┬▶ facts over the ClickHouse port
//	                                    └▶ GET /attrition?after=
func (w *whole) visible(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	v := &visibility{whole: w, began: time.Now()}
	var watchers, senders sync.WaitGroup
	ticks := time.NewTicker(time.Second * perBatch / time.Duration(w.Scale.VisibleRate))
	defer ticks.Stop()
	for time.Since(v.began) < w.Scale.Visible && ctx.Err() == nil {
		select {
		case <-ticks.C:
		case <-ctx.Done():
			continue
		}
		senders.Go(func() {
			a, watch, err := v.send(ctx)
			if err != nil {
				cancel(err)
			} else if watch {
				watchers.Go(func() { v.watch(ctx, cancel, &v.facts, a, v.inFacts) })
				watchers.Go(func() { v.watch(ctx, cancel, &v.results, a, v.inResults) })
			}
		})
	}
	senders.Wait()
	took := time.Since(v.began)
	watchers.Wait()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	w.sent += v.events
	v.enter(took)
	if err := w.settle(ctx, v.last); err != nil {
		return err
	}
	return w.counted(ctx)
}

// visibility is what a run of visible finds.
type visibility struct {
	*whole
	began          time.Time
	facts, results latencies

	mu      sync.Mutex
	events  int
	last    tlog.Position
	watched time.Time
}

func (v *visibility) send(ctx context.Context) (a acknowledged, watch bool, err error) {
	events := v.shapes.mixed()
	a.position, err = v.sender.send(ctx, simulate.AppendArray(nil, events), len(events))
	a.at = time.Now()
	v.mu.Lock()
	defer v.mu.Unlock()
	if err == nil {
		v.events += len(events)
		v.last = v.last.Max(a.position)
		if watch = a.at.Sub(v.watched) >= watchEvery; watch {
			v.watched = a.at
		}
	}
	return a, watch, err
}

func (v *visibility) watch(ctx context.Context, cancel context.CancelCauseFunc, l *latencies, a acknowledged, wait func(context.Context, acknowledged) error) {
	if err := wait(ctx, a); err != nil {
		cancel(err)
		return
	}
	l.add(time.Since(a.at))
}

func (v *visibility) inFacts(ctx context.Context, a acknowledged) error {
	return v.process.until(ctx, "the facts to hold "+a.position.String(), seldom, func() bool { return v.process.holds(ctx, a.position.At(event.StreamEvents)) })
}

func (v *visibility) inResults(ctx context.Context, a acknowledged) error {
	address := v.process.connection.HTTP + "/v1/studies/" + studyID + "/attrition?after=" + url.QueryEscape(a.position.String())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	res, err := v.sender.client.Do(req)
	if err != nil {
		return fmt.Errorf("read results: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return errors.New("read results: " + res.Status)
	}
	return nil
}

func (v *visibility) enter(took time.Duration) {
	for _, f := range []struct {
		name string
		of   *latencies
	}{{VisibleFacts, &v.facts}, {VisibleResult, &v.results}} {
		figure := v.report.add(Figure{Name: f.name, Value: f.of.quantile(0.99), Unit: Milliseconds, P50: f.of.quantile(0.50), P99: f.of.quantile(0.99)})
		figure.Note = fmt.Sprintf("of %d acknowledgements", f.of.count())
		figure.below(mostVisible)
	}
	v.report.add(rate(VisibleLoad, v.events, took))
}
