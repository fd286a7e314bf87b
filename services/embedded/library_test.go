package embedded_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/throughline-trials/throughline/services/embedded"
)

func TestFindLibrary(t *testing.T) {
	t.Setenv(embedded.LibraryVariable, "")
	dir := t.TempDir()
	place := func(path ...string) string {
		file := filepath.Join(append([]string{dir}, path...)...)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	want := func(what, explicit, dataDir, path string) {
		t.Helper()
		if got, err := embedded.FindLibrary(explicit, dataDir); err != nil || got != path {
			t.Errorf("%s: got %s, %v; want %s", what, got, err, path)
		}
	}
	inParent := place("deploy", "embedded", "node_modules", "@chdb", "lib-linux-x64-gnu", "libchdb.so")
	below := filepath.Dir(place("services", "embedded", "x.go"))
	t.Chdir(below)
	want("working directory's parent", "", "", inParent)
	inData := place("data", "libchdb.so")
	want("data folder", "", filepath.Dir(inData), inData)
	inEnvironment := place("environment", "lib.so")
	t.Setenv(embedded.LibraryVariable, inEnvironment)
	want("environment", "", filepath.Dir(inData), inEnvironment)
	byFlag := place("flag", "libchdb.so")
	want("flag", byFlag, filepath.Dir(inData), byFlag)
	want("flag naming a folder", filepath.Dir(byFlag), "", byFlag)
}

func TestMissingLibraryErrorSaysHowToGetIt(t *testing.T) {
	t.Setenv(embedded.LibraryVariable, "")
	t.Chdir(t.TempDir())
	_, err := embedded.FindLibrary("", t.TempDir())
	if !errors.Is(err, embedded.ErrNoLibrary) || !strings.Contains(err.Error(), "make libchdb") || !strings.Contains(err.Error(), "npm ci") {
		t.Errorf("got %v", err)
	}
	_, err = embedded.FindLibrary("/nowhere/libchdb.so", "")
	if !errors.Is(err, embedded.ErrNoLibrary) || !strings.Contains(err.Error(), "/nowhere/libchdb.so") || !strings.Contains(err.Error(), "--libchdb") {
		t.Errorf("got %v", err)
	}
	t.Setenv(embedded.LibraryVariable, "/nowhere/else")
	if _, err = embedded.FindLibrary("", ""); err == nil || !strings.Contains(err.Error(), embedded.LibraryVariable) {
		t.Errorf("got %v", err)
	}
}
