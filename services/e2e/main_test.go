package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/throughline-trials/throughline/services/embedded"
	"github.com/throughline-trials/throughline/services/server"
)

// patience bounds every wait for a condition.
const patience = 60 * time.Second

func TestMain(m *testing.M) {
	// A few iterations that each go through the whole system; -rapid.checks asks for more.
	if err := errors.Join(flag.Set("rapid.checks", "4"), flag.Set("rapid.nofailfile", "true")); err != nil {
		panic(err)
	}
	var err error
	if scratch, err = os.MkdirTemp("", "throughline-e2e-"); err != nil {
		panic(err)
	}
	code := m.Run()
	if err := errors.Join(shared.agree(), shared.stop(), os.RemoveAll(scratch)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// scratch is a folder for the whole run, set by TestMain alone.
var scratch string

// shared is the server of the test process, started by the first test that asks for it.
var shared sharedServer

type sharedServer struct {
	once       sync.Once
	connection embedded.Connection
	cancel     context.CancelFunc
	ended      chan error
	err        error
}

// sharedConnection returns the addresses of the server of the test process, which is in open mode.
func sharedConnection(t testing.TB) embedded.Connection {
	t.Helper()
	shared.once.Do(func() { shared.err = shared.start() })
	if shared.err != nil {
		t.Fatalf("start server: %v", shared.err)
	}
	return shared.connection
}

func (s *sharedServer) start() (err error) {
	config := server.Config{
		Data: filepath.Join(scratch, "data"), Listen: "127.0.0.1:0",
		NATS: server.NATSConfig{Listen: "127.0.0.1:0"}, ClickHouse: server.ClickHouseConfig{Listen: "127.0.0.1:0"},
	}
	var ctx context.Context
	ctx, s.cancel = context.WithCancel(context.Background())
	s.ended = make(chan error, 1)
	go func() { s.ended <- server.Run(ctx, config) }()
	s.connection, err = awaitReady(config.Data, s.ended)
	return err
}

// agree looks, after all tests, whether the facts of the shared server agree with its log, and whether the projector
// refused anything that was accepted.
func (s *sharedServer) agree() error {
	if s.cancel == nil || s.err != nil {
		return nil
	}
	res, err := http.Post(s.connection.HTTP+"/v1/admin/verify", "application/json", nil)
	if err != nil {
		return fmt.Errorf("verify after the tests: %w", err)
	}
	defer res.Body.Close()
	var report verifyReport
	if err := json.NewDecoder(res.Body).Decode(&report); err != nil || !report.OK {
		return fmt.Errorf("after the tests facts and log differ: %+v (%v)", report, err)
	}
	conn, err := clickhouse.Open(clickHouseOptions(s.connection))
	if err != nil {
		return err
	}
	defer conn.Close()
	for _, table := range []string{"events", "allocations", "studies"} {
		var refused uint64
		var one string
		query := "SELECT count(), any(concat(type, ' of ', study, ': ', toString(code), ', ', toString(detail))) FROM throughline." + table + " WHERE kind = 'refused'"
		if err := conn.QueryRow(context.Background(), query).Scan(&refused, &one); err != nil {
			return err
		}
		if refused > 0 {
			return fmt.Errorf("the projector refused %d accepted events of %s, such as %s", refused, table, one)
		}
	}
	return nil
}

func (s *sharedServer) stop() error {
	if s.cancel == nil {
		return nil
	}
	s.cancel()
	if s.err != nil {
		return nil // it has ended, and a test has said so
	}
	return <-s.ended
}

// awaitReady waits until the server of a data folder is ready, or has ended.
func awaitReady(dir string, ended <-chan error) (embedded.Connection, error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(patience)
	for {
		if c, err := embedded.ReadConnection(dir); err == nil {
			if res, err := http.Get(c.HTTP + "/readyz"); err == nil {
				res.Body.Close()
				if res.StatusCode == http.StatusOK {
					return c, nil
				}
			}
		}
		select {
		case err := <-ended:
			return embedded.Connection{}, fmt.Errorf("the server ended before it was ready: %w", err)
		case <-limit:
			return embedded.Connection{}, fmt.Errorf("the server of %s is not ready after %s", dir, patience)
		case <-tick.C:
		}
	}
}

// binary builds the command once for the whole run and returns its path.
var binary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(scratch, "throughline")
	build := exec.Command("go", "build", "-o", path, "../cmd/throughline")
	if text, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build throughline: %w\n%s", err, text)
	}
	return path, nil
})
