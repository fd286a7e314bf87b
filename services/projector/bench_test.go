package projector_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/log"
	"github.com/throughline-trials/throughline/services/projector"
	"github.com/throughline-trials/throughline/services/store"
)

// fillLog publishes n events of 10,000 participants, perMessage in a message.
func fillLog(b *testing.B, r *rig, n, perMessage int) {
	b.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	var batch []log.Outgoing
	for i := 0; i < n; i += perMessage {
		participant := fmt.Sprint("participant-", random.IntN(10_000))
		var payload []byte
		for k := range perMessage {
			e := usage(participant, fmt.Sprint("018f2c7e-3b1a-7c3d-9f10-", i+k), float64(random.IntN(3600)))
			e.Component, e.Timezone, e.AppVersion, e.SDKVersion = "app", "America/New_York", "2.3.1", "go/1.0"
			e.Time.Time = e.Time.Add(time.Duration(random.IntN(84*86400)) * time.Second)
			e.Data = append(e.Data, event.Attribute{Name: "session_id", Value: event.Value{Kind: event.KindString, Str: fmt.Sprint("s", i+k)}})
			payload = append(e.AppendJSON(payload), '\n')
		}
		batch = append(batch, log.Outgoing{Subject: event.EventsSubject("hope", participant), Credential: "c1", Payload: payload})
		if len(batch) == 1000 || i+perMessage >= n {
			if _, err := r.log.Publish(b.Context(), batch); err != nil {
				b.Fatal(err)
			}
			batch = batch[:0]
		}
	}
}

// BenchmarkProjector measures events per second from a filled log into an empty table, with the projector's own
// defaults, on one and on all processors.
func BenchmarkProjector(b *testing.B) {
	const n = 400_000
	for _, perMessage := range []int{1, 50} {
		b.Run(fmt.Sprint("per_message=", perMessage), func(b *testing.B) {
			r := newRig(b)
			fillLog(b, r, n, perMessage)
			for _, procs := range []int{1, runtime.NumCPU()} {
				b.Run(fmt.Sprint("procs=", procs), func(b *testing.B) { benchmarkProjector(b, r, n, procs) })
			}
		})
	}
}

func benchmarkProjector(b *testing.B, r *rig, n, procs int) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
	var peak uint64
	for b.Loop() {
		b.StopTimer()
		fresh := &rig{t: b, log: r.log, store: openStore(b)}
		b.StartTimer()
		p, stop := fresh.start(func(c *projector.Config) { c.Interval, c.Gather = 0, 0 })
		fresh.await(p)
		b.StopTimer()
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		peak = max(peak, memory.HeapInuse)
		stop()
		b.StartTimer()
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(peak)/(1<<20), "heap-MB")
}

// BenchmarkConvert measures decoding and checking alone, on one goroutine.
func BenchmarkConvert(b *testing.B) {
	e := usage("p1", "018f2c7e-3b1a-7c3d-9f10-000000000000", 61)
	e.Component, e.Timezone, e.AppVersion = "app", "America/New_York", "2.3.1"
	m := log.Message{Stream: event.StreamEvents, Subject: event.EventsSubject("hope", "p1"), Seq: 1, Time: time.Now(), Payload: bytes.Repeat(append(line(e), '\n'), 50)}
	var c projector.Converter
	var rows []store.Row
	for b.Loop() {
		rows = c.Append(rows[:0], m, m.Time)
	}
	b.ReportMetric(50*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
