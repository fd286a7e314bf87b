package chhttp_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/throughline-trials/throughline/services/embedded/chhttp"
)

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

func TestBodyBeyondTheBufferIsStreamed(t *testing.T) {
	server := smallHandler(t, chhttp.Config{MaxBuffered: 1000, MaxStatement: 2000})
	name := table(t)
	post(t, server, "services", "s", "INSERT INTO "+name+" FORMAT CSV", strings.Repeat("1,x\n", 1_000_000)).is(t, 200, "")
	post(t, server, "services", "s", "SELECT count() FROM "+name, "").is(t, 200, "1000000\n")
	post(t, server, "services", "s", "INSERT INTO "+name+" FORMAT CSV", strings.Repeat("1,x\n", 100_000)+"nonsense\n").refuses(t, 400, "27")
	post(t, server, "services", "s", "SELECT 1", strings.Repeat(" ", 3000)).refuses(t, 413, "307")
	post(t, server, "services", "s", "SELECT count() FROM "+name, "").is(t, 200, "1000000\n")
}
