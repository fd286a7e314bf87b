package stats_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/throughline-trials/throughline/services/stats"
)

// crossTrials is how many random trials R and this package both analyse.
const crossTrials = 200

// TestAgreesWithR analyses random trials (two to four arms, strata, ties, heavy
// and light censoring, arms without events) here and by R's survival package.
// Without R it says that it skipped; with THROUGHLINE_REQUIRE_R=1 it fails.
func TestAgreesWithR(t *testing.T) {
	figures := runR(t)
	random := rand.New(rand.NewPCG(20, 26))
	for id := range crossTrials {
		c := &comparison{t: t, figures: figures, trial: id}
		made := makeTrial(random)
		c.curves(made)
		c.tests(made)
		c.competing(made)
		c.proportions(made)
		if t.Failed() {
			t.Fatalf("trial %d differs: %d arms, %d participants", id, made.arms, len(made.obs))
		}
	}
	for key, f := range figures {
		if !f.compared {
			t.Errorf("%s of R was not compared", key)
		}
	}
}

// figure is one line of R's answer.
type figure struct {
	value    *float64
	compared bool
}

func runR(t *testing.T) map[string]*figure {
	t.Helper()
	path, err := exec.LookPath("Rscript")
	if err == nil {
		err = exec.Command(path, "-e", "library(survival)").Run()
	}
	if err != nil {
		if os.Getenv("THROUGHLINE_REQUIRE_R") == "1" {
			t.Fatalf("R with its survival package is required (THROUGHLINE_REQUIRE_R=1): %v", err)
		}
		t.Skipf("SKIPPED: R with its survival package is not here, so %d random trials were not compared with it (%v)", crossTrials, err)
	}
	folder := t.TempDir()
	writeTrials(t, folder)
	out, err := exec.Command(path, filepath.Join("testdata", "crosscheck.R"), folder).Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("run R: %v\n%s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	return readFigures(t, out)
}

func readFigures(t *testing.T, out []byte) map[string]*figure {
	t.Helper()
	figures := map[string]*figure{}
	for line := range strings.Lines(string(out)) {
		key, text, _ := cutLast(strings.TrimSpace(line), ",")
		f := &figure{}
		if text != "NA" {
			v := number(t, text)
			f.value = &v
		}
		figures[key] = f
	}
	return figures
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// madeTrial is a random trial and what else is made beside it.
type madeTrial struct {
	arms     int
	obs      []stats.Observation
	endings  []stats.Ending
	clusters []stats.Cluster
	studies  []stats.Study
	values   []float64
}

func makeTrial(random *rand.Rand) madeTrial {
	m := madeTrial{arms: 2 + random.IntN(3)}
	days := []int{4, 20, 90, 400}[random.IntN(4)] // few days make heavy ties
	censoring := []float64{0.1, 0.5, 0.95}[random.IntN(3)]
	for arm := range m.arms {
		scale := 0.5 + random.Float64()
		for range 3 + random.IntN(40) {
			m.obs = append(m.obs, stats.Observation{
				Time: math.Floor(scale * float64(random.IntN(days))), Event: random.Float64() >= censoring,
				Arm: arm, Stratum: random.IntN(4) - 1,
			})
		}
	}
	for range 3 + random.IntN(60) {
		m.endings = append(m.endings, stats.Ending{Time: float64(random.IntN(days)), Cause: random.IntN(3)})
	}
	for range 2 + random.IntN(30) {
		n := 1 + random.IntN(8)
		m.clusters = append(m.clusters, stats.Cluster{X: random.IntN(n + 1), N: n})
	}
	for range 2 + random.IntN(8) {
		n := 5 + random.IntN(100)
		m.studies = append(m.studies, stats.Study{X: random.IntN(n + 1), N: n})
	}
	for range 2 + random.IntN(40) {
		m.values = append(m.values, math.Round(100*random.NormFloat64())/10)
	}
	return m
}

func writeTrials(t *testing.T, folder string) {
	t.Helper()
	files := map[string]*bytes.Buffer{
		"trials.csv":   bytes.NewBufferString("trial,time,status,arm,stratum\n"),
		"endings.csv":  bytes.NewBufferString("trial,time,cause\n"),
		"clusters.csv": bytes.NewBufferString("trial,x,n\n"),
		"studies.csv":  bytes.NewBufferString("trial,x,n\n"),
		"values.csv":   bytes.NewBufferString("trial,value\n"),
	}
	random := rand.New(rand.NewPCG(20, 26))
	for id := range crossTrials {
		m := makeTrial(random)
		for _, o := range m.obs {
			status := 0
			if o.Event {
				status = 1
			}
			fmt.Fprintf(files["trials.csv"], "%d,%v,%d,%d,%d\n", id, o.Time, status, o.Arm, o.Stratum)
		}
		for _, e := range m.endings {
			fmt.Fprintf(files["endings.csv"], "%d,%v,%d\n", id, e.Time, e.Cause)
		}
		for _, c := range m.clusters {
			fmt.Fprintf(files["clusters.csv"], "%d,%d,%d\n", id, c.X, c.N)
		}
		for _, s := range m.studies {
			fmt.Fprintf(files["studies.csv"], "%d,%d,%d\n", id, s.X, s.N)
		}
		for _, v := range m.values {
			fmt.Fprintf(files["values.csv"], "%d,%s\n", id, strconv.FormatFloat(v, 'g', -1, 64))
		}
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(folder, name), content.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// comparison holds R's figures against this package's.
type comparison struct {
	t       *testing.T
	figures map[string]*figure
	trial   int
}

// value compares one figure; R's NA must be an undefined value and the reverse.
func (c *comparison) value(name string, arm, index int, got stats.Value) {
	c.t.Helper()
	key := fmt.Sprintf("%d,%s,%d,%d", c.trial, name, arm, index)
	f := c.figures[key]
	if f == nil {
		c.t.Errorf("R gives no %s", key)
		return
	}
	f.compared = true
	nearValue(c.t, key, got, f.value)
}

// list compares a whole list of figures.
func (c *comparison) list(name string, arm int, got ...stats.Value) {
	c.t.Helper()
	for i, v := range got {
		c.value(name, arm, i, v)
	}
}

func (c *comparison) curves(m madeTrial) {
	groups := stats.ByArm(m.obs, m.arms)
	curves := make([]stats.Curve, m.arms)
	for arm, group := range groups {
		curves[arm] = stats.KaplanMeier(group, stats.LogLog)
		c.rows(arm, group)
	}
	horizon, _ := stats.DefaultHorizon(math.Inf(1), curves).Get()
	for arm, curve := range curves {
		mean := curve.RestrictedMean(horizon)
		c.list("rmst", arm, mean.Value, mean.SE)
		c.list("follow_up", arm, stats.FollowUp(groups[arm]).Day)
	}
}

func (c *comparison) rows(arm int, group []stats.Observation) {
	for i, row := range stats.NelsonAalen(group) {
		c.value("hazard", arm, i, stats.Defined(row.Hazard))
		c.value("hazard_se", arm, i, stats.Defined(row.SE))
	}
	for _, conf := range []stats.Conf{stats.LogLog, stats.Log, stats.Plain} {
		curve := stats.KaplanMeier(group, conf)
		for i, row := range curve.Rows {
			if conf == stats.LogLog {
				c.value("time", arm, i, stats.Defined(row.Day))
				c.value("at_risk", arm, i, stats.Defined(float64(row.AtRisk)))
				c.value("survival", arm, i, stats.Defined(row.Survival))
				c.value("se", arm, i, row.SE)
			}
			c.value("lower_"+string(conf), arm, i, row.Lower)
			c.value("upper_"+string(conf), arm, i, row.Upper)
		}
		median := curve.Median()
		c.list("median_"+string(conf), arm, median.Day, median.Lower, median.Upper)
	}
}

func (c *comparison) tests(m madeTrial) {
	run := func(name string, opts stats.LogRankOptions) {
		opts.Arms = m.arms
		test := stats.NewLogRank(m.obs, opts)
		df := stats.Undefined(test.Reason)
		if test.Reason == "" {
			df = stats.Defined(float64(test.DF))
		}
		c.list(name, 0, test.ChiSq, df, test.P)
	}
	run("logrank", stats.LogRankOptions{})
	run("fh", stats.LogRankOptions{Weight: stats.FlemingHarrington, Rho: 1})
	run("fh_half", stats.LogRankOptions{Weight: stats.FlemingHarrington, Rho: 0.5})
	run("stratified", stats.LogRankOptions{Stratified: true})
	for _, weight := range []stats.Weight{stats.GehanBreslow, stats.TaroneWare, stats.Peto} {
		c.value(string(weight), 0, 0, stats.NewLogRank(m.obs, stats.LogRankOptions{Arms: m.arms, Weight: weight}).ChiSq)
	}
	c.cox("efron", m, stats.CoxOptions{})
	c.cox("breslow", m, stats.CoxOptions{Ties: stats.Breslow})
	c.cox("cox_stratified", m, stats.CoxOptions{Stratified: true})
}

// cox compares contrasts. Where this package gives a reason, R has no figure, or
// one that ran away (a coefficient without bound has a huge standard error), or
// it took another reference, as the first arm is never at risk of an event: then
// one of its coefficients is missing.
func (c *comparison) cox(name string, m madeTrial, opts stats.CoxOptions) {
	opts.Arms = m.arms
	contrasts := stats.Cox(m.obs, opts)
	moved := false
	for i := range contrasts {
		moved = moved || c.take(name+"_coef", i) == nil
	}
	for i, contrast := range contrasts {
		if contrast.Reason == "" {
			c.value(name+"_coef", 0, i, contrast.Coef)
			c.value(name+"_se", 0, i, contrast.SE)
			continue
		}
		coef, se := c.take(name+"_coef", i), c.take(name+"_se", i)
		if !moved && se != nil && *se != 0 && *se < 50 {
			c.t.Errorf("%s contrast %d of trial %d: %s here, %v (se %v) by R", name, i, c.trial, contrast.Reason, *coef, *se)
		}
	}
}

// take returns R's figure and marks it as looked at.
func (c *comparison) take(name string, index int) *float64 {
	f := c.figures[fmt.Sprintf("%d,%s,0,%d", c.trial, name, index)]
	if f == nil {
		return nil
	}
	f.compared = true
	return f.value
}

func (c *comparison) competing(m madeTrial) {
	for i, row := range stats.AalenJohansen(m.endings, 2).Rows {
		for k, cause := range row.Causes {
			c.value("incidence", k+1, i, stats.Defined(cause.Incidence))
			c.value("incidence_se", k+1, i, stats.Defined(cause.SE))
		}
	}
}

func (c *comparison) proportions(m madeTrial) {
	clustered := stats.NewClusteredRate(m.clusters)
	simple := stats.NewRate(clustered.X, clustered.N)
	c.list("wilson", 0, simple.Lower, simple.Upper)
	if clustered.ICC.OK() {
		c.list("icc", 0, clustered.ICC)
		c.list("design_effect", 0, clustered.DesignEffect)
	}
	pooled := stats.Pool(m.studies)
	c.list("pooled", 0, pooled.Value, pooled.Lower, pooled.Upper)
	c.list("tau2", 0, pooled.Tau2, pooled.Q, pooled.I2)
	if pooled.Studies >= 3 {
		c.list("prediction", 0, pooled.PredictionLower, pooled.PredictionUpper)
	}
	for i, p := range []float64{0, 0.1, 0.25, 1.0 / 3, 0.5, 0.75, 0.9, 1} {
		c.value("quantiles", 0, i, stats.Quantile7(m.values, p))
	}
	summary := stats.Summarise(m.values)
	c.list("mean_sd", 0, summary.Mean, summary.SD)
}
