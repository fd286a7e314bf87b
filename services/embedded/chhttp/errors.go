package chhttp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/throughline-trials/throughline/services/embedded/chdb"
)

// Error codes of ClickHouse that the handler itself uses.
const (
	codeNotFound             = 60
	codeBadArguments         = 36
	codeNotImplemented       = 48
	codeSyntax               = 62
	codeReadonly             = 164
	codeAuthenticationFailed = 516
	codeRequiredPassword     = 194
	codeAccessDenied         = 497
	codeTooManyQueries       = 202
	codeTooLarge             = 307
	codeCancelled            = 394
	codeCannotReadAll        = 33
	codeUnknown              = 1002
)

// refusal is an answer of the handler's own, in the shape of an engine error.
type refusal struct {
	status  int
	code    int
	message string
}

func (e *refusal) Error() string { return e.message }

func refusef(status, code int, format string, args ...any) error {
	return &refusal{status: status, code: code, message: fmt.Sprintf(format, args...)}
}

// describe gives the status, code and text with which an error is answered.
func describe(err error) (status, code int, text string) {
	var refused *refusal
	var exception *chdb.Error
	switch {
	case errors.As(err, &exception):
		return statusOf(exception.Code), exception.Code, exception.Message
	case errors.As(err, &refused):
		status, code = refused.status, refused.code
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		status, code = http.StatusServiceUnavailable, codeTooManyQueries
		err = errors.New("no session was free before the client gave up")
	case errors.Is(err, chdb.ErrClosed):
		status, code = http.StatusServiceUnavailable, codeCancelled
	default:
		status, code = http.StatusInternalServerError, codeUnknown
	}
	return status, code, fmt.Sprintf("Code: %d. DB::Exception: %s", code, err)
}

// statusOf maps error codes to HTTP statuses as a ClickHouse server does; 500 for all that are not listed.
func statusOf(code int) int {
	switch code {
	case 6, 26, 27, 36, 38, 41, 43, 53, 62, 69, 70, 72, 108, 117, 130, 386, 457, 590:
		return http.StatusBadRequest
	case 16, 46, 47, 60, 81, 115:
		return http.StatusNotFound
	case codeReadonly, codeAccessDenied, 392:
		return http.StatusForbidden
	case codeNotImplemented, 344:
		return http.StatusNotImplemented
	case 158, 396, codeTooLarge:
		return http.StatusRequestEntityTooLarge
	case 159, 160:
		return http.StatusRequestTimeout
	case 202, 252:
		return http.StatusServiceUnavailable
	case 241, 243:
		return http.StatusInsufficientStorage
	}
	return http.StatusInternalServerError
}

func (h *Handler) writeError(w http.ResponseWriter, r *http.Request, err error) {
	status, code, text := describe(err)
	if !gone(r.Context()) {
		h.config.Log.Debug("statement refused", "code", code, "status", status)
	}
	header := w.Header()
	header.Del("Content-Encoding")
	header.Set("Content-Type", "text/plain; charset=UTF-8")
	header.Set("X-ClickHouse-Exception-Code", strconv.Itoa(code))
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, text)
}
