package stats_test

import (
	"testing"

	"github.com/throughline-trials/throughline/services/stats"
)

func TestBoundariesReference(t *testing.T) {
	var ref struct {
		Cautious, Optimistic []float64
	}
	readJSON(t, "wwc.json", &ref)
	rows := stats.Boundaries()
	if len(rows) != len(ref.Optimistic) {
		t.Fatalf("%d rows, want %d", len(rows), len(ref.Optimistic))
	}
	for overall, row := range rows {
		if row.Overall != overall {
			t.Errorf("row %d is of %d %%", overall, row.Overall)
		}
		wantNumber(t, "optimistic", row.Optimistic, ref.Optimistic[overall])
		if overall < len(ref.Cautious) {
			wantNumber(t, "cautious", row.Cautious, ref.Cautious[overall])
		} else {
			wantReason(t, "cautious", row.Cautious, stats.ReasonAboveTable)
		}
	}
}

func TestCompareAttrition(t *testing.T) {
	tests := []struct {
		name       string
		arm, ref   stats.Study
		standard   stats.Standard
		want       stats.Rating
		fiveTwenty stats.Rating
	}{
		{"at the boundary of 10 %", stats.Study{X: 1315, N: 10000}, stats.Study{X: 685, N: 10000}, "", stats.RatingLow, stats.RatingBetween},
		{"just over it", stats.Study{X: 1316, N: 10000}, stats.Study{X: 685, N: 10000}, "", stats.RatingHigh, stats.RatingBetween},
		{"optimistic", stats.Study{X: 1316, N: 10000}, stats.Study{X: 685, N: 10000}, stats.Optimistic, stats.RatingLow, stats.RatingBetween},
		{"nobody lost", stats.Study{N: 50}, stats.Study{N: 50}, "", stats.RatingLow, stats.RatingLittle},
		{"57 % overall, no difference", stats.Study{X: 57, N: 100}, stats.Study{X: 57, N: 100}, "", stats.RatingLow, stats.RatingSerious},
		{"58 % overall, no difference", stats.Study{X: 58, N: 100}, stats.Study{X: 58, N: 100}, "", stats.RatingHigh, stats.RatingSerious},
		{"57.5 % rounds up", stats.Study{X: 575, N: 1000}, stats.Study{X: 575, N: 1000}, "", stats.RatingHigh, stats.RatingSerious},
		{"exactly 5 %", stats.Study{X: 5, N: 100}, stats.Study{X: 5, N: 100}, "", stats.RatingLow, stats.RatingBetween},
		{"exactly 20 %", stats.Study{X: 20, N: 100}, stats.Study{X: 20, N: 100}, "", stats.RatingLow, stats.RatingBetween},
		{"all lost in one arm", stats.Study{X: 100, N: 100}, stats.Study{X: 0, N: 100}, "", stats.RatingHigh, stats.RatingSerious},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := stats.CompareAttrition(tt.arm, tt.ref, tt.standard)
			if got.Rating != tt.want || got.FiveTwenty != tt.fiveTwenty {
				t.Errorf("rated %s and %s: %+v", got.Rating, got.FiveTwenty, got)
			}
			back := stats.CompareAttrition(tt.ref, tt.arm, tt.standard)
			if back.Rating != got.Rating || back.Differential.Value != got.Differential.Value {
				t.Errorf("the other way round: %+v", back)
			}
		})
	}
}

func TestDifferentialLimits(t *testing.T) {
	near := stats.CompareAttrition(stats.Study{X: 10, N: 50}, stats.Study{X: 11, N: 50}, "")
	wantNumber(t, "lower where 0 is possible", near.Differential.Lower, 0)
	wantNumber(t, "value", near.Differential.Value, 0.02)
	far := stats.CompareAttrition(stats.Study{X: 5, N: 50}, stats.Study{X: 40, N: 50}, "")
	low, _ := far.Difference.Lower.Get()
	high, _ := far.Difference.Upper.Get()
	wantNumber(t, "lower", far.Differential.Lower, -high)
	wantNumber(t, "upper", far.Differential.Upper, -low)

	empty := stats.CompareAttrition(stats.Study{}, stats.Study{X: 1, N: 5}, "")
	if empty.Rating != stats.RatingNone || empty.Reason != stats.ReasonNoParticipants {
		t.Errorf("an arm without participants: %+v", empty)
	}
	wantReason(t, "differential", empty.Differential.Value, stats.ReasonNoParticipants)
	if wrong := stats.CompareAttrition(stats.Study{X: 9, N: 5}, stats.Study{X: 1, N: 5}, ""); wrong.Reason != stats.ReasonInvalid {
		t.Errorf("an impossible arm: %+v", wrong)
	}
}
