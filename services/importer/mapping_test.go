package importer_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/throughline-trials/throughline/services/importer"
	"github.com/throughline-trials/throughline/services/study/document"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares text with a file beside the tests.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata/golden", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := file(t, path); got != want {
		t.Errorf("%s differs (run with -update to accept):\n%s", path, got)
	}
}

func TestGoldenMappingFaults(t *testing.T) {
	for _, name := range []string{"structure.yaml", "missing.yaml"} {
		_, err := importer.ParseMapping([]byte(file(t, "testdata/faults/"+name)), name)
		var problems document.Problems
		if !errors.As(err, &problems) {
			t.Fatalf("%s: got %v, want Problems", name, err)
		}
		golden(t, name+".txt", problems.Error()+"\n")
	}
}

// FuzzParseMapping checks that no text breaks the reader.
func FuzzParseMapping(f *testing.F) {
	for _, name := range []string{"testdata/faults/structure.yaml", "../../deploy/examples/heartsteps/mapping.yaml"} {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := importer.ParseMapping(text, "")
		if err == nil && (m.ID == "" || len(m.Events) == 0 || len(m.RowKey) == 0 || m.Subject.Column == "") {
			t.Fatalf("accepted without its parts: %+v", m)
		}
	})
}
