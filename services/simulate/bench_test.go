package simulate

import (
	"testing"
	"time"
)

func BenchmarkPortfolio(b *testing.B) {
	studies, err := Portfolio(Seed, noon)
	if err != nil {
		b.Fatal(err)
	}
	events := 0
	for b.Loop() {
		for _, s := range studies {
			for range s.Events(noon) {
				events++
			}
		}
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkProfile(b *testing.B) {
	p := Profile{Study: "load", Participants: 10_000, PerBatch: 50, Events: 50, Start: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	k := 0
	var buffer []byte
	for b.Loop() {
		buffer = AppendArray(buffer[:0], p.Batch(k))
		k++
	}
	b.ReportMetric(float64(50*k)/b.Elapsed().Seconds(), "events/s")
}
