package chhttp_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/throughline-trials/throughline/services/embedded/chhttp"
)

func TestStatementInURLOrBody(t *testing.T) {
	call{method: "GET", query: values("query", "SELECT 1")}.do(t).is(t, 200, "1\n")
	call{body: "SELECT 1"}.do(t).is(t, 200, "1\n")
	call{query: values("query", "SELECT"), body: "1"}.do(t).is(t, 200, "1\n")
	call{}.do(t).refuses(t, 400, "62")
}

func TestFormats(t *testing.T) {
	a := call{body: "SELECT 1 AS x, 'a' AS y FORMAT JSONEachRow"}.do(t)
	a.is(t, 200, `{"x":1,"y":"a"}`+"\n")
	call{body: "SELECT 1 AS x, 'a' AS y FORMAT CSVWithNames"}.do(t).is(t, 200, "\"x\",\"y\"\n1,\"a\"\n")
	call{body: "SELECT 1 AS x", query: values("default_format", "JSONCompactEachRow")}.do(t).is(t, 200, "[1]\n")
	call{body: "SELECT 1 AS x", header: http.Header{"X-Clickhouse-Format": {"CSV"}}}.do(t).is(t, 200, "1\n")
	a = call{body: "SELECT number FROM numbers(200000) FORMAT JSON"}.do(t)
	if !strings.Contains(a.body, `"rows": 200000`) || a.header.Get("Content-Type") != "application/json; charset=UTF-8" {
		t.Errorf("JSON of several blocks is not one document: %s … %s", a.body[:80], a.header)
	}
	if a = (call{body: "SELECT 1 WHERE 0 FORMAT JSON"}).do(t); !strings.Contains(a.body, `"rows": 0`) {
		t.Errorf("JSON without rows: %q", a.body)
	}
	a = call{body: "SELECT number FROM numbers(200000) FORMAT CSV"}.do(t)
	if n := strings.Count(a.body, "\n"); n != 200000 {
		t.Errorf("CSV has %d lines", n)
	}
}

func TestParametersSettingsAndDatabase(t *testing.T) {
	call{body: "SELECT {a:UInt8} + {b:UInt8}, {s:String}", query: values("param_a", "1", "param_b", "2", "param_s", "x'y")}.do(t).is(t, 200, "3\tx\\'y\n")
	call{body: "SELECT getSetting('max_threads'), currentDatabase()", query: values("max_threads", "3", "database", "system")}.do(t).is(t, 200, "3\tsystem\n")
	call{body: "SELECT 1", query: values("no_such_setting", "3")}.do(t).refuses(t, 404, "115")
	call{body: "SELECT 1", query: values("max_threads = 1, readonly", "3")}.do(t).refuses(t, 400, "36")
	call{body: "SELECT 1", query: values("database", "missing")}.do(t).refuses(t, 404, "81")
	call{body: "SELECT 1", query: values("compress", "1")}.do(t).refuses(t, 501, "48")
	call{body: "SELECT 1", query: values("query_id", "q-1")}.do(t).is(t, 200, "1\n")
}

func TestSessionsDoNotLeak(t *testing.T) {
	mustExec(t, "SET max_threads = 7")
	mustExec(t, "USE system")
	mustExec(t, "CREATE TEMPORARY TABLE leak (a UInt8)")
	for range 10 {
		call{body: "SELECT getSetting('max_threads') = 7, currentDatabase()"}.do(t).is(t, 200, "0\tdefault\n")
		call{body: "SELECT * FROM leak"}.do(t).refuses(t, 404, "60")
	}
}

func TestErrors(t *testing.T) {
	call{body: "SELECT * FROM missing"}.do(t).refuses(t, 404, "60")
	call{body: "SELECT FROM WHERE"}.do(t).refuses(t, 400, "62")
	call{body: "SELECT throwIf(1)"}.do(t).refuses(t, 500, "395")
	call{method: "GET", query: values("query", "CREATE TABLE x (a UInt8) ENGINE = Memory")}.do(t).refuses(t, 403, "164")
	call{method: "PUT"}.do(t).refuses(t, 405, "36")
	call{body: "SELECT 1", header: http.Header{"Content-Encoding": {"br"}}}.do(t).refuses(t, 415, "48")
	call{body: "SELECT 1", header: http.Header{"Content-Type": {"multipart/form-data; boundary=x"}}}.do(t).refuses(t, 501, "48")
}

