package simulate

import (
	"crypto/sha256"
	"encoding/hex"
	flags "flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
)

var update = flags.Bool("update", false, "rewrite golden files")

// digest returns the hash of all events of all studies, as a server would read them.
func digest(studies []Study, until time.Time) string {
	hash := sha256.New()
	var line []byte
	for _, s := range studies {
		for e := range s.Events(until) {
			line = append(e.AppendJSON(line[:0]), '\n')
			hash.Write(line)
		}
	}
	return hex.EncodeToString(hash.Sum(nil))
}

func TestGoldenPortfolio(t *testing.T) {
	got := digest(portfolio(t, noon), noon) + "\n"
	path := filepath.Join("testdata", "portfolio.sha256")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the portfolio is not what it was: %s, want %s(-update accepts it)", got, want)
	}
}

func TestHistoryDoesNotDependOnTheHour(t *testing.T) {
	morning := portfolio(t, noon.Add(-11*time.Hour))
	evening := portfolio(t, noon.Add(11*time.Hour))
	if digest(morning, noon) != digest(evening, noon) {
		t.Error("two loads on one day differ")
	}
}

func TestOtherSeedOtherEvents(t *testing.T) {
	other, err := Portfolio(Seed+1, noon)
	if err != nil {
		t.Fatal(err)
	}
	if digest(other, noon) == digest(portfolio(t, noon), noon) {
		t.Error("two seeds give the same events")
	}
}

func TestPublishedDefinitionRecallsTheAnchor(t *testing.T) {
	for _, s := range portfolio(t, noon) {
		seed, anchor, ok := Recall(s.Published())
		if !ok || seed != Seed || !anchor.Equal(Anchor(noon)) {
			t.Fatalf("%s: seed %d, anchor %v, %v", s.ID, seed, anchor, ok)
		}
	}
	if _, _, ok := Recall(event.Event{Type: event.TypeDefinition, ID: "definition"}); ok {
		t.Error("another definition is recalled")
	}
}

// TestSameIdentitySameContent guards what makes loading twice harmless: an identity never stands for two contents, and
// only repeated sendings share one.
func TestSameIdentitySameContent(t *testing.T) {
	repeated := 0
	for _, s := range portfolio(t, noon) {
		known := map[event.Identity]event.Digest{}
		for e := range s.Events(noon.AddDate(0, 0, 30)) {
			id, content := e.Identity(), e.Content()
			if before, ok := known[id]; ok {
				repeated++
				if before != content {
					t.Fatalf("%s: %s has two contents", s.ID, e.ID)
				}
			}
			known[id] = content
		}
	}
	if repeated < 100 {
		t.Errorf("%d events are sent again, want some hundreds", repeated)
	}
}

func TestHistoryIsImported(t *testing.T) {
	studies := portfolio(t, noon)
	sensed := 0
	for _, s := range studies {
		for e := range s.Events(noon) {
			if e.Modality == event.ModalityImported {
				continue
			}
			sensed++
			if !s.Running {
				t.Fatalf("%s: %s of a finished study is not imported", s.ID, e.Type)
			}
		}
	}
	if sensed == 0 {
		t.Error("nothing arrives on the day of the load")
	}
}

func TestSubjectsAreDistinctAndNameNobody(t *testing.T) {
	for _, s := range portfolio(t, noon) {
		seen := map[string]bool{}
		for i := range s.Subjects() {
			for _, e := range s.Subject(i, time.Time{}, noon) {
				if what, found := event.PersonalData(e.Subject); found || !event.ValidSubject(e.Subject) {
					t.Fatalf("%s: subject %q: %s", s.ID, e.Subject, what)
				}
			}
			name := s.roster.name(i)
			if seen[name] {
				t.Errorf("%s: two subjects are %s", s.ID, name)
			}
			seen[name] = true
		}
	}
}

func TestAssumptionIsPublished(t *testing.T) {
	for _, s := range portfolio(t, noon) {
		if !strings.Contains(string(s.Definition), Assumption) {
			t.Errorf("%s does not say that the split of the tiers is an assumption", s.ID)
		}
	}
}
