package projector_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/embedded"
	"github.com/throughline-trials/throughline/services/embedded/embeddedtest"
	"github.com/throughline-trials/throughline/services/log"
	"github.com/throughline-trials/throughline/services/projector"
	"github.com/throughline-trials/throughline/services/store"
)

// childVariable makes the test binary a projector, to be killed.
const childVariable = "THROUGHLINE_TEST_PROJECTOR"

// childConfig says where the engines are.
type childConfig struct {
	Connection embedded.Connection
	Database   string
}

func (c childConfig) open(ctx context.Context) (*log.Log, *store.Store, error) {
	nc, err := nats.Connect("nats://"+c.Connection.NATS, nats.UserInfo(c.Connection.NATSUser, c.Connection.NATSPassword))
	if err != nil {
		return nil, nil, err
	}
	l, err := log.Connect(ctx, nc, log.Config{})
	if err != nil {
		return nil, nil, err
	}
	s, err := store.Open(ctx, store.Options{ClickHouse: c.Connection.ClickHouseOptions(""), Database: c.Database, Migrate: true})
	return l, s, err
}

// child projects until it is killed.
func child(text string) int {
	var c childConfig
	err := json.Unmarshal([]byte(text), &c)
	if err == nil {
		var config projector.Config
		config.Logger = slog.New(slog.DiscardHandler)
		config.Interval, config.Gather = 10*time.Millisecond, time.Millisecond
		if config.Log, config.Store, err = c.open(context.Background()); err == nil {
			err = projector.Run(context.Background(), config)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// TestKilledProjectorsLoseAndDoubleNothing kills a projector again and again at random moments, while engines and
// publisher live on.
func TestKilledProjectorsLoseAndDoubleNothing(t *testing.T) {
	const kills, batch = 12, 50
	engines := embeddedtest.Engines(t)
	name, _ := embeddedtest.Database(t)
	c := childConfig{Connection: engines.Connection(), Database: name}
	r := &rig{t: t}
	var err error
	if r.log, r.store, err = c.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.store.Close() })
	stop, stopped := make(chan struct{}), make(chan int)
	go r.load(stop, stopped, batch)
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for range kills {
		killed(t, string(text), 250*time.Millisecond+rand.N(400*time.Millisecond))
	}
	close(stop)
	batches := <-stopped
	begun := time.Now()
	p, _ := r.start()
	ready(t, p)
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("ready %s after the last kill", took)
	}
	r.verify(uint64(batches * batch))
	t.Logf("%d kills, %d events, ready after %s", kills, batches*batch, time.Since(begun).Round(time.Millisecond))
}

// load publishes batches, each event of which is sent again with the next batch, until it is told to stop.
func (r *rig) load(stop <-chan struct{}, stopped chan<- int, batch int) {
	n := 0
	defer func() { stopped <- n }()
	var again []byte
	for {
		select {
		case <-stop:
			return
		default:
		}
		payload := again
		again = nil
		for i := range batch {
			text := append(line(usage("p", fmt.Sprint("k", n, "-", i), 1)), '\n')
			payload, again = append(payload, text...), append(again, text...)
		}
		if _, err := r.log.Publish(context.Background(), []log.Outgoing{{Subject: event.EventsSubject("hope", "p"), Payload: payload}}); err != nil {
			r.t.Errorf("publish: %v", err)
			return
		}
		n++
	}
}

// killed runs a projector as a process of its own and kills it after a while.
func killed(t *testing.T, text string, after time.Duration) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+text)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		t.Errorf("the projector ended by itself: %v", err)
		return
	case <-time.After(after):
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	if err := <-ended; err == nil {
		t.Error("the projector ended well")
	}
}