func TestErrorAfterTheFirstRows(t *testing.T) {
	a := call{body: "SELECT throwIf(number = 300000) FROM numbers(1000000) FORMAT CSV"}.do(t)
	tag := a.header.Get("X-ClickHouse-Exception-Tag")
	if a.status != 200 || len(tag) != 16 || !strings.Contains(a.body, "\r\n__exception__\r\n"+tag+"\r\nCode: 395. DB::Exception: ") || !strings.HasSuffix(a.body, tag+"\r\n__exception__\r\n") {
		t.Errorf("the end of the body does not tell: %q", a.body[len(a.body)-200:])
	}
	call{body: "SELECT throwIf(number = 300000) FROM numbers(1000000) FORMAT CSV", query: values("wait_end_of_query", "1")}.do(t).refuses(t, 500, "395")
}

func TestCredentials(t *testing.T) {
	user, password := engines.Connection().ClickHouseUser, engines.Connection().ClickHousePassword
	call{noLogin: true, body: "SELECT 1"}.do(t).refuses(t, 401, "194")
	call{noLogin: true, body: "SELECT 1", query: values("user", user, "password", password)}.do(t).is(t, 200, "1\n")
	call{noLogin: true, body: "SELECT 1", query: values("user", user, "password", "x")}.do(t).refuses(t, 403, "516")
	call{noLogin: true, body: "SELECT 1", query: values("user", user)}.do(t).refuses(t, 403, "516")
	call{noLogin: true, body: "SELECT 1", query: values("user", "nobody", "password", password)}.do(t).refuses(t, 403, "516")
	header := http.Header{"X-Clickhouse-User": {user}, "X-Clickhouse-Key": {password}}
	call{noLogin: true, body: "SELECT 1", header: header}.do(t).is(t, 200, "1\n")
	call{body: "SELECT 1", header: header}.do(t).refuses(t, 403, "516")
	call{noLogin: true, body: "SELECT 1", header: http.Header{"Authorization": {"Bearer " + password}}}.do(t).refuses(t, 401, "516")
}

func TestForeignPagesAreRefused(t *testing.T) {
	call{body: "SELECT 1", host: "evil.example"}.do(t).refuses(t, 421, "36")
	call{body: "SELECT 1", host: "evil.example:8123"}.do(t).refuses(t, 421, "36")
	_, port, _ := strings.Cut(engines.Connection().ClickHouse, ":")
	call{body: "SELECT 1", host: "localhost:" + port}.do(t).is(t, 200, "1\n")
	call{body: "SELECT 1", header: http.Header{"Origin": {"http://evil.example"}}}.do(t).refuses(t, 403, "36")
	call{body: "SELECT 1", header: http.Header{"Sec-Fetch-Site": {"cross-site"}}}.do(t).refuses(t, 403, "36")
	if a := (call{body: "SELECT 1"}).do(t); a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("pages of other origins are let in")
	}
}

func TestPing(t *testing.T) {
	req, _ := http.NewRequestWithContext(t.Context(), "GET", call{}.url("/ping"), nil)
	send(t, req).is(t, 200, "Ok.\n")
}

