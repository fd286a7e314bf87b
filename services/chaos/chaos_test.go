package chaos

import (
	"context"
	"errors"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "throughline")
	if out, err := exec.Command("go", "build", "-o", path, "../cmd/throughline").CombinedOutput(); err != nil {
		t.Fatalf("build throughline: %v\n%s", err, out)
	}
	return path
}

// TestRun kills once at each moment. How fast the machine is does not matter here.
func TestRun(t *testing.T) {
	out := &strings.Builder{}
	report, err := Run(t.Context(), Config{Binary: build(t), Dir: t.TempDir(), Kills: 4, Base: 1000, Participants: 100, Out: out})
	if err != nil && !errors.Is(err, ErrBound) {
		t.Fatalf("%v\n%s", err, out)
	}
	if err != nil {
		t.Log(err)
	}
	if kills := report.Kills.sum() + report.Uncounted; report.Acknowledged < 1000 || kills == 0 || report.Verifications != kills+2 {
		t.Errorf("report: %+v\n%s", report, out)
	}
}

// TestCompareFindsFaults makes each fault that a kill could leave and checks that the comparison names it.
func TestCompareFindsFaults(t *testing.T) {
	r := newRun(Config{Binary: build(t), Dir: t.TempDir(), Base: 500, Participants: 100}.withDefaults())
	defer r.target.stop()
	if err := r.prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ fault, do, undo string }{
		{"differs", "ALTER TABLE events UPDATE component = 'x', data = '{}' WHERE id = 'e-7'", "ALTER TABLE events DELETE WHERE id = 'e-7'"},
		{"acknowledged event 7 is not in the facts", "SELECT 1", "INSERT INTO events SELECT * REPLACE ('e-7' AS id) FROM events WHERE id = 'e-8'"},
		{"more than once", "INSERT INTO events SELECT * FROM events WHERE id = 'e-9'", "ALTER TABLE events DELETE WHERE id = 'e-9'"},
		{"never sent", "ALTER TABLE events UPDATE id = 'e-99999999' WHERE id = 'e-10'", "SELECT 1"},
	} {
		execute(t, r.target, c.do)
		err := r.compare(t.Context(), true)
		if err == nil || !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%s: the comparison says %v, want %q", c.do, err, c.fault)
		}
		execute(t, r.target, c.undo)
	}
	if err := r.target.verify(t.Context()); err == nil {
		t.Error("throughline verify finds nothing wrong")
	}
}

func execute(t *testing.T, target *target, statement string) {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://"+target.connection.ClickHouse+"/?database="+database+"&mutations_sync=1", strings.NewReader(statement))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(target.connection.ClickHouseUser, target.connection.ClickHousePassword)
	res, err := target.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", statement, res.Header.Get("X-ClickHouse-Exception-Code"))
	}
}
