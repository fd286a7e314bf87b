package importer_test

import (
	"strings"
	"testing"

	"github.com/throughline-trials/throughline/services/importer"
)

// FuzzRun imports any text twice: nothing breaks, what is sent is what the vocabulary wants, and the second time changes
// nothing.
func FuzzRun(f *testing.F) {
	f.Add(rows("1,2026-01-05 09:30,boston,F,2026-02-01,burden,2026-02-02", "2,2026-01-05,\"a\nb\",M,,,", "3,x"))
	f.Add("\ufeffid,enrolled,site,sex,withdrew,why,lost\r\n1,2026-01-05 09:30,,,,,\r\n")
	f.Fuzz(func(t *testing.T, csv string) {
		m, j := mappingOf(t, registry), newJournal()
		run := func() *importer.Report {
			config := importer.Config{Mapping: m, File: strings.NewReader(csv), History: j, Sender: j, Now: now}
			report, _ := importer.Run(t.Context(), config) // most texts are no such file
			return report
		}
		first := run()
		if first == nil {
			return
		}
		again := run()
		if again.Changes() != 0 || again.Unchanged != first.New || again.Refused != first.Refused {
			t.Fatalf("twice is not once: %+v, then %+v", first.Counts, again.Counts)
		}
		for _, r := range first.Refusals {
			if r.Reason == "" || r.Row < 2 || strings.Contains(r.Reason, "id_reused") {
				t.Fatalf("refusal %+v", r)
			}
		}
	})
}
