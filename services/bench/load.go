package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	tlog "github.com/throughline-trials/throughline/services/log"
	"github.com/throughline-trials/throughline/services/simulate"
)

// studyID is the study that all events belong to.
const studyID = "bench"

// perBatch is the number of events of a measured request.
const perBatch = 50

// shape is a kind of batch. Batches of different shapes have nothing in common.
type shape struct {
	profile simulate.Profile
	next    atomic.Int64
}

func newShape(participants, each, events int, first int64) *shape {
	s := &shape{profile: simulate.Profile{
		Study: studyID, Participants: participants, PerBatch: each, Events: events, Start: time.Now().Truncate(time.Second), Seed: 1,
	}}
	s.next.Store(first)
	return s
}

func (s *shape) batch() []event.Event { return s.profile.Batch(int(s.next.Add(1))) }

// shapes are the batches that are sent.
type shapes struct {
	one   *shape // perBatch events of one participant
	fifty *shape // one event of each of perBatch participants
	bulk  *shape // as large as may be
	turn  atomic.Int64
}

func newShapes(participants int) *shapes {
	const apart = 1 << 30 // so that numbers of batches never meet
	return &shapes{
		one:   newShape(participants, 1, perBatch, 0),
		fifty: newShape(participants, perBatch, perBatch, apart),
		bulk:  newShape(participants, perBatch, event.MaxBatchEvents, 2*apart),
	}
}

// mixed returns a batch of one participant and of fifty in turn.
func (s *shapes) mixed() []event.Event {
	if s.turn.Add(1)%2 == 0 {
		return s.one.batch()
	}
	return s.fifty.batch()
}

// sender posts batches to a server.
type sender struct {
	url    string
	client *http.Client
}

func newSender(base string) *sender {
	return &sender{url: base + "/v1/events", client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
}

// send posts events and returns the position of the acknowledgement. That not all were accepted is an error.
func (s *sender) send(ctx context.Context, body []byte, events int) (tlog.Position, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return tlog.Position{}, err
	}
	req.Header.Set("Content-Type", "application/cloudevents-batch+json")
	res, err := s.client.Do(req)
	if err != nil {
		return tlog.Position{}, fmt.Errorf("send batch: %w", err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return tlog.Position{}, fmt.Errorf("read answer: %w", err)
	}
	var answer struct {
		Accepted int
		Position string
	}
	if res.StatusCode != http.StatusAccepted {
		return tlog.Position{}, fmt.Errorf("send batch: %s: %.300s", res.Status, text)
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return tlog.Position{}, fmt.Errorf("read answer: %w", err)
	}
	if answer.Accepted != events {
		return tlog.Position{}, fmt.Errorf("%d of %d events were accepted: %.300s", answer.Accepted, events, text)
	}
	return tlog.ParsePosition(answer.Position)
}

// setup sends the definition and everyone's enrolment.
func (s *sender) setup(ctx context.Context, p simulate.Profile) (events int, last tlog.Position, err error) {
	for batch := range p.Setup() {
		at, err := s.send(ctx, simulate.AppendArray(nil, batch), len(batch))
		if err != nil {
			return events, last, err
		}
		last = last.Max(at)
		events += len(batch)
	}
	return events, last, nil
}

// outcome is what a load did.
type outcome struct {
	events  int
	took    time.Duration // until the last answer
	ended   time.Time
	last    tlog.Position // of all answers
	latency latencies
}

func (o *outcome) rate() float64 { return float64(o.events) / o.took.Seconds() }

// drive sends batches from several clients, each waiting for its answer, until a time is over or so many events were
// sent. The first error ends it.
func (s *sender) drive(ctx context.Context, clients int, batch func() []event.Event, during time.Duration, most int) (*outcome, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var o outcome
	var mu sync.Mutex // guards o
	var workers sync.WaitGroup
	var taken atomic.Int64
	began := time.Now()
	for range clients {
		workers.Go(func() {
			var body []byte
			for ctx.Err() == nil && (during == 0 || time.Since(began) < during) {
				events := batch()
				if before := taken.Add(int64(len(events))) - int64(len(events)); most > 0 && before >= int64(most) {
					return
				}
				body = simulate.AppendArray(body[:0], events)
				sent := time.Now()
				at, err := s.send(ctx, body, len(events))
				if err != nil {
					cancel(err)
					return
				}
				o.latency.add(time.Since(sent))
				mu.Lock()
				o.events += len(events)
				o.last = o.last.Max(at)
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	o.ended = time.Now()
	o.took = o.ended.Sub(began)
	return &o, context.Cause(ctx)
}
