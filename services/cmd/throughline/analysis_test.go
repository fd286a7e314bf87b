package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/throughline-trials/throughline/services/export"
)

// command runs one command line in this process.
func command(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(context.Background(), args, streams{out: &o, err: &e})
	return code, o.String(), e.String()
}

func TestCoverage(t *testing.T) {
	code, out, errs := command(t, "coverage", "--trials", "400", "--seed", "3", "--json")
	var report coverageReport
	if err := json.Unmarshal([]byte(out), &report); err != nil || code != 0 || !report.OK || len(report.Rows) != 15 {
		t.Errorf("exit %d, %v, %d rows: %s", code, err, len(report.Rows), errs)
	}
	if code, _, _ := command(t, "coverage", "--trials", "0"); code != 2 {
		t.Errorf("no trials: exit %d", code)
	}
}

func TestAnalysisUsage(t *testing.T) {
	for _, line := range []string{
		"export", "export --study s", "export --study s -o d --format xlsx", "export --study s -o d --cutoff yesterday",
		"compare --study s", "compare --study s --cutoff 2026-01-01T00:00:00Z", "compare --cutoff 2026-01-01T00:00:00Z --cutoff 2026-02-01T00:00:00Z",
		"compare --study s --definition 1 --definition 2 --kind none",
		"analyse", "analyse --study s", "analyse --definition 2", "analyse --definition 2 --study s --config f", "analyse --definition 2 --study s --kind none",
	} {
		if code, _, errs := command(t, strings.Fields(line)...); code != 2 {
			t.Errorf("%s: exit %d: %s", line, code, errs)
		}
	}
	if code, _, errs := command(t, "analyse", "--definition", "missing.yaml", "--study", "s"); code != 1 || !strings.Contains(errs, "missing.yaml") {
		t.Errorf("a file that is missing: exit %d: %s", code, errs)
	}
}

const deskStudy = `{"id":"desk-1","title":"Desk","design":"quasi_experimental","timezone":"UTC",
 "arms":[{"id":"app","role":"experimental","delivery_type":"peer_delivered_technology","components":["app"]},{"id":"usual","role":"control","components":[]}],
 "components":[{"id":"app","channel":"app"}],"intervention":{"duration_days":28,"period_days":7},"non_usage":{"silence_days":%d},"engagement":{"id":"%s"}}`

// TestDesk exports, tries out and compares against a running server.
func TestDesk(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and starts the binary")
	}
	dir := t.TempDir()
	address := startServer(t, build(t, filepath.Join(dir, "bin")), filepath.Join(dir, "data"))
	files := map[string]string{"first.json": fmt.Sprintf(deskStudy, 7, "first-1"), "other.json": fmt.Sprintf(deskStudy, 14, "other-1")}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	t.Setenv("THROUGHLINE_SERVER", address)
	done := func(args ...string) string {
		t.Helper()
		code, out, errs := command(t, args...)
		if code != 0 {
			t.Fatalf("%v: exit %d: %s", args, code, errs)
		}
		return out
	}
	done("study", "apply", "first.json")
	sendDesk(t, address)

	done("export", "--study", "desk-1", "-o", "out")
	var manifest export.Manifest
	text, err := os.ReadFile(filepath.Join("out", export.ManifestName))
	if err != nil || json.Unmarshal(text, &manifest) != nil || manifest.Participants != 4 {
		t.Fatalf("manifest: %v %s", err, text)
	}
	if code, _, errs := command(t, "export", "--study", "desk-1", "-o", "out"); code != 1 || !strings.Contains(errs, "--force") {
		t.Errorf("again: exit %d: %s", code, errs)
	}
	done("export", "--study", "desk-1", "-o", "out", "--force", "--format", "csv")

	// Whoever was last seen on day 3 was silent for 7 days by day 20, and for 14.
	var trial map[string]struct {
		Version int `json:"definition_version"`
		Arms    []struct{ N, Events int }
	}
	out := done("analyse", "--definition", "other.json", "--cutoff", "2026-01-15T00:00:00Z", "--kind", "non_usage", "--json")
	if err := json.Unmarshal([]byte(out), &trial); err != nil || trial["non_usage"].Version != 0 || trial["non_usage"].Arms[0].N != 0 {
		t.Errorf("trial: %v %s", err, out)
	}
	var compared comparison
	out = done("compare", "--study", "desk-1", "--definition", "first-1", "--definition", "other.json", "--cutoff", "2026-01-15T00:00:00Z", "--json")
	if err := json.Unmarshal([]byte(out), &compared); err != nil || compared.A.AsOf != compared.B.AsOf || compared.B.DefinitionVersion != 0 {
		t.Fatalf("comparison: %v %s", err, out)
	}
	for _, row := range compared.Rows {
		if row.Measure == "too early to tell" && row.Arm == "app" && (row.Difference == nil || *row.Difference != 2) {
			t.Errorf("too early to tell: %+v", row)
		}
		if row.Measure == "participants" && row.Changed {
			t.Errorf("participants differ: %+v", row)
		}
	}
	if out := done("compare", "--study", "desk-1", "--cutoff", "2026-01-10T00:00:00Z", "--cutoff", "2026-01-20T00:00:00Z"); !strings.Contains(out, "non-usage") {
		t.Errorf("table: %s", out)
	}
}

// sendDesk sends four participants, two in each arm, and waits until the results know them.
func sendDesk(t *testing.T, address string) {
	t.Helper()
	var events []string
	say := func(who, typ, at, data string) {
		events = append(events, fmt.Sprintf(`{"specversion":"1.0","id":"e%d","source":"/desk","type":%q,"study":"desk-1","subject":%q,"time":"%sT10:00:00Z","data":%s}`, len(events), typ, who, at, data))
	}
	for i := range 4 {
		who, arm := fmt.Sprintf("P-%d", i), []string{"app", "usual"}[i%2]
		say(who, "participant.enrolled", "2026-01-01", "{}")
		say(who, "participant.randomised", "2026-01-01", `{"arm":"`+arm+`"}`)
		if arm == "app" {
			say(who, "session.started", "2026-01-04", `{"active_seconds":100}`)
		}
	}
	var answer ingestAnswer
	body := request(t, http.MethodPost, address+"/v1/events", "["+strings.Join(events, ",")+"]")
	if err := json.Unmarshal(body, &answer); err != nil || answer.Accepted != len(events) {
		t.Fatalf("%v %s", err, body)
	}
	request(t, http.MethodGet, address+"/v1/studies/desk-1?after="+answer.Position, "")
}
