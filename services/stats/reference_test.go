package stats_test

import (
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/throughline-trials/throughline/services/stats"
)

// tolerance is relative; references were printed with 13 digits.
const tolerance = 1e-8

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.IsNaN(got) || math.Abs(got-want) > tolerance*math.Max(math.Abs(want), 1e-4) {
		t.Errorf("%s = %.15g, want %.15g", what, got, want)
	}
}

func nearValue(t *testing.T, what string, got stats.Value, want *float64) {
	t.Helper()
	v, ok := got.Get()
	if want == nil {
		if ok {
			t.Errorf("%s = %v, want undefined", what, got)
		}
		return
	}
	if !ok {
		t.Errorf("%s = %v, want %v", what, got, *want)
		return
	}
	near(t, what, v, *want)
}

func readJSON(t *testing.T, name string, into any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func readCSV(t *testing.T, name string) [][]string {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return rows[1:]
}

func number(t *testing.T, text string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// readTrial reads time, status, arm and, where present, stratum; arms are
// numbered in the order of names.
func readTrial(t *testing.T, name string, arms []string) []stats.Observation {
	t.Helper()
	var obs []stats.Observation
	for _, row := range readCSV(t, name) {
		o := stats.Observation{Time: number(t, row[0]), Event: row[1] == "1", Arm: -1}
		for i, arm := range arms {
			if arm == row[2] {
				o.Arm = i
			}
		}
		if len(row) > 3 {
			o.Stratum = stats.NoStratum
			if stratum, err := strconv.Atoi(row[3]); err == nil {
				o.Stratum = stratum
			}
		}
		obs = append(obs, o)
	}
	return obs
}

type referenceLimits struct {
	Lower       []*float64 `json:"lower"`
	Upper       []*float64 `json:"upper"`
	MedianLower *float64   `json:"median_lower"`
	MedianUpper *float64   `json:"median_upper"`
}

type referenceArm struct {
	N        int                        `json:"n"`
	Events   int                        `json:"events"`
	Median   *float64                   `json:"median"`
	RMST     *float64                   `json:"rmst"`
	RMSTSE   *float64                   `json:"rmst_se"`
	Time     []float64                  `json:"time"`
	AtRisk   []int                      `json:"n_risk"`
	NEvents  []int                      `json:"n_event"`
	Survival []float64                  `json:"surv"`
	SE       []*float64                 `json:"std_err"`
	Interval map[string]referenceLimits `json:"interval"`
	Hazard   []float64                  `json:"cumhaz"`
	HazardSE []float64                  `json:"cumhaz_se"`
}

type referenceTest struct {
	Observed []float64 `json:"observed"`
	Expected []float64 `json:"expected"`
	ChiSq    *float64  `json:"chisq"`
	DF       int       `json:"df"`
	P        *float64  `json:"p"`
}

type referenceCox struct {
	Coef, SE, HR, Lower, Upper *float64
}

type reference struct {
	Tau        float64                 `json:"tau"`
	Arms       map[string]referenceArm `json:"arms"`
	LogRank    referenceTest           `json:"logrank"`
	FH         referenceTest           `json:"fleming_harrington_rho1"`
	Stratified *referenceTest          `json:"logrank_stratified"`
	Efron      referenceCox            `json:"cox_efron"`
	Breslow    referenceCox            `json:"cox_breslow"`
}

// trials are the reference data sets and their arms, the reference arm first.
var trials = map[string][]string{
	"aml":     {"Maintained", "Nonmaintained"},
	"gehan":   {"6-MP", "placebo"},
	"ovarian": {"1", "2"},
	"lung":    {"1", "2"},
}

func TestKaplanMeierReference(t *testing.T) {
	for name, arms := range trials {
		t.Run(name, func(t *testing.T) {
			var ref reference
			readJSON(t, name+".json", &ref)
			groups := stats.ByArm(readTrial(t, name+".csv", arms), len(arms))
			for i, arm := range arms {
				want := ref.Arms[arm]
				for _, conf := range []stats.Conf{stats.LogLog, stats.Log, stats.Plain} {
					checkCurve(t, arm+" "+string(conf), stats.KaplanMeier(groups[i], conf), want)
				}
				checkHazard(t, arm, stats.NelsonAalen(groups[i]), want)
			}
		})
	}
}

func checkCurve(t *testing.T, what string, curve stats.Curve, want referenceArm) {
	t.Helper()
	if curve.N != want.N || curve.Events != want.Events {
		t.Errorf("%s: n, events = %d, %d, want %d, %d", what, curve.N, curve.Events, want.N, want.Events)
	}
	rows, limits := curve.EventRows(), want.Interval[string(curve.Conf)]
	if len(rows) != len(want.Time) {
		t.Fatalf("%s: %d event rows, want %d", what, len(rows), len(want.Time))
	}
	for i, row := range rows {
		if row.Day != want.Time[i] || row.AtRisk != want.AtRisk[i] || row.Events != want.NEvents[i] {
			t.Errorf("%s: row %d = %+v", what, i, row)
		}
		near(t, what+" survival", row.Survival, want.Survival[i])
		nearValue(t, what+" se", row.SE, want.SE[i])
		nearValue(t, what+" lower", row.Lower, limits.Lower[i])
		nearValue(t, what+" upper", row.Upper, limits.Upper[i])
	}
	median := curve.Median()
	nearValue(t, what+" median", median.Day, want.Median)
	nearValue(t, what+" median lower", median.Lower, limits.MedianLower)
	nearValue(t, what+" median upper", median.Upper, limits.MedianUpper)
}

func checkHazard(t *testing.T, arm string, rows []stats.HazardRow, want referenceArm) {
	t.Helper()
	i := 0
	for _, row := range rows {
		if row.Events == 0 {
			continue
		}
		near(t, arm+" hazard", row.Hazard, want.Hazard[i])
		near(t, arm+" hazard se", row.SE, want.HazardSE[i])
		i++
	}
	if i != len(want.Hazard) {
		t.Errorf("%s: %d hazard rows, want %d", arm, i, len(want.Hazard))
	}
}
