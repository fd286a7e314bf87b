package chaos

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/throughline-trials/throughline/services/bench/tail"
)

// target is the process under test, and the projector beside it where that runs alone.
type target struct {
	binary, data, marker string

	process, projector *exec.Cmd
	output             tail.Tail
	connection         connection
	http               string
	client             *http.Client
	ready              time.Duration // from start to ready, last time
}

// connection is what the process tells tools about itself.
type connection struct {
	HTTP               string `json:"http"`
	ClickHouse         string `json:"clickhouse"`
	ClickHouseUser     string `json:"clickhouse_user"`
	ClickHousePassword string `json:"clickhouse_password"`
}

func (t *target) running() bool { return t.process != nil }

// start brings the process up, or leaves it up, with the projector inside it or beside it, and waits until it is ready.
func (t *target) start(ctx context.Context, apart bool) error {
	if t.running() && apart == (t.projector != nil) {
		return nil
	}
	t.stop()
	args := []string{"up", "--data", t.data, "--listen", "127.0.0.1:0", "--nats", "127.0.0.1:0", "--clickhouse", "127.0.0.1:0", "--trace", t.marker}
	if apart {
		args = append(args, "--without", "projector")
	}
	begin := time.Now()
	t.output.Reset()
	var err error
	if t.process, err = t.launch(args...); err != nil {
		return err
	}
	t.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	if err := t.until(ctx, "the process to answer", t.connected); err != nil {
		return err
	}
	if apart {
		if err := t.startProjector(); err != nil {
			return err
		}
	}
	err = t.until(ctx, "the process to be ready", func() bool { return t.status("/readyz") == http.StatusOK })
	t.ready = time.Since(begin)
	return err
}

func (t *target) launch(args ...string) (*exec.Cmd, error) {
	cmd := exec.Command(t.binary, args...)
	cmd.Stdout, cmd.Stderr = &t.output, &t.output
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s %s: %w", t.binary, args[0], err)
	}
	return cmd, nil
}

func (t *target) startProjector() (err error) {
	t.projector, err = t.launch("project", "--data", t.data, "--trace", t.marker, "--listen", "127.0.0.1:0")
	return err
}

// connected reads the addresses of the process, once it has written them.
func (t *target) connected() bool {
	text, err := os.ReadFile(filepath.Join(t.data, "connection.json"))
	var c struct {
		connection
		PID int `json:"pid"`
	}
	if err != nil || json.Unmarshal(text, &c) != nil || c.PID != t.process.Process.Pid || c.HTTP == "" {
		return false
	}
	t.connection, t.http = c.connection, c.HTTP
	return t.status("/healthz") == http.StatusOK
}

func (t *target) status(path string) int {
	res, err := t.client.Get(t.http + path)
	if err != nil {
		return 0
	}
	res.Body.Close()
	return res.StatusCode
}

// until waits for a condition, at most a minute.
func (t *target) until(ctx context.Context, what string, done func() bool) error {
	deadline := time.Now().Add(time.Minute)
	for !done() {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("waited a minute for %s; it said: %s", what, t.output.String())
		}
		pause(ctx, 5*time.Millisecond)
	}
	return nil
}

func (t *target) publishStudy(ctx context.Context) error {
	body, err := json.Marshal(map[string]any{
		"specversion": "1.0", "id": "definition", "source": "/chaos", "type": "definition.published", "study": studyID,
		"time": time.Now().UTC().Format(time.RFC3339), "data": definition(),
	})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.http+"/v1/events", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/cloudevents+json")
	res, err := t.client.Do(req)
	if err != nil {
		return fmt.Errorf("publish study: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusAccepted {
		return fmt.Errorf("publish study: %s", res.Status)
	}
	return nil
}

// settle waits until everything up to a position is in the facts.
func (t *target) settle(ctx context.Context, position string) error {
	return t.until(ctx, "the facts to reach "+position, func() bool {
		return t.status("/v1/studies/"+studyID+"?after="+position) == http.StatusOK
	})
}

// verify runs throughline verify against the process.
func (t *target) verify(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, t.binary, "verify", "--json", "--data", t.data)
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			out = append(out, exit.Stderr...)
		}
		return fmt.Errorf("throughline verify: %w: %.2000s", err, out)
	}
	return nil
}

// freeze stops the process and returns when it stands still and what it had answered has arrived.
func (t *target) freeze(ctx context.Context) error {
	if err := t.process.Process.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	const step, arrival = 200 * time.Microsecond, 2 * time.Millisecond
	stat := fmt.Sprintf("/proc/%d/stat", t.process.Process.Pid)
	for ctx.Err() == nil {
		text, err := os.ReadFile(stat)
		if err != nil {
			return fmt.Errorf("look whether the process stands still: %w", err)
		}
		if _, state, _ := bytes.Cut(text, []byte(") ")); bytes.HasPrefix(state, []byte("T")) {
			break
		}
		pause(ctx, step)
	}
	pause(ctx, arrival)
	return nil
}

func (t *target) thaw() error { return t.process.Process.Signal(syscall.SIGCONT) }

func (t *target) kill() error {
	err := t.process.Process.Kill()
	_ = t.process.Wait() // says that it was killed
	t.process = nil
	return err
}

func (t *target) killProjector() error {
	err := t.projector.Process.Kill()
	_ = t.projector.Wait() // says that it was killed
	t.projector = nil
	return err
}

// stop ends whatever runs.
func (t *target) stop() {
	if t.projector != nil {
		_ = t.killProjector()
	}
	if t.process != nil {
		_ = t.kill()
	}
}

// marker is what the projector last wrote of itself.
type marker struct {
	inserting bool
	inserted  uint64 // last sequence of the events stream that it has inserted; 0: none yet
}

func (t *target) readMarker() (marker, error) {
	b, err := os.ReadFile(t.marker)
	if err != nil || len(b) < 16 {
		return marker{}, fmt.Errorf("read marker of the projector: %w", err)
	}
	return marker{inserting: binary.LittleEndian.Uint64(b) == 1, inserted: binary.LittleEndian.Uint64(b[8:])}, nil
}
