package embedded_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/throughline-trials/throughline/services/embedded/embeddedtest"
)

func TestClickHouseRoundTrip(t *testing.T) {
	_, conn := embeddedtest.Database(t)
	ctx := t.Context()
	mustExec(t, conn, "CREATE TABLE t (id UInt64, name String, at DateTime64(3, 'UTC'), tags Array(LowCardinality(String)), score Nullable(Float64)) ENGINE = MergeTree ORDER BY id")
	batch, err := conn.PrepareBatch(ctx, "INSERT INTO t")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 1, 12, 0, 0, 5e6, time.UTC)
	for i := range uint64(3) {
		if err := batch.Append(i, "a\x00b", at, []string{"x", "y"}, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
	var name string
	var got time.Time
	var tags []string
	var score *float64
	row := conn.QueryRow(ctx, "SELECT name, at, tags, score FROM t WHERE id = {id:UInt64}", clickhouse.Named("id", "2"))
	if err := row.Scan(&name, &got, &tags, &score); err != nil {
		t.Fatal(err)
	}
	if name != "a\x00b" || !got.Equal(at) || len(tags) != 2 || score != nil {
		t.Errorf("read back %q %v %v %v", name, got, tags, score)
	}
}

func TestClickHouseErrorHasCode(t *testing.T) {
	_, conn := embeddedtest.Database(t)
	err := conn.Exec(t.Context(), "SELECT * FROM missing")
	var exception *clickhouse.Exception
	if !errors.As(err, &exception) || exception.Code != 60 || exception.CodeName != "UNKNOWN_TABLE" {
		t.Errorf("got %v", err)
	}
}

func TestJetStream(t *testing.T) {
	_, js := embeddedtest.JetStream(t)
	s, err := js.CreateStream(t.Context(), streamConfig())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "s.a", []byte("x")); err != nil {
		t.Fatal(err)
	}
	info, err := s.Info(t.Context())
	if err != nil || info.State.Msgs != 1 {
		t.Errorf("stream holds %v, %v", info, err)
	}
}

func mustExec(t testing.TB, conn clickhouse.Conn, sql string) {
	t.Helper()
	if err := conn.Exec(context.Background(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func streamConfig() jetstream.StreamConfig {
	return jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}}
}

func TestMemoryIsSmall(t *testing.T) {
	memory, err := embeddedtest.Engines(t).Memory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("resident %d MB, engine %d MB", memory.Resident>>20, memory.Engine>>20)
	if memory.Resident <= 0 || memory.Engine <= 0 || memory.Resident > 2<<30 {
		t.Errorf("memory %+v", memory)
	}
}
