package main

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/throughline-trials/throughline/services/export"
)

// clockFlags are the two clocks of a result, and the study that it is of.
type clockFlags struct{ study, cutoff, asOf string }

// text checks a time before it is sent, so that a slip is a matter of the command line.
func checkTime(flag, text string) error {
	if text == "" {
		return nil
	}
	if _, err := time.Parse(time.RFC3339Nano, text); err != nil {
		return usagef("--%s: %q is no time such as 2026-11-23T12:00:00Z", flag, text)
	}
	return nil
}

func (c *clockFlags) query() (url.Values, error) {
	if err := errors.Join(checkTime("cutoff", c.cutoff), checkTime("as-of", c.asOf)); err != nil {
		return nil, usageError{err}
	}
	q := url.Values{}
	set(q, "cutoff", c.cutoff)
	set(q, "as_of", c.asOf)
	return q, nil
}

// set sets a parameter that is not empty.
func set(q url.Values, name, value string) {
	if value != "" {
		q.Set(name, value)
	}
}

type exportFlags struct {
	clockFlags
	definition, out, format string
	force                   bool
}

func newExport(a *app) *cobra.Command {
	var f exportFlags
	cmd := &cobra.Command{
		Use: "export --study S -o DIR", Short: "Write analysis-ready tables of a study, with a script that reproduces its numbers",
		Long: `Writes tables for statistical software into DIR: participants, periods, days with use and outcomes, as CSV and Parquet,
with a data dictionary, the study definition, a manifest with checksums, and reproduce.R, which computes the published
numbers anew with R's survival package.

Participants appear under their pseudonyms. Files that are there already stay as they are unless --force is given.
Where the study's blinding hides the arms, the credential needs scope admin.`,
		Example: "  throughline export --study hope-2026 -o export\n  throughline export --study hope-2026 --as-of 2026-06-30T00:00:00Z --cutoff 2026-06-01T00:00:00Z --format csv -o interim",
		Args:    args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.study == "" || f.out == "" {
				return usagef("--study and --output are needed")
			}
			if _, err := export.ParseFormats(f.format); err != nil {
				return usagef("--format: %w", err)
			}
			query, err := f.query()
			if err != nil {
				return err
			}
			set(query, "definition", f.definition)
			set(query, "format", f.format)
			return a.withServer(cmd.Context(), func(ctx context.Context, p *peer) error { return a.export(ctx, p, &f, query) })
		},
	}
	a.peer.register(cmd)
	fl := cmd.Flags()
	fl.StringVar(&f.study, "study", "", "study to export")
	fl.StringVarP(&f.out, "output", "o", "", "folder to write into; made if it is not there")
	fl.StringVar(&f.cutoff, "cutoff", "", "leave out what happened later (default: as of)")
	fl.StringVar(&f.asOf, "as-of", "", "leave out what was received later (default: now)")
	fl.StringVar(&f.definition, "definition", "", "version number or engagement id of a published definition (default: the one that stands)")
	fl.StringVar(&f.format, "format", "csv,parquet", "csv, parquet or both")
	fl.BoolVar(&f.force, "force", false, "overwrite files that are there already")
	return cmd
}

func (a *app) export(ctx context.Context, p *peer, f *exportFlags, query url.Values) error {
	packed, err := os.CreateTemp("", "throughline-export-*.zip")
	if err != nil {
		return fmt.Errorf("make room for the export: %w", err)
	}
	defer os.Remove(packed.Name())
	defer packed.Close()
	size, err := p.download(ctx, "/v1/studies/"+url.PathEscape(f.study)+"/export", query, packed)
	if err != nil {
		return err
	}
	m, err := unpack(packed, size, f.out, f.force)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(m)
	}
	a.say("wrote %d files to %s: study %s, %d participants, cut-off %s, as of %s, definition %s (version %d)", len(m.Files)+1, f.out,
		m.Study, m.Participants, m.Cutoff.Format(time.RFC3339), m.AsOf.Format(time.RFC3339), m.Definition, m.DefinitionVersion)
	return nil
}

// download writes the body of an answer to w and returns its length.
func (p *peer) download(ctx context.Context, path string, query url.Values, w io.Writer) (int64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base+path+"?"+query.Encode(), nil)
	if err != nil {
		return 0, usageError{fmt.Errorf("server address: %w", err)}
	}
	if p.token != "" {
		req.Header.Set("Authorization", "Bearer "+p.token)
	}
	res, err := p.http.Do(req)
	if err != nil {
		return 0, fmt.Errorf("reach %s: %w (is a server running? start one with: throughline up)", p.base, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return 0, decodeAnswer(res, nil)
	}
	n, err := io.Copy(w, res.Body)
	if err != nil {
		return 0, fmt.Errorf("read answer of %s: %w", path, err)
	}
	return n, nil
}

// unpack writes the files of an archive into a folder: all or, where one is in the way, none. The manifest comes last.
func unpack(packed io.ReaderAt, size int64, folder string, force bool) (*export.Manifest, error) {
	archive, err := zip.NewReader(packed, size)
	if err != nil {
		return nil, fmt.Errorf("read export: %w (it was cut off: try again)", err)
	}
	var inTheWay []string
	for _, f := range archive.File {
		if f.Name != filepath.Base(f.Name) || strings.HasPrefix(f.Name, ".") || strings.ContainsAny(f.Name, `/\:`) {
			return nil, fmt.Errorf("read export: it has a file %q, which is no plain name", f.Name)
		}
		if _, err := os.Lstat(filepath.Join(folder, f.Name)); err == nil {
			inTheWay = append(inTheWay, f.Name)
		}
	}
	if len(inTheWay) > 0 && !force {
		return nil, fmt.Errorf("%s has %s already: give --force to overwrite, or another folder", folder, strings.Join(inTheWay, ", "))
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	for _, f := range archive.File {
		if err := unpackFile(f, folder); err != nil {
			return nil, err
		}
	}
	text, err := os.ReadFile(filepath.Join(folder, export.ManifestName))
	if err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	var m export.Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	return &m, nil
}

// unpackFile writes one file beside its place and moves it there: half a file never stands under its name.
func unpackFile(f *zip.File, folder string) error {
	from, err := f.Open()
	if err != nil {
		return fmt.Errorf("read %s: %w", f.Name, err)
	}
	defer from.Close()
	to, err := os.CreateTemp(folder, "."+f.Name+".*") // for the owner alone
	if err != nil {
		return fmt.Errorf("write %s: %w", f.Name, err)
	}
	defer os.Remove(to.Name())
	_, err = io.Copy(to, from)
	if closed := to.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(to.Name(), filepath.Join(folder, f.Name))
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", f.Name, err)
	}
	return nil
}
