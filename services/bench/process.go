package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/throughline-trials/throughline/services/bench/tail"
	"github.com/throughline-trials/throughline/services/embedded"
)

// patience bounds every wait for the process that is measured.
const patience = 2 * time.Minute

// process is a throughline up in a process of its own.
type process struct {
	config Config
	data   string

	command    *exec.Cmd
	output     tail.Tail
	exited     chan struct{}
	connection embedded.Connection
	facts      driver.Conn
	http       *http.Client
	ready      time.Duration // from its start until it was ready
}

// start runs the process and waits until it is ready.
func (p *process) start(ctx context.Context) error {
	args := []string{"up", "--data", p.data, "--listen", "127.0.0.1:0", "--nats", "127.0.0.1:0", "--clickhouse", "127.0.0.1:0"}
	if p.config.Library != "" {
		args = append(args, "--libchdb", p.config.Library)
	}
	p.command = exec.Command(p.config.Binary, args...)
	p.command.Env = append(os.Environ(), p.config.Environment...)
	p.command.Stdout, p.command.Stderr = &p.output, &p.output
	p.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // it shall not outlive its measurement
	p.http = &http.Client{}
	began := time.Now()
	if err := p.command.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.config.Binary, err)
	}
	p.exited = make(chan struct{})
	go func(c *exec.Cmd, exited chan struct{}) {
		_ = c.Wait() // how it ended shows in its output
		close(exited)
	}(p.command, p.exited)
	if err := p.until(ctx, "it to be ready", often, p.isReady); err != nil {
		return err
	}
	p.ready = time.Since(began)
	var err error
	p.facts, err = clickhouse.Open(p.connection.ClickHouseOptions(""))
	return err
}

func (p *process) isReady() bool {
	if p.connection.PID != p.command.Process.Pid {
		c, err := embedded.ReadConnection(p.data)
		if err != nil || c.HTTP == "" || c.PID != p.command.Process.Pid {
			return false
		}
		p.connection = c
	}
	return p.status(p.connection.HTTP+"/readyz") == http.StatusOK
}

func (p *process) status(url string) int {
	res, err := p.http.Get(url)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	return res.StatusCode
}

// How often a condition is looked at.
const (
	often  = 5 * time.Millisecond
	seldom = 25 * time.Millisecond // where looking costs the process something
)

// until waits for a condition; the end of the process or of patience is an error.
func (p *process) until(ctx context.Context, what string, every time.Duration, done func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for !done() {
		select {
		case <-ticker.C:
		case <-p.exited:
			return fmt.Errorf("wait for %s: the process ended: %s", what, p.output.String())
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w; it said: %s", what, ctx.Err(), p.output.String())
		}
	}
	return nil
}

// kill ends the process as a crash does.
func (p *process) kill() error { return p.end(syscall.SIGKILL) }

// stop ends the process in order.
func (p *process) stop() error { return p.end(syscall.SIGTERM) }

func (p *process) end(signal os.Signal) error {
	if p.command == nil || p.command.Process == nil {
		return nil
	}
	if p.facts != nil {
		_ = p.facts.Close()
	}
	p.http.CloseIdleConnections()
	if err := p.command.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("end process: %w", err)
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-p.exited:
	case <-timer.C:
		_ = p.command.Process.Kill()
		<-p.exited
		return fmt.Errorf("the process did not end within %s", patience)
	}
	p.command = nil
	return nil
}

// count returns how many events of the load are in the facts, each once.
func (p *process) count(ctx context.Context) (int, error) {
	var n, distinct uint64
	err := p.facts.QueryRow(ctx, "SELECT count(), uniqExact(identity) FROM throughline.events WHERE kind = 'event'").Scan(&n, &distinct)
	if err != nil {
		return 0, fmt.Errorf("count facts: %w", err)
	}
	if n != distinct {
		return 0, fmt.Errorf("%d facts of %d different events", n, distinct)
	}
	return int(n), nil
}

// holds reports whether the facts hold a message of the events stream.
func (p *process) holds(ctx context.Context, seq uint64) bool {
	var n uint64
	err := p.facts.QueryRow(ctx, "SELECT count() FROM throughline.events WHERE seq = "+strconv.FormatUint(seq, 10)).Scan(&n)
	return err == nil && n > 0
}

// resident returns the resident memory in bytes, and the processor time used.
func (p *process) resident() (bytes int64, used time.Duration, err error) {
	dir := filepath.Join("/proc", strconv.Itoa(p.command.Process.Pid))
	memory, err := os.ReadFile(filepath.Join(dir, "statm"))
	if err != nil {
		return 0, 0, fmt.Errorf("measure memory: %w", err)
	}
	fields := strings.Fields(string(memory))
	if len(fields) < 2 {
		return 0, 0, errors.New("measure memory: statm has too few fields")
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0, 0, fmt.Errorf("measure memory: %w", err)
	}
	used, err = processorTime(dir)
	return pages * int64(os.Getpagesize()), used, err
}

// processorTime reads what a process has used; the kernel counts in hundredths of a second.
func processorTime(dir string) (time.Duration, error) {
	text, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return 0, fmt.Errorf("measure processor time: %w", err)
	}
	_, rest, _ := bytes.Cut(text, []byte(") ")) // the name before may hold spaces
	fields := strings.Fields(string(rest))
	const user, system = 11, 12
	if len(fields) <= system {
		return 0, errors.New("measure processor time: stat has too few fields")
	}
	var ticks int64
	for _, f := range fields[user : system+1] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("measure processor time: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond, nil
}
