package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/throughline-trials/throughline/services/embedded"
)

// outcome is what a command left.
type outcome struct {
	code     int
	out, err string
}

// command returns the built binary with arguments, in a folder of its own, with libchdb named.
func command(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	library, err := embedded.FindLibrary("", "")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), embedded.LibraryVariable+"="+library)
	return cmd
}

// run runs a command to its end.
func run(t testing.TB, args ...string) outcome {
	t.Helper()
	return finish(command(t, args...))
}

// finish runs a command to its end; exit code -1 means that it could not be run.
func finish(cmd *exec.Cmd) outcome {
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return outcome{-1, "", err.Error()}
	}
	return outcome{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// want complains unless the exit code is the given one and standard error says all of the texts.
func (o outcome) want(t testing.TB, code int, says ...string) outcome {
	t.Helper()
	if o.code != code {
		t.Errorf("exit code %d, want %d\n%s%s", o.code, code, o.out, o.err)
	}
	for _, text := range says {
		if !strings.Contains(o.err, text) {
			t.Errorf("%q does not say %q", o.err, text)
		}
	}
	return o
}

// json reads standard output, which must hold one JSON value and nothing else.
func (o outcome) json(t testing.TB, into any) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(o.out))
	if err := dec.Decode(into); err != nil {
		t.Fatalf("standard output is no JSON: %v\n%s", err, o.out)
	}
	if dec.More() {
		t.Errorf("standard output holds more than one value:\n%s", o.out)
	}
}

// process is a server in a process of its own.
type process struct {
	testing.TB
	data       string
	connection embedded.Connection
	cmd        *exec.Cmd
	ended      chan error
	said       *said
}

// said is what a process has written to standard error so far.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// up starts a server on a data folder and free ports and waits until it is ready. It is killed at the end of the test.
func up(t testing.TB, data string, args ...string) *process {
	t.Helper()
	p := &process{TB: t, data: data, ended: make(chan error, 1), said: &said{}}
	p.cmd = command(t, append([]string{"up", "--data", data, "--listen", "127.0.0.1:0", "--nats", "127.0.0.1:0", "--clickhouse", "127.0.0.1:0"}, args...)...)
	p.cmd.Stderr = p.said
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan error, 1)
	go func() {
		err := p.cmd.Wait()
		exited <- err
		p.ended <- err
	}()
	t.Cleanup(func() { p.kill() })
	var err error
	if p.connection, err = awaitReady(data, exited); err != nil {
		t.Fatalf("%v\n%s", err, p.said)
	}
	return p
}

// awaitSaid waits, at most ten seconds, until the server has said something.
func (p *process) awaitSaid(t testing.TB, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for !strings.Contains(p.said.String(), text) {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatalf("the server does not say %q: %q", text, p.said)
		}
	}
}

// client speaks to the server without a credential.
func (p *process) client(t testing.TB) client { return client{TB: t, base: p.connection.HTTP} }

// stop ends the server in order, and complains unless it exits with 0.
func (p *process) stop() {
	p.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.Fatal(err)
	}
	if err := <-p.ended; err != nil {
		p.Errorf("stop server: %v\n%s", err, p.said)
	}
	p.ended <- nil
}

// kill ends the server at once, as a failure would.
func (p *process) kill() {
	if p.cmd.Process.Kill() == nil { // else it has ended
		p.ended <- <-p.ended
	}
}

// write writes a file of a test and returns its path.
func write(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
