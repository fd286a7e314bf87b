package study_test

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/throughline-trials/throughline/services/study"
)

func read(t *testing.T, name string) *study.Definition {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	d, err := study.Parse(text, name)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestParseKeepsWhatWasWritten(t *testing.T) {
	d := read(t, "hope.yaml")
	again, err := study.Parse(d.JSON(), "")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(again.JSON(), d.JSON()) {
		t.Errorf("canonical JSON changes when read again:\n%s\n%s", d.JSON(), again.JSON())
	}
	first, _ := json.Marshal(d)
	second, _ := json.Marshal(again)
	if !bytes.Equal(first, second) {
		t.Errorf("the definition changes when read again:\n%s\n%s", first, second)
	}
}
