package chsql

import "strings"

// Keyword is the first word of a statement in upper case, past white space, comments and opening brackets; empty if
// it does not begin with a word.
func Keyword(text string) string {
	for pos := 0; pos < len(text); {
		kind, end, skip := next(text, pos)
		switch {
		case skip, kind == Symbol && text[pos:end] == "(":
			pos = end
		case kind == Word:
			return strings.ToUpper(text[pos:end])
		default:
			return ""
		}
	}
	return ""
}

// SplitFormat takes the FORMAT clause at the end of a statement out of it: "INSERT INTO t FORMAT CSV" gives
// "INSERT INTO t " and "CSV". SETTINGS may follow the clause and stay. Without one, the text is returned as it is and
// format is empty.
func SplitFormat(text string) (statement, format string) {
	tokens := trimSemicolons(Tokens(text, 0))
	for i := len(tokens) - 2; i >= 1; i-- {
		if tokens[i].Is("FORMAT") && tokens[i+1].Kind == Word && endsStatement(tokens[i+2:]) {
			return text[:tokens[i].Start] + text[tokens[i+1].End:], tokens[i+1].Text
		}
	}
	return text, ""
}

func endsStatement(rest []Token) bool { return len(rest) == 0 || rest[0].Is("SETTINGS") }

// HasWord says whether a bare word occurs anywhere in a statement.
func HasWord(text, word string) bool {
	for _, t := range Tokens(text, 0) {
		if t.Is(word) {
			return true
		}
	}
	return false
}

func trimSemicolons(tokens []Token) []Token {
	for len(tokens) > 0 && tokens[len(tokens)-1].IsSymbol(";") {
		tokens = tokens[:len(tokens)-1]
	}
	return tokens
}
