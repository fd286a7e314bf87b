package event_test

import (
	"os/exec"
	"strings"
	"testing"
)

// TestImports keeps the whole dependency graph of the package in the standard library.
func TestImports(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").Output()
	if err != nil {
		t.Fatalf("list dependencies: %v", err)
	}
	const own = "github.com/throughline-trials/throughline/pkg/event"
	if got := strings.Fields(string(out)); len(got) != 1 || got[0] != own {
		t.Errorf("outside the standard library there is %v, want %s alone", got, own)
	}
}
