package export

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// Type is what the cells of a column hold.
type Type string

// The types.
const (
	Text    Type = "text"
	Integer Type = "integer"
	Number  Type = "number"
	Flag    Type = "flag" // 1 or 0 in CSV, a boolean in Parquet
	Date    Type = "date" // ISO 8601 in CSV, a date in Parquet
)

// Column is one column of a table.
type Column struct {
	Name        string
	Type        Type
	Unit        string // such as days; empty: none
	Description string // what it is, and when it is empty
}

// Table is one table with its rows. A cell is a string, int, float64 or bool by the column's type, a day since 1970-01-01
// (int) for a date, or nil: undefined.
type Table struct {
	Name        string
	Description string // what one row is
	Columns     []Column
	Rows        func(yield func([]any) error) error
}

// check reports a row that does not fit the columns.
func (t *Table) check(row []any) error {
	if len(row) != len(t.Columns) {
		return fmt.Errorf("write %s: a row has %d cells, of %d", t.Name, len(row), len(t.Columns))
	}
	for i, cell := range row {
		if !t.Columns[i].Type.holds(cell) {
			return fmt.Errorf("write %s: column %s holds no %T", t.Name, t.Columns[i].Name, cell)
		}
	}
	return nil
}

func (t Type) holds(cell any) bool {
	switch v := cell.(type) {
	case nil:
		return true
	case string:
		return t == Text
	case int:
		return t == Integer || t == Date
	case float64:
		return t == Number && !math.IsNaN(v) && !math.IsInf(v, 0)
	case bool:
		return t == Flag
	}
	return false
}

// text returns a cell as it stands in CSV. Numbers are given in full.
func (t Type) text(cell any) string {
	switch v := cell.(type) {
	case string:
		return safe(v)
	case int:
		if t == Date {
			return time.Unix(int64(v)*86400, 0).UTC().Format(time.DateOnly)
		}
		return strconv.Itoa(v)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case bool:
		if v {
			return "1"
		}
		return "0"
	}
	return ""
}

// safe puts an apostrophe before a text that a spreadsheet would take for a formula, and before one that begins with an
// apostrophe already, so that taking the first apostrophe away always gives the text back.
func safe(s string) string {
	if s == "" {
		return s
	}
	switch s[0] {
	case '=', '+', '-', '@', '\t', '\r', '\n', '\'':
		return "'" + s
	}
	return s
}

// optional returns the value pointed to, nil for none.
func optional[T any](p *T) any {
	if p == nil {
		return nil
	}
	return *p
}

// named returns a text, nil if it is empty.
func named[T ~string](s T) any {
	if s == "" {
		return nil
	}
	return string(s)
}
