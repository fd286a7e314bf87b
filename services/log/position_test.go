package log

import "testing"

func TestPosition(t *testing.T) {
	for text, want := range map[string]Position{
		"e12.a3.s4.q0": {Events: 12, Allocations: 3, Studies: 4},
		"e12":          {Events: 12},
		"a3.s4":        {Allocations: 3, Studies: 4},
		"q7.e1":        {Quarantine: 7, Events: 1},
	} {
		got, err := ParsePosition(text)
		if err != nil || got != want {
			t.Errorf("%q: got %+v, %v", text, got, err)
		}
		if again, err := ParsePosition(got.String()); err != nil || again != got {
			t.Errorf("%q: %q reads as %+v, %v", text, got, again, err)
		}
	}
	for _, text := range []string{"", "e", "x1", "e1.e2", "e-1", "e1.", "1", "e99999999999999999999", "e1 a2", "e+1"} {
		if got, err := ParsePosition(text); err == nil {
			t.Errorf("%q: got %+v", text, got)
		}
	}
}

func TestPositionCovers(t *testing.T) {
	p := Position{Events: 5, Studies: 2}
	for o, want := range map[Position]bool{
		{}:                      true,
		{Events: 5}:             true,
		{Events: 6}:             false,
		{Allocations: 1}:        false,
		{Events: 1, Studies: 2}: true,
	} {
		if got := p.Covers(o); got != want {
			t.Errorf("%s covers %s: %t", p, o, got)
		}
	}
	if got := p.Max(Position{Events: 3, Quarantine: 9}); got != (Position{Events: 5, Studies: 2, Quarantine: 9}) {
		t.Errorf("max: %s", got)
	}
	if !(Position{}).IsZero() || p.IsZero() {
		t.Error("IsZero")
	}
}