func TestGzip(t *testing.T) {
	a := call{body: "SELECT 1", header: http.Header{"Accept-Encoding": {"br, gzip;q=0.5"}}}.do(t)
	r, err := gzip.NewReader(strings.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil || string(plain) != "1\n" {
		t.Errorf("unpacks to %q, %v", plain, err)
	}
	name := table(t)
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = w.Write([]byte("1,x\n2,y\n"))
	w.Close()
	call{query: values("query", "INSERT INTO "+name+" FORMAT CSV"), body: packed.String(), header: http.Header{"Content-Encoding": {"gzip"}}}.do(t).is(t, 200, "")
	call{body: "SELECT count() FROM " + name}.do(t).is(t, 200, "2\n")
}

func TestSelectEndsWithItsClient(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	u := call{query: values("query", "SELECT sum(sipHash64(number)) FROM numbers(100000000000) FORMAT JSON")}.url("/")
	req, err := http.NewRequestWithContext(ctx, "POST", u, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(engines.Connection().ClickHouseUser, engines.Connection().ClickHousePassword)
	go func() {
		wait(t, "SELECT count() > 0 FROM system.processes WHERE query LIKE 'SELECT sum(sip%'", "1\n")
		cancel()
	}()
	if res, err := http.DefaultTransport.RoundTrip(req); err == nil {
		res.Body.Close()
		t.Fatal("the statement ended before its client left")
	}
	wait(t, "SELECT count() FROM system.processes WHERE query LIKE 'SELECT sum(sip%'", "0\n")
}

func TestReader(t *testing.T) {
	mustExec(t, "CREATE DATABASE IF NOT EXISTS results")
	mustExec(t, "CREATE TABLE results.rates (study String, x UInt64) ENGINE = MergeTree ORDER BY study")
	mustExec(t, "INSERT INTO results.rates VALUES ('hope', 7)")
	reader := func(body string, query url.Values) answer {
		return call{user: "analyst", body: body, query: query}.do(t)
	}
	reader("SELECT study, x FROM rates", nil).is(t, 200, "hope\t7\n")
	reader("SELECT x FROM rates WHERE study = {s:String} FORMAT JSONEachRow", values("param_s", "hope")).is(t, 200, `{"x":7}`+"\n")
	reader("SELECT x FROM rates", values("max_threads", "1", "max_execution_time", "5", "database", "results")).is(t, 200, "7\n")
	call{user: "analyst", method: "GET", query: values("query", "SELECT x FROM results.rates")}.do(t).is(t, 200, "7\n")

	reader("SELECT * FROM system.tables", nil).refuses(t, 403, "497")
	reader("SELECT file('/etc/passwd')", nil).refuses(t, 403, "497")
	reader("SELECT 1 INTO OUTFILE '/tmp/x'", nil).refuses(t, 403, "497")
	reader("SELECT 1; SELECT 2", nil).refuses(t, 403, "497")
	reader("DROP TABLE rates", nil).refuses(t, 403, "497")
	reader("INSERT INTO rates VALUES ('x', 1)", nil).refuses(t, 403, "497")
	reader("('x', 1)", values("query", "INSERT INTO rates VALUES")).refuses(t, 403, "497")
	reader("* FROM facts.events", values("query", "SELECT")).refuses(t, 403, "497")
	reader("SELECT 1", values("database", "default")).refuses(t, 403, "497")
	reader("SELECT 1", values("readonly", "0")).refuses(t, 403, "497")
	reader("SELECT 1", values("max_memory_usage", "0")).refuses(t, 403, "497")
	reader("SELECT * FROM {t:Identifier}", values("param_t", "system.tables")).refuses(t, 403, "497")
	reader("SELECT nonsense", nil).refuses(t, 404, "47")
	reader("SELECT sum(number) FROM numbers(100000000000000)", values("max_execution_time", "0.2")).refuses(t, 408, "159")
	reader("SELECT x FROM rates", nil).is(t, 200, "7\n")
	mustExec(t, "DROP DATABASE results SYNC")
}

func TestReadersQueueIsBounded(t *testing.T) {
	server := smallHandler(t, chhttp.Config{ReaderSessions: 1, ReaderQueue: 1, ReaderTime: time.Second})
	slow := "SELECT sum(cityHash64(number)) FROM numbers(100000000000)"
	answers := make(chan answer, 6)
	for range cap(answers) {
		go func() { answers <- post(t, server, "analyst", "a", slow, "") }()
	}
	refused := 0
	for range cap(answers) {
		if a := <-answers; a.header.Get("X-ClickHouse-Exception-Code") == "202" {
			refused++
		} else {
			a.refuses(t, 408, "159")
		}
	}
	if refused == 0 {
		t.Error("none of six was refused where one may run and one wait")
	}
}
