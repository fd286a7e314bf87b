package analyst

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics tell how fresh the records are and what that costs.
type metrics struct {
	freshness prometheus.Histogram
	refresh   prometheus.Histogram
	derived   prometheus.Counter
	failures  prometheus.Counter
	records   prometheus.Gauge
	through   prometheus.Gauge
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		freshness: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "throughline_analyst_freshness_seconds", Help: "From the acknowledgement of an event to its being in the results, for the newest event of each round.",
			Buckets: []float64{.05, .1, .2, .3, .5, .75, 1, 1.5, 2, 3, 5, 10, 30},
		}),
		refresh: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "throughline_analyst_refresh_seconds", Help: "Time that one round of bringing records up to date took.",
			Buckets: []float64{.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}),
		derived:  prometheus.NewCounter(prometheus.CounterOpts{Name: "throughline_analyst_derived_total", Help: "Records derived from facts."}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{Name: "throughline_analyst_failures_total", Help: "Rounds that failed and were tried again."}),
		records:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "throughline_analyst_records", Help: "Records of participants in memory."}),
		through:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "throughline_analyst_through_timestamp_seconds", Help: "Time up to which everything received is in the results."}),
	}
	if r == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.freshness, m.refresh, m.derived, m.failures, m.records, m.through} {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics of analyst: %w", err)
		}
	}
	return m, nil
}

// refreshed books a round that began at a time.
func (m *metrics) refreshed(done refreshed, began time.Time, e *engine) {
	at, cohorts := e.at()
	if !at.through.IsZero() {
		m.through.Set(float64(at.through.UnixMicro()) / 1e6)
	}
	if len(done.changes) == 0 {
		return
	}
	m.refresh.Observe(time.Since(began).Seconds())
	m.derived.Add(float64(len(done.changes)))
	if !done.all && !done.newest.IsZero() {
		m.freshness.Observe(max(0, time.Since(done.newest).Seconds()))
	}
	n := 0
	for _, c := range cohorts {
		n += len(c.records)
	}
	m.records.Set(float64(n))
}
