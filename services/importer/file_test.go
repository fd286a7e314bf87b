package importer_test

import (
	"strings"
	"testing"

	"github.com/throughline-trials/throughline/services/importer"
)

const plain = `
mapping: plain
study: hope-2026
row_key: [id, visit]
subject: {column: id}
events:
  - {name: score, type: measure.submitted, time: {column: at}, data: {instrument: x, timepoint: {column: visit}, score: {column: score}}}
`

// TestFileForms reads the same row in the forms that exports come in.
func TestFileForms(t *testing.T) {
	for name, c := range map[string]struct{ file, csv string }{
		"plain":        {"", "id,visit,at,score\n1,v1,2026-01-05T09:30:00Z,2.5\n"},
		"BOM and CRLF": {"", "\ufeffid,visit,at,score\r\n1,v1,2026-01-05T09:30:00Z,2.5\r\n"},
		"no last line": {"", "id,visit,at,score\n1,v1,2026-01-05T09:30:00Z,2.5"},
		"quotes":       {"", "\"id\",\"visit\",\"at\",\"score\"\n\"1\",\"v1\",\"2026-01-05T09:30:00Z\",\"2.5\"\n"},
		"blanks":       {"", " id , visit,at ,score\n 1 ,v1 , 2026-01-05T09:30:00Z,2.5 \n\n\n"},
		"semicolons":   {`file: {delimiter: ";", decimal: ","}`, "id;visit;at;score\n1;v1;2026-01-05T09:30:00Z;2,5\n"},
		"tabs":         {"file: {delimiter: tab}", "id\tvisit\tat\tscore\n1\tv1\t2026-01-05T09:30:00Z\t2.5\n"},
		"windows":      {"file: {encoding: windows-1252}", "id,visit,at,score,note\n1,v1,2026-01-05T09:30:00Z,2.5,caf\xe9 \x80\n"},
		"more columns": {"", "x,score,at,visit,id\n\"a \"\"b\"\",\nc\",2.5,2026-01-05T09:30:00Z,v1,1\n"},
	} {
		t.Run(name, func(t *testing.T) {
			m, j := mappingOf(t, c.file+plain), newJournal()
			wantCounts(t, imports(t, j, m, c.csv), importer.Counts{New: 1})
			if len(j.events) == 0 {
				t.Fatal("no event")
			}
			e := j.events[0]
			if score, _ := e.Data.Number("score"); score != 2.5 || e.ID != "plain/1.v1/score" || e.Time.String() != "2026-01-05T09:30:00Z" {
				t.Errorf("got %s", e.AppendJSON(nil))
			}
		})
	}
}

func TestRowsAreCountedAsInASpreadsheet(t *testing.T) {
	m, j := mappingOf(t, plain), newJournal()
	report := imports(t, j, m, "id,visit,at,score\n1,v1,bad,1\n\n\"2\",\"v\n\n1\",bad,2\n,,,\n3,v\"1,x,3\n4,v1,bad,4\n\xff,v1,bad,5\n")
	var places []int
	for _, r := range report.Refusals {
		places = append(places, r.Row, r.Line)
	}
	want := []int{2, 2, 4, 4, 6, 8, 7, 9, 8, 10}
	if len(places) != len(want) {
		t.Fatalf("got %v, want %v\n%s", places, want, report)
	}
	for i := range want {
		if places[i] != want[i] {
			t.Fatalf("got %v, want %v\n%s", places, want, report)
		}
	}
}

