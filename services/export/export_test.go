package export_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/analyst"
	"github.com/throughline-trials/throughline/services/export"
	"github.com/throughline-trials/throughline/services/simulate"
	"github.com/throughline-trials/throughline/services/store"
	"github.com/throughline-trials/throughline/services/study"
)

// made is a study, read at a cut-off.
type made struct {
	frame   *analyst.Frame
	records []*analyst.Record
}

// read derives a study from events, as if each had been received at once.
func read(t testing.TB, def *study.Definition, events []event.Event, cutoff time.Time) made {
	t.Helper()
	clock := analyst.Clock{Cutoff: cutoff, AsOf: cutoff.AddDate(1, 0, 0)}
	byWho, seen := map[string][]store.Row{}, map[event.Identity]bool{}
	for i := range events {
		e := events[i]
		if e.Type == event.TypeDefinition || seen[e.Identity()] {
			continue
		}
		seen[e.Identity()] = true
		row := store.Row{Seq: uint64(i + 1), Kind: store.KindEvent, Identity: e.Identity(), Content: e.Content(), Event: e, Received: e.Time.Time}
		if zone, err := time.LoadLocation(e.Timezone); err == nil && e.Timezone != "" {
			_, seconds := e.Time.In(zone).Zone()
			minutes := int16(seconds / 60)
			row.Offset = &minutes
		}
		byWho[e.Subject] = append(byWho[e.Subject], row)
	}
	out := made{frame: analyst.NewFrame(def, 1, byWho[""], clock)}
	for _, who := range slices.Sorted(maps.Keys(byWho)) {
		if who != "" {
			record := analyst.Derive(def, byWho[who], clock)
			out.records = append(out.records, &record)
		}
	}
	return out
}

// answers are what the JSON interface answers, under the names that the script writes.
func (m *made) answers(t testing.TB) map[string]any {
	t.Helper()
	ask := func(q analyst.AttritionQuery) any {
		a, err := m.frame.Attrition(m.records, q)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	engagement, err := m.frame.Engagement(m.records, analyst.EngagementQuery{})
	if err != nil {
		t.Fatal(err)
	}
	outcomes, err := m.frame.Outcomes(m.records, analyst.Query{})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]any{
		"attrition": map[string]any{
			"dropout":     ask(analyst.AttritionQuery{}),
			"non_usage":   ask(analyst.AttritionQuery{Kind: analyst.NonUsage}),
			"first_lapse": ask(analyst.AttritionQuery{Kind: analyst.NonUsage, Variant: analyst.FirstLapse}),
		},
		"engagement": engagement, "outcomes": outcomes,
	})
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// studies are made to be unlike each other, and some to have what is easily got wrong.
func studies(t testing.TB) map[string]made {
	t.Helper()
	out := map[string]made{}
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for name, spec := range map[string]simulate.Spec{
		"two arms":      {Participants: 150, Seed: 1},
		"running":       {Participants: 120, Seed: 2, Start: now.AddDate(0, 0, -60)},
		"four arms":     {Arms: 4, Participants: 160, Seed: 3, DropoutHazard: 0.01},
		"one arm":       {Arms: 1, Participants: 40, Seed: 4},
		"nobody leaves": {Participants: 60, Seed: 5, DropoutHazard: -1, NonUsage: -1},
		"one person":    {Arms: 1, Participants: 1, Seed: 6},
		"a few":         {Arms: 3, Participants: 7, Seed: 7, DropoutHazard: 0.03},
	} {
		spec.ID, spec.Now = "made", now
		s, err := simulate.Single(spec)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out[name] = load(t, s, now)
	}
	portfolio, err := simulate.Portfolio(1, now)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(portfolio); i += 6 {
		out[portfolio[i].ID] = load(t, portfolio[i], now)
	}
	out["ties"] = tied(t)
	return out
}

func load(t testing.TB, s simulate.Study, now time.Time) made {
	t.Helper()
	def, err := study.Parse(s.Definition, s.ID+".json")
	if err != nil {
		t.Fatal(err)
	}
	return read(t, def, slices.Collect(s.Events(now)), now)
}

