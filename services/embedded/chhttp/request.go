package chhttp

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/throughline-trials/throughline/services/embedded/chdb"
	"github.com/throughline-trials/throughline/services/embedded/chsql"
)

// request is what a caller asks for.
type request struct {
	account  *Account
	text     string // the statement, or its beginning while body is not read
	body     io.Reader
	inURL    bool // the statement came in the URL: the body is data, or its continuation
	readOnly bool // GET
	database string
	format   string // for statements without a FORMAT clause
	queryID  string
	params   []chdb.Param
	settings map[string]string
	revision uint64 // client_protocol_version
	whole    bool   // wait_end_of_query: nothing is sent before the statement has ended
	gzip     bool   // the answer may be compressed
}

// defaultFormat is that of a ClickHouse server.
const defaultFormat = "TabSeparated"

// ignored are URL parameters that are neither settings nor of any effect here.
var ignored = []string{"user", "password", "quota_key", "enable_http_compression", "buffer_size", "client_protocol_version",
	"http_zlib_compression_level", "network_compression_method", "network_zstd_compression_level", "send_progress_in_http_headers",
	"http_headers_progress_interval_ms", "add_http_cors_header", "cancel_http_readonly_queries_on_client_close"}

// refused are URL parameters that would change the answer and are not offered.
var refused = []string{"session_id", "session_timeout", "session_check", "role", "compress", "decompress"}

// read parses URL and headers; the body is read later.
func (h *Handler) read(r *http.Request, account *Account) (*request, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, refusef(http.StatusBadRequest, codeBadArguments, "the query string cannot be read")
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		return nil, refusef(http.StatusNotImplemented, codeNotImplemented, "external tables (multipart bodies) are not supported by the embedded engine")
	}
	req := &request{account: account, settings: map[string]string{}, readOnly: r.Method == http.MethodGet}
	req.database = firstOf(query.Get("database"), r.Header.Get("X-ClickHouse-Database"))
	req.format = firstOf(query.Get("default_format"), r.Header.Get("X-ClickHouse-Format"), defaultFormat)
	for _, name := range sortedKeys(query) {
		if err := req.parameter(name, query.Get(name)); err != nil {
			return nil, err
		}
	}
	if req.body, err = plainBody(r); err != nil {
		return nil, err
	}
	req.gzip = query.Get("enable_http_compression") != "0" && acceptsGzip(r)
	return req, nil
}

// parameter takes one URL parameter.
func (req *request) parameter(name, value string) error {
	switch {
	case name == "query":
		req.text, req.inURL = value, value != ""
	case name == "query_id":
		req.queryID = value
	case name == "wait_end_of_query":
		req.whole = value == "1" || value == "true"
	case name == "database", name == "default_format":
	case strings.HasPrefix(name, "param_"):
		req.params = append(req.params, chdb.Param{Name: strings.TrimPrefix(name, "param_"), Value: value})
	case slices.Contains(refused, name):
		if value != "" && value != "0" {
			return refusef(http.StatusNotImplemented, codeNotImplemented, "%s is not supported by the embedded engine", name)
		}
	case slices.Contains(ignored, name):
	case !isSettingName(name):
		return refusef(http.StatusBadRequest, codeBadArguments, "a URL parameter is not the name of a setting")
	default:
		req.settings[name] = value
	}
	if name == "client_protocol_version" {
		req.revision, _ = strconv.ParseUint(value, 10, 32)
	}
	return nil
}

func isSettingName(name string) bool {
	tokens := chsql.Tokens(name, 2)
	return len(tokens) == 1 && tokens[0].Kind == chsql.Word && tokens[0].Text == name
}

// setup is the state of the session that the request wants.
func (req *request) setup() chdb.Setup {
	return chdb.Setup{Database: req.database, Settings: req.settings}
}

// helloStatement is what clickhouse-go sends first, to learn with whom it speaks.
const helloStatement = "SELECT displayName(), version(), revision(), timezone()"

func (req *request) isHello() bool {
	if req.revision == 0 || req.format != "Native" || req.inURL {
		return false
	}
	head := make([]byte, len(helloStatement)+1)
	n, _ := io.ReadFull(req.body, head)
	if string(head[:n]) == helloStatement {
		return true
	}
	req.body = io.MultiReader(bytes.NewReader(head[:n]), req.body)
	return false
}

// isInsertWithBody says whether the body is the data of an INSERT in the URL.
func (req *request) isInsertWithBody() bool {
	if !req.inURL || req.readOnly || chsql.Keyword(req.text) != "INSERT" || chsql.HasWord(req.text, "SELECT") {
		return false
	}
	head := make([]byte, 1)
	n, _ := io.ReadFull(req.body, head)
	req.body = io.MultiReader(bytes.NewReader(head[:n]), req.body)
	return n > 0
}

// readRest adds the body to the statement.
func (req *request) readRest(limit int64) error {
	rest, err := readAtMost(req.body, limit)
	if err != nil {
		return err
	}
	if req.inURL && len(rest) > 0 {
		req.text += "\n"
	}
	req.text += string(rest)
	return nil
}

// readAtMost reads a body whole; one that is longer than limit, or breaks off, is refused.
func readAtMost(body io.Reader, limit int64) ([]byte, error) {
	var buffer bytes.Buffer
	n, err := buffer.ReadFrom(io.LimitReader(body, limit+1))
	if err != nil {
		return nil, unreadable(err)
	}
	if n > limit {
		return nil, refusef(http.StatusRequestEntityTooLarge, codeTooLarge, "the statement is longer than %d bytes: send the data of an INSERT as the body and the statement in the URL", limit)
	}
	return buffer.Bytes(), nil
}

func unreadable(err error) error {
	return refusef(http.StatusBadRequest, codeCannotReadAll, "the body cannot be read to its end: %v", err)
}

// plainBody undoes the encoding of the body; gzip is the only one understood.
func plainBody(r *http.Request) (io.Reader, error) {
	switch encoding := r.Header.Get("Content-Encoding"); encoding {
	case "", "identity":
		return r.Body, nil
	case "gzip":
		body, err := gzip.NewReader(r.Body)
		if errors.Is(err, io.EOF) {
			return http.NoBody, nil
		}
		if err != nil {
			return nil, unreadable(err)
		}
		return body, nil
	default:
		return nil, refusef(http.StatusUnsupportedMediaType, codeNotImplemented, "only gzip is understood as Content-Encoding")
	}
}

func acceptsGzip(r *http.Request) bool {
	for _, value := range strings.Split(r.Header.Get("Accept-Encoding"), ",") {
		if name, _, _ := strings.Cut(value, ";"); strings.TrimSpace(name) == "gzip" {
			return true
		}
	}
	return false
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

func sortedKeys(values url.Values) []string {
	keys := make([]string, 0, len(values))
	for k := range values {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// summary is the value of X-ClickHouse-Summary.
func summary(read, written uint64) string {
	return fmt.Sprintf(`{"read_rows":"%d","written_rows":"%d","result_rows":"%d"}`, read, written, read)
}
