package gateway

import (
	"fmt"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/throughline-trials/throughline/pkg/event"
)

// metrics are the gateway's figures. No label holds anything that a client chose.
type metrics struct {
	accepted   prometheus.Counter
	duplicates prometheus.Counter
	rejected   *prometheus.CounterVec
	kept       prometheus.Counter
	dropped    prometheus.Counter
	inFlight   prometheus.Gauge
	requests   *prometheus.HistogramVec
	publishes  *prometheus.HistogramVec
	failures   *prometheus.CounterVec
	messages   *prometheus.CounterVec
	bytes      *prometheus.CounterVec
}

// newMetrics makes the figures and registers them, unless the registerer is nil.
func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "throughline", Subsystem: "gateway", Name: name, Help: help})
	}
	counters := func(name, help, label string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "throughline", Subsystem: "gateway", Name: name, Help: help}, []string{label})
	}
	seconds := func(name, help, label string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "throughline", Subsystem: "gateway", Name: name, Help: help,
			Buckets: []float64{.0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10},
		}, []string{label})
	}
	m := &metrics{
		accepted:   counter("events_accepted_total", "Events acknowledged as new."),
		duplicates: counter("events_duplicate_total", "Events recognised as sent before."),
		rejected:   counters("events_rejected_total", "Events refused, by code.", "code"),
		kept:       counter("quarantine_kept_total", "Refused events kept in quarantine."),
		dropped:    counter("quarantine_dropped_total", "Refused events not kept because their credential has no room left."),
		inFlight:   prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "throughline", Subsystem: "gateway", Name: "requests_in_flight", Help: "Requests being handled."}),
		requests:   seconds("request_duration_seconds", "Time from the request's headers to its answer, by status.", "status"),
		publishes:  seconds("log_publish_duration_seconds", "Time of one commit to the log until it is on disk, by stream.", "stream"),
		failures:   counters("log_publish_failures_total", "Commits that the log did not acknowledge, by stream.", "stream"),
		messages:   counters("log_messages_total", "Messages published, by stream.", "stream"),
		bytes:      counters("log_bytes_total", "Bytes of payload published, by stream.", "stream"),
	}
	if reg == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{
		m.accepted, m.duplicates, m.rejected, m.kept, m.dropped, m.inFlight, m.requests, m.publishes, m.failures, m.messages, m.bytes,
	} {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("register gateway metrics: %w", err)
		}
	}
	return m, nil
}

// commit is one commit to the log.
type commit struct {
	stream   event.Stream
	messages int
	bytes    int
	begun    time.Time
	took     time.Duration
	err      error
}

func startCommit(s event.Stream, messages, bytes int) commit {
	return commit{stream: s, messages: messages, bytes: bytes, begun: time.Now()}
}

func (c commit) end(err error) commit {
	c.took, c.err = time.Since(c.begun), err
	return c
}

func (m *metrics) committed(c commit) {
	stream := string(c.stream)
	m.publishes.WithLabelValues(stream).Observe(c.took.Seconds())
	if c.err != nil {
		m.failures.WithLabelValues(stream).Inc()
		return
	}
	m.messages.WithLabelValues(stream).Add(float64(c.messages))
	m.bytes.WithLabelValues(stream).Add(float64(c.bytes))
}

func (m *metrics) answered(status int, took time.Duration) {
	m.requests.WithLabelValues(strconv.Itoa(status)).Observe(took.Seconds())
}

func (m *metrics) handled(items []item, r Result) {
	m.accepted.Add(float64(r.Accepted))
	m.duplicates.Add(float64(r.Duplicates))
	for i := range items {
		if items[i].outcome != refused {
			continue
		}
		m.rejected.WithLabelValues(string(items[i].code())).Inc()
		if items[i].dropped {
			m.dropped.Inc()
		} else {
			m.kept.Inc()
		}
	}
}
