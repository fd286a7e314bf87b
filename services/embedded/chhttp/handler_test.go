package chhttp_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/throughline-trials/throughline/services/embedded"
	"github.com/throughline-trials/throughline/services/embedded/chdb"
	"github.com/throughline-trials/throughline/services/embedded/chhttp"
)

// engines are those of this test binary, with a reader that may see the database "results" only.
var engines *embedded.Engines

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "throughline-test-")
	if err == nil {
		defer os.RemoveAll(dir)
		engines, err = embedded.Start(context.Background(), embedded.Config{
			DataDir: dir, NATSListen: "127.0.0.1:0", ClickHouseListen: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler),
			Readers: []embedded.Reader{{Name: "analyst", Databases: []string{"results"}}},
		})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer engines.Close()
	return m.Run()
}

// call is one request; the zero value is a POST by the services' account.
type call struct {
	method  string
	user    string
	query   url.Values
	body    string
	header  http.Header
	host    string
	noLogin bool
}

type answer struct {
	status int
	body   string
	header http.Header
}

func (c call) do(t testing.TB) answer {
	t.Helper()
	method := c.method
	if method == "" {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(t.Context(), method, c.url("/"), strings.NewReader(c.body))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range c.header {
		req.Header[name] = values
	}
	if c.host != "" {
		req.Host = c.host
	}
	switch {
	case c.noLogin:
	case c.user != "":
		req.SetBasicAuth(c.user, engines.ReaderPassword(c.user))
	default:
		req.SetBasicAuth(engines.Connection().ClickHouseUser, engines.Connection().ClickHousePassword)
	}
	return send(t, req)
}

func (c call) url(path string) string {
	return "http://" + engines.Connection().ClickHouse + path + "?" + c.query.Encode()
}

func send(t testing.TB, req *http.Request) answer {
	t.Helper()
	transport := &http.Transport{DisableCompression: true}
	defer transport.CloseIdleConnections()
	res, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, string(body), res.Header}
}

func (a answer) is(t testing.TB, status int, body string) {
	t.Helper()
	if a.status != status || a.body != body {
		t.Errorf("got %d %q, want %d %q", a.status, a.body, status, body)
	}
}

func (a answer) refuses(t testing.TB, status int, code string) {
	t.Helper()
	if a.status != status || a.header.Get("X-ClickHouse-Exception-Code") != code || !strings.HasPrefix(a.body, "Code: "+code+". DB::Exception: ") {
		t.Errorf("got %d, code %s: %q; want %d, code %s", a.status, a.header.Get("X-ClickHouse-Exception-Code"), a.body, status, code)
	}
}

// mustExec runs a statement of the services.
func mustExec(t testing.TB, sql string) {
	t.Helper()
	call{body: sql}.do(t).is(t, 200, "")
}

func values(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

// table makes an empty table (a UInt64, b String) for this test.
func table(t testing.TB) string {
	t.Helper()
	name := "t_" + strings.NewReplacer("/", "_", " ", "_").Replace(t.Name())
	mustExec(t, "CREATE TABLE "+name+" (a UInt64, b String) ENGINE = MergeTree ORDER BY a")
	t.Cleanup(func() {
		if a := (call{body: "DROP TABLE " + name + " SYNC"}).doAfterTest(t); a.status != 200 {
			t.Error(a.body)
		}
	})
	return name
}

// doAfterTest is do with a context that a finished test has not ended.
func (c call) doAfterTest(t testing.TB) answer {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, c.url("/"), strings.NewReader(c.body))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(engines.Connection().ClickHouseUser, engines.Connection().ClickHousePassword)
	return send(t, req)
}

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

func TestInsert(t *testing.T) {
	name := table(t)
	a := call{query: values("query", "INSERT INTO "+name+" (a, b) FORMAT CSV"), body: "1,x\n2,y\n"}.do(t)
	a.is(t, 200, "")
	if s := a.header.Get("X-ClickHouse-Summary"); !strings.Contains(s, `"written_rows":"2"`) {
		t.Errorf("summary %s", s)
	}
	call{query: values("query", "INSERT INTO "+name+" VALUES"), body: "(3, 'z')"}.do(t).is(t, 200, "")
	call{query: values("query", "INSERT INTO "+name+" SETTINGS max_threads = 1 FORMAT JSONEachRow"), body: `{"a": 4, "b": "v"}`}.do(t).is(t, 200, "")
	call{query: values("query", "INSERT INTO "+name, "default_format", "TSV"), body: "5\tu\n"}.do(t).is(t, 200, "")
	call{body: "INSERT INTO " + name + " FORMAT CSV\n6,t\n"}.do(t).is(t, 200, "")
	call{body: "INSERT INTO " + name + " VALUES (7, 's')"}.do(t).is(t, 200, "")
	call{query: values("query", "INSERT INTO "+name+" SELECT 8, 'r'")}.do(t).is(t, 200, "")
	call{query: values("query", "INSERT INTO "+name+" VALUES ({n:UInt64}, {s:String})", "param_n", "9", "param_s", "q;'")}.do(t).is(t, 200, "")
	call{body: "SELECT arrayStringConcat(groupArray(b)) FROM (SELECT b FROM " + name + " ORDER BY a)"}.do(t).is(t, 200, "xyzvutsrq;\\'\n")

	call{query: values("query", "INSERT INTO "+name+" FORMAT CSV")}.do(t).refuses(t, 400, "108")
	call{query: values("query", "INSERT INTO "+name+" FORMAT CSV"), body: "10,x\nnonsense\n"}.do(t).refuses(t, 400, "27")
	call{query: values("query", "INSERT INTO missing FORMAT CSV"), body: "10,x\n"}.do(t).refuses(t, 404, "60")
	call{query: values("query", "INSERT INTO "+name+" FORMAT Nonsense"), body: "10,x\n"}.do(t)
	call{body: "SELECT count() FROM " + name}.do(t).is(t, 200, "9\n")
}

