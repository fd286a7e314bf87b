package main

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/verify"
)

func newVerify(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "verify", Short: "Reconcile the log with the facts, event by event",
		Long: `Reads the whole log again and holds each event against its row in the facts: counted, missing, doubled, altered.
It first waits until what the log held at the start is projected. Exit code 1 on any difference.`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withServer(cmd.Context(), func(ctx context.Context, p *peer) error {
				var report verify.Report
				if err := p.do(ctx, "POST", "/v1/admin/verify", nil, nil, &report); err != nil {
					return err
				}
				return a.showReport(report)
			})
		},
	}
	a.peer.register(cmd)
	return cmd
}

func (a *app) showReport(r verify.Report) error {
	if a.json {
		if err := a.printJSON(r); err != nil {
			return err
		}
	} else {
		w := tabwriter.NewWriter(a.out, 0, 4, 2, ' ', tabwriter.AlignRight)
		for _, row := range []struct {
			name  string
			count uint64
		}{
			{"events in the log", r.LogEvents}, {"events in the facts", r.FactEvents}, {"quarantined", r.Quarantined},
			{"duplicates", r.Duplicates}, {"missing", r.Missing}, {"doubled", r.Doubled}, {"altered", r.Altered}, {"not in the log", r.Unlogged},
		} {
			fmt.Fprintf(w, "%s\t%d\t\n", row.name, row.count)
		}
		if err := w.Flush(); err != nil {
			return err
		}
		for _, d := range r.Differences {
			fmt.Fprintf(a.out, "%+v\n", d)
		}
	}
	if !r.OK {
		a.say("the facts differ from the log; throughline rebuild makes them anew")
		return errReported
	}
	a.say("the facts agree with the log")
	return nil
}

func newRebuild(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "rebuild", Short: "Make the facts and results anew from the log, while events go on arriving",
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withServer(cmd.Context(), func(ctx context.Context, p *peer) error {
				a.say("rebuilding the facts from the log; events go on arriving")
				var report verify.Report
				if err := p.do(ctx, "POST", "/v1/admin/rebuild", nil, nil, &report); err != nil {
					return err
				}
				a.say("rebuilt; held against the log:")
				return a.showReport(report)
			})
		},
	}
	a.peer.register(cmd)
	return cmd
}

func newSchema(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "schema [TYPE]", Short: "Print the JSON Schema of an event type, or list the types",
		Example: "  throughline schema\n  throughline schema session.started",
		Args:    args(cobra.MaximumNArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 {
				if _, ok := event.Lookup(args[0]); !ok {
					return usagef("%q is no event type; throughline schema lists them", args[0])
				}
				schema, err := event.JSONSchema(args[0])
				if err != nil {
					return err
				}
				fmt.Fprintf(a.out, "%s\n", schema)
				return nil
			}
			return a.listTypes()
		},
	}
}

func (a *app) listTypes() error {
	if a.json {
		var names []string
		for _, t := range event.Types() {
			names = append(names, t.Name)
		}
		return a.printJSON(map[string]any{"types": names})
	}
	w := tabwriter.NewWriter(a.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "TYPE\tGROUP\tSCOPE")
	for _, t := range event.Types() {
		fmt.Fprintf(w, "%s\t%s\t%s\n", t.Name, t.Group, t.Scope)
	}
	return w.Flush()
}

func newVersion(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: args(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			if a.json {
				return a.printJSON(map[string]string{"version": version})
			}
			fmt.Fprintln(a.out, version)
			return nil
		},
	}
}
