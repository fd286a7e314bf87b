package projector

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/store"
)

// metrics of projection, by stream.
type metrics struct {
	rows          *prometheus.CounterVec
	messages      *prometheus.CounterVec
	errors        *prometheus.CounterVec
	resets        *prometheus.CounterVec
	lagMessages   *prometheus.GaugeVec
	lagEvents     *prometheus.GaugeVec
	lagSeconds    *prometheus.GaugeVec
	insertSeconds *prometheus.HistogramVec
	insertRows    *prometheus.HistogramVec

	seen map[event.Stream]*ratio // written by one writer each, read by the monitor
}

func newMetrics(registerer prometheus.Registerer) (*metrics, error) {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "throughline_projector_" + name, Help: help}, labels)
	}
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "throughline_projector_" + name, Help: help}, []string{"stream"})
	}
	histogram := func(name, help string, buckets []float64) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "throughline_projector_" + name, Help: help, Buckets: buckets}, []string{"stream"})
	}
	m := &metrics{
		rows:          counter("rows_total", "Rows written to the facts, by what they stand for.", "stream", "kind"),
		messages:      counter("messages_total", "Messages of the log that were projected.", "stream"),
		errors:        counter("errors_total", "Interruptions of projection.", "stream"),
		resets:        counter("resets_total", "Fact tables that could not be trusted and were begun anew.", "stream"),
		lagMessages:   gauge("lag_messages", "Messages of the log that are not projected yet."),
		lagEvents:     gauge("lag_events", "Events of the log that are not projected yet, by the mean number of events in a message."),
		lagSeconds:    gauge("lag_seconds", "Age of what is projected: 0 at the end of the log, else the time since the last projected message was received."),
		insertSeconds: histogram("insert_seconds", "Duration of one INSERT into the facts.", prometheus.ExponentialBuckets(0.005, 2, 12)),
		insertRows:    histogram("insert_rows", "Rows of one INSERT into the facts.", prometheus.ExponentialBuckets(1, 4, 10)),
		seen:          make(map[event.Stream]*ratio),
	}
	for _, s := range Streams() {
		m.seen[s] = &ratio{}
	}
	if registerer == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.rows, m.messages, m.errors, m.resets, m.lagMessages, m.lagEvents, m.lagSeconds, m.insertSeconds, m.insertRows} {
		if err := registerer.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics of the projector: %w", err)
		}
	}
	return m, nil
}

// projected counts a block that is in the facts.
func (m *metrics) projected(stream event.Stream, rows []store.Row, messages int) {
	var kinds [store.KindEmpty + 1]int
	for i := range rows {
		kinds[rows[i].Kind]++
	}
	for kind, n := range kinds {
		if n > 0 {
			m.rows.WithLabelValues(string(stream), store.Kind(kind).String()).Add(float64(n))
		}
	}
	m.messages.WithLabelValues(string(stream)).Add(float64(messages))
	m.insertRows.WithLabelValues(string(stream)).Observe(float64(len(rows)))
	m.seen[stream].add(len(rows), messages)
}

// look takes the lag of every stream.
func (m *metrics) look(v view) {
	for i, stream := range Streams() {
		label := string(stream)
		behind := float64(v.end.At(stream) - min(v.projected.At(stream), v.end.At(stream)))
		age := time.Duration(0)
		if behind > 0 && !v.ends[i].received.IsZero() {
			age = max(v.at.Sub(v.ends[i].received), 0)
		}
		m.lagMessages.WithLabelValues(label).Set(behind)
		m.lagEvents.WithLabelValues(label).Set(behind * m.seen[stream].mean())
		m.lagSeconds.WithLabelValues(label).Set(age.Seconds())
	}
}
