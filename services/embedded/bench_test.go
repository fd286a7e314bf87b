package embedded_test

import (
	"fmt"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/nats-io/nats.go"

	"github.com/throughline-trials/throughline/services/embedded/embeddedtest"
)

// BenchmarkInsert measures blocks of facts through clickhouse-go into the engine, synced to disk.
func BenchmarkInsert(b *testing.B) {
	for _, rows := range []int{500, 5_000, 50_000} {
		b.Run(fmt.Sprint(rows), func(b *testing.B) {
			_, conn := embeddedtest.Database(b)
			mustExec(b, conn, factTable)
			first := uint64(0)
			for b.Loop() {
				sendColumns(b, conn, makeColumns(first, rows))
				first += uint64(rows)
			}
			b.ReportMetric(float64(first)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// BenchmarkSelect measures reading rows through clickhouse-go.
func BenchmarkSelect(b *testing.B) {
	const rows = 1_000_000
	_, conn := embeddedtest.Database(b)
	n := 0
	for b.Loop() {
		result, err := conn.Query(b.Context(), "SELECT number, toString(number) FROM numbers({n:UInt64})", clickhouse.Named("n", fmt.Sprint(rows)))
		if err != nil {
			b.Fatal(err)
		}
		n += drain(b, result)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkSmallQuery measures what a statement costs that does next to nothing.
func BenchmarkSmallQuery(b *testing.B) {
	_, conn := embeddedtest.Database(b)
	for b.Loop() {
		var n uint8
		if err := conn.QueryRow(b.Context(), "SELECT 1").Scan(&n); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPublish measures messages of 40 kB, which is about a hundred events, one after another and synced each.
func BenchmarkPublish(b *testing.B) {
	_, js := embeddedtest.JetStream(b)
	if _, err := js.CreateStream(b.Context(), streamConfig()); err != nil {
		b.Fatal(err)
	}
	m := &nats.Msg{Subject: "s.a", Data: make([]byte, 40_000)}
	for b.Loop() {
		if _, err := js.PublishMsg(b.Context(), m); err != nil {
			b.Fatal(err)
		}
	}
}
