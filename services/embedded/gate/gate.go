// Package gate decides whether a statement of an outside reader may run on the embedded engine, which has no access
// control of its own. What is not known to be harmless is refused.
//
// A statement passes only if all of this holds:
//
//   - the engine's parser finds one statement, and it changes nothing ([chdb.ReadOnly]);
//   - it begins with SELECT or WITH and has no INTO, and its SETTINGS are on a white list;
//   - its syntax tree, as the engine prints it, has only kinds of nodes on a list;
//   - every function is on a list, and so is every table function (numbers, generateSeries);
//   - no table, and no identifier that could be taken for one, is in a database other than those allowed.
//
// The tree is asked for with EXPLAIN, which runs nothing.
package gate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/throughline-trials/throughline/services/embedded/chdb"
	"github.com/throughline-trials/throughline/services/embedded/chsql"
)

// Denied is the error for a statement that may not run. Its text is meant for whoever sent the statement.
type Denied struct{ Reason string }

// Error says what is not allowed.
func (e *Denied) Error() string { return "this account may not do that: " + e.Reason }

func deny(format string, args ...any) error { return &Denied{Reason: fmt.Sprintf(format, args...)} }

const syntaxErrorCode = 62

// Check returns nil if the statement may run, a [*Denied] if it may not, and the engine's error if it cannot be
// parsed. The connection must have the database in which the statement is to run as its current one, and it must be
// among the databases allowed.
func Check(conn *chdb.Conn, sql string, params []chdb.Param, databases []string) error {
	if err := checkText(sql); err != nil {
		return err
	}
	analysis, err := conn.Classify(sql)
	if err != nil {
		return err
	}
	if analysis.Class == chdb.Unknown {
		return &chdb.Error{Code: syntaxErrorCode, Message: "Code: 62. DB::Exception: Syntax error. (SYNTAX_ERROR)"}
	}
	if analysis.Statements != 1 || analysis.Class != chdb.ReadOnly {
		return deny("only a single SELECT is answered")
	}
	lines, err := explain(conn, "EXPLAIN AST "+sql, params)
	if err != nil {
		return err
	}
	all, err := databaseNames(conn)
	if err != nil {
		return err
	}
	root, err := parseTree(lines)
	if err != nil {
		return err
	}
	forbidden := slices.DeleteFunc(all, func(name string) bool { return slices.Contains(databases, name) })
	if err := (scope{databases, forbidden}).checkRoot(root); err != nil {
		return err
	}
	return checkQueryTree(conn, sql, params)
}

// explain runs an EXPLAIN and returns its lines.
func explain(conn *chdb.Conn, sql string, params []chdb.Param) ([]string, error) {
	result, err := conn.Query(sql, "JSONCompactEachRow", params...)
	if err != nil {
		return nil, err
	}
	defer result.Close()
	return decodeLines(result.Bytes())
}

func databaseNames(conn *chdb.Conn) ([]string, error) {
	result, err := conn.Query("SELECT name FROM system.databases", "JSONCompactEachRow")
	if err != nil {
		return nil, err
	}
	defer result.Close()
	return decodeLines(result.Bytes())
}

// checkText looks at the text itself: how it begins, its SETTINGS, and what could make its printed tree misleading.
func checkText(sql string) error {
	if keyword := chsql.Keyword(sql); keyword != "SELECT" && keyword != "WITH" {
		return deny("only a SELECT is answered")
	}
	tokens := chsql.Tokens(strings.TrimRight(sql, " \t\r\n;"), 0)
	for i, t := range tokens {
		if err := checkToken(t, tokens[i+1:]); err != nil {
			return err
		}
	}
	return nil
}

func checkToken(t chsql.Token, rest []chsql.Token) error {
	switch {
	case t.Kind == chsql.Invalid:
		return deny("a quote or comment is not closed")
	case t.IsSymbol(";"):
		return deny("only a single SELECT is answered")
	case t.Kind == chsql.Symbol && !strings.Contains("()[]{},.:+-*/%=<>!|?", t.Text):
		return deny("the character %q outside quotes", t.Text)
	case t.Kind == chsql.Quoted && strings.ContainsFunc(t.Text, isControl):
		return deny("a control character in a quoted name")
	case t.Is("INTO"):
		return deny("INTO (quote the name if it is a column)")
	case t.Is("SETTINGS"):
		return checkSettings(rest)
	case t.Is("Identifier") && len(rest) > 0 && rest[0].IsSymbol("}"):
		return deny("a parameter of type Identifier")
	case strings.Contains(strings.ToLower(t.Text), "aggregatefunction"):
		return deny("aggregate states")
	}
	return nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }
