package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/throughline-trials/throughline/services/bench"
	"github.com/throughline-trials/throughline/services/chaos"
)

func newBench(a *app) *cobra.Command {
	var data, library string
	var quick bool
	cmd := &cobra.Command{
		Use: "bench", Short: "Measure ingestion, projection and results beside the limits of their parts",
		Long: `Measures each part alone, then the whole in a process of its own with the load on the same processors: sustained rate from
HTTP to facts, time until what was acknowledged is in the facts and in the results, restart, memory. Exit code 1 if a bound
is missed. It takes about five minutes; --quick takes less than one, with less there before.`,
		Example: "  throughline bench\n  throughline bench --quick --json",
		Args:    args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c := bench.Config{Library: library, Scale: bench.Full()}
			if quick {
				c.Scale = bench.Quick()
			}
			return withScratch(data, func(dir string) error {
				c.Data = dir
				return a.runBench(cmd.Context(), c)
			})
		},
	}
	cmd.Flags().StringVar(&data, "data", "", "folder for scratch data, empty or not there; emptied afterwards (default: a temporary one)")
	cmd.Flags().StringVar(&library, "libchdb", "", "path of libchdb.so")
	cmd.Flags().BoolVar(&quick, "quick", false, "a short run")
	cmd.AddCommand(newChaos(a))
	return cmd
}

func (a *app) runBench(ctx context.Context, c bench.Config) error {
	binary, err := os.Executable()
	if err != nil {
		return err
	}
	began := time.Now()
	c.Binary = binary
	c.Progress = func(what string) { a.say("%6.1f s  %s", time.Since(began).Seconds(), what) }
	report, err := bench.Run(ctx, c)
	if report == nil {
		return err
	}
	show := report.WriteTable
	if a.json {
		show = report.WriteJSON
	}
	if err := errors.Join(err, show(a.out)); err != nil {
		return err
	}
	if !report.OK() {
		a.say("a bound was missed")
		return errReported
	}
	return nil
}

// withScratch runs fn with a folder that is empty, and removes what is in it afterwards. One that was named and is not
// empty is refused.
func withScratch(named string, fn func(dir string) error) (err error) {
	dir := named
	if named == "" {
		if dir, err = os.MkdirTemp("", "throughline-bench-"); err != nil {
			return err
		}
	} else if entries, err := os.ReadDir(named); len(entries) > 0 || err != nil && !errors.Is(err, os.ErrNotExist) {
		return usagef("folder %s: name one that is empty or not there", named)
	}
	defer func() {
		if removed := os.RemoveAll(dir); removed != nil {
			err = errors.Join(err, fmt.Errorf("remove scratch data: %w", removed))
		}
	}()
	return fn(dir)
}

func newChaos(a *app) *cobra.Command {
	c := chaos.Config{}
	cmd := &cobra.Command{
		Use: "chaos", Short: "Kill the process under load, again and again, and check that nothing is lost or doubled",
		Long: `Starts throughline up in a process of its own, loads it, kills it (kill -9) at moments of four kinds, starts it again and
compares the facts with a ledger of what was acknowledged; throughline verify must agree each time. Exit code 1 on any loss,
double or difference, and on a missed bound.`,
		Example: "  throughline bench chaos --kills 24 --base 20000",
		Args:    args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withScratch(c.Dir, func(dir string) error {
				c.Dir = dir
				return a.runChaos(cmd.Context(), c)
			})
		},
	}
	f := cmd.Flags()
	f.IntVar(&c.Kills, "kills", 200, "how often to kill")
	f.IntVar(&c.Base, "base", 1_000_000, "events there before the first kill")
	f.IntVar(&c.Participants, "participants", 10_000, "participants that events are about")
	f.Uint64Var(&c.Seed, "seed", 1, "seed of the moments")
	f.StringVar(&c.Dir, "dir", "", "folder for scratch data, empty or not there; emptied afterwards (default: a temporary one)")
	f.StringVar(&c.Binary, "binary", "", "executable to kill (default: this one)")
	return cmd
}

func (a *app) runChaos(ctx context.Context, c chaos.Config) error {
	if c.Binary == "" {
		var err error
		if c.Binary, err = os.Executable(); err != nil {
			return err
		}
	}
	c.Out = a.err
	report, err := chaos.Run(ctx, c)
	if a.json {
		err = errors.Join(err, a.printJSON(report))
	} else {
		report.Print(a.out)
	}
	return err
}
