package bench

import (
	"os"
	"testing"
	"time"
)

func TestProbe(t *testing.T) {
	s := Quick()
	s.Part = 2 * time.Second
	r := newReport(s)
	if err := runParts(t.Context(), Config{Data: t.TempDir(), Scale: s, Progress: func(string) {}}, r); err != nil {
		t.Fatal(err)
	}
	r.WriteTable(os.Stdout)
}
