package importer_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/importer"
)

const registry = `
mapping: registry
study: hope-2026
file: {empty_values: [NA]}
row_key: id
subject: {column: id, prefix: p-}
times: {formats: ["2006-01-02 15:04", "2006-01-02"], zone: America/New_York}
timezone: America/New_York
events:
  - {name: enrolled, type: participant.enrolled, time: {column: enrolled}, data: {site: {column: site}, strata: {sex: {column: sex, map: {F: female, M: male}}}}}
  - {name: withdrew, type: participant.withdrew, time: {column: withdrew}, data: {scope: stop_all, reason: {column: why}}}
  - {name: lost, type: participant.lost_to_follow_up, empty: skip, time: {column: lost}}
`

func rows(lines ...string) string {
	return "id,enrolled,site,sex,withdrew,why,lost\n" + strings.Join(lines, "\n") + "\n"
}

const withdrew = "registry/1/withdrew"

// TestChanges walks one row through its life: every import says only what changed, and twice the same changes nothing.
func TestChanges(t *testing.T) {
	m, j := mappingOf(t, registry), newJournal()
	row := func(withdrew, why, lost string) string {
		return rows("1,2026-01-05 09:30,boston,F," + withdrew + "," + why + "," + lost)
	}
	for i, step := range []struct {
		csv    string
		counts importer.Counts
		want   string // the withdrawal as it stands, empty if there is none
	}{
		{row("2026-02-01 10:00", "burden", "2026-02-10"), importer.Counts{New: 3}, "2026-02-01T10:00:00-05:00 burden"},
		{row("2026-02-01 10:00", "burden", "2026-02-10"), importer.Counts{Unchanged: 3}, "2026-02-01T10:00:00-05:00 burden"},
		{row("2026-02-02 10:00", "burden", "2026-02-10"), importer.Counts{Unchanged: 2, Corrected: 1}, "2026-02-02T10:00:00-05:00 burden"},
		{row("2026-02-02 10:00", "privacy", "2026-02-10"), importer.Counts{Unchanged: 2, Corrected: 1}, "2026-02-02T10:00:00-05:00 privacy"},
		{row("2026-02-02 10:00", "", "2026-02-10"), importer.Counts{Unchanged: 2, Corrected: 1}, "2026-02-02T10:00:00-05:00 "},
		{row("2026-02-02 10:00", "", "2026-02-10"), importer.Counts{Unchanged: 3}, "2026-02-02T10:00:00-05:00 "},
		{row("2026-02-01 10:00", "burden", "2026-02-10"), importer.Counts{Unchanged: 2, Corrected: 1}, "2026-02-01T10:00:00-05:00 burden"},
		{row("NA", "", "NA"), importer.Counts{Unchanged: 1, Voided: 1}, ""},
		{row("", "", ""), importer.Counts{Unchanged: 1}, ""},
		{row("2026-02-01 10:00", "burden", "2026-02-10"), importer.Counts{Unchanged: 2, Restored: 1}, "2026-02-01T10:00:00-05:00 burden"},
		{row("", "", "2026-02-10"), importer.Counts{Unchanged: 2, Voided: 1}, ""},
		{row("2026-02-03", "moved", "2026-02-10"), importer.Counts{Unchanged: 2, Restored: 1}, "2026-02-03T00:00:00-05:00 moved"},
		{row("2026-02-03", "moved", "2026-02-10"), importer.Counts{Unchanged: 3}, "2026-02-03T00:00:00-05:00 moved"},
	} {
		wantCounts(t, imports(t, j, m, step.csv), step.counts)
		got := ""
		if e := j.last(t, m.Source, withdrew); e != nil {
			got = e.Time.String() + " " + e.Data.Text("reason")
		}
		if got != step.want {
			t.Fatalf("step %d: the withdrawal stands as %q, want %q", i, got, step.want)
		}
	}
	if lost := j.last(t, m.Source, "registry/1/lost"); lost == nil {
		t.Error("an emptied cell that means skip voided its event")
	}
}

