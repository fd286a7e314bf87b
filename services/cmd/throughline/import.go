package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/throughline-trials/throughline/services/importer"
)

func newImport(a *app) *cobra.Command {
	var mapping, study, key string
	var dryRun bool
	cmd := &cobra.Command{
		Use: "import FILE.csv --mapping MAP.yaml", Short: "Turn a registry or EDC export into events",
		Long: `Turns the rows of a CSV file into events, as a mapping says. Importing the same file again changes nothing; a row whose
content changed is corrected, an emptied one voided. The summary counts new, unchanged, corrected, voided and refused;
refusals name row and column, never what a cell holds. Exit code 1 if anything was refused.

deploy/examples/heartsteps holds a study and a mapping with every part explained.`,
		Example: "  throughline import users.csv --mapping deploy/examples/heartsteps/mapping.yaml --dry-run\n  throughline import users.csv --mapping deploy/examples/heartsteps/mapping.yaml",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if mapping == "" {
				return usagef("--mapping is needed: the file that says which column makes which event")
			}
			text, err := os.ReadFile(mapping)
			if err != nil {
				return fmt.Errorf("read mapping: %w", err)
			}
			m, err := importer.ParseMapping(text, mapping)
			if err != nil {
				return err
			}
			config := importer.Config{Mapping: m, Study: study, DryRun: dryRun}
			if key != "" {
				if config.Key, err = os.ReadFile(key); err != nil {
					return fmt.Errorf("read key of pseudonyms: %w", err)
				}
			}
			return a.withServer(cmd.Context(), func(ctx context.Context, p *peer) error { return a.importFile(ctx, p, args[0], config) })
		},
	}
	a.peer.register(cmd)
	cmd.Flags().StringVar(&mapping, "mapping", "", "mapping file (YAML)")
	cmd.Flags().StringVar(&study, "study", "", "study id (default: that of the mapping)")
	cmd.Flags().StringVar(&key, "key-file", "", "file with the key of hashed pseudonyms; the same one for every import of a study")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "work everything out and send nothing")
	return cmd
}

func (a *app) importFile(ctx context.Context, p *peer, path string, config importer.Config) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open file to import: %w", err)
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil {
		config.Size = info.Size()
	}
	client := &importer.Client{URL: p.base, Token: p.token}
	config.File, config.History, config.Sender = file, client, client
	bar := a.progressBar(config.Size)
	config.Progress = func(done importer.Progress) { _ = bar.Set64(done.Read) } // a terminal that is gone takes nothing away
	report, err := importer.Run(ctx, config)
	_ = bar.Finish()
	if report == nil {
		return err
	}
	if a.json {
		err = errors.Join(err, a.printJSON(report))
	} else {
		fmt.Fprint(a.out, report.String())
	}
	if err == nil && report.Refused > 0 {
		return errReported
	}
	return err
}

// progressBar draws on a terminal only.
func (a *app) progressBar(size int64) *progressbar.ProgressBar {
	var out = a.err
	if f, ok := a.err.(*os.File); !ok || !term.IsTerminal(int(f.Fd())) {
		out = io.Discard
	}
	return progressbar.NewOptions64(size, progressbar.OptionSetWriter(out), progressbar.OptionSetDescription("importing"),
		progressbar.OptionShowBytes(true), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond))
}
