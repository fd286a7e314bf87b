package projector

import (
	"context"
	"errors"
	"log/slog"
	"os/exec"
	"testing"
	"time"

	"github.com/throughline-trials/throughline/services/embedded/embeddedtest"
)

func testLease(t *testing.T, ttl time.Duration) func() *lease {
	_, js := embeddedtest.JetStream(t)
	return func() *lease {
		t.Helper()
		l, err := openLease(t.Context(), js, ttl, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
}

func mustAcquire(t *testing.T, l *lease) (waited bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := l.acquire(ctx, func() { waited = true }); err != nil {
		t.Fatal(err)
	}
	if !l.held() {
		t.Error("the lease that was acquired is not held")
	}
	return waited
}

func TestLeaseExpires(t *testing.T) {
	open := testLease(t, 200*time.Millisecond)
	first, second := open(), open()
	mustAcquire(t, first)
	began := time.Now()
	if !mustAcquire(t, second) || time.Since(began) < 200*time.Millisecond {
		t.Error("the lease was taken over from one who may be alive")
	}
	if first.held() {
		t.Error("two hold the lease")
	}
	if err := first.keep(t.Context()); !errors.Is(err, ErrLeaseLost) {
		t.Errorf("the first keeps what it has lost: %v", err)
	}
}

func TestLeaseIsKeptAndGivenUp(t *testing.T) {
	open := testLease(t, 300*time.Millisecond)
	first, second := open(), open()
	mustAcquire(t, first)
	keeping, stop := context.WithCancel(t.Context())
	kept := make(chan error, 1)
	go func() { kept <- first.keep(keeping) }()
	trying, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := second.acquire(trying, func() {}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a lease that is kept was taken over: %v", err)
	}
	stop()
	if err := <-kept; !errors.Is(err, context.Canceled) {
		t.Errorf("kept until %v", err)
	}
	first.release()
	began := time.Now()
	if mustAcquire(t, second); time.Since(began) > 250*time.Millisecond {
		t.Error("a lease that was given up was waited for")
	}
}

func TestLeaseOfADeadProcessIsTakenAtOnce(t *testing.T) {
	open := testLease(t, time.Minute)
	cmd := exec.Command("true")
	if err := cmd.Run(); err != nil {
		t.Skipf("no process to end: %v", err)
	}
	dead := open()
	dead.self.Process.PID, dead.self.Process.Start = cmd.Process.Pid, "1"
	mustAcquire(t, dead)
	if mustAcquire(t, open()) {
		t.Error("the lease of a dead process was waited for")
	}
}

func TestProcessIsGone(t *testing.T) {
	self := thisProcess()
	if self.Start == "" || self.Boot == "" {
		t.Skip("the kernel does not tell when processes began")
	}
	another, elsewhere, before := self, self, self
	another.Start += "0"
	elsewhere.Host += "x"
	elsewhere.PID = 1 << 22
	before.Boot += "x"
	for name, c := range map[string]struct {
		process process
		gone    bool
	}{
		"this": {self, false}, "another of this number": {another, true}, "of another machine": {elsewhere, false},
		"before the machine was started again": {before, true}, "none": {process{}, false},
	} {
		if got := c.process.gone(); got != c.gone {
			t.Errorf("%s: gone is %t", name, got)
		}
	}
}
