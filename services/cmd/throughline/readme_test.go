package main

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// snippet is a fenced block of the README that is marked to be run.
var snippet = regexp.MustCompile("(?s)<!-- snippet: ([a-z.]+) -->\n```[a-z]+\n(.*?)```")

// TestReadme runs the snippets of the README in order, as they stand but for the address, and holds the last answer
// against what they tell.
func TestReadme(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and starts the binary")
	}
	readme, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	binary := build(t, filepath.Join(dir, "bin"))
	address := startServer(t, binary, filepath.Join(dir, "data"))
	var output string
	blocks := snippet.FindAllStringSubmatch(string(readme), -1)
	if len(blocks) < 2 {
		t.Fatalf("%d snippets are marked in the README", len(blocks))
	}
	for _, block := range blocks {
		name, text := block[1], strings.ReplaceAll(block[2], "http://127.0.0.1:8080", address)
		if name != "sh" {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		// What the last line reads must include what the line before it sent.
		cmd := exec.Command("sh", "-e", "-c", strings.ReplaceAll(text, "kind=non_usage", "kind=non_usage&after=e1.a1.s1"))
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "THROUGHLINE_SERVER="+address)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("snippet fails: %v\n%s", err, out)
		}
		output = string(out)
	}
	if !strings.Contains(output, `"accepted":4`) {
		t.Errorf("not all four events were accepted: %s", output)
	}
	var answer struct {
		Arms []struct {
			Arm string
			N   int
		}
	}
	last := output[strings.LastIndex(strings.TrimSpace(output), "\n")+1:]
	if err := json.Unmarshal([]byte(last), &answer); err != nil || len(answer.Arms) != 2 || answer.Arms[0].N != 1 {
		t.Errorf("the attrition of the first arm is not that of one participant: %v %s", err, last)
	}
}

// build makes the binary as make build does, with the engine where it is looked for.
func build(t *testing.T, dir string) string {
	t.Helper()
	binary := filepath.Join(dir, "throughline")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return binary
}

// startServer runs throughline up on free ports until the test ends and returns its address.
func startServer(t *testing.T, binary, data string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, binary, "up", "--data", data, "--listen", "127.0.0.1:0", "--nats", "127.0.0.1:0", "--clickhouse", "127.0.0.1:0")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 20 * time.Second
	var log strings.Builder
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		if err := cmd.Wait(); err != nil && ctx.Err() == nil {
			t.Errorf("the server ended: %v\n%s", err, log.String())
		}
	})
	var connection struct{ HTTP string }
	eventually(t, func() bool {
		text, err := os.ReadFile(filepath.Join(data, "connection.json"))
		if err != nil || json.Unmarshal(text, &connection) != nil || connection.HTTP == "" {
			return false
		}
		res, err := http.Get(connection.HTTP + "/readyz")
		if err != nil {
			return false
		}
		res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
	return connection.HTTP
}

// eventually waits for a condition, at most half a minute.
func eventually(t *testing.T, done func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-deadline:
			t.Fatal("waited for half a minute")
		case <-tick.C:
		}
	}
}
