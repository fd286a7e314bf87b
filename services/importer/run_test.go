package importer_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/importer"
)

// journal keeps events in memory by the rules of the log: the first of an identity stands, the same again is a
// duplicate, other content is refused.
type journal struct {
	events  []event.Event
	content map[event.Identity]event.Digest
	batches []int
	queries int
}

func newJournal() *journal { return &journal{content: map[event.Identity]event.Digest{}} }

// Send implements importer.Sender.
func (j *journal) Send(_ context.Context, events []event.Event) (importer.Receipt, error) {
	j.batches = append(j.batches, len(events))
	var receipt importer.Receipt
	for i, e := range events {
		decoded, problems := event.Decode(e.AppendJSON(nil), now())
		before, known := j.content[decoded.Identity()]
		switch {
		case len(problems) > 0:
			receipt.Rejected = append(receipt.Rejected, importer.Refused{Index: i, Code: problems[0].Code, Field: problems[0].Field, Detail: problems[0].Detail})
		case known && before == decoded.Content():
			receipt.Duplicates++
		case known:
			receipt.Rejected = append(receipt.Rejected, importer.Refused{Index: i, Code: event.CodeIDReused, Field: "id", Detail: "is taken"})
		default:
			j.content[decoded.Identity()] = decoded.Content()
			j.events = append(j.events, decoded)
		}
	}
	return receipt, nil
}

// Records implements importer.History.
func (j *journal) Records(_ context.Context, q importer.HistoryQuery) (importer.Records, error) {
	j.queries++
	c := importer.Collect(q)
	for i := range j.events {
		c.Add(&j.events[i])
	}
	return c.Records(), nil
}

// last returns the event as it stands now: corrected, nil if voided.
func (j *journal) last(t *testing.T, source, id string) *event.Event {
	t.Helper()
	key := importer.HistoryKey{ID: id}
	records, err := j.Records(t.Context(), importer.HistoryQuery{Study: j.events[0].Study, Source: source, Keys: []importer.HistoryKey{key}})
	if err != nil {
		t.Fatal(err)
	}
	record, ok := records[id]
	if !ok {
		t.Fatalf("no event %s", id)
	}
	e, voided := record.Event, map[string]bool{}
	for i := len(record.Changes) - 1; i >= 0; i-- { // a void of a void comes later than the void
		if c := record.Changes[i]; c.Type == event.TypeVoided && !voided[c.ID] {
			voided[c.Data.Text("target_id")] = true
		}
	}
	for _, c := range record.Changes {
		if c.Type == event.TypeCorrected && !voided[c.ID] {
			corrected, problems := event.Apply(record.Event, c)
			if len(problems) > 0 {
				t.Fatalf("correction %s: %v", c.ID, problems)
			}
			e = corrected
		}
	}
	if voided[id] {
		return nil
	}
	return &e
}

func now() time.Time { return time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC) }

func mappingOf(t *testing.T, text string) *importer.Mapping {
	t.Helper()
	m, err := importer.ParseMapping([]byte(text), "mapping.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func file(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// imports runs one import into the journal.
func imports(t *testing.T, j *journal, m *importer.Mapping, csv string) *importer.Report {
	t.Helper()
	report, err := importer.Run(t.Context(), importer.Config{Mapping: m, File: strings.NewReader(csv), History: j, Sender: j, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func wantCounts(t *testing.T, report *importer.Report, want importer.Counts) {
	t.Helper()
	if report.Counts != want {
		t.Errorf("counts %+v, want %+v\n%s", report.Counts, want, report)
	}
}

func TestExampleMapping(t *testing.T) {
	m := mappingOf(t, file(t, "../../deploy/examples/heartsteps/mapping.yaml"))
	j := newJournal()
	csv := file(t, "testdata/users.csv")
	report := imports(t, j, m, csv)
	wantCounts(t, report, importer.Counts{New: 4*7 + 2 + 2 + 2*2 + 2})
	if report.Rows != 4 {
		t.Errorf("%d rows, want 4", report.Rows)
	}
	wantCounts(t, imports(t, j, m, csv), importer.Counts{Unchanged: report.New})

	enrolled := j.last(t, m.Source, "heartsteps-users/2/enrolled")
	if got := string(enrolled.AppendJSON(nil)); got != `{"specversion":"1.0","id":"heartsteps-users/2/enrolled","source":"/import/heartsteps/users",`+
		`"type":"participant.enrolled","subject":"hs-02","time":"2020-03-02T22:30:00-04:00","study":"heartsteps-v1",`+
		`"timezone":"Etc/GMT+4","modality":"imported","data":{"strata":{"phone":"lent"}}}` {
		t.Errorf("enrolled:\n%s", got)
	}
	dropout := j.last(t, m.Source, "heartsteps-users/3/dropout")
	if got := dropout.Time.String(); got != "2020-04-02T23:59:00-05:00" {
		t.Errorf("dropout at %s", got)
	}
}
