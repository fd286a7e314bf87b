package chhttp

import (
	"compress/gzip"
	"io"
	"net/http"
	"strings"
)

// writeHeader sets the headers of a good answer and returns the writer of its body, to be closed. An empty format
// means that there is no body.
func (h *Handler) writeHeader(w http.ResponseWriter, req *request, format string) io.WriteCloser {
	header := w.Header()
	header.Set("X-ClickHouse-Server-Display-Name", "throughline")
	header.Set("X-ClickHouse-Timezone", "UTC")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	if req.queryID != "" && !strings.ContainsAny(req.queryID, "\r\n") {
		header.Set("X-ClickHouse-Query-Id", req.queryID)
	}
	if format == "" {
		return nopCloser{w}
	}
	header.Set("X-ClickHouse-Format", format)
	header.Set("Content-Type", contentType(format))
	if !req.gzip {
		return nopCloser{w}
	}
	header.Set("Content-Encoding", "gzip")
	out, _ := gzip.NewWriterLevel(w, gzip.BestSpeed) // the level is valid
	return out
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// contentType is the media type that a ClickHouse server gives a format.
func contentType(format string) string {
	switch {
	case format == "JSONEachRow", strings.HasPrefix(format, "JSONCompactEachRow"):
		return "application/x-ndjson; charset=UTF-8"
	case strings.HasPrefix(format, "JSON"):
		return "application/json; charset=UTF-8"
	case strings.HasPrefix(format, "CSV"):
		return "text/csv; charset=UTF-8"
	case strings.HasPrefix(format, "TSV"), strings.HasPrefix(format, "TabSeparated"):
		return "text/tab-separated-values; charset=UTF-8"
	case format == "Native", strings.HasPrefix(format, "RowBinary"), format == "Parquet", format == "Arrow":
		return "application/octet-stream"
	}
	return "text/plain; charset=UTF-8"
}
