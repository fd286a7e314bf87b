package chsql_test

import (
	"strings"
	"testing"

	"github.com/throughline-trials/throughline/services/embedded/chsql"
)

func TestKeyword(t *testing.T) {
	for text, want := range map[string]string{
		"SELECT 1":                        "SELECT",
		"  \n\t select 1":                 "SELECT",
		"-- SELECT\nINSERT INTO t":        "INSERT",
		"/* SELECT */ # x\n ((with x":     "WITH",
		"#!shebang\nDROP":                 "DROP",
		"":                                "",
		"'SELECT'":                        "",
		"`SELECT`":                        "",
		"1":                               "",
		"/* SELECT":                       "",
		"((":                              "",
		"\u00a0SELECT":                    "",
		"INSERT/**/INTO t FORMAT Native ": "INSERT",
	} {
		if got := chsql.Keyword(text); got != want {
			t.Errorf("Keyword(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestSplitFormat(t *testing.T) {
	for text, want := range map[string][2]string{
		"INSERT INTO t FORMAT CSV":                             {"INSERT INTO t ", "CSV"},
		"INSERT INTO t (a, b) format Native;":                  {"INSERT INTO t (a, b) ;", "Native"},
		"INSERT INTO t FORMAT CSV -- end":                      {"INSERT INTO t  -- end", "CSV"},
		"INSERT INTO t SETTINGS a = 1 FORMAT CSV":              {"INSERT INTO t SETTINGS a = 1 ", "CSV"},
		"INSERT INTO t FORMAT CSV SETTINGS a = 1":              {"INSERT INTO t  SETTINGS a = 1", "CSV"},
		"INSERT INTO t FORMAT CSV 1,2":                         {"INSERT INTO t FORMAT CSV 1,2", ""},
		"INSERT INTO t VALUES ('FORMAT CSV')":                  {"INSERT INTO t VALUES ('FORMAT CSV')", ""},
		"SELECT 1":                                             {"SELECT 1", ""},
		"FORMAT CSV":                                           {"FORMAT CSV", ""},
		"SELECT format, x FROM t WHERE a = 'it''s' FORMAT TSV": {"SELECT format, x FROM t WHERE a = 'it''s' ", "TSV"},
	} {
		if statement, format := chsql.SplitFormat(text); statement != want[0] || format != want[1] {
			t.Errorf("SplitFormat(%q) = %q, %q", text, statement, format)
		}
	}
}

func TestTokens(t *testing.T) {
	text := "SELECT a.b, 'it''s \\' x', `q``\\`r`, \"d\", $t$ $x$ $t$, 1.5e-3, 0xFF, x'00', $1 /* c */ -- e"
	var got []string
	for _, token := range chsql.Tokens(text, 0) {
		got = append(got, token.Text)
	}
	want := "SELECT|a|.|b|,|'it''s \\' x'|,|`q``\\`r`|,|\"d\"|,|$t$ $x$ $t$|,|1.5e-3|,|0xFF|,|x|'00'|,|$|1"
	if strings.Join(got, "|") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, "|"), want)
	}
	for _, open := range []string{"'a", "`a", "\"a", "/* a", "$a$ b", "'a\\'", "'a''"} {
		tokens := chsql.Tokens(open, 0)
		if len(tokens) != 1 || tokens[0].Kind != chsql.Invalid {
			t.Errorf("%q: %v", open, tokens)
		}
	}
	if n := len(chsql.Tokens(text, 3)); n != 3 {
		t.Errorf("a limit of 3 gives %d", n)
	}
}

// FuzzTokens checks that tokens are in order, within the text, and separated only by what may be skipped.
func FuzzTokens(f *testing.F) {
	f.Add("SELECT a.b, 'it''s', `q`, \"d\", $t$ x $t$, 1.5e-3 /* c */ -- e\n; 'open")
	f.Fuzz(func(t *testing.T, text string) {
		end := 0
		for _, token := range chsql.Tokens(text, 0) {
			if token.Start < end || token.End <= token.Start || token.End > len(text) || text[token.Start:token.End] != token.Text {
				t.Fatalf("token %+v after %d of %q", token, end, text)
			}
			end = token.End
		}
		chsql.Keyword(text)
		if statement, format := chsql.SplitFormat(text); format == "" && statement != text {
			t.Fatalf("SplitFormat(%q) = %q without a format", text, statement)
		}
	})
}