// TestOthersStand shows that a void or correction by somebody else is left alone until the row changes.
func TestOthersStand(t *testing.T) {
	m, j := mappingOf(t, registry), newJournal()
	csv := rows("1,2026-01-05 09:30,boston,F,,,")
	imports(t, j, m, csv)
	enrolled := j.last(t, m.Source, "registry/1/enrolled")
	raw := fmt.Sprintf(`{"specversion":"1.0","id":"v1","source":"/staff","type":"event.voided","subject":"p-1","study":"hope-2026",`+
		`"time":"2026-02-01T10:00:00Z","data":{"target_source":%q,"target_id":%q}}`, enrolled.Source, enrolled.ID)
	void, problems := event.Decode([]byte(raw), now())
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if _, err := j.Send(t.Context(), []event.Event{void}); err != nil {
		t.Fatal(err)
	}
	wantCounts(t, imports(t, j, m, csv), importer.Counts{Unchanged: 1})
	if j.last(t, m.Source, "registry/1/enrolled") != nil {
		t.Error("the import undid another's void")
	}
}

func TestRefusals(t *testing.T) {
	m, j := mappingOf(t, registry), newJournal()
	report := imports(t, j, m, rows(
		"1,2026-01-05 09:30,boston,F,,,",
		"1,2026-01-06 09:30,boston,F,,,",         // key again
		",2026-01-06 09:30,boston,F,,,",          // no key
		"3,2026-02-30,boston,F,,,",               // no such day
		"4,2026-01-06 09:30,boston,X,,,",         // not in the map
		"5,2026-01-06 09:30,boston,F",            // ragged
		"6,2026-01-06 09:30,new york,F,,,",       // no id of a site
		"7,2026-01-06 09:30,boston,F,,,,,",       // empty cells at the end do no harm
		"8,2027-01-06 09:30,boston,F,,,",         // in the future
		"ann@example.org,2026-01-06,boston,F,,,", // no pseudonym
		",,,,,,",
		"",
		"9,2026-01-06 09:30,boston,F,2026-02-01,Because I say so,", // no code
	))
	golden(t, "refusals.txt", report.String())
	for _, secret := range []string{"2026-02-30", "ann@", "new york", "Because"} {
		if strings.Contains(report.String(), secret) {
			t.Errorf("the report repeats a cell: %s", secret)
		}
	}
}

func TestMovedAndRetypedRows(t *testing.T) {
	j := newJournal()
	text := strings.Replace(registry, "subject: {column: id, prefix: p-}", "subject: {column: site}", 1)
	imports(t, j, mappingOf(t, text), rows("1,2026-01-05 09:30,boston,F,,,"))
	report := imports(t, j, mappingOf(t, text), rows("1,2026-01-05 09:30,york,F,,,"))
	if report.Refused != 1 || report.Refusals[0].Code != importer.CodeMoved {
		t.Errorf("a row of another participant: %s", report)
	}
	retyped := strings.Replace(text, "type: participant.lost_to_follow_up", "type: participant.died", 1)
	imports(t, j, mappingOf(t, text), rows("2,2026-01-05 09:30,bath,F,,,2026-02-01"))
	report = imports(t, j, mappingOf(t, retyped), rows("2,2026-01-05 09:30,bath,F,,,2026-02-01"))
	if report.Refused != 1 || report.Refusals[0].Code != importer.CodeType {
		t.Errorf("an event of another type: %s", report)
	}
}

