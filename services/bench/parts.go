package bench

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/embedded"
	tlog "github.com/throughline-trials/throughline/services/log"
	"github.com/throughline-trials/throughline/services/projector"
	"github.com/throughline-trials/throughline/services/store"
)

// Names of the figures of parts.
const (
	DecodeAlone    = "decode and check JSON, one core"
	LogAlone       = "log, messages of 50 events, atomic batches"
	LogAloneSmall  = "log, messages of 1 event, atomic batches"
	LogAloneSingle = "log, messages of 50 events, one by one"
	LogRead        = "log, reading back"
	EngineAlone    = "engine, INSERT of Native blocks"
	HTTPOne        = "HTTP batch of 50, one participant, acknowledged"
	HTTPFifty      = "HTTP batch of 50, fifty participants, acknowledged"
	ProjectorAlone = "projector, from a filled log"
)

// commits is how many batches the gateway publishes to a stream at the same time, and so does the log alone.
const commits = 2

// insertRows is the size of a block, as large as those of the projector under load.
const insertRows = 25_000

// parts is what the parts are measured on.
type parts struct {
	Config
	report  *Report
	shapes  *shapes
	engines *embedded.Engines
	log     *tlog.Log // filled by the figures over HTTP
}

func runParts(ctx context.Context, c Config, report *Report) error {
	p := &parts{Config: c, report: report, shapes: newShapes(c.Scale.Participants)}
	p.Progress("JSON alone")
	p.decode()
	p.Progress("log alone")
	if err := p.logs(ctx); err != nil {
		return err
	}
	engines, err := embedded.Start(ctx, embedded.Config{
		DataDir: filepath.Join(c.Data, "engines"), LibraryPath: c.Library,
		NATSListen: "127.0.0.1:0", ClickHouseListen: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	p.engines = engines
	err = p.onEngines(ctx)
	if closed := engines.Close(); err == nil {
		err = closed
	}
	return err
}

// onEngines measures what needs engines, which are running.
func (p *parts) onEngines(ctx context.Context) error {
	nc, err := p.engines.NATS()
	if err != nil {
		return err
	}
	defer nc.Close()
	if p.log, err = tlog.Connect(ctx, nc, tlog.Config{}); err != nil {
		return err
	}
	for _, step := range []struct {
		name string
		run  func(context.Context) error
	}{{"engine alone", p.engine}, {"HTTP", p.http}, {"log, reading", p.read}, {"projector alone", p.projector}} {
		p.Progress(step.name)
		if err := step.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return nil
}

// decode measures one goroutine that decodes events and checks them.
func (p *parts) decode() {
	var raws [][]byte
	for range 20 {
		for _, e := range p.shapes.fifty.batch() {
			raws = append(raws, e.AppendJSON(nil))
		}
	}
	events := 0
	began := time.Now()
	for time.Since(began) < p.Scale.Part {
		for _, raw := range raws {
			if _, problems := event.Decode(raw, began); len(problems) > 0 {
				panic(fmt.Sprintf("an event of the load is refused: %v", problems[0]))
			}
		}
		events += len(raws)
	}
	p.report.add(rate(DecodeAlone, events, time.Since(began)))
}

func rate(name string, events int, took time.Duration) Figure {
	return Figure{Name: name, Value: float64(events) / took.Seconds(), Unit: EventsPerSecond}
}

// logs measures a log that nothing else uses.
func (p *parts) logs(ctx context.Context) error {
	server, err := embedded.StartLog(embedded.Config{DataDir: filepath.Join(p.Data, "log"), NATSListen: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer server.Close()
	nc, err := server.NATS()
	if err != nil {
		return err
	}
	defer nc.Close()
	log, err := tlog.Connect(ctx, nc, tlog.Config{})
	if err != nil {
		return err
	}
	for _, how := range []struct {
		name     string
		shape    *shape
		messages int
		parallel int
	}{
		{LogAlone, p.shapes.one, 16, commits},
		{LogAloneSmall, p.shapes.fifty, tlog.MaxBatch, commits},
		{LogAloneSingle, p.shapes.one, 1, 1},
	} {
		out, events := outgoing(how.shape, how.messages)
		f, err := publish(ctx, log, out, events, how.parallel, p.Scale.Part)
		if err != nil {
			return err
		}
		f.Name = how.name
		p.report.add(f)
	}
	return nil
}

// outgoing returns messages as the gateway makes them of batches, one for each participant of a batch.
func outgoing(s *shape, messages int) (out []tlog.Outgoing, events int) {
	for len(out) < messages {
		by := map[string]int{}
		for _, e := range s.batch() {
			i, ok := by[e.Subject]
			if !ok {
				if len(out) == messages {
					break
				}
				i = len(out)
				by[e.Subject] = i
				out = append(out, tlog.Outgoing{Subject: event.EventsSubject(e.Study, e.Subject), Credential: "bench"})
			}
			out[i].Payload = append(e.AppendJSON(out[i].Payload), '\n')
			events++
		}
	}
	return out, events
}

// publish sends the same messages again and again.
func publish(ctx context.Context, log *tlog.Log, out []tlog.Outgoing, events, parallel int, during time.Duration) (Figure, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var sent atomic.Int64
	var workers sync.WaitGroup
	began := time.Now()
	for range parallel {
		workers.Go(func() {
			for ctx.Err() == nil && time.Since(began) < during {
				if _, err := log.Publish(ctx, out); err != nil {
					cancel(err)
					return
				}
				sent.Add(int64(events))
			}
		})
	}
	workers.Wait()
	return rate("", int(sent.Load()), time.Since(began)), context.Cause(ctx)
}

// engine measures INSERTs of one block.
func (p *parts) engine(ctx context.Context) error {
	s, err := p.open(ctx, "engine_alone")
	if err != nil {
		return err
	}
	defer s.Close()
	block := s.NewBlock()
	var convert projector.Converter
	var rows []store.Row
	for seq := uint64(1); block.Rows() < insertRows; seq++ {
		out, _ := outgoing(p.shapes.one, 1)
		m := tlog.Message{Stream: event.StreamEvents, Subject: out[0].Subject, Seq: seq, Time: time.Now(), Credential: "bench", Payload: out[0].Payload}
		rows = convert.Append(rows[:0], m, m.Time)
		for i := range rows {
			block.Append(&rows[i])
		}
	}
	events := 0
	began := time.Now()
	for time.Since(began) < p.Scale.Part {
		if err := block.Insert(ctx, store.TableEvents); err != nil {
			return err
		}
		events += block.Rows()
	}
	p.report.add(rate(EngineAlone, events, time.Since(began)))
	return p.drop(ctx, s)
}

func (p *parts) open(ctx context.Context, database string) (*store.Store, error) {
	return store.Open(ctx, store.Options{ClickHouse: p.engines.ClickHouseOptions(""), Database: database, Migrate: true})
}

// drop frees what was inserted, so that merging it does not weigh on what is measured next.
func (p *parts) drop(ctx context.Context, s *store.Store) error {
	return s.Conn().Exec(ctx, s.SQL("DROP DATABASE {db} SYNC"))
}

// read measures reading the log that was filled over HTTP.
func (p *parts) read(ctx context.Context) error {
	last, _, err := p.log.Last(ctx, event.StreamEvents)
	if err != nil {
		return err
	}
	events := 0
	began := time.Now()
	err = p.log.ReadTo(ctx, event.StreamEvents, 1, last, func(m tlog.Message) error {
		events += max(1, bytes.Count(m.Payload, []byte{'\n'}))
		return nil
	})
	p.report.add(rate(LogRead, events, time.Since(began)))
	return err
}

// projector measures the projection of the log that was filled over HTTP into an empty table.
func (p *parts) projector(ctx context.Context) error {
	s, err := p.open(ctx, "projector_alone")
	if err != nil {
		return err
	}
	defer s.Close()
	service, err := projector.New(projector.Config{Log: p.log, Store: s, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	began := time.Now()
	go func() { done <- service.Run(running) }()
	var took time.Duration
	select {
	case <-service.Ready():
		took = time.Since(began)
	case <-ctx.Done():
	}
	stop()
	if err := <-done; err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var events uint64
	if err := s.Conn().QueryRow(ctx, s.SQL("SELECT count() FROM {db}.events WHERE kind = 'event'")).Scan(&events); err != nil {
		return fmt.Errorf("count facts: %w", err)
	}
	f := p.report.add(rate(ProjectorAlone, int(events), took))
	p.report.limited(f, DecodeAlone, LogRead, EngineAlone)
	return nil
}