func TestHashedPseudonyms(t *testing.T) {
	m := mappingOf(t, strings.Replace(plain, "{column: id}", "{column: id, hash: true, prefix: h-}", 1))
	csv := "id,visit,at,score\nann@example.org,v1,2026-01-05T09:30:00Z,2.5\nann@example.org,v2,2026-01-06T09:30:00Z,2.5\n"
	run := func(study string, key string) []string {
		j := newJournal()
		config := importer.Config{Mapping: m, File: strings.NewReader(csv), Study: study, Key: []byte(key), History: j, Sender: j, Now: now}
		report, err := importer.Run(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		wantCounts(t, report, importer.Counts{New: 2})
		if strings.Contains(j.events[0].ID, "v1") || strings.Contains(j.events[0].ID, "ann") {
			t.Errorf("the id shows the key: %s", j.events[0].ID)
		}
		return []string{j.events[0].Subject, j.events[1].Subject}
	}
	first := run("hope-2026", "0123456789abcdef")
	if first[0] != first[1] {
		t.Error("one participant has two pseudonyms")
	}
	if again := run("hope-2026", "0123456789abcdef"); again[0] != first[0] {
		t.Error("the same key gives another pseudonym")
	}
	if other := run("hope-2026", "0123456789abcdeX"); other[0] == first[0] {
		t.Error("another key gives the same pseudonym")
	}
	if other := run("hope-2027", "0123456789abcdef"); other[0] == first[0] {
		t.Error("another study gives the same pseudonym")
	}
	if _, err := importer.Run(t.Context(), importer.Config{Mapping: m, File: strings.NewReader(csv), DryRun: true}); err == nil {
		t.Error("hashes without a key")
	}
}

// TestZones reads the same wall clock by a fixed zone, a column of names, a column of offsets and an offset of its own.
func TestZones(t *testing.T) {
	for name, c := range map[string]struct{ times, timezone, cells, want string }{
		"fixed":               {"{zone: America/New_York}", "none", "2025-07-05 23:30:00,,", "2025-07-05T23:30:00-04:00 "},
		"column":              {"{zone: {column: zone}}", "{column: zone}", "2025-07-05 23:30:00,Etc/GMT+4,", "2025-07-05T23:30:00-04:00 Etc/GMT+4"},
		"offset":              {"{zone: {offset: shift, unit: seconds}}", "none", "2025-07-05 23:30:00,,-14400", "2025-07-05T23:30:00-04:00 "},
		"own offset":          {"{zone: UTC}", "none", "2025-07-05 23:30:00-04:00,,", "2025-07-05T23:30:00-04:00 "},
		"UTC":                 {"{zone: UTC}", "none", "2025-07-05 23:30:00,,", "2025-07-05T23:30:00Z "},
		"UTC shown in a zone": {"{zone: UTC}", "{column: zone}", "2025-07-05 23:30:00,Asia/Kolkata,", "2025-07-06T05:00:00+05:30 Asia/Kolkata"},
		"empty name":          {"{zone: UTC}", "{column: zone}", "2025-07-05 23:30:00,,", "2025-07-05T23:30:00Z "},
		"unknown name":        {"{zone: UTC}", "{column: zone}", "2025-07-05 23:30:00,Mars/Olympus,", "zone is not a known time zone: it must be an IANA name such as America/New_York"},
		"empty zone":          {"{zone: {column: zone}}", "none", "2025-07-05 23:30:00,,", "zone is empty: the time cannot be read without its zone"},
		"bad offset":          {"{zone: {offset: shift}}", "none", "2025-07-05 23:30:00,,east", "shift is not an offset from UTC between -12 and +14 hours, in text"},
	} {
		t.Run(name, func(t *testing.T) {
			m := mappingOf(t, "mapping: zones\nstudy: hope-2026\nrow_key: id\nsubject: {column: id}\ntimes: "+c.times+"\ntimezone: "+c.timezone+
				"\nevents: [{name: e, type: participant.enrolled, time: {column: at}}]\n")
			j := newJournal()
			config := importer.Config{Mapping: m, File: strings.NewReader("id,at,zone,shift\n1," + c.cells + "\n"), History: j, Sender: j}
			report, err := importer.Run(t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if report.Refused > 0 {
				got = report.Refusals[0].Column + " " + report.Refusals[0].Reason
			} else {
				got = j.events[0].Time.String() + " " + j.events[0].Timezone
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
