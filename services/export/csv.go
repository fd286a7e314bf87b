package export

import (
	"encoding/csv"
	"fmt"
	"io"
)

// WriteCSV writes a table as CSV (RFC 4180, UTF-8, a line of names first). Undefined cells are empty; texts that a
// spreadsheet would run as a formula begin with an apostrophe.
func (t *Table) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	line := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		line[i] = c.Name
	}
	err := out.Write(line)
	if err == nil {
		err = t.Rows(func(row []any) error {
			if err := t.check(row); err != nil {
				return err
			}
			for i, cell := range row {
				line[i] = t.Columns[i].Type.text(cell)
			}
			return out.Write(line)
		})
	}
	out.Flush()
	if err == nil {
		err = out.Error()
	}
	if err != nil {
		return fmt.Errorf("write table %s as CSV: %w", t.Name, err)
	}
	return nil
}
