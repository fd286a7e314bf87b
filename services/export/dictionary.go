package export

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/throughline-trials/throughline/services/analyst"
)

// entry is one column of one table, as the dictionary has it.
type entry struct {
	table string
	place int
	Column
}

func dictionaryTable(tables []Table) Table {
	var rows []entry
	for _, t := range tables {
		for i, c := range t.Columns {
			rows = append(rows, entry{t.Name, i + 1, c})
		}
	}
	return tableOf("dictionary", "One column of one table.", rows, []field[entry]{
		{Column{"table", Text, "", "Table."}, func(e *entry) any { return e.table }},
		{Column{"place", Integer, "", "Place of the column, from 1."}, func(e *entry) any { return e.place }},
		{Column{"column", Text, "", "Column."}, func(e *entry) any { return e.Name }},
		{Column{"type", Text, "", "What its cells hold."}, func(e *entry) any { return string(e.Type) }},
		{Column{"unit", Text, "", "Unit."}, func(e *entry) any { return named(e.Unit) }},
		{Column{"description", Text, "", "What it is."}, func(e *entry) any { return e.Description }},
	})
}

// writeDictionary writes the data dictionary for people.
func writeDictionary(w io.Writer, d *analyst.Dataset, tables []Table) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Data dictionary: %s\n\n", cell(d.Design.Title))
	fmt.Fprintf(&b, "Study `%s`, definition `%s` (version %d), cut-off %s, as of %s, population %s.\n\n",
		d.Study, d.Definition, d.DefinitionVersion, d.Cutoff.Format(time.RFC3339Nano), d.AsOf.Format(time.RFC3339Nano), d.Population)
	b.WriteString("In CSV an empty cell is undefined (null in Parquet), a flag is 1 or 0, and a text that begins with `=`, `+`, `-`, `@`, a\n" +
		"control character or an apostrophe has one apostrophe before it, so that no spreadsheet runs it; take that one away to get the\ntext. Parquet holds texts as they are.\n")
	for _, t := range tables {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| column | type | unit | description |\n|---|---|---|---|\n", t.Name, t.Description)
		for _, c := range t.Columns {
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", c.Name, c.Type, c.Unit, cell(c.Description))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// cell makes a text fit into one cell of a Markdown table.
func cell(s string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(s, "|", `\|`)), " ")
}
