package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// streams is where a command writes: its one answer to out, all else to err.
type streams struct{ out, err io.Writer }

// usageError is a command line that cannot be carried out as it stands: exit code 2.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func isUsage(err error) bool {
	var u usageError
	return errors.As(err, &u) || strings.HasPrefix(err.Error(), "unknown command")
}

// errReported ends a command with exit code 1 after it has said all there is to say.
var errReported = errors.New("reported")

func isQuiet(err error) bool { return errors.Is(err, errReported) }

// app is what the commands share: the streams and the global flags.
type app struct {
	streams
	json bool
	peer peerFlags
}

const rootHelp = `Throughline turns the usage events of intervention apps into attrition, engagement tiers and
delivery-type comparisons for each study arm, live and by stated definitions.

Start everything in one process, with a demo portfolio, and open http://127.0.0.1:8080:

  throughline up --demo

The commands below it talk to a running server: the one whose data folder is ./data (or --data DIR),
or any other by --server and --token.

Exit codes: 0 done, 1 failed or something was refused, 2 the command line is wrong.`

func newRoot(io streams) *cobra.Command {
	a := &app{streams: io}
	root := &cobra.Command{
		Use:           "throughline",
		Short:         "Engagement analytics for digital-intervention trials",
		Long:          rootHelp,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       version,
	}
	root.SetOut(io.out)
	root.SetErr(io.err)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.PersistentFlags().BoolVar(&a.json, "json", false, "print one JSON value on standard output, all else on standard error")
	root.AddCommand(
		newUp(a), newService(a, "gateway"), newService(a, "project"), newAnalyse(a), newService(a, "console"),
		newStudy(a), newImport(a), newToken(a), newVerify(a), newRebuild(a),
		newExport(a), newCompare(a), newCoverage(a),
		newSimulate(a), newBench(a), newSchema(a), newVersion(a),
	)
	return root
}

// exactArgs and the like are usage errors here.
func args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usageError{err}
		}
		return nil
	}
}

// commandPath returns the command that a command line means, as far as it names one.
// group makes a command of others: by itself it prints its help, and what is none of the others is a usage error.
func group(cmd *cobra.Command) *cobra.Command {
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usagef("unknown command %q for %q", args[0], cmd.CommandPath())
		}
		return cmd.Help()
	}
	return cmd
}

func commandPath(root *cobra.Command, args []string) string {
	cmd, _, err := root.Find(args)
	if err != nil {
		cmd = root
	}
	return cmd.CommandPath()
}

// printJSON writes v as one indented JSON value.
func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// say writes a line for people to standard error.
func (a *app) say(format string, args ...any) { fmt.Fprintf(a.err, format+"\n", args...) }
