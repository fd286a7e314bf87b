package e2e

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const studyFile = `# A study of the command line.
id: desk
title: A study of the command line
design: randomised_controlled_trial
timezone: UTC
arms:
  - {id: peer, role: experimental, delivery_type: synchronous, components: [app]}
  - {id: usual, role: control, delivery_type: none, components: []}
components:
  - {id: app, channel: app}
intervention: {duration_days: 84, period_days: 7}
`

const faultyFile = `id: desk
title: A study with faults
design: guess
timezone: Mars/Olympus
arms:
  - {id: peer, role: experimental, components: [web]}
components:
  - {id: app, channel: pigeon}
intervention: {duration_days: -84}
colour: red
`

// TestCommandLine: what the commands say without a server.
func TestCommandLine(t *testing.T) {
	t.Parallel()
	commands := []string{
		"", "up", "gateway", "project", "analyse", "console", "study", "study apply", "study list", "study show", "import", "token", "token create",
		"token list", "token revoke", "verify", "rebuild", "simulate", "bench", "schema", "version", "completion",
	}
	for _, c := range commands {
		help := run(t, append(strings.Fields(c), "--help")...).want(t, 0)
		if !strings.Contains(help.out, "Usage:") || help.err != "" {
			t.Errorf("%s --help: %q, %q", c, help.out, help.err)
		}
	}
	for _, c := range []string{
		"nothing", "study nothing", "token nothing", "--nothing", "up --nothing", "study apply", "study apply a b", "study show", "import", "import a.csv",
		"token create", "token create --scope read", "token create --scope all --study s", "token create --scope read --study S", "token revoke",
		"schema session.begun", "up --listen nothing", "up --reserve much", "gateway", "gateway --config a --data b", "verify now",
		"study list --server http://127.0.0.1:1 --data d",
	} {
		o := run(t, strings.Fields(c)...).want(t, 2, "throughline:", "--help")
		if o.out != "" {
			t.Errorf("%s: %q on standard output", c, o.out)
		}
	}
	for _, c := range []string{"study list", "study show s", "verify", "rebuild", "token list"} {
		o := run(t, append(strings.Fields(c), "--server", "http://127.0.0.1:1", "--json")...).want(t, 1, "is a server running?")
		if o.out != "" {
			t.Errorf("%s: %q on standard output", c, o.out)
		}
	}
	run(t, "study", "list", "--data", "/nowhere").want(t, 1, "up --data")
	if o := run(t, "completion", "bash").want(t, 0); !strings.Contains(o.out, "throughline") {
		t.Errorf("no script: %q", o.out)
	}
	if o := run(t, "__complete", "study", "").want(t, 0); !strings.Contains(o.out, "apply") {
		t.Errorf("study is completed to %q", o.out)
	}
	var version map[string]string
	run(t, "version", "--json").want(t, 0).json(t, &version)
	if version["version"] == "" {
		t.Errorf("version %v", version)
	}
}

// TestSchema prints a JSON Schema of each type of the catalogue.
func TestSchema(t *testing.T) {
	t.Parallel()
	var list struct{ Types []string }
	run(t, "schema", "--json").want(t, 0).json(t, &list)
	for _, typ := range []string{"definition.published", "participant.randomised", "session.started", "wear_day.recorded", "technical_fault.resolved"} {
		var schema map[string]any
		o := run(t, "schema", typ).want(t, 0)
		if err := json.Unmarshal([]byte(o.out), &schema); err != nil || schema["$schema"] == nil {
			t.Errorf("schema of %s: %v: %.200s", typ, err, o.out)
		}
		if !strings.Contains(strings.Join(list.Types, " ")+" ", typ+" ") {
			t.Errorf("%s is not among the types", typ)
		}
	}
	if len(list.Types) != 81 { // 20 registry and 61 usage events
		t.Errorf("%d types, want 81", len(list.Types))
	}
}

// TestFaultyStudyFile: all faults at once, with their lines, and exit code 1.
func TestFaultyStudyFile(t *testing.T) {
	t.Parallel()
	o := run(t, "study", "apply", write(t, "faulty.yaml", faultyFile), "--dry-run").want(t, 1, "design", "timezone", "web", "channel", "duration_days", "colour")
	for _, line := range []string{":3:", ":4:", ":6:", ":8:", ":9:", ":10:"} {
		if !strings.Contains(o.err, "faulty.yaml"+line) && !strings.Contains(o.err, "line "+strings.Trim(line, ":")) {
			t.Errorf("line %s is not named:\n%s", strings.Trim(line, ":"), o.err)
		}
	}
	run(t, "study", "apply", write(t, "good.yaml", studyFile), "--dry-run").want(t, 0)
	run(t, "study", "apply", write(t, "broken.yaml", "id: [desk\n"), "--dry-run").want(t, 1, "broken.yaml")
	run(t, "study", "apply", "/nowhere.yaml").want(t, 1, "/nowhere.yaml")
}

// TestCannotStart: a port or folder in use, a missing library, and an address that needs tokens.
func TestCannotStart(t *testing.T) {
	t.Parallel()
	free := []string{"--nats", "127.0.0.1:0", "--clickhouse", "127.0.0.1:0"}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken := l.Addr().String()
	data := filepath.Join(t.TempDir(), "data")
	run(t, append(free, "up", "--data", data, "--listen", taken)...).want(t, 1, taken, "address already in use", "--listen")
	if _, err := os.Stat(data); err == nil {
		t.Error("a data folder was made although the port is in use")
	}
	run(t, "up", "--data", data, "--listen", "127.0.0.1:0", "--nats", taken, "--clickhouse", "127.0.0.1:0").want(t, 1, taken, "in use", "--nats")
	run(t, "up", "--data", data, "--listen", "127.0.0.1:0", "--nats", "127.0.0.1:0", "--clickhouse", taken).want(t, 1, taken, "in use", "--clickhouse")

	missing := command(t, append(free, "up", "--data", data, "--listen", "127.0.0.1:0")...)
	missing.Env = append(missing.Env, "THROUGHLINE_LIBCHDB=")
	finish(missing).want(t, 1, "make libchdb", "THROUGHLINE_LIBCHDB")
	run(t, append(free, "up", "--data", data, "--listen", "127.0.0.1:0", "--libchdb", "/nowhere/libchdb.so")...).want(t, 1, "/nowhere/libchdb.so", "make libchdb")

	run(t, append(free, "up", "--data", data, "--listen", "0.0.0.0:0")...).want(t, 1, "token create")

	file := write(t, "data", "no folder")
	run(t, append(free, "up", "--data", file, "--listen", "127.0.0.1:0")...).want(t, 1, file)
}
