package study_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/throughline-trials/throughline/services/study"
)

// FuzzParse checks that no text breaks the reader, that every fault says what is wrong, and that what is accepted is
// complete and reads back to itself.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/*.yaml", "testdata/faults/*.yaml", "testdata/faults/*.json"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := study.Parse(text, "")
		if err != nil {
			checkProblems(t, err)
			return
		}
		again, err := study.Parse(d.JSON(), "x.json")
		if err != nil {
			t.Fatalf("canonical JSON is refused: %v\n%s", err, d.JSON())
		}
		if !bytes.Equal(again.JSON(), d.JSON()) || again.Summary() != d.Summary() {
			t.Fatalf("canonical JSON reads back differently:\n%s\n%s", d.JSON(), again.JSON())
		}
		if g := d.SilenceDays(""); g < 1 || g >= d.DurationDays() || d.Periods() < 1 || d.AccessDays() < 1 {
			t.Fatalf("accepted out of range: silence %d, duration %d, periods %d", g, d.DurationDays(), d.Periods())
		}
	})
}

func checkProblems(t *testing.T, err error) {
	t.Helper()
	problems, ok := err.(study.Problems)
	if !ok || len(problems) == 0 {
		t.Fatalf("error is %T, want Problems", err)
	}
	for _, p := range problems {
		if p.Detail == "" || len(p.String()) > 4096 {
			t.Fatalf("problem without detail or too long: %+v", p)
		}
	}
}