// broken is a body that breaks off: the request ends without its last chunk.
type broken struct{ data io.Reader }

func (b broken) Read(p []byte) (int, error) {
	n, err := b.data.Read(p)
	if err == io.EOF {
		err = io.ErrClosedPipe
	}
	return n, err
}

func TestInsertThatBreaksOffLeavesNothing(t *testing.T) {
	name := table(t)
	u := call{query: values("query", "INSERT INTO "+name+" FORMAT CSV")}.url("/")
	req, err := http.NewRequestWithContext(t.Context(), "POST", u, broken{strings.NewReader(strings.Repeat("1,x\n", 100_000))})
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(engines.Connection().ClickHouseUser, engines.Connection().ClickHousePassword)
	if res, err := http.DefaultTransport.RoundTrip(req); err == nil {
		res.Body.Close()
		t.Fatal("the request was whole")
	}
	waitIdle(t)
	call{body: "SELECT count() FROM " + name}.do(t).is(t, 200, "0\n")
}

func TestInsertOutlivesItsClient(t *testing.T) {
	name := table(t)
	mustExec(t, "CREATE TABLE slow_"+name+" (a UInt64, b String) ENGINE = Null")
	mustExec(t, "CREATE MATERIALIZED VIEW view_"+name+" TO "+name+" AS SELECT a + sleep(1) AS a, b FROM slow_"+name)
	ctx, cancel := context.WithCancel(t.Context())
	u := call{query: values("query", "INSERT INTO slow_"+name+" FORMAT CSV")}.url("/")
	req, err := http.NewRequestWithContext(ctx, "POST", u, strings.NewReader("1,x\n"))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(engines.Connection().ClickHouseUser, engines.Connection().ClickHousePassword)
	go func() {
		wait(t, "SELECT count() > 0 FROM system.processes WHERE query LIKE 'INSERT INTO slow_%'", "1\n")
		cancel()
	}()
	if res, err := http.DefaultTransport.RoundTrip(req); err == nil {
		res.Body.Close()
		t.Fatal("the insert ended before its client left")
	}
	wait(t, "SELECT count() FROM "+name, "1\n")
	mustExec(t, "DROP TABLE view_"+name+" SYNC")
	mustExec(t, "DROP TABLE slow_"+name+" SYNC")
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

// waitIdle waits until no statement but its own runs.
func waitIdle(t testing.TB) {
	t.Helper()
	wait(t, "SELECT count() FROM system.processes", "1\n")
}

// wait sends a statement until it gives the answer.
func wait(t testing.TB, sql, want string) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		if a := (call{body: sql}).do(t); a.body == want {
			return
		}
	}
	t.Errorf("%s does not become %q", sql, want)
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

// smallHandler serves the same data with other limits.
func smallHandler(t *testing.T, config chhttp.Config) *httptest.Server {
	t.Helper()
	path, err := embedded.FindLibrary("", "")
	if err != nil {
		t.Fatal(err)
	}
	library, err := chdb.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	config.Engine, err = chdb.StartEngine(chdb.EngineConfig{Library: library, Path: filepath.Join(engines.DataDir(), "clickhouse"), Sessions: 2})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(nil)
	config.Hosts = []string{server.Listener.Addr().String()}
	config.Accounts = []chhttp.Account{{Name: "services", Password: "s", Services: true}, {Name: "analyst", Password: "a", Databases: []string{"default"}}}
	server.Config.Handler = chhttp.New(config)
	server.Start()
	t.Cleanup(func() {
		server.Close()
		if err := config.Engine.Close(10 * time.Second); err != nil {
			t.Error(err)
		}
	})
	return server
}

func post(t testing.TB, server *httptest.Server, user, password, statement, body string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "POST", server.URL+"/?"+values("query", statement).Encode(), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(user, password)
	return send(t, req)
}

func TestBodyBeyondTheBufferIsStreamed(t *testing.T) {
	server := smallHandler(t, chhttp.Config{MaxBuffered: 1000, MaxStatement: 2000})
	name := table(t)
	post(t, server, "services", "s", "INSERT INTO "+name+" FORMAT CSV", strings.Repeat("1,x\n", 1_000_000)).is(t, 200, "")
	post(t, server, "services", "s", "SELECT count() FROM "+name, "").is(t, 200, "1000000\n")
	post(t, server, "services", "s", "INSERT INTO "+name+" FORMAT CSV", strings.Repeat("1,x\n", 100_000)+"nonsense\n").refuses(t, 400, "27")
	post(t, server, "services", "s", "SELECT 1", strings.Repeat(" ", 3000)).refuses(t, 413, "307")
	post(t, server, "services", "s", "SELECT count() FROM "+name, "").is(t, 200, "1000000\n")
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
