package gate_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/throughline-trials/throughline/services/embedded/chsql"
	"github.com/throughline-trials/throughline/services/embedded/gate"
)

const secret = "secret-of-another-database"

// TestSplicedStatementsRevealNothing puts harmful pieces into harmless statements at every kind of place: what then
// still passes must not show the secrets of another database or of a file, nor leave a file behind.
func TestSplicedStatementsRevealNothing(t *testing.T) {
	conn := open(t)
	dir := t.TempDir()
	hidden, written := filepath.Join(dir, "hidden"), filepath.Join(dir, "written")
	if err := os.WriteFile(hidden, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := conn.Exec("INSERT INTO facts.events VALUES ('" + secret + "')"); err != nil {
		t.Fatal(err)
	}
	pieces := []string{
		"facts.events", "`facts`.events", "(SELECT participant FROM facts.events)", "(SELECT any(participant) FROM facts.events)", "participant FROM facts.events AS", "* FROM facts.events --",
		"file('" + hidden + "')", "file('" + hidden + "', 'LineAsString')", "INTO OUTFILE '" + written + "'", "UNION ALL SELECT participant FROM facts.events", "merge('facts', 'events')", "remote('127.0.0.1', facts, events)",
		"view(SELECT * FROM facts.events)", "SETTINGS readonly = 0,", "; SELECT participant FROM facts.events;", "/*", "*/", "--", "\n", "'", "`", "\"", "$$", "\\", "(", ")", "AS facts", "AS events", "IN facts.events",
		"WITH facts.events AS x", "APPLY(file)", "FORMAT CSV", "(* EXCEPT study)", "{a:Identifier}", "viewExplain('EXPLAIN AST', '', (SELECT 1))", "SELECT", "FROM", "WITH", "x ->", "::String", "COLUMNS('p')",
	}
	random := rand.New(rand.NewPCG(1, 2))
	passed := 0
	for range 6000 {
		sql := splice(random, harmless[random.IntN(len(harmless))], pieces)
		if gate.Check(conn, sql, nil, []string{"results"}) != nil {
			continue
		}
		passed++
		result, err := conn.Query(sql, "TSV")
		if err != nil {
			continue
		}
		if strings.Contains(string(result.Bytes()), secret) {
			t.Errorf("reveals the secret: %q", sql)
		}
		result.Close()
	}
	if _, err := os.Stat(written); err == nil {
		t.Error("a file was written")
	}
	if passed == 0 {
		t.Error("nothing passed: the test shows nothing")
	}
	t.Logf("%d passed", passed)
}

// splice puts one to three pieces in front of, after or in place of tokens.
func splice(random *rand.Rand, sql string, pieces []string) string {
	for range 1 + random.IntN(3) {
		tokens := chsql.Tokens(sql, 0)
		piece := " " + pieces[random.IntN(len(pieces))] + " "
		if len(tokens) == 0 {
			return sql + piece
		}
		token := tokens[random.IntN(len(tokens))]
		switch random.IntN(3) {
		case 0:
			sql = sql[:token.Start] + piece + sql[token.Start:]
		case 1:
			sql = sql[:token.End] + piece + sql[token.End:]
		default:
			sql = sql[:token.Start] + piece + sql[token.End:]
		}
	}
	return sql
}
