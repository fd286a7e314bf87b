package chdb

import (
	"regexp"
	"strconv"
	"strings"
)

// Error is an exception of the engine.
type Error struct {
	Code    int    // ClickHouse error code; 1002 (unknown exception) where the text has none
	Message string // the whole text, beginning with "Code: N. DB::Exception: "
}

// Error returns the engine's text.
func (e *Error) Error() string { return e.Message }

// Name is the symbolic name at the end of the text, such as "UNKNOWN_TABLE", or empty.
func (e *Error) Name() string {
	all := namePattern.FindAllStringSubmatch(e.Message, -1)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1][1]
}

var (
	codePattern = regexp.MustCompile(`Code: (\d+)\.`)
	namePattern = regexp.MustCompile(`\(([A-Z][A-Z0-9_]+)\)`)
)

const unknownException = 1002

func newError(message string) *Error {
	message = strings.TrimSpace(message)
	m := codePattern.FindStringSubmatchIndex(message)
	if m == nil {
		return &Error{Code: unknownException, Message: "Code: 1002. DB::Exception: " + message}
	}
	code, err := strconv.Atoi(message[m[2]:m[3]])
	if err != nil || code == 0 {
		code = unknownException
	}
	return &Error{Code: code, Message: message[m[0]:]}
}
