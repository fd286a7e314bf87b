// Package embeddedtest gives tests the real engines, in process: one ClickHouse engine per test binary with a
// database per test, and a NATS server with JetStream per test.
//
// A package that uses it declares
//
//	func TestMain(m *testing.M) { embeddedtest.Main(m) }
//
// Without libchdb the tests fail and say how to get it. THROUGHLINE_SKIP_EMBEDDED=1 skips them instead.
package embeddedtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/throughline-trials/throughline/services/embedded"
)

// SkipVariable is the environment variable that lets tests be skipped where libchdb is missing.
const SkipVariable = "THROUGHLINE_SKIP_EMBEDDED"

// shared is the engine of the test binary: started by the first test that asks, closed by Main.
var shared struct {
	once    sync.Once
	dir     string
	engines *embedded.Engines
	err     error
}

// Main runs the tests and closes the shared engines. It ends the process.
func Main(m *testing.M) {
	code := m.Run()
	if shared.engines != nil {
		if err := shared.engines.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
	}
	if shared.dir != "" {
		os.RemoveAll(shared.dir)
	}
	os.Exit(code)
}

// Engines returns the engines of this test binary, in a temporary folder and on free ports.
func Engines(t testing.TB) *embedded.Engines {
	t.Helper()
	shared.once.Do(func() {
		if shared.dir, shared.err = os.MkdirTemp("", "throughline-test-"); shared.err != nil {
			return
		}
		shared.engines, shared.err = embedded.Start(context.Background(), Config(shared.dir))
	})
	if shared.err != nil {
		if os.Getenv(SkipVariable) != "" {
			t.Skipf("skipped by %s: %v", SkipVariable, shared.err)
		}
		t.Fatalf("%v (%s=1 skips the tests that need it)", shared.err, SkipVariable)
	}
	return shared.engines
}

// Config is the configuration of engines for tests in the given folder: free ports, a quiet log.
func Config(dir string) embedded.Config {
	return embedded.Config{
		DataDir:          dir,
		NATSListen:       "127.0.0.1:0",
		ClickHouseListen: "127.0.0.1:0",
		Log:              slog.New(slog.DiscardHandler),
	}
}

// Database makes an empty database in the shared engine and opens a client to it; both end with the test.
func Database(t testing.TB) (name string, conn clickhouse.Conn) {
	t.Helper()
	engines := Engines(t)
	name = "test_" + strings.ToLower(rand.Text()[:12])
	admin := open(t, engines.ClickHouseOptions(""))
	if err := admin.Exec(context.Background(), "CREATE DATABASE "+name); err != nil {
		t.Fatalf("make test database: %v", err)
	}
	t.Cleanup(func() {
		if err := admin.Exec(context.Background(), "DROP DATABASE IF EXISTS "+name+" SYNC"); err != nil {
			t.Errorf("drop test database: %v", err)
		}
	})
	return name, open(t, engines.ClickHouseOptions(name))
}

func open(t testing.TB, options *clickhouse.Options) clickhouse.Conn {
	t.Helper()
	conn, err := clickhouse.Open(options)
	if err != nil {
		t.Fatalf("open ClickHouse client: %v", err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// JetStream starts a NATS server with a JetStream of its own for this test and connects to it; both end with the
// test. Files are synced before each acknowledgement, as in production.
func JetStream(t testing.TB) (*nats.Conn, jetstream.JetStream) {
	t.Helper()
	log, err := embedded.StartLog(embedded.Config{DataDir: t.TempDir(), NATSListen: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	nc, err := log.NATS(nats.Timeout(10 * time.Second))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatalf("open JetStream: %v", err)
	}
	return nc, js
}
