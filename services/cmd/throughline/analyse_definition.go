package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/throughline-trials/throughline/services/study"
)

type trialFlags struct {
	clockFlags
	definition string
	kinds      []string
}

// newAnalyse is two commands under one name: without --definition the service that turns facts into results, with it one
// computation under another definition.
func newAnalyse(a *app) *cobra.Command {
	cmd := newService(a, "analyse")
	serve := cmd.RunE
	var f trialFlags
	cmd.Use = "analyse {--definition FILE --study S | --config FILE | --data DIR}"
	cmd.Short = "Compute results under another definition; or run the analyst alone: facts → results"
	cmd.Long = `With --definition: computes attrition and engagement of a study under a definition that is not published (a file), or under
one that was (its version number or engagement id), from the same facts and at any cut-off. Nothing is published or kept.
The running server is found as by any other command: --server, or --data DIR.

Without --definition: ` + serviceLong("analyse", cmd.Long)
	cmd.Example = "  throughline analyse --definition stricter.yaml --study hope-2026\n" +
		"  throughline analyse --definition stricter.yaml --study hope-2026 --kind non_usage --cutoff 2026-06-01T00:00:00Z --json\n" +
		"  throughline analyse --config analyst.yaml"
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		flags := cmd.Flags()
		if !flags.Changed("definition") {
			for _, name := range []string{"study", "cutoff", "as-of", "kind", "server", "token"} {
				if flags.Changed(name) {
					return usagef("--%s goes with --definition FILE", name)
				}
			}
			return serve(cmd, args)
		}
		for _, name := range []string{"config", "listen"} {
			if flags.Changed(name) {
				return usagef("--%s is of the service, which knows no --definition", name)
			}
		}
		a.peer.data, _ = flags.GetString("data")
		return a.analyse(cmd.Context(), &f)
	}
	fl := cmd.Flags()
	fl.StringVar(&f.definition, "definition", "", "definition to compute under: a file, or version number or engagement id of a published one")
	fl.StringVar(&f.study, "study", "", "study to compute (default: the one of the file)")
	fl.StringVar(&f.cutoff, "cutoff", "", "leave out what happened later (default: as of)")
	fl.StringVar(&f.asOf, "as-of", "", "leave out what was received later (default: now)")
	fl.StringSliceVar(&f.kinds, "kind", nil, "dropout, non_usage, first_lapse (non-usage by the first lapse), engagement (default: all)")
	fl.StringVar(&a.peer.server, "server", os.Getenv("THROUGHLINE_SERVER"), "address of a running server, e.g. "+defaultServer)
	fl.StringVar(&a.peer.token, "token", os.Getenv("THROUGHLINE_TOKEN"), "bearer token (default: the local credential of the data folder)")
	return cmd
}

// serviceLong is the help of the service, to stand after a colon.
func serviceLong(name, long string) string {
	short := serviceRoles[name].short
	return "runs the service that keeps results up to date" + long[min(len(short), len(long)):]
}

func kindNames() []string { return []string{"dropout", "non_usage", "first_lapse", "engagement"} }

func checkKinds(kinds []string) error {
	for _, k := range kinds {
		if !slices.Contains(kindNames(), k) {
			return usagef("--kind: %q is none of %s", k, joined(kindNames()))
		}
	}
	return nil
}

// chosen is the definition as it is asked for: the document of a file, or the name of a published one.
type chosen struct {
	name     string // as given; empty: the one that stands
	document []byte // JSON of a file
	study    string // of the file
}

// choose reads a definition from a file if there is one of the name.
func choose(name string) (chosen, error) {
	text, err := os.ReadFile(name)
	if name == "" || errors.Is(err, fs.ErrNotExist) && !looksLikeFile(name) {
		return chosen{name: name}, nil
	}
	if err != nil {
		return chosen{}, fmt.Errorf("read definition: %w", err)
	}
	def, err := study.Parse(text, name)
	if err != nil {
		return chosen{}, err
	}
	return chosen{name: name, document: def.JSON(), study: def.ID}, nil
}

// looksLikeFile tells a file that is missing from the name of a published definition.
func looksLikeFile(name string) bool { return strings.ContainsAny(name, `/\.`) }

func (a *app) analyse(ctx context.Context, f *trialFlags) error {
	query, err := f.query()
	if err != nil {
		return err
	}
	if err := checkKinds(f.kinds); err != nil {
		return err
	}
	c, err := choose(f.definition)
	if err != nil {
		return err
	}
	if f.study == "" {
		f.study = c.study
	}
	if f.study == "" {
		return usagef("--study is needed")
	}
	return a.withServer(ctx, func(ctx context.Context, p *peer) error {
		m, err := p.measure(ctx, f.study, c, query, f.kinds)
		if err != nil {
			return err
		}
		if a.json {
			return a.printJSON(m.answers)
		}
		return a.showMeasures(m)
	})
}

// measure asks for the answers of some kinds, all if none is named, under a definition. Where the query names no moment,
// all are of the one that the first answer is of.
func (p *peer) measure(ctx context.Context, id string, c chosen, query url.Values, kinds []string) (*measures, error) {
	if len(kinds) == 0 {
		kinds = kindNames()
	}
	clocks := maps.Clone(query)
	m := &measures{}
	for _, kind := range kinds {
		if err := p.measureOne(ctx, id, c, kind, maps.Clone(clocks), m); err != nil {
			return nil, err
		}
		if !clocks.Has("cutoff") {
			clocks.Set("cutoff", m.Cutoff.Format(time.RFC3339Nano))
		}
		clocks.Set("as_of", m.AsOf.Format(time.RFC3339Nano))
	}
	return m, nil
}

func (p *peer) measureOne(ctx context.Context, id string, c chosen, kind string, q url.Values, m *measures) error {
	switch kind {
	case "first_lapse":
		q.Set("kind", "non_usage")
		q.Set("variant", "first_lapse")
	case "dropout", "non_usage":
		q.Set("kind", kind)
	}
	base := "/v1/studies/" + url.PathEscape(id)
	var answer json.RawMessage
	if c.document == nil {
		set(q, "definition", c.name)
		path := base + "/attrition"
		if kind == "engagement" {
			path = base + "/engagement"
		}
		if err := p.do(ctx, "GET", path, q, nil, &answer); err != nil {
			return err
		}
		return m.add(kind, answer)
	}
	var trial struct{ Attrition, Engagement json.RawMessage }
	if err := p.send(ctx, "POST", base+"/trial", q, "application/json", bytes.NewReader(c.document), &trial); err != nil {
		return err
	}
	if kind == "engagement" {
		return m.add(kind, trial.Engagement)
	}
	return m.add(kind, trial.Attrition)
}

// showMeasures prints the numbers of each arm.
func (a *app) showMeasures(m *measures) error {
	a.say("%s", m.describe())
	w := tabwriter.NewWriter(a.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "MEASURE\tARM\tX OF N\tVALUE\t95 % INTERVAL")
	for _, f := range m.figures {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", f.Measure, f.Arm, f.counts(), f.text(), f.interval())
	}
	return w.Flush()
}
