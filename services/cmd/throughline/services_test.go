package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestSingleServices runs the engines alone, each service in a process of its own beside them, and follows events from
// the gateway to the console's API.
func TestSingleServices(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and starts the binary")
	}
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	binary := build(t, filepath.Join(dir, "bin"))
	launch(t, binary, "up", "--data", data, "--listen", "127.0.0.1:0", "--nats", "127.0.0.1:0", "--clickhouse", "127.0.0.1:0", "--without", "gateway,projector,analyst,console")
	eventually(t, func() bool {
		text, err := os.ReadFile(filepath.Join(data, "connection.json"))
		var connection struct{ HTTP string }
		return err == nil && json.Unmarshal(text, &connection) == nil && connection.HTTP != ""
	})
	launch(t, binary, "project", "--data", data)
	launch(t, binary, "analyse", "--data", data)
	gateway := launch(t, binary, "gateway", "--data", data)
	console := launch(t, binary, "console", "--data", data)

	batch := `[{"specversion":"1.0","id":"d","source":"/t","type":"definition.published","study":"apart","time":"2026-01-01T00:00:00Z","data":` +
		`{"id":"apart","title":"Services apart","design":"pre_post","arms":[{"id":"app","components":["app"]}],"components":[{"id":"app","channel":"app"}],"intervention":{"duration_days":28}}},` +
		`{"specversion":"1.0","id":"e","source":"/t","type":"participant.enrolled","study":"apart","subject":"P1","time":"2026-01-01T09:00:00Z"},` +
		`{"specversion":"1.0","id":"l","source":"/t","type":"participant.lost_to_follow_up","study":"apart","subject":"P1","time":"2026-01-05T09:00:00Z"}]`
	sent := request(t, http.MethodPost, gateway()+"/v1/events", batch)
	var receipt struct {
		Accepted int
		Position string
	}
	if err := json.Unmarshal(sent, &receipt); err != nil || receipt.Accepted != 3 {
		t.Fatalf("the gateway answered %s", sent)
	}
	var attrition struct {
		Arms []struct{ N, Events int }
	}
	answer := request(t, http.MethodGet, console()+"/v1/studies/apart/attrition?after="+receipt.Position, "")
	if err := json.Unmarshal(answer, &attrition); err != nil || len(attrition.Arms) != 1 || attrition.Arms[0].N != 1 || attrition.Arms[0].Events != 1 {
		t.Errorf("the console's process answered %s", answer)
	}
}

// launch runs a command until the test ends; what it returns waits for the address that the command announces.
func launch(t *testing.T, binary string, args ...string) func() string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 20 * time.Second
	said := filepath.Join(t.TempDir(), "stderr")
	file, err := os.Create(said)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = file
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // says that it was interrupted
		file.Close()
		if t.Failed() {
			text, _ := os.ReadFile(said)
			t.Logf("throughline %s: %s", args[0], text)
		}
	})
	return func() string {
		var address string
		eventually(t, func() bool {
			text, _ := os.ReadFile(said)
			_, after, found := strings.Cut(string(text), "page and API")
			address, _, _ = strings.Cut(strings.TrimSpace(after), "\n")
			return found && strings.HasPrefix(address, "http")
		})
		return address
	}
}

func request(t *testing.T, method, address, body string) []byte {
	t.Helper()
	req, err := http.NewRequest(method, address, bytes.NewBufferString(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/cloudevents-batch+json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
