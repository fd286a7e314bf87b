package stats_test

import (
	"encoding/json"
	"math"
	"strconv"
	"testing"

	"github.com/throughline-trials/throughline/services/stats"
)

type referenceProportions struct {
	Wilson []struct {
		X, N         int
		Lower, Upper float64
	}
	Newcombe []struct {
		X1, N1, X2, N2     int
		Diff, Lower, Upper float64
	} `json:"newcombe10"`
	Cluster struct {
		Clusters          map[string]map[string]int
		N, X              int
		BMS, WMS, N0, ICC float64
		DesignEffect      float64 `json:"design_effect"`
		WilsonLower       float64 `json:"wilson_lower"`
		WilsonUpper       float64 `json:"wilson_upper"`
	}
}

// nearPrinted compares with a figure printed with the given number of
// significant or decimal places: half a unit of the last is the most it can be off.
func nearPrinted(t *testing.T, what string, got stats.Value, want, unit float64) {
	t.Helper()
	v, ok := got.Get()
	if !ok || math.Abs(v-want) > 0.51*unit {
		t.Errorf("%s = %v, want %.10g", what, got, want)
	}
}

func TestProportionsReference(t *testing.T) {
	var ref referenceProportions
	readJSON(t, "proportions.json", &ref)
	for _, w := range ref.Wilson {
		r := stats.NewRate(w.X, w.N)
		nearPrinted(t, "wilson lower", r.Lower, w.Lower, 1e-8)
		nearPrinted(t, "wilson upper", r.Upper, w.Upper, 1e-8)
	}
	for _, w := range ref.Newcombe {
		d := stats.Newcombe(stats.NewRate(w.X1, w.N1), stats.NewRate(w.X2, w.N2))
		nearPrinted(t, "newcombe", d.Value, w.Diff, 1e-8)
		nearPrinted(t, "newcombe lower", d.Lower, w.Lower, 1e-8)
		nearPrinted(t, "newcombe upper", d.Upper, w.Upper, 1e-8)
	}
}

func TestClusterReference(t *testing.T) {
	var ref referenceProportions
	readJSON(t, "proportions.json", &ref)
	var clusters []stats.Cluster
	for size, counts := range ref.Cluster.Clusters {
		n, _ := strconv.Atoi(size)
		for events, times := range counts {
			x, _ := strconv.Atoi(events)
			for range times {
				clusters = append(clusters, stats.Cluster{X: x, N: n})
			}
		}
	}
	got, want := stats.NewClusteredRate(clusters), ref.Cluster
	if got.X != want.X || got.N != want.N {
		t.Fatalf("x, n = %d, %d, want %d, %d", got.X, got.N, want.X, want.N)
	}
	nearPrinted(t, "bms", got.BMS, want.BMS, 1e-10)
	nearPrinted(t, "wms", got.WMS, want.WMS, 1e-10)
	nearPrinted(t, "n0", got.N0, want.N0, 1e-9)
	nearPrinted(t, "icc", got.ICC, want.ICC, 1e-10)
	nearPrinted(t, "design effect", got.DesignEffect, want.DesignEffect, 1e-9)
	nearPrinted(t, "lower", got.Lower, want.WilsonLower, 1e-8)
	nearPrinted(t, "upper", got.Upper, want.WilsonUpper, 1e-8)
}

func TestRateJSON(t *testing.T) {
	tests := map[string]any{
		`{"x":0,"n":0,"value":null,"lower":null,"upper":null,"reason":"no_participants"}`:                                          stats.NewRate(0, 0),
		`{"x":0,"n":0,"value":null,"lower":null,"upper":null,"reason":"not_in_arm"}`:                                               stats.UndefinedRate("not_in_arm"),
		`{"x":0,"n":0,"value":null,"lower":null,"upper":null,"reason":"invalid_input"}`:                                            stats.NewRate(3, 2),
		`{"x":3,"n":4,"value":0.75,"lower":null,"upper":null,"reason":"one_cluster","icc":null,"design_effect":null,"clusters":1}`: stats.NewClusteredRate([]stats.Cluster{{X: 3, N: 4}}),
	}
	for want, rate := range tests {
		got, err := json.Marshal(rate)
		if err != nil || string(got) != want {
			t.Errorf("JSON = %s, %v, want %s", got, err, want)
		}
	}
	data, err := json.Marshal(stats.NewRate(81, 263))
	if err != nil {
		t.Fatal(err)
	}
	var keys map[string]float64
	if err := json.Unmarshal(data, &keys); err != nil || len(keys) != 5 {
		t.Errorf("a defined rate is five numbers, got %s", data)
	}
	var back stats.Rate
	if err := json.Unmarshal(data, &back); err != nil || back != stats.NewRate(81, 263) {
		t.Errorf("read back %+v, %v", back, err)
	}
}

func TestZeroValueIsUndefined(t *testing.T) {
	var v stats.Value
	if v.OK() || v.Ptr() != nil || v.Reason() != stats.ReasonNotComputed {
		t.Errorf("zero value = %v", v)
	}
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		if stats.Defined(bad).OK() {
			t.Errorf("%v is defined", bad)
		}
	}
}

func TestClusterEdges(t *testing.T) {
	tests := []struct {
		name     string
		clusters []stats.Cluster
		value    bool
		limits   stats.Reason
		icc      stats.Reason
		deff     float64
	}{
		{"nobody", nil, false, stats.ReasonNoParticipants, stats.ReasonNoParticipants, 0},
		{"only empty clusters", []stats.Cluster{{}, {}}, false, stats.ReasonNoParticipants, stats.ReasonNoParticipants, 0},
		{"one cluster", []stats.Cluster{{X: 2, N: 5}, {}}, true, stats.ReasonOneCluster, stats.ReasonOneCluster, 0},
		{"impossible", []stats.Cluster{{X: 6, N: 5}}, false, stats.ReasonInvalid, stats.ReasonInvalid, 0},
		{"all of size one", []stats.Cluster{{X: 1, N: 1}, {X: 0, N: 1}, {X: 1, N: 1}}, true, "", stats.ReasonClustersOfOne, 1},
		{"all of size one, none engaged", []stats.Cluster{{N: 1}, {N: 1}}, true, "", stats.ReasonClustersOfOne, 1},
		{"no variation", []stats.Cluster{{X: 2, N: 2}, {X: 4, N: 4}}, true, "", stats.ReasonNoVariation, 20.0 / 6},
		{"all or nothing", []stats.Cluster{{X: 4, N: 4}, {X: 0, N: 4}}, true, "", "", 4},
		{"negative correlation counts as none", []stats.Cluster{{X: 2, N: 4}, {X: 2, N: 4}}, true, "", "", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := stats.NewClusteredRate(tt.clusters)
			if got.Value.OK() != tt.value || got.Lower.Reason() != tt.limits || got.Reason != tt.limits {
				t.Errorf("rate = %+v", got.Rate)
			}
			if got.ICC.Reason() != tt.icc {
				t.Errorf("icc = %v", got.ICC)
			}
			if deff, ok := got.DesignEffect.Get(); ok {
				near(t, "design effect", deff, tt.deff)
				n, _ := got.EffectiveN().Get()
				near(t, "effective n", n, float64(got.N)/tt.deff)
			} else if tt.deff != 0 {
				t.Errorf("design effect = %v", got.DesignEffect)
			}
		})
	}
}
