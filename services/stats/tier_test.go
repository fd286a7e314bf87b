package stats_test

import (
	"testing"

	"github.com/throughline-trials/throughline/services/stats"
)

func TestClassifyTier(t *testing.T) {
	tests := []struct {
		x, n int
		want stats.Tier
	}{
		{3, 4, stats.TierHigh}, {74, 100, stats.TierMedium}, {149, 200, stats.TierMedium}, {150, 200, stats.TierHigh},
		{1, 2, stats.TierMedium}, {99, 200, stats.TierLow}, {0, 0, stats.TierNotReported}, {0, 1, stats.TierLow}, {1, 1, stats.TierHigh},
	}
	for _, tt := range tests {
		if got := stats.ClassifyTier(tt.x, tt.n); got != tt.want {
			t.Errorf("%d of %d is %s, want %s", tt.x, tt.n, got, tt.want)
		}
	}
}

func TestShareIsExact(t *testing.T) {
	for _, text := range []string{"0.8", "0.80", "0.7", "0.1", "0.55", "0.333333333", "1", "1.0", "0.000000001"} {
		share, err := stats.ParseShare(text)
		if err != nil {
			t.Fatal(err)
		}
		same, err := stats.ShareOf(share.Float())
		if err != nil || same != share {
			t.Errorf("share %s reads back as %v, %v", text, same, err)
		}
	}
	tests := []struct {
		share string
		x, n  int
		want  bool
	}{
		{"0.8", 4, 5, true}, {"0.8", 3, 5, false}, {"0.7", 7, 10, true}, {"0.7", 69, 100, false}, {"0.55", 11, 20, true},
		{"0.1", 3, 30, true}, {"1.0", 9, 9, true}, {"1.0", 8, 9, false}, {"0.5", 0, 0, false}, {"0.333333333", 1, 3, true}, {"0.333333334", 1, 3, false},
	}
	for _, tt := range tests {
		share, err := stats.ParseShare(tt.share)
		if err != nil || share.Met(tt.x, tt.n) != tt.want {
			t.Errorf("%d of %d at %s: got %t, %v", tt.x, tt.n, tt.share, !tt.want, err)
		}
	}
	if (stats.Share{}).Met(1, 1) {
		t.Error("the zero share is met")
	}
}

func TestParseShareRefuses(t *testing.T) {
	for _, text := range []string{"", "0", "0.0", "1.01", "-0.5", "3/4", "1e-1", "0x1p-1", "NaN", "0.0000000001", "half", ".", "1e999999999"} {
		if share, err := stats.ParseShare(text); err == nil {
			t.Errorf("%q gives %v", text, share)
		}
	}
}

func TestThroughout(t *testing.T) {
	people := []stats.Cluster{{X: 4, N: 4}, {X: 3, N: 4}, {X: 2, N: 4}, {X: 1, N: 4}, {}}
	half, _ := stats.ShareOf(0.5)
	if x, n := stats.CountThroughout(people, stats.WholeShare()); x != 1 || n != 4 {
		t.Errorf("all periods: %d of %d", x, n)
	}
	if x, n := stats.CountThroughout(people, half); x != 3 || n != 4 {
		t.Errorf("half: %d of %d", x, n)
	}
	counts := stats.CountTiers(people)
	if counts[stats.TierHigh] != 2 || counts[stats.TierMedium] != 1 || counts[stats.TierLow] != 1 || counts[stats.TierNotReported] != 1 {
		t.Errorf("tiers = %v", counts)
	}
}
