package study_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/throughline-trials/throughline/services/study"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares text with a file beside the tests.
func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (run with -update to accept):\n%s", name, got)
	}
}

func TestGoldenFaults(t *testing.T) {
	files, err := filepath.Glob("testdata/faults/*.[yj][as]*")
	if err != nil || len(files) == 0 {
		t.Fatal("no faulty definitions found", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, err = study.Parse(text, filepath.Base(file))
			var problems study.Problems
			if !errors.As(err, &problems) {
				t.Fatalf("got %v, want Problems", err)
			}
			golden(t, filepath.Join("testdata/golden", filepath.Base(file)+".txt"), problems.Error()+"\n")
		})
	}
}