// tied is written down: all events of an arm on day 0, one arm without any, S exactly a half, pseudonyms that a
// spreadsheet would take for formulas.
func tied(t testing.TB) made {
	t.Helper()
	def, err := study.Parse([]byte(`
id: made
title: Ties
design: quasi_experimental
arms:
  - {id: a, role: experimental, delivery_type: peer_delivered_technology, components: [app]}
  - {id: b, role: active_comparator, delivery_type: peer_delivered_technology, components: [app]}
  - {id: c, role: control, components: []}
components:
  - {id: app, channel: app}
intervention: {duration_days: 28, period_days: 7}
non_usage: {silence_days: 7}
engagement: {id: tied-1, throughout: 0.75}
`), "made.yaml")
	if err != nil {
		t.Fatal(err)
	}
	day0 := time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
	var events []event.Event
	say := func(who, typ string, day int, data string) {
		raw := fmt.Sprintf(`{"specversion":"1.0","id":"e%d","source":"/test","type":%q,"study":"made","subject":%q,"time":%q,"data":%s}`,
			len(events), typ, who, day0.AddDate(0, 0, day).Format(time.RFC3339), data)
		e, problems := event.Decode([]byte(raw), day0.AddDate(1, 0, 0))
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		events = append(events, e)
	}
	for i := range 12 {
		who, arm := fmt.Sprintf("%cp%d", "-_A"[i%3], i), string("abc"[i%3])
		say(who, "participant.enrolled", 0, "{}")
		say(who, "participant.randomised", 0, `{"arm":"`+arm+`"}`)
		switch {
		case arm == "a" && i < 6:
			say(who, "participant.lost_to_follow_up", 10, "{}") // half of the arm, on one day
		case arm == "b":
			say(who, "participant.lost_to_follow_up", 0, "{}") // everyone, on day 0
		}
		if arm == "a" {
			for day := 0; day < 28; day += 3 + i {
				say(who, "session.started", day, `{"active_seconds":120}`)
			}
		}
	}
	return read(t, def, events, day0.AddDate(0, 0, 40))
}

