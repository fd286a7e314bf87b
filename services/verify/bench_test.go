package verify_test

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/embedded/embeddedtest"
	"github.com/throughline-trials/throughline/services/log"
	"github.com/throughline-trials/throughline/services/projector"
	"github.com/throughline-trials/throughline/services/store"
	"github.com/throughline-trials/throughline/services/verify"
)

// BenchmarkVerify compares a million events, 20 in a message.
func BenchmarkVerify(b *testing.B) {
	const messages, perMessage = 50_000, 20
	nc, _ := embeddedtest.JetStream(b)
	l, err := log.Connect(b.Context(), nc, log.Config{})
	if err != nil {
		b.Fatal(err)
	}
	name, _ := embeddedtest.Database(b)
	s, err := store.Open(b.Context(), store.Options{ClickHouse: embeddedtest.Engines(b).ClickHouseOptions(""), Database: name, Migrate: true})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	publishMany(b, l, messages, perMessage)
	p, err := projector.New(projector.Config{Log: l, Store: s, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	<-p.Ready()
	cancel()
	if err := <-done; err != nil {
		b.Fatal(err)
	}
	var peak atomic.Uint64
	for b.Loop() {
		report, err := verify.Verify(b.Context(), l, s, func(verify.Step) {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak.Store(max(peak.Load(), m.HeapInuse))
		})
		if err != nil || !report.OK || report.FactEvents != messages*perMessage {
			b.Fatal(report, err)
		}
	}
	b.ReportMetric(messages*perMessage*float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(peak.Load())/(1<<20), "heap-MB")
}

func publishMany(b *testing.B, l *log.Log, messages, perMessage int) {
	b.Helper()
	var batch []log.Outgoing
	for i := range messages {
		participant := fmt.Sprint("participant-", i%10_000)
		var payload []byte
		for k := range perMessage {
			e := usage(participant, fmt.Sprint("018f2c7e-3b1a-", i, "-", k))
			e.Time.Time = e.Time.Add(time.Duration(i) * time.Second)
			payload = append(e.AppendJSON(payload), '\n')
		}
		batch = append(batch, log.Outgoing{Subject: event.EventsSubject("hope", participant), Payload: payload})
		if len(batch) == 500 || i == messages-1 {
			if _, err := l.Publish(b.Context(), batch); err != nil {
				b.Fatal(err)
			}
			batch = batch[:0]
		}
	}
}
