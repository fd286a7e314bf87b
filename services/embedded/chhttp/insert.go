package chhttp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/throughline-trials/throughline/services/embedded/chdb"
	"github.com/throughline-trials/throughline/services/embedded/chsql"
)

// appendSize is how much is handed to the engine at a time.
const appendSize = 1 << 20

// insert runs an INSERT whose data is the body. Up to MaxBuffered bytes are read before it begins, so that a client
// that breaks off leaves nothing begun. Once begun it runs to its end, whether or not the client is still there.
func (h *Handler) insert(w http.ResponseWriter, r *http.Request, req *request) error {
	if !req.account.Services {
		return refusef(http.StatusForbidden, codeAccessDenied, "this account may only read")
	}
	var head bytes.Buffer
	n, err := head.ReadFrom(io.LimitReader(req.body, h.config.MaxBuffered))
	if err != nil {
		return unreadable(err)
	}
	var rest io.Reader = http.NoBody
	if n == h.config.MaxBuffered {
		rest = req.body
	}
	session, err := h.config.Engine.Session(r.Context(), req.setup())
	if err != nil {
		return err
	}
	defer session.Release()

	statement, format := chsql.SplitFormat(req.text)
	if format == "" {
		statement, format = withoutValues(statement, req.format)
	}
	insert, err := session.Insert(statement, format, req.params...)
	if err != nil {
		session.Taint()
		return err
	}
	if err := feed(insert, head.Bytes(), rest); err != nil {
		insert.Cancel()
		session.Taint()
		return err
	}
	rows, err := insert.Done()
	if err != nil {
		session.Taint()
		return err
	}
	h.writeHeader(w, req, "")
	w.Header().Set("X-ClickHouse-Summary", summary(0, rows))
	w.WriteHeader(http.StatusOK)
	return nil
}

// withoutValues handles "INSERT INTO t VALUES" with the rows in the body.
func withoutValues(statement, format string) (string, string) {
	tokens := chsql.Tokens(statement, 0)
	if n := len(tokens); n > 0 && tokens[n-1].Is("VALUES") {
		return statement[:tokens[n-1].Start], "Values"
	}
	return statement, format
}

// feed hands the data over: first what was read already, then the rest of the body.
func feed(insert *chdb.Insert, head []byte, rest io.Reader) error {
	for len(head) > 0 {
		piece := head[:min(len(head), appendSize)]
		if err := insert.Append(piece); err != nil {
			return err
		}
		head = head[len(piece):]
	}
	if rest == http.NoBody {
		return nil
	}
	piece := make([]byte, appendSize)
	for {
		n, err := rest.Read(piece)
		if appendErr := insert.Append(piece[:n]); appendErr != nil {
			return appendErr
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("insert given up: %w", unreadable(err))
		}
	}
}
