package simulate

import (
	"testing"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/study"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func portfolio(t *testing.T, now time.Time) []Study {
	t.Helper()
	studies, err := Portfolio(Seed, now)
	if err != nil {
		t.Fatal(err)
	}
	return studies
}

func TestEveryEventIsAcceptedAndEveryTypeAppears(t *testing.T) {
	seen := map[string]int{}
	total, bytes := 0, 0
	for _, s := range portfolio(t, noon) {
		if _, err := study.Parse(s.Definition, s.ID+".json"); err != nil {
			t.Errorf("definition of %s: %v", s.ID, err)
		}
		n := 0
		for e := range s.Events(noon) {
			n++
			seen[e.Type]++
			raw := e.AppendJSON(nil)
			bytes += len(raw)
			read, problems := event.Decode(raw, noon)
			if len(problems) > 0 {
				t.Fatalf("%s: %v\n%s", s.ID, problems, raw)
			}
			if again := read.AppendJSON(nil); string(again) != string(raw) {
				t.Fatalf("event changes when read:\n%s\n%s", raw, again)
			}
		}
		t.Logf("%-34s %-28s %-28s %-13s %5d participants %7d events", s.ID, s.Design, s.DeliveryType, s.Tier, s.Participants(noon), n)
		total += n
	}
	for _, typ := range event.Types() {
		if seen[typ.Name] == 0 {
			t.Errorf("no %s", typ.Name)
		}
	}
	t.Logf("%d events, %d bytes each", total, bytes/total)
	if total < 150_000 || total > 400_000 {
		t.Errorf("%d events", total)
	}
}
