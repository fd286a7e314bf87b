// Package chsql splits ClickHouse SQL into tokens, enough to see what kind of statement a text is, where its FORMAT
// clause is and which settings it names. It is no parser: what a statement does is asked of the engine.
package chsql

import (
	"strings"
	"unicode/utf8"
)

// Kind is the kind of a token.
type Kind int

// The kinds. White space and comments are skipped.
const (
	Word    Kind = iota // keyword or bare identifier
	Quoted              // identifier in backticks or double quotes
	Text                // string literal, heredoc included
	Number              // numeric literal
	Symbol              // any other character
	Invalid             // an unterminated quote or comment; the last token
)

// Token is a piece of a statement: text[Start:End].
type Token struct {
	Kind       Kind
	Start, End int
	Text       string
}

// Is says whether the token is the given keyword, in any case.
func (t Token) Is(keyword string) bool { return t.Kind == Word && strings.EqualFold(t.Text, keyword) }

// IsSymbol says whether the token is the given character.
func (t Token) IsSymbol(symbol string) bool { return t.Kind == Symbol && t.Text == symbol }

// Tokens splits a text. With limit > 0 it stops after so many tokens.
func Tokens(text string, limit int) []Token {
	var tokens []Token
	for pos := 0; pos < len(text) && (limit <= 0 || len(tokens) < limit); {
		kind, end, skip := next(text, pos)
		if !skip {
			tokens = append(tokens, Token{Kind: kind, Start: pos, End: end, Text: text[pos:end]})
		}
		pos = end
	}
	return tokens
}

// next finds the token that begins at pos, or white space or a comment to skip.
func next(text string, pos int) (kind Kind, end int, skip bool) {
	rest := text[pos:]
	c := rest[0]
	switch {
	case isSpace(c):
		return 0, pos + 1, true
	case strings.HasPrefix(rest, "--"), strings.HasPrefix(rest, "#!"), strings.HasPrefix(rest, "# "):
		return 0, lineEnd(text, pos), true
	case strings.HasPrefix(rest, "/*"):
		return comment(text, pos)
	case c == '\'':
		return quoted(text, pos, Text)
	case c == '"', c == '`':
		return quoted(text, pos, Quoted)
	case c == '$':
		return heredoc(text, pos)
	case isLetter(c):
		return Word, pos + wordLength(rest), false
	case isDigit(c):
		return Number, pos + numberLength(rest), false
	}
	_, size := utf8.DecodeRuneInString(rest)
	return Symbol, pos + size, false
}

func lineEnd(text string, pos int) int {
	if i := strings.IndexByte(text[pos:], '\n'); i >= 0 {
		return pos + i + 1
	}
	return len(text)
}

func comment(text string, pos int) (Kind, int, bool) {
	if i := strings.Index(text[pos+2:], "*/"); i >= 0 {
		return 0, pos + 2 + i + 2, true
	}
	return Invalid, len(text), false
}

// quoted scans to the closing quote; a backslash escapes, a doubled quote stands for itself.
func quoted(text string, pos int, kind Kind) (Kind, int, bool) {
	quote := text[pos]
	for i := pos + 1; i < len(text); i++ {
		switch {
		case text[i] == '\\':
			i++
		case text[i] == quote && i+1 < len(text) && text[i+1] == quote:
			i++
		case text[i] == quote:
			return kind, i + 1, false
		}
	}
	return Invalid, len(text), false
}

// heredoc scans $tag$ … $tag$; a dollar that begins none is a symbol.
func heredoc(text string, pos int) (Kind, int, bool) {
	close := strings.IndexByte(text[pos+1:], '$')
	if close < 0 || wordLength(text[pos+1:pos+1+close]) != close {
		return Symbol, pos + 1, false
	}
	tag := text[pos : pos+close+2]
	if i := strings.Index(text[pos+len(tag):], tag); i >= 0 {
		return Text, pos + len(tag) + i + len(tag), false
	}
	return Invalid, len(text), false
}

func wordLength(s string) int {
	for i := range len(s) {
		if !isLetter(s[i]) && !isDigit(s[i]) {
			return i
		}
	}
	return len(s)
}

// numberLength takes digits, letters, dots and an exponent's sign: 12, 0xff, 1.5e-3, 1_000.
func numberLength(s string) int {
	for i := 1; i < len(s); i++ {
		c := s[i]
		sign := (c == '+' || c == '-') && (s[i-1] == 'e' || s[i-1] == 'E') && !strings.HasPrefix(s, "0x")
		if !isLetter(c) && !isDigit(c) && c != '.' && !sign {
			return i
		}
	}
	return len(s)
}

func isSpace(c byte) bool  { return c == ' ' || c >= '\t' && c <= '\r' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isLetter(c byte) bool { return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' }
