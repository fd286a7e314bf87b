package importer

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/throughline-trials/throughline/services/study/document"
)

const (
	encodingUTF8    = "utf-8"
	encodingLatin1  = "latin-1"
	encodingWindows = "windows-1252"

	maxRecord  = 1 << 20 // bytes of one row
	maxColumns = 10_000
)

// table reads the rows of a file one by one.
type table struct {
	csv     *csv.Reader
	source  *meter
	format  Format
	columns map[string]int // by name; -1 if two columns have it
	names   []string
	row     int
	end     int // line on which the last row ended
}

// record is one row.
type record struct {
	row   int // as a spreadsheet counts: the names of the columns are row 1
	line  int // of the file
	cells []string
	fault string // why the row cannot be read, empty if it can
}

// meter counts what is read and stops a row that never ends.
type meter struct {
	r      io.Reader
	total  int64
	record int64 // total at which the present row began
}

var errEndless = errors.New("a row is longer than 1 MiB: a quote is probably not closed")

// Read reads from the file.
func (m *meter) Read(p []byte) (int, error) {
	if m.total-m.record > maxRecord {
		return 0, errEndless
	}
	n, err := m.r.Read(p)
	m.total += int64(n)
	return n, err
}

// newTable reads the names of the columns.
func newTable(r io.Reader, format Format) (*table, error) {
	source := &meter{r: r}
	buffered := bufio.NewReaderSize(source, 32<<10)
	head, err := buffered.Peek(3)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read file: %w", err)
	}
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		_, _ = buffered.Discard(3) // peeked at above
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")):
		return nil, errors.New("read file: it is UTF-16 text: save it as CSV UTF-8")
	case bytes.HasPrefix(head, []byte("PK\x03")):
		return nil, errors.New("read file: it is a spreadsheet or an archive: save it as CSV UTF-8")
	}
	t := &table{csv: csv.NewReader(buffered), source: source, format: format}
	t.csv.Comma = format.Delimiter
	t.csv.FieldsPerRecord = -1
	t.csv.ReuseRecord = true
	return t, t.header()
}

func (t *table) header() error {
	rec, err := t.next()
	switch {
	case errors.Is(err, io.EOF):
		return errors.New("read file: it is empty: its first row must name the columns")
	case err != nil:
		return err
	case rec.fault != "":
		return fmt.Errorf("read file: its first row, which must name the columns, %s", rec.fault)
	case len(rec.cells) > maxColumns:
		return fmt.Errorf("read file: it has more than %d columns", maxColumns)
	}
	t.names = rec.cells
	t.columns = make(map[string]int, len(rec.cells))
	for i, name := range rec.cells {
		if _, twice := t.columns[name]; twice {
			t.columns[name] = -1
			continue
		}
		t.columns[name] = i
	}
	return nil
}

// missing says which columns that a mapping reads the file does not have, or has twice.
func (t *table) missing(uses []columnUse) error {
	var problems document.Problems
	for _, use := range uses {
		i, ok := t.columns[use.column]
		detail := ""
		switch {
		case ok && i < 0:
			detail = "the file has two columns named " + document.Quote(use.column) + ": rename one"
		case !ok:
			detail = "the file has no column named " + document.Quote(use.column)
			if near := document.Nearest(use.column, t.names); near != "" {
				detail += ": did you mean " + document.Quote(near) + "?"
			} else if len(t.names) == 1 {
				detail += ": its first row is not parted; set file: {delimiter: semicolon} or the like"
			}
		}
		if detail != "" {
			problems = append(problems, document.Problem{Field: use.field, Detail: detail})
		}
	}
	if len(problems) == 0 {
		return nil
	}
	return problems
}

// next returns the next row; io.EOF at the end. A row that cannot be read has a fault; other errors end the file.
func (t *table) next() (record, error) {
	t.source.record = t.source.total
	cells, err := t.csv.Read()
	var parse *csv.ParseError
	switch {
	case errors.Is(err, errEndless):
		return record{}, fmt.Errorf("read row %d: %w", t.row+1, errEndless)
	case errors.Is(err, io.EOF):
		return record{}, io.EOF
	case errors.As(err, &parse):
		t.advance(parse.StartLine, parse.Line)
		return record{row: t.row, line: parse.StartLine, fault: "has a quote in a wrong place"}, nil
	case err != nil:
		return record{}, fmt.Errorf("read row %d: %w", t.row+1, err)
	}
	line, _ := t.csv.FieldPos(0)
	last, _ := t.csv.FieldPos(len(cells) - 1)
	t.advance(line, last+strings.Count(cells[len(cells)-1], "\n"))
	return t.decode(record{row: t.row, line: line, cells: slices.Clone(cells)}), nil
}

// advance counts one row and the empty lines before it, which the reader passes over and a spreadsheet does not.
func (t *table) advance(line, end int) {
	t.row += max(1, line-t.end)
	t.end = end
}

// decode turns the cells into trimmed UTF-8 and checks that there are as many as columns.
func (t *table) decode(rec record) record {
	for i, cell := range rec.cells {
		switch {
		case t.format.Encoding != encodingUTF8:
			cell = fromSingleByte(cell, t.format.Encoding)
		case !utf8.ValidString(cell):
			rec.fault = "is not UTF-8 text: save the file as CSV UTF-8, or set file: {encoding: windows-1252}"
			return rec
		}
		rec.cells[i] = strings.TrimSpace(cell)
	}
	if t.names == nil {
		return rec
	}
	for len(rec.cells) > len(t.names) && rec.cells[len(rec.cells)-1] == "" {
		rec.cells = rec.cells[:len(rec.cells)-1]
	}
	if len(rec.cells) != len(t.names) && !rec.blank() {
		rec.fault = fmt.Sprintf("has %d cells where the first row names %d columns", len(rec.cells), len(t.names))
	}
	return rec
}

// blank reports whether no cell of the row is filled.
func (rec *record) blank() bool {
	for _, cell := range rec.cells {
		if cell != "" {
			return false
		}
	}
	return true
}

// windows1252 is what the bytes 0x80 to 0x9f mean there; 0 where they mean nothing.
var windows1252 = [32]rune{
	'€', 0, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', 0, 'Ž', 0,
	0, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', 0, 'ž', 'Ÿ',
}

func fromSingleByte(cell, encoding string) string {
	var b strings.Builder
	for i := range len(cell) {
		c := rune(cell[i])
		if c >= 0x80 && c < 0xa0 && encoding == encodingWindows && windows1252[c-0x80] != 0 {
			c = windows1252[c-0x80]
		}
		b.WriteRune(c)
	}
	return b.String()
}
