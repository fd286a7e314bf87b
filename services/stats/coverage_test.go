package stats_test

import (
	"strings"
	"testing"

	"github.com/throughline-trials/throughline/services/stats"
)

// TestCoverage runs the default trials; the seed is fixed.
func TestCoverage(t *testing.T) {
	config := stats.DefaultCoverage()
	rows, err := stats.Coverage(config)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 3*len(config.Correlations) {
		t.Fatalf("%d rows", len(rows))
	}
	for _, row := range rows {
		held, _ := row.Held.Value.Get()
		t.Logf("%-13s correlation %.1f truth %.4f held %.2f %% of %d", row.Interval, row.Correlation, row.Truth, 100*held, row.Held.N)
		if held < 0.93 || held > 0.97 || row.Undefined > 0 {
			t.Errorf("%s at correlation %.1f: held %v of the time, undefined %d", row.Interval, row.Correlation, held, row.Undefined)
		}
	}
}

func TestCoverageIsReproducible(t *testing.T) {
	config := stats.DefaultCoverage()
	config.Trials, config.Correlations = 20, []float64{0.5}
	first, err := stats.Coverage(config)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := stats.Coverage(config)
	for i := range first {
		if first[i] != again[i] {
			t.Errorf("row %d differs: %+v and %+v", i, first[i], again[i])
		}
	}
}

func TestCoverageRefuses(t *testing.T) {
	_, err := stats.Coverage(stats.CoverageConfig{Correlations: []float64{1}})
	if err == nil {
		t.Fatal("an empty configuration runs")
	}
	for _, field := range []string{"trials", "participants", "periods", "follow-up", "participation", "retained", "correlation"} {
		if !strings.Contains(err.Error(), field) {
			t.Errorf("%q is not named in %v", field, err)
		}
	}
}
