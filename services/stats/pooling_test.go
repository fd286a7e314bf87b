package stats_test

import (
	"math"
	"testing"

	"github.com/throughline-trials/throughline/services/stats"
)

// TestPoolReference holds figures of R's metafor 3.8-1 (rma, measure PLO, method
// DL, test adhoc); the prediction limits are the formula on its μ, se and τ².
func TestPoolReference(t *testing.T) {
	got := stats.Pool([]stats.Study{{X: 3, N: 20}, {X: 10, N: 40}, {X: 0, N: 15}, {}, {X: 22, N: 60}, {X: 40, N: 50}})
	if got.Studies != 5 || got.Reason != "" {
		t.Fatalf("pooled = %+v", got)
	}
	wantNumber(t, "value", got.Value, 0.316840480926234)
	wantNumber(t, "lower", got.Lower, 0.060038084042399)
	wantNumber(t, "upper", got.Upper, 0.771041309007232)
	wantNumber(t, "tau2", got.Tau2, 1.5213003663034)
	wantNumber(t, "q", got.Q, 38.3465734447660)
	wantNumber(t, "i2", got.I2, (38.3465734447660-4)/38.3465734447660)
	half := 3.182446305284263 * math.Sqrt(1.5213003663034+0.7140534868*0.7140534868)
	wantNumber(t, "prediction", got.PredictionLower, 1/(1+math.Exp(0.7683299563+half)))
	wantNumber(t, "prediction", got.PredictionUpper, 1/(1+math.Exp(0.7683299563-half)))
}

func TestPoolEdges(t *testing.T) {
	wantReason(t, "none", stats.Pool(nil).Value, stats.ReasonNoStudies)
	wantReason(t, "only empty", stats.Pool([]stats.Study{{}}).Value, stats.ReasonNoStudies)
	wantReason(t, "one", stats.Pool([]stats.Study{{X: 3, N: 9}, {}}).Value, stats.ReasonOneStudy)
	wantReason(t, "impossible", stats.Pool([]stats.Study{{X: 3, N: 2}}).Value, stats.ReasonInvalid)
	two := stats.Pool([]stats.Study{{X: 3, N: 9}, {X: 3, N: 9}})
	wantNumber(t, "two alike", two.Value, 1.0/3)
	wantNumber(t, "i2 at q = 0", two.I2, 0)
	wantNumber(t, "tau2", two.Tau2, 0)
	wantReason(t, "prediction of two", two.PredictionLower, stats.ReasonTwoStudies)
	// Alike studies: the factor of Hartung and Knapp is held at 1.
	wantNumber(t, "upper", two.Upper, 1/(1+math.Exp(math.Log(2)-12.706204736174698*0.5)))
	empty := stats.Pool([]stats.Study{{X: 0, N: 30}, {X: 0, N: 30}, {X: 0, N: 30}})
	wantNumber(t, "no events at all", empty.Value, 0.5/31)
}

func TestHedgesG(t *testing.T) {
	got := stats.HedgesG(stats.Sample{N: 50, Mean: 103, SD: 5.5}, stats.Sample{N: 50, Mean: 100, SD: 4.5})
	pooled := math.Sqrt((5.5*5.5 + 4.5*4.5) / 2)
	d, j := 3/pooled, 1-3.0/(4*98-1)
	wantNumber(t, "g", got.G, j*d)
	wantNumber(t, "variance", got.Variance, j*j*(0.04+d*d/200))
	wantNumber(t, "lower", got.Lower, j*d-stats.Z*j*math.Sqrt(0.04+d*d/200))

	fine := stats.Sample{N: 5, Mean: 1, SD: 1}
	wantReason(t, "one person", stats.HedgesG(stats.Sample{N: 1, Mean: 1}, fine).G, stats.ReasonTooFew)
	wantReason(t, "no variation", stats.HedgesG(stats.Sample{N: 3, Mean: 1}, stats.Sample{N: 3}).G, stats.ReasonNoVariation)
	wantReason(t, "negative deviation", stats.HedgesG(stats.Sample{N: 3, SD: -1}, fine).G, stats.ReasonInvalid)
	wantReason(t, "overflow", stats.HedgesG(stats.Sample{N: 3, Mean: math.MaxFloat64, SD: 1e-300}, stats.Sample{N: 3}).G, stats.ReasonNotFinite)
	sample := stats.SampleOf(stats.Summarise([]float64{1, 2, 3}))
	if sample != (stats.Sample{N: 3, Mean: 2, SD: 1}) {
		t.Errorf("sample = %+v", sample)
	}
}

func TestSummarise(t *testing.T) {
	got := stats.Summarise([]float64{4, 0, 1, 3, 2, 0, 10})
	if got.N != 7 || got.Zeros != 2 {
		t.Errorf("n, zeros = %d, %d", got.N, got.Zeros)
	}
	wantNumber(t, "mean", got.Mean, 20.0/7)
	wantNumber(t, "median", got.Median, 2)
	wantNumber(t, "q1", got.Q1, 0.5)
	wantNumber(t, "q3", got.Q3, 3.5)
	wantNumber(t, "p90", got.P90, 6.4)
	wantNumber(t, "max", got.Max, 10)
	wantReason(t, "nobody", stats.Summarise(nil).Mean, stats.ReasonNoParticipants)
	wantReason(t, "sd of one", stats.Summarise([]float64{3}).SD, stats.ReasonTooFew)
	wantNumber(t, "sd of alike", stats.Summarise([]float64{0.1, 0.1, 0.1}).SD, 0)
	wantReason(t, "not a number", stats.Summarise([]float64{1, math.NaN()}).Mean, stats.ReasonInvalid)
	wantReason(t, "infinite", stats.Quantile7([]float64{math.Inf(-1)}, 0.5), stats.ReasonInvalid)
	wantReason(t, "p", stats.Quantile7([]float64{1}, 1.1), stats.ReasonInvalid)
}
