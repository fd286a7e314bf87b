package export

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/throughline-trials/throughline/services/analyst"
)

// Format is a form in which tables are written.
type Format string

// The formats.
const (
	CSV     Format = "csv"
	Parquet Format = "parquet"
)

// ParseFormats reads a list such as "csv,parquet"; an empty one is both.
func ParseFormats(list string) ([]Format, error) {
	if list == "" {
		return []Format{CSV, Parquet}, nil
	}
	var out []Format
	for name := range strings.SplitSeq(list, ",") {
		f := Format(strings.TrimSpace(name))
		if f != CSV && f != Parquet {
			return nil, errors.New("must be csv, parquet or both, parted by a comma")
		}
		if !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	return out, nil
}

// Manifest says what an export is of, and what is in it. It is the last file of an archive.
type Manifest struct {
	Study             string    `json:"study"`
	Definition        string    `json:"definition"`
	DefinitionVersion int       `json:"definition_version"`
	Population        string    `json:"population"`
	Cutoff            time.Time `json:"cutoff"`
	AsOf              time.Time `json:"as_of"`
	Position          string    `json:"position"`
	Participants      int       `json:"participants"`
	Files             []File    `json:"files"`
}

// File is one file of an export.
type File struct {
	Name   string `json:"name"`
	Rows   *int   `json:"rows,omitempty"` // of a table
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// ManifestName is the name of the manifest in an archive.
const ManifestName = "manifest.json"

//go:embed reproduce.R
var script []byte

//go:embed readme.md
var readme []byte

// Write writes a dataset as a ZIP archive: tables in the formats, definition.json, dictionary.md and dictionary.csv,
// reproduce.R and README.md (where CSV is among the formats the script runs as it stands), and manifest.json last. The
// same dataset gives the same bytes. Errors are of w, or a fault of the program.
func Write(w io.Writer, d *analyst.Dataset, formats []Format) error {
	a := &archive{zip: zip.NewWriter(w), at: d.AsOf}
	tables := Tables(d)
	for i := range tables {
		for _, f := range formats {
			a.table(&tables[i], f)
		}
	}
	a.add("dictionary.md", nil, func(w io.Writer) error { return writeDictionary(w, d, tables) })
	dictionary := dictionaryTable(tables)
	a.add("dictionary.csv", nil, dictionary.WriteCSV)
	a.bytes("definition.json", indented(d.Design.JSON()))
	a.bytes("reproduce.R", script)
	a.bytes("README.md", readme)
	m := Manifest{
		Study: d.Study, Definition: d.Definition, DefinitionVersion: d.DefinitionVersion, Population: string(d.Population),
		Cutoff: d.Cutoff, AsOf: d.AsOf, Position: d.Position, Participants: len(d.Participants), Files: a.files,
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	a.bytes(ManifestName, append(text, '\n'))
	if a.err == nil {
		a.err = a.zip.Close()
	}
	if a.err != nil {
		return fmt.Errorf("write export: %w", a.err)
	}
	return nil
}

// archive writes files and notes their checksums; after an error it does nothing more.
type archive struct {
	zip   *zip.Writer
	at    time.Time
	files []File
	err   error
}

func (a *archive) table(t *Table, f Format) {
	rows := 0
	counted := *t
	counted.Rows = func(yield func([]any) error) error {
		rows = 0
		return t.Rows(func(row []any) error {
			rows++
			return yield(row)
		})
	}
	write := counted.WriteCSV
	if f == Parquet {
		write = counted.WriteParquet
	}
	a.add(t.Name+"."+string(f), &rows, write)
}

func (a *archive) bytes(name string, content []byte) {
	a.add(name, nil, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}

func (a *archive) add(name string, rows *int, write func(io.Writer) error) {
	if a.err != nil {
		return
	}
	entry, err := a.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: a.at.UTC()})
	if err != nil {
		a.err = err
		return
	}
	sum, size := sha256.New(), &counter{}
	if a.err = write(io.MultiWriter(entry, sum, size)); a.err != nil {
		return
	}
	a.files = append(a.files, File{Name: name, Rows: rows, Bytes: size.n, SHA256: hex.EncodeToString(sum.Sum(nil))})
}

// counter counts bytes.
type counter struct{ n int64 }

func (c *counter) Write(b []byte) (int, error) {
	c.n += int64(len(b))
	return len(b), nil
}

// indented returns JSON set out for people.
func indented(text []byte) []byte {
	var out bytes.Buffer
	if err := json.Indent(&out, text, "", "  "); err != nil {
		return text
	}
	out.WriteByte('\n')
	return out.Bytes()
}
