package embedded_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/throughline-trials/throughline/services/embedded"
	"github.com/throughline-trials/throughline/services/embedded/embeddedtest"
)

// A process can open one data path at a time. Tests that need another start the test binary again, as this program.
const childVariable = "THROUGHLINE_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childVariable); dir != "" {
		os.Exit(child(dir))
	}
	embeddedtest.Main(m)
}

// child starts engines in a folder, says so on standard output, and stops when standard input ends.
func child(dir string) int {
	engines, err := embedded.Start(context.Background(), embeddedtest.Config(dir))
	if err != nil {
		os.Stdout.WriteString("failed: " + err.Error() + "\n")
		return 1
	}
	os.Stdout.WriteString("started\n")
	_, _ = os.Stdin.Read(make([]byte, 1))
	if err := engines.Close(); err != nil {
		os.Stdout.WriteString("failed: " + err.Error() + "\n")
		return 1
	}
	return 0
}

// process is a running child.
type process struct {
	t   *testing.T
	dir string
	cmd *exec.Cmd
	in  interface{ Close() error }
}

func startProcess(t *testing.T, dir string) (*process, string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+dir)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	return &process{t, dir, cmd, in}, strings.TrimSpace(line)
}

func mustStart(t *testing.T, dir string) *process {
	t.Helper()
	p, line := startProcess(t, dir)
	if line != "started" {
		t.Fatal(line)
	}
	return p
}

func (p *process) stop() {
	p.t.Helper()
	p.in.Close()
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("stop: %v", err)
	}
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// clients connects to a child over its ports, as any tool does.
func (p *process) clients() (clickhouse.Conn, jetstream.JetStream) {
	p.t.Helper()
	c, err := embedded.ReadConnection(p.dir)
	if err != nil {
		p.t.Fatal(err)
	}
	conn, err := clickhouse.Open(c.ClickHouseOptions("default"))
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { conn.Close() })
	nc, err := nats.Connect(c.NATS, nats.UserInfo(c.NATSUser, c.NATSPassword))
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		p.t.Fatal(err)
	}
	return conn, js
}

func TestDataSurvivesStopAndKill(t *testing.T) {
	dir := t.TempDir()
	p := mustStart(t, dir)
	first, err := embedded.ReadConnection(dir)
	if err != nil {
		t.Fatal(err)
	}
	conn, js := p.clients()
	mustExec(t, conn, strings.Replace(factTable, "CREATE TABLE facts", "CREATE TABLE default.facts", 1))
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}}); err != nil {
		t.Fatal(err)
	}
	for i := range uint64(3) {
		sendColumns(t, conn, makeColumns(i*1000, 1000))
		if _, err := js.Publish(t.Context(), "s", []byte("x")); err != nil {
			t.Fatal(err)
		}
		if i == 1 {
			p.stop()
		} else {
			p.kill()
		}
		p = mustStart(t, dir)
		conn, js = p.clients()
		var rows uint64
		if err := conn.QueryRow(t.Context(), "SELECT count() FROM facts").Scan(&rows); err != nil || rows != 1000*(i+1) {
			t.Errorf("after restart %d: %d rows, %v", i, rows, err)
		}
		s, err := js.Stream(t.Context(), "S")
		if err != nil {
			t.Fatal(err)
		}
		if n := s.CachedInfo().State.Msgs; n != i+1 {
			t.Errorf("after restart %d: %d messages", i, n)
		}
	}
	again, err := embedded.ReadConnection(dir)
	if err != nil || again.LocalToken != first.LocalToken || again.ClickHousePassword != first.ClickHousePassword || again.NATSPassword != first.NATSPassword {
		t.Errorf("credentials changed: %v", err)
	}
	p.stop()
	if _, err := embedded.ReadConnection(dir); !errors.Is(err, embedded.ErrNotRunning) {
		t.Errorf("connection of a stopped process: %v", err)
	}
}

