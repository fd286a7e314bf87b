package chhttp

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/throughline-trials/throughline/services/embedded/chdb"
	"github.com/throughline-trials/throughline/services/embedded/chsql"
)

// statement runs a text in a session and writes its result.
func (h *Handler) statement(w http.ResponseWriter, r *http.Request, req *request, session *chdb.Session) error {
	analysis, err := session.Classify(req.text)
	if err != nil {
		return err
	}
	if req.readOnly && analysis.Class != chdb.ReadOnly && analysis.Class != chdb.Unknown {
		return refusef(http.StatusForbidden, codeReadonly, "a GET request may only read, send the statement with POST")
	}
	if analysis.Class == chdb.ReadOnly {
		defer h.interruptWhenGone(r.Context(), session)()
	} else {
		session.Taint() // SET, USE, temporary tables: the next request must not see them
	}
	_, format := chsql.SplitFormat(req.text)
	format = firstOf(format, req.format)
	if analysis.Class == chdb.ReadOnly && !req.whole && canStream(format, req.text) {
		return h.stream(w, r, req, session, format)
	}
	return h.whole(w, req, session, format)
}

// interruptEvery is how often an interrupt is repeated: one that comes before the statement has begun finds nothing.
const interruptEvery = 100 * time.Millisecond

// interruptWhenGone ends the statement of a session when the client gives up. The function it returns ends the watch
// and must be called before the session is released. It is for statements that only read.
func (h *Handler) interruptWhenGone(ctx context.Context, session *chdb.Session) (stop func()) {
	ended, stopped := make(chan struct{}), make(chan struct{})
	stopWatch := context.AfterFunc(ctx, func() {
		defer close(stopped)
		ticker := time.NewTicker(interruptEvery)
		defer ticker.Stop()
		for {
			if err := session.Interrupt(); err != nil {
				h.config.Log.Warn("a statement runs on without its client", "error", err)
			}
			select {
			case <-ended:
				return
			case <-ticker.C:
			}
		}
	})
	return func() {
		close(ended)
		if !stopWatch() {
			<-stopped
			session.Taint()
		}
	}
}

// whole writes a result that the engine has finished.
func (h *Handler) whole(w http.ResponseWriter, req *request, session *chdb.Session, format string) error {
	result, err := session.Query(req.text, req.format, req.params...)
	if err != nil {
		session.Taint()
		return err
	}
	defer result.Close()
	out := h.writeHeader(w, req, format)
	w.Header().Set("X-ClickHouse-Summary", summary(result.RowsRead(), result.RowsWritten()))
	if len(result.Bytes()) > 0 {
		_, err = out.Write(result.Bytes())
	}
	return ignore(errors.Join(err, out.Close()))
}

// stream writes a result while the engine makes it. An error before the first piece is answered as such, a later
// one at the end of the body in the way of a ClickHouse server.
func (h *Handler) stream(w http.ResponseWriter, r *http.Request, req *request, session *chdb.Session, format string) error {
	stream, err := session.Stream(req.text, req.format, req.params...)
	if err != nil {
		session.Taint()
		return err
	}
	defer stream.Close()
	piece, err := stream.Next()
	if err != nil && !errors.Is(err, io.EOF) {
		session.Taint()
		return err
	}
	tag := exceptionTag()
	w.Header().Set("X-ClickHouse-Exception-Tag", tag)
	out := h.writeHeader(w, req, format)
	for err == nil && r.Context().Err() == nil {
		if _, writeErr := out.Write(piece); writeErr != nil {
			break // the client has gone; closing the stream cancels the statement
		}
		piece, err = stream.Next()
	}
	if err != nil && !errors.Is(err, io.EOF) {
		session.Taint()
		writeException(out, tag, err)
	}
	return ignore(out.Close())
}

// canStream says whether a result may be written piece by piece: the engine formats each piece as a result of its
// own, so only formats without a head, a foot or a separator will do.
func canStream(format, text string) bool {
	switch format {
	case "Native", "RowBinary", "JSONEachRow", "JSONCompactEachRow", "CSV", "TabSeparated", "TSV":
	default:
		return false
	}
	switch chsql.Keyword(text) {
	case "SELECT", "WITH":
		return !chsql.HasWord(text, "TOTALS") && !chsql.HasWord(text, "extremes")
	}
	return false
}

const (
	exceptionMarker    = "__exception__"
	exceptionTagLength = 16
	exceptionMaxText   = 16 << 10
)

func exceptionTag() string { return rand.Text()[:exceptionTagLength] }

// writeException ends a body with the frame by which clients know that the result is not whole.
func writeException(w io.Writer, tag string, err error) {
	_, _, text := describe(err)
	if len(text) > exceptionMaxText {
		text = text[:exceptionMaxText]
	}
	_, _ = fmt.Fprintf(w, "\r\n%s\r\n%s\r\n%s\n%d %s\r\n%s\r\n", exceptionMarker, tag, text, len(text)+1, tag, exceptionMarker)
}

// hello answers the first statement of clickhouse-go, in blocks of the revision that it asks for. The revision given
// back is 0: with it the client reads every later block as plain Native, which is what the engine writes.
func (h *Handler) hello(w http.ResponseWriter, r *http.Request, req *request) error {
	session, err := h.config.Engine.Session(r.Context(), chdb.Setup{})
	if err != nil {
		return err
	}
	defer session.Release()
	result, err := session.Query("SELECT version()", "LineAsString")
	if err != nil {
		return err
	}
	version := string(trimLine(result.Bytes()))
	result.Close()

	var name, number, zone proto.ColStr
	var revision proto.ColUInt32
	name.Append("throughline")
	number.Append(version)
	revision.Append(0)
	zone.Append("UTC")
	block := proto.Block{Columns: 4, Rows: 1, Info: proto.BlockInfo{BucketNum: -1}}
	var buffer proto.Buffer
	err = block.EncodeBlock(&buffer, int(req.revision), []proto.InputColumn{
		{Name: "displayName()", Data: name},
		{Name: "version()", Data: number},
		{Name: "revision()", Data: &revision},
		{Name: "timezone()", Data: zone},
	})
	if err != nil {
		return fmt.Errorf("answer client hello: %w", err)
	}
	out := h.writeHeader(w, req, "Native")
	_, err = out.Write(buffer.Buf)
	return ignore(errors.Join(err, out.Close()))
}

func trimLine(b []byte) []byte {
	for len(b) > 0 && (b[len(b)-1] == '\n' || b[len(b)-1] == '\r') {
		b = b[:len(b)-1]
	}
	return b
}
