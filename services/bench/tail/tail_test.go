package tail_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/throughline-trials/throughline/services/bench/tail"
)

func TestTailKeepsTheEnd(t *testing.T) {
	var kept tail.Tail
	for i := range 1000 {
		fmt.Fprintf(&kept, "line %d\n", i)
	}
	if got := kept.String(); len(got) > tail.Bytes || !strings.HasSuffix(got, "line 999\n") {
		t.Errorf("%d bytes are kept, ending in %q", len(got), got[max(0, len(got)-20):])
	}
	if kept.Reset(); kept.String() != "" {
		t.Error("something is kept after Reset")
	}
}