func TestSecondProcessIsToldWhoHoldsTheFolder(t *testing.T) {
	dir := t.TempDir()
	p := mustStart(t, dir)
	defer p.kill()
	_, err := embedded.Start(t.Context(), embeddedtest.Config(dir))
	var inUse *embedded.InUseError
	if !errors.As(err, &inUse) || inUse.PID != p.cmd.Process.Pid || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %v", err)
	}
	if c, err := embedded.ReadConnection(dir); err != nil || c.PID != p.cmd.Process.Pid {
		t.Errorf("the running process's connection is gone: %+v, %v", c, err)
	}
}

func TestLockIsFreedByTheKernel(t *testing.T) {
	dir := t.TempDir()
	p := mustStart(t, dir)
	p.kill()
	lock, err := embedded.AcquireLock(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := embedded.AcquireLock(dir); err == nil {
		t.Error("the lock was given twice")
	}
	if pid, held := embedded.Locked(dir); !held || pid != os.Getpid() {
		t.Errorf("held %v by %d", held, pid)
	}
	lock.Release()
	lock.Release()
	if _, held := embedded.Locked(dir); held {
		t.Error("still held")
	}
}

func TestConnectionOfAKilledProcessIsNotBelieved(t *testing.T) {
	dir := t.TempDir()
	p := mustStart(t, dir)
	p.kill()
	if _, err := embedded.ReadConnection(dir); !errors.Is(err, embedded.ErrNotRunning) {
		t.Errorf("nothing runs: %v", err)
	}
	if err := embedded.RemoveConnection(dir); err != nil {
		t.Fatal(err)
	}
	lock, err := embedded.AcquireLock(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	if _, err := embedded.ReadConnection(dir); !errors.Is(err, embedded.ErrStarting) {
		t.Errorf("a process starts: %v", err)
	}
}

func TestConnectionFileIsPrivate(t *testing.T) {
	dir := t.TempDir()
	p := mustStart(t, dir)
	defer p.stop()
	for _, name := range []string{"connection.json", "credentials.json"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	b, err := os.ReadFile(filepath.Join(dir, "connection.json"))
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(b, &fields); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"nats", "nats_user", "nats_password", "clickhouse", "clickhouse_user", "clickhouse_password", "local_token", "pid"} {
		if fields[name] == nil || fields[name] == "" {
			t.Errorf("connection.json has no %s", name)
		}
	}
}

func TestPortInUseNamesPortAndFlag(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for flag, set := range map[string]func(*embedded.Config){
		"--nats":       func(c *embedded.Config) { c.NATSListen = taken.Addr().String() },
		"--clickhouse": func(c *embedded.Config) { c.ClickHouseListen = taken.Addr().String() },
	} {
		config := embeddedtest.Config(t.TempDir())
		set(&config)
		if flag == "--nats" { // the NATS server comes after ClickHouse, of which this process has one already
			_, err = embedded.StartLog(config)
		} else {
			_, err = embedded.Start(t.Context(), config)
		}
		var inUse *embedded.PortInUseError
		if !errors.As(err, &inUse) || inUse.Flag != flag || !strings.Contains(err.Error(), taken.Addr().String()) {
			t.Errorf("%s: got %v", flag, err)
		}
		if lock, err := embedded.AcquireLock(config.DataDir); err != nil {
			t.Errorf("%s: the folder is still locked: %v", flag, err)
		} else {
			lock.Release()
		}
	}
}

func TestConfigNamesEveryProblem(t *testing.T) {
	err := embedded.Config{
		NATSListen: "0.0.0.0:4222", ClickHouseListen: "here", Sessions: 1, EngineMemory: 1,
		Readers:   []embedded.Reader{{Name: "services", Databases: []string{"x"}}, {Name: "a"}},
		NATSUsers: []embedded.NATSUser{{Name: "services", Password: "x"}},
	}.Validate()
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"--data", "0.0.0.0:4222", "loopback", "here", "Sessions is 1", "EngineMemory is 1", `reader "services"`, `reader "a" has no databases`, `NATS user "services"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
	if err := (embedded.Config{DataDir: "x"}).Validate(); err != nil {
		t.Errorf("the defaults are refused: %v", err)
	}
}