func TestDryRunSendsNothing(t *testing.T) {
	m, j := mappingOf(t, registry), newJournal()
	config := importer.Config{Mapping: m, File: strings.NewReader(rows("1,2026-01-05 09:30,boston,F,,,")), History: j, DryRun: true, Now: now}
	report, err := importer.Run(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	wantCounts(t, report, importer.Counts{New: 1})
	if len(j.events) != 0 || !report.DryRun {
		t.Error("a dry run sent events")
	}
}

// TestManyRows shows that memory is bounded by the chunk: no batch is over the limit and history is asked in parts.
func TestManyRows(t *testing.T) {
	m, j := mappingOf(t, registry), newJournal()
	lines := make([]string, 2500)
	for i := range lines {
		lines[i] = fmt.Sprintf("%d,2026-01-05 09:30,boston,F,2026-02-01,burden,", i+1)
	}
	var last importer.Progress
	csv := rows(lines...)
	config := importer.Config{Mapping: m, File: strings.NewReader(csv), Size: int64(len(csv)), History: j, Sender: j, Now: now}
	config.Progress = func(p importer.Progress) { last = p }
	report, err := importer.Run(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	wantCounts(t, report, importer.Counts{New: 5000})
	if last.Rows != 2500 || last.Sent != 5000 || last.Read != last.Size {
		t.Errorf("progress ends at %+v", last)
	}
	if j.queries < 5 {
		t.Errorf("history was asked %d times for 7,500 events", j.queries)
	}
	for _, n := range j.batches {
		if n > event.MaxBatchEvents {
			t.Errorf("a batch of %d", n)
		}
	}
}

// TestWithoutHistory shows what is left where nobody tells what the log holds: nothing is doubled, changes are refused.
func TestWithoutHistory(t *testing.T) {
	m, j := mappingOf(t, registry), newJournal()
	run := func(csv string) *importer.Report {
		report, err := importer.Run(t.Context(), importer.Config{Mapping: m, File: strings.NewReader(csv), Sender: j, Now: now})
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	wantCounts(t, run(rows("1,2026-01-05 09:30,boston,F,,,")), importer.Counts{New: 1})
	wantCounts(t, run(rows("1,2026-01-05 09:30,boston,F,,,")), importer.Counts{Unchanged: 1})
	wantCounts(t, run(rows("1,2026-01-06 09:30,boston,F,,,")), importer.Counts{Refused: 1})
}

type broken struct{ *journal }

func (broken) Send(context.Context, []event.Event) (importer.Receipt, error) {
	return importer.Receipt{}, errors.New("the line is dead")
}

func TestRunErrors(t *testing.T) {
	good := rows("1,2026-01-05 09:30,boston,F,,,")
	for name, c := range map[string]struct{ csv, want string }{
		"empty":          {"", "it is empty"},
		"UTF-16":         {"\xff\xfei\x00d\x00", "UTF-16"},
		"spreadsheet":    {"PK\x03\x04", "save it as CSV"},
		"missing column": {"id,enroled,site,sex,withdrew,why\n", `no column named "enrolled": did you mean "enroled"?`},
		"two of a name":  {"id,enrolled,site,sex,withdrew,why,lost,id\n", `two columns named "id"`},
		"wrong sign":     {"id;enrolled;site;sex;withdrew;why;lost\n", "delimiter"},
		"open quote":     {good + `2,"2026-01-05` + strings.Repeat("\nx", 1<<20), "quote is probably not closed"},
	} {
		t.Run(name, func(t *testing.T) {
			j := newJournal()
			_, err := importer.Run(t.Context(), importer.Config{Mapping: mappingOf(t, registry), File: strings.NewReader(c.csv), Sender: j, History: j, Now: now})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	j := newJournal()
	report, err := importer.Run(t.Context(), importer.Config{Mapping: mappingOf(t, registry), File: strings.NewReader(good), Sender: broken{j}, History: j, Now: now})
	if err == nil || report == nil || report.Changes() != 0 {
		t.Errorf("a dead line gives %v, %v", report, err)
	}
	_, err = importer.Run(t.Context(), importer.Config{})
	for _, want := range []string{"mapping", "file", "sender"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("validation misses %s: %v", want, err)
		}
	}
}
