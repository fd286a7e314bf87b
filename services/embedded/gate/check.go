package gate

import (
	"slices"
	"strings"

	"github.com/throughline-trials/throughline/services/embedded/chdb"
	"github.com/throughline-trials/throughline/services/embedded/chsql"
)

// scope is what a statement may read.
type scope struct {
	databases []string
	forbidden []string // the other databases that there are
}

// kinds are the nodes of a syntax tree that a harmless SELECT is made of.
var kinds = set(`
	ArrayJoin Asterisk ColumnsExceptTransformer ColumnsListMatcher ColumnsRegexpMatcher ColumnsTransformerList
	ExpressionList Function Identifier InterpolateElement Literal OrderByElement QualifiedAsterisk
	QualifiedColumnsListMatcher QualifiedColumnsRegexpMatcher SampleRatio SelectIntersectExceptQuery SelectQuery
	SelectWithUnionQuery Set Subquery TableExpression TableIdentifier TableJoin TablesInSelectQuery
	TablesInSelectQueryElement WindowDefinition WindowListElement WithElement
`)

// checkRoot checks a whole statement. Beside the query itself the root may have the SETTINGS and the name of the
// FORMAT; the name of a file, which INTO OUTFILE leaves there, it may not.
func (s scope) checkRoot(root *node) error {
	if root.kind != "SelectWithUnionQuery" {
		return deny("only a SELECT is answered")
	}
	for i, child := range root.children {
		if i > 0 && child.kind != "Set" && child.kind != "Identifier" {
			return deny("a statement of this shape")
		}
	}
	return s.check(root)
}

func (s scope) check(n *node) error {
	var err error
	switch {
	case !kinds[n.kind]:
		err = deny("%s", n.kind)
	case n.kind == "Function":
		err = s.checkFunction(n)
	case n.kind == "TableIdentifier":
		err = s.checkTable(n)
	case n.kind == "Identifier":
		err = s.checkIdentifier(n)
	}
	for _, child := range n.children {
		if err != nil {
			return err
		}
		err = s.check(child)
	}
	return err
}

func (s scope) checkFunction(n *node) error {
	name := n.identifier()
	if !Function(name) {
		return deny("the function %s", name)
	}
	if (strings.EqualFold(name, "CAST") || name == "_CAST") && !castsToLiteral(n) {
		return deny("CAST to a type that is not written out")
	}
	return nil
}

// castsToLiteral says whether the second argument of a CAST is a literal.
func castsToLiteral(n *node) bool {
	if len(n.children) == 0 || len(n.children[0].children) != 2 {
		return false
	}
	return n.children[0].children[1].kind == "Literal"
}

// checkTable refuses tables of other databases. A name without a database is that of a CTE, or of a table in the
// current database, which is an allowed one.
func (s scope) checkTable(n *node) error {
	database, _, qualified := strings.Cut(n.name, ".")
	if qualified && !slices.Contains(s.databases, database) {
		return deny("tables of the database %s", database)
	}
	return nil
}

// checkIdentifier refuses names that could be taken for a table of another database, as "x IN system.users" does.
func (s scope) checkIdentifier(n *node) error {
	first, _, qualified := strings.Cut(n.name, ".")
	if !qualified {
		return nil
	}
	for _, database := range s.forbidden {
		if strings.EqualFold(first, database) && !slices.Contains(s.databases, first) {
			return deny("names that begin with %s, which is a database (choose another alias)", first)
		}
	}
	return nil
}

// checkQueryTree looks at the same statement a second time, as the analyzer sees it before it resolves anything: the
// functions that transformers apply to columns are named only there.
func checkQueryTree(conn *chdb.Conn, sql string, params []chdb.Param) error {
	sql, _ = chsql.SplitFormat(sql) // here it would become the format of the EXPLAIN
	lines, err := explain(conn, "EXPLAIN QUERY TREE run_passes = 0 "+sql, params)
	if err != nil {
		return err
	}
	for _, line := range lines {
		for _, label := range []string{"table_function_name: ", "function_name: "} {
			if name, ok := labelled(line, label); ok && !Function(name) {
				return deny("the function %s", name)
			}
		}
	}
	return nil
}

// labelled finds "label: value" in a line that has it as a field of its own, not within a literal.
func labelled(line, label string) (string, bool) {
	text := strings.TrimLeft(line, " ")
	if !strings.HasPrefix(text, "FUNCTION id: ") && !strings.HasPrefix(text, "TABLE_FUNCTION id: ") {
		return "", false
	}
	i := strings.LastIndex(text, label)
	if i < 0 {
		return "", false
	}
	name, _, _ := strings.Cut(text[i+len(label):], ",")
	return name, true
}
