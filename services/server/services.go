package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/throughline-trials/throughline/services/analyst"
	"github.com/throughline-trials/throughline/services/api"
	"github.com/throughline-trials/throughline/services/auth"
	"github.com/throughline-trials/throughline/services/console"
	"github.com/throughline-trials/throughline/services/embedded"
	"github.com/throughline-trials/throughline/services/problem"
	"github.com/throughline-trials/throughline/services/projector"
	"github.com/throughline-trials/throughline/services/simulate"
)

// startProjector starts the projection, or only follows how far it is where it runs elsewhere.
func (s *server) startProjector(ctx context.Context) error {
	if !s.config.has(RoleProjector) {
		s.progress = projector.NewProgress()
		s.until("projection", func(ctx context.Context) error { return projector.Follow(ctx, s.log, s.progress) })
		return s.awaitEnd(ctx)
	}
	config := projector.Config{Log: s.log, Store: s.store, Registerer: s.registry, Logger: s.config.Logger}
	if s.config.Trace != "" {
		trace, err := projector.OpenTraceFile(s.config.Trace)
		if err != nil {
			return err
		}
		config.Trace = trace.Trace
		s.onStop(trace.Close)
	}
	var err error
	if s.projector, err = projector.New(config); err != nil {
		return err
	}
	s.progress = s.projector.Progress()
	s.until("projector", s.projector.Run)
	return s.awaitEnd(ctx)
}

// awaitEnd says that the process is ready once what the log holds now is projected, and in the results where they are
// answered from here.
func (s *server) awaitEnd(ctx context.Context) error {
	end, err := s.log.End(ctx)
	if err != nil {
		return err
	}
	s.until("readiness", func(ctx context.Context) error {
		if err := s.progress.Wait(ctx, end); err == nil {
			close(s.ready)
		}
		return nil
	})
	return nil
}

// startAnalyst starts what turns facts into results. Where it runs elsewhere and results are answered from here, records
// are kept here too, but the table of participants is left to the other.
func (s *server) startAnalyst(context.Context) error {
	if !s.config.has(RoleAnalyst) && !s.config.has(RoleConsole) {
		return nil
	}
	service, err := analyst.New(analyst.Config{
		Store: s.store, Progress: s.progress, Registerer: s.registry, Logger: s.config.Logger, ReadOnly: !s.config.has(RoleAnalyst),
	})
	if err != nil {
		return err
	}
	s.reader = service.Reader()
	s.until("analyst", service.Run)
	return nil
}

// serve begins to answer HTTP and, with engines of its own, writes connection.json.
func (s *server) serve(context.Context) error {
	handler, err := s.handler()
	if err != nil {
		return err
	}
	web := s.httpServer(handler)
	s.running.Go(func() {
		if err := web.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
			select {
			case s.failed <- fmt.Errorf("serve HTTP: %w", err):
			default:
			}
		}
	})
	s.onStop(func() error {
		closing, cancel := context.WithTimeout(context.Background(), stopPatience)
		defer cancel()
		return web.Shutdown(closing)
	})
	if s.engines == nil {
		return nil
	}
	return embedded.WriteConnection(s.engines.DataDir(), s.connection())
}

// handler routes requests. Everything stands behind the guard; health, metrics of this process (no payloads, no
// pseudonyms) and the API description need no credential.
func (s *server) handler() (http.Handler, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", s.answerReady)
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{}))
	mux.Handle("GET /openapi.json", api.Description())
	if s.gateway != nil {
		mux.Handle("/v1/events", s.gateway)
	}
	if s.config.has(RoleConsole) {
		a := &api.API{Reader: s.reader, Keyring: s.keyring, Maintainer: &maintainer{s}, Logger: s.config.Logger}
		a.Register(mux)
		pages, err := console.New(console.Config{Reader: s.reader, Keyring: s.keyring, Note: s.note, Logger: s.config.Logger})
		if err != nil {
			return nil, err
		}
		pages.Register(mux)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		problem.Write(w, http.StatusNotFound, "not-found", "Nothing here", "see /openapi.json for what there is")
	})
	return console.WithSession(s.keyring, auth.Guard(s.keyring, s.listener.Addr().String(), mux)), nil
}

// note is what the page says above the studies.
func (s *server) note() string {
	if s.config.Demo {
		return "This is a demonstration: no study, participant or number is real. " + simulate.Assumption
	}
	return ""
}

// answerReady says whether what the log held at the start is projected.
func (s *server) answerReady(w http.ResponseWriter, _ *http.Request) {
	select {
	case <-s.ready:
		answer(w, http.StatusOK, "ready")
	default:
		w.Header().Set("Retry-After", "1")
		answer(w, http.StatusServiceUnavailable, "catching up with the log")
	}
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, text) // the client may be gone
}

// memoryCollector measures the engines when they are scraped.
type memoryCollector struct{ engines *embedded.Engines }

var (
	descResident = prometheus.NewDesc("throughline_resident_memory_bytes", "Resident memory of the process with its engines.", nil, nil)
	descEngine   = prometheus.NewDesc("throughline_engine_memory_bytes", "Memory that the embedded ClickHouse engine has allocated.", nil, nil)
)

// Describe implements [prometheus.Collector].
func (c *memoryCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- descResident
	ch <- descEngine
}

// Collect implements [prometheus.Collector].
func (c *memoryCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	m, err := c.engines.Memory(ctx)
	if err != nil {
		return
	}
	ch <- prometheus.MustNewConstMetric(descResident, prometheus.GaugeValue, float64(m.Resident))
	ch <- prometheus.MustNewConstMetric(descEngine, prometheus.GaugeValue, float64(m.Engine))
}
