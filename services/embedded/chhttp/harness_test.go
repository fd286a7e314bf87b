package chhttp_test

import (
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
