package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/throughline-trials/throughline/services/stats"
)

// The share of made trials whose 95 % interval must hold the truth.
const (
	leastCoverage = 0.93
	mostCoverage  = 0.97
)

// coverageReport is the answer of coverage.
type coverageReport struct {
	OK     bool                `json:"ok"`
	Least  float64             `json:"least"`
	Most   float64             `json:"most"`
	Trials int                 `json:"trials"`
	Seed   uint64              `json:"seed"`
	Rows   []stats.CoverageRow `json:"rows"`
}

func newCoverage(a *app) *cobra.Command {
	config := stats.DefaultCoverage()
	cmd := &cobra.Command{
		Use: "coverage", Short: "Count by simulation how often the intervals hold the truth",
		Long: `Makes trials whose true numbers are known and counts how often the 95 % intervals hold them: of participation (periods in
clusters of participants), of dropout, and of S(t), with correlations within a participant from 0.3 to 0.7.
It needs no server. Exit code 1 if any share lies outside 93 to 97 % by more than the error of the simulation, which
its own interval beside each share tells: more trials make it smaller.`,
		Example: "  throughline coverage\n  throughline coverage --trials 20000 --seed 7 --json",
		Args:    args(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			rows, err := stats.Coverage(config)
			if err != nil {
				return usageError{err}
			}
			return a.showCoverage(config, rows)
		},
	}
	cmd.Flags().IntVar(&config.Trials, "trials", config.Trials, "trials to make for each correlation")
	cmd.Flags().Uint64Var(&config.Seed, "seed", config.Seed, "seed of the random numbers")
	return cmd
}

func (a *app) showCoverage(config stats.CoverageConfig, rows []stats.CoverageRow) error {
	report := coverageReport{OK: true, Least: leastCoverage, Most: mostCoverage, Trials: config.Trials, Seed: config.Seed, Rows: rows}
	for _, r := range rows {
		_, ok := verdict(r)
		report.OK = report.OK && ok
	}
	if err := a.printCoverage(report); err != nil {
		return err
	}
	if !report.OK {
		a.say("an interval holds the truth less or more often than it should: see the lines marked")
		return errReported
	}
	return nil
}

// verdict says whether an interval held the truth as often as it should: yes; no, where the error of the simulation itself
// does not explain it; and undecided where it does, because there were too few trials.
func verdict(r stats.CoverageRow) (text string, ok bool) {
	held, known := r.Held.Value.Get()
	lower, _ := r.Held.Lower.Get()
	upper, _ := r.Held.Upper.Get()
	switch {
	case !known || upper < leastCoverage || lower > mostCoverage:
		return "outside 93 to 97 %", false
	case held < leastCoverage || held > mostCoverage:
		return "not told from 93 to 97 % by so few trials", true
	}
	return "", true
}

func (a *app) printCoverage(report coverageReport) error {
	if a.json {
		return a.printJSON(report)
	}
	w := tabwriter.NewWriter(a.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "INTERVAL\tCORRELATION\tTRUTH\tHELD\tOF\tCOVERAGE\tSIMULATION ERROR\t")
	for _, r := range report.Rows {
		mark, _ := verdict(r)
		fmt.Fprintf(w, "%s\t%.1f\t%.3f\t%d\t%d\t%s\t%s to %s\t%s\n", r.Interval, r.Correlation, r.Truth, r.Held.X, r.Held.N,
			percent(r.Held.Value), percent(r.Held.Lower), percent(r.Held.Upper), mark)
	}
	return w.Flush()
}

// percent writes a share as a percentage, or – where there is none.
func percent(v stats.Value) string {
	share, ok := v.Get()
	if !ok {
		return "–"
	}
	return fmt.Sprintf("%.1f %%", 100*share)
}
