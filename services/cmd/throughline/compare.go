package main

import (
	"context"
	"fmt"
	"maps"
	"math"
	"net/url"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

type compareFlags struct {
	study, asOf          string
	cutoffs, definitions []string
	kinds                []string
}

// comparison is the answer of compare.
type comparison struct {
	Study string       `json:"study"`
	A     stampOf      `json:"a"`
	B     stampOf      `json:"b"`
	Rows  []difference `json:"rows"`
}

// difference is one figure on both sides. The two sides are of the same participants: the difference describes, it is
// no test.
type difference struct {
	Measure    string   `json:"measure"`
	Arm        string   `json:"arm"`
	A          *figure  `json:"a"`          // null: that side does not have it
	B          *figure  `json:"b"`          // likewise
	Difference *float64 `json:"difference"` // b less a; null where either is
	Changed    bool     `json:"changed"`
}

func newCompare(a *app) *cobra.Command {
	var f compareFlags
	cmd := &cobra.Command{
		Use:   "compare --study S {--cutoff A --cutoff B | --definition A --definition B}",
		Short: "Print how the numbers of each arm differ between two cut-offs or two definitions",
		Long: `Prints every number of every arm on both sides, and the difference of the second less the first: between two cut-offs, between two
definitions, or both at once. A definition is a file, or the version number or engagement id of a published one. Both sides
are as of one moment. The sides are of the same participants, so the differences
describe and are no tests. The exit code is 0 whether or not there are any.`,
		Example: "  throughline compare --study hope-2026 --cutoff 2026-05-01T00:00:00Z --cutoff 2026-06-01T00:00:00Z\n" +
			"  throughline compare --study hope-2026 --definition 1 --definition stricter.yaml --json",
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			sides, err := f.sides()
			if err != nil {
				return err
			}
			return a.withServer(cmd.Context(), func(ctx context.Context, p *peer) error { return a.compare(ctx, p, &f, sides) })
		},
	}
	a.peer.register(cmd)
	fl := cmd.Flags()
	fl.StringVar(&f.study, "study", "", "study to compare in (default: the one of a definition's file)")
	fl.StringArrayVar(&f.cutoffs, "cutoff", nil, "cut-off, once for both sides or twice (default: as of)")
	fl.StringArrayVar(&f.definitions, "definition", nil, "definition, once for both sides or twice (default: the one that stands)")
	fl.StringVar(&f.asOf, "as-of", "", "leave out what was received later (default: now)")
	fl.StringSliceVar(&f.kinds, "kind", nil, "dropout, non_usage, first_lapse, engagement (default: all)")
	return cmd
}

// side is one side of a comparison.
type side struct {
	definition chosen
	query      url.Values
}

// sides checks the flags and returns both sides.
func (f *compareFlags) sides() (*[2]side, error) {
	if len(f.cutoffs) > 2 || len(f.definitions) > 2 || len(f.cutoffs) < 2 && len(f.definitions) < 2 {
		return nil, usagef("give --cutoff twice, --definition twice, or both: the first is compared with the second")
	}
	if err := checkKinds(f.kinds); err != nil {
		return nil, err
	}
	var out [2]side
	for i := range out {
		clocks := clockFlags{cutoff: nth(f.cutoffs, i), asOf: f.asOf}
		query, err := clocks.query()
		if err != nil {
			return nil, err
		}
		definition, err := choose(nth(f.definitions, i))
		if err != nil {
			return nil, err
		}
		out[i] = side{definition, query}
		if f.study == "" {
			f.study = definition.study
		}
	}
	if f.study == "" {
		return nil, usagef("--study is needed")
	}
	return &out, nil
}

// nth returns the i-th of one or two values: one stands for both.
func nth(values []string, i int) string {
	if len(values) == 0 {
		return ""
	}
	return values[min(i, len(values)-1)]
}

func (a *app) compare(ctx context.Context, p *peer, f *compareFlags, sides *[2]side) error {
	var both [2]*measures
	for i, s := range sides {
		if i == 1 && f.asOf == "" { // both of one moment
			s.query = maps.Clone(s.query)
			s.query.Set("as_of", both[0].AsOf.Format(time.RFC3339Nano))
		}
		var err error
		if both[i], err = p.measure(ctx, f.study, s.definition, s.query, f.kinds); err != nil {
			return err
		}
	}
	c := comparison{Study: f.study, A: both[0].stampOf, B: both[1].stampOf, Rows: differences(both[0].figures, both[1].figures)}
	if a.json {
		return a.printJSON(c)
	}
	return a.showComparison(both, c)
}

// differences pairs the figures of two sides, in the order of the first.
func differences(a, b []figure) []difference {
	type key struct{ measure, arm string }
	place := map[key]int{}
	rows := []difference{}
	for i := range a {
		place[key{a[i].Measure, a[i].Arm}] = len(rows)
		rows = append(rows, difference{Measure: a[i].Measure, Arm: a[i].Arm, A: &a[i]})
	}
	for i := range b {
		k, ok := place[key{b[i].Measure, b[i].Arm}]
		if !ok {
			k = len(rows)
			rows = append(rows, difference{Measure: b[i].Measure, Arm: b[i].Arm})
		}
		rows[k].B = &b[i]
	}
	for i := range rows {
		rows[i].take()
	}
	return rows
}

func (d *difference) take() {
	if d.A == nil || d.B == nil {
		d.Changed = true
		return
	}
	d.Changed = d.A.text() != d.B.text() || d.A.counts() != d.B.counts()
	if d.A.Value != nil && d.B.Value != nil {
		less := *d.B.Value - *d.A.Value
		d.Difference = &less
		d.Changed = d.Changed || less != 0
	}
}

// text writes the difference with its sign; shares in percentage points.
func (d *difference) text() string {
	switch {
	case d.Difference == nil && d.A != nil && d.B != nil && d.A.Value == nil && d.A.Unit == "" && d.Changed:
		return d.A.Tier + " → " + d.B.Tier
	case d.Difference == nil:
		return ""
	case math.Abs(*d.Difference) < 5e-13:
		return "0"
	case d.A.Unit == "share":
		return fmt.Sprintf("%+.1f points", 100**d.Difference)
	case d.A.Unit == "days":
		return fmt.Sprintf("%+.1f days", *d.Difference)
	}
	return fmt.Sprintf("%+g", *d.Difference)
}

func (a *app) showComparison(both [2]*measures, c comparison) error {
	a.say("A: %s\nB: %s", both[0].describe(), both[1].describe())
	w := tabwriter.NewWriter(a.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "MEASURE\tARM\tA\tB\tB LESS A")
	shown := func(f *figure) string {
		switch {
		case f == nil:
			return "–"
		case f.counts() != "" && f.Value != nil:
			return f.counts() + ": " + f.text()
		}
		return f.text()
	}
	for i := range c.Rows {
		r := &c.Rows[i]
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", r.Measure, r.Arm, shown(r.A), shown(r.B), r.text())
	}
	return w.Flush()
}