// archive returns the files of an export.
func archive(t testing.TB, d *analyst.Dataset, formats ...export.Format) map[string][]byte {
	t.Helper()
	var b bytes.Buffer
	if err := export.Write(&b, d, formats); err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if files[f.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// TestScriptReproducesTheAnswers runs the script of the export on the tables of the export. Without R it says that it
// skipped; with THROUGHLINE_REQUIRE_R=1 it fails.
func TestScriptReproducesTheAnswers(t *testing.T) {
	path, err := exec.LookPath("Rscript")
	if err == nil {
		err = exec.Command(path, "-e", "library(survival)").Run()
	}
	if err != nil {
		if os.Getenv("THROUGHLINE_REQUIRE_R") == "1" {
			t.Fatalf("R with its survival package is required (THROUGHLINE_REQUIRE_R=1): %v", err)
		}
		t.Skipf("SKIPPED: R with its survival package is not here, so the script of the export was not run (%v)", err)
	}
	all := studies(t)
	folders, compared := map[string]string{}, 0
	for name, m := range all {
		folders[name] = t.TempDir()
		for file, content := range archive(t, m.frame.Dataset(m.records), export.CSV) {
			if err := os.WriteFile(filepath.Join(folders[name], file), content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	failures := run(path, folders)
	for name, m := range all {
		t.Run(name, func(t *testing.T) {
			if failures[name] != nil {
				t.Fatal(failures[name])
			}
			text, err := os.ReadFile(filepath.Join(folders[name], "reproduced.json"))
			if err != nil {
				t.Fatal(err)
			}
			var got map[string]any
			if err := json.Unmarshal(text, &got); err != nil {
				t.Fatal(err)
			}
			answers := m.answers(t)
			for _, part := range slices.Sorted(maps.Keys(answers)) {
				compared += same(t, part, got[part], answers[part])
			}
		})
	}
	t.Logf("%d numbers of %d studies are the same in R", compared, len(all))
}

// run runs the script in each folder, two at a time.
func run(path string, folders map[string]string) map[string]error {
	var mu sync.Mutex
	var group sync.WaitGroup
	failures, free := map[string]error{}, make(chan struct{}, 2)
	for name, folder := range folders {
		free <- struct{}{}
		group.Go(func() {
			defer func() { <-free }()
			if out, err := exec.Command(path, filepath.Join(folder, "reproduce.R")).CombinedOutput(); err != nil {
				mu.Lock()
				failures[name] = errors.Join(err, errors.New(string(out)))
				mu.Unlock()
			}
		})
	}
	group.Wait()
	return failures
}

// same holds what R wrote against the answer, which may say more, and returns how many numbers it compared.
func same(t *testing.T, path string, got, want any) int {
	t.Helper()
	n := 0
	switch g := got.(type) {
	case map[string]any:
		w, ok := want.(map[string]any)
		if !ok {
			t.Errorf("%s: R has an object, the answer %v", path, want)
			return 0
		}
		for key, value := range g {
			if _, there := w[key]; !there && value != nil {
				t.Errorf("%s: the answer has no %s", path, key)
				continue
			}
			n += same(t, path+"."+key, value, w[key])
		}
		return n
	case []any:
		w, ok := want.([]any)
		if !ok && want != nil || len(w) != len(g) {
			t.Errorf("%s: R has %d, the answer %v", path, len(g), want)
			return 0
		}
		for i := range g {
			n += same(t, fmt.Sprintf("%s[%d]", path, i), g[i], w[i])
		}
		return n
	case float64:
		w, ok := want.(float64)
		if !ok || math.Abs(g-w) > 1e-8*max(1, math.Abs(w)) {
			t.Errorf("%s: R has %v, the answer %v", path, g, want)
		}
		return 1
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: R has %v, the answer %v", path, got, want)
	}
	return 1
}

func TestManifestAndTables(t *testing.T) {
	m := tied(t)
	d := m.frame.Dataset(m.records)
	files := archive(t, d, export.CSV, export.Parquet)
	var manifest export.Manifest
	if err := json.Unmarshal(files[export.ManifestName], &manifest); err != nil {
		t.Fatal(err)
	}
	if manifest.Study != "made" || manifest.Definition != "tied-1" || manifest.Participants != 12 || len(manifest.Files) != len(files)-1 {
		t.Errorf("manifest: %+v of %d files", manifest, len(files))
	}
	for _, f := range manifest.Files {
		if sum := sha256.Sum256(files[f.Name]); hex.EncodeToString(sum[:]) != f.SHA256 || int64(len(files[f.Name])) != f.Bytes {
			t.Errorf("%s is not as the manifest says", f.Name)
		}
	}
	if again := archive(t, d, export.CSV, export.Parquet); !reflect.DeepEqual(files, again) {
		t.Error("the same dataset gave other files")
	}
	for _, table := range export.Tables(d) {
		checkTable(t, &table, files)
		for _, c := range table.Columns {
			if !strings.Contains(string(files["dictionary.md"]), "| `"+c.Name+"` | "+string(c.Type)) || c.Description == "" {
				t.Errorf("%s.%s is not in the dictionary", table.Name, c.Name)
			}
		}
	}
}

// checkTable holds CSV and Parquet of a table against each other, and every cell against spreadsheets.
func checkTable(t *testing.T, table *export.Table, files map[string][]byte) {
	t.Helper()
	lines, err := csv.NewReader(bytes.NewReader(files[table.Name+".csv"])).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	packed, err := parquet.OpenFile(bytes.NewReader(files[table.Name+".parquet"]), int64(len(files[table.Name+".parquet"])))
	if err != nil {
		t.Fatal(err)
	}
	if packed.NumRows() != int64(len(lines)-1) {
		t.Errorf("%s: %d rows in Parquet, %d in CSV", table.Name, packed.NumRows(), len(lines)-1)
	}
	var names []string
	for _, field := range packed.Schema().Fields() {
		names = append(names, field.Name())
	}
	if !slices.Equal(names, lines[0]) {
		t.Errorf("%s: columns %v in Parquet, %v in CSV", table.Name, names, lines[0])
	}
	reader := parquet.NewReader(packed)
	rows := make([]parquet.Row, 1)
	for _, line := range lines[1:] {
		if n, err := reader.ReadRows(rows); n != 1 {
			t.Fatalf("%s: %v", table.Name, err)
		}
		for i, cell := range line {
			if table.Columns[i].Type == export.Text && strings.ContainsAny(cell[:min(1, len(cell))], "=+-@\t\r") {
				t.Errorf("%s: a spreadsheet would run %q", table.Name, cell)
			}
			if plain := strings.TrimPrefix(cell, "'"); table.Columns[i].Type == export.Text && rows[0][i].String() != plain && !rows[0][i].IsNull() || rows[0][i].IsNull() != (cell == "") {
				t.Errorf("%s.%s: %q in CSV, %v in Parquet", table.Name, names[i], cell, rows[0][i])
			}
		}
	}
}

func TestFormats(t *testing.T) {
	for list, want := range map[string]int{"": 2, "csv": 1, "csv,parquet": 2, "parquet,parquet": 1} {
		if got, err := export.ParseFormats(list); err != nil || len(got) != want {
			t.Errorf("%q: %v, %v", list, got, err)
		}
	}
	if _, err := export.ParseFormats("xlsx"); err == nil {
		t.Error("xlsx is taken")
	}
}
