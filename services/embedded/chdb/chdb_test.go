package chdb_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/throughline-trials/throughline/services/embedded"
	"github.com/throughline-trials/throughline/services/embedded/chdb"
)

func library(t testing.TB) *chdb.Library {
	t.Helper()
	path, err := embedded.FindLibrary("", "")
	if err != nil {
		t.Fatal(err)
	}
	l, err := chdb.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func start(t testing.TB, dir string) *chdb.Engine {
	t.Helper()
	e, err := chdb.StartEngine(chdb.EngineConfig{Library: library(t), Path: dir, Sessions: 4, Options: []string{"--async_insert=0"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(10 * time.Second); err != nil {
			t.Error(err)
		}
	})
	return e
}

func session(t testing.TB, e *chdb.Engine, setup chdb.Setup) *chdb.Session {
	t.Helper()
	s, err := e.Session(t.Context(), setup)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func query(t testing.TB, c *chdb.Conn, sql string, params ...chdb.Param) string {
	t.Helper()
	r, err := c.Query(sql, "TSV", params...)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	defer r.Close()
	return string(r.Bytes())
}

func TestZeroBytesPassEverywhere(t *testing.T) {
	s := session(t, start(t, t.TempDir()), chdb.Setup{})
	defer s.Release()
	if got := query(t, s.Conn, "SELECT length('a\x00b'), length({p:String}), {q:String} = ''", chdb.Param{Name: "p", Value: "c\\0\\0d"}, chdb.Param{Name: "q"}); got != "3\t4\t1\n" {
		t.Errorf("got %q", got)
	}
	if err := s.Exec("CREATE TABLE t (a String) ENGINE = MergeTree ORDER BY a"); err != nil {
		t.Fatal(err)
	}
	in, err := s.Insert("INSERT INTO t", "RowBinary")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(in.Append([]byte{3, 'x', 0}), in.Append(nil), in.Append([]byte{'y', 1, 0})); err != nil {
		t.Fatal(err)
	}
	if rows, err := in.Done(); err != nil || rows != 2 {
		t.Errorf("inserted %d, %v", rows, err)
	}
	if got := query(t, s.Conn, "SELECT hex(a) FROM t ORDER BY a"); got != "00\n780079\n" {
		t.Errorf("got %q", got)
	}
}

func TestErrorHasCodeAndName(t *testing.T) {
	s := session(t, start(t, t.TempDir()), chdb.Setup{})
	defer s.Release()
	_, err := s.Query("SELECT * FROM missing", "TSV")
	var e *chdb.Error
	if !errors.As(err, &e) || e.Code != 60 || e.Name() != "UNKNOWN_TABLE" || !strings.HasPrefix(e.Error(), "Code: 60. DB::Exception: ") {
		t.Errorf("got %v", err)
	}
	if _, err = s.Insert("INSERT INTO missing", "CSV"); !errors.As(err, &e) || e.Code != 60 {
		t.Errorf("insert: %v", err)
	}
}

func TestStreamIsReadInPieces(t *testing.T) {
	s := session(t, start(t, t.TempDir()), chdb.Setup{})
	defer s.Release()
	stream, err := s.Stream("SELECT number FROM numbers(1000000)", "TSV")
	if err != nil {
		t.Fatal(err)
	}
	pieces, rows := 0, 0
	for {
		b, err := stream.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		pieces++
		rows += strings.Count(string(b), "\n")
	}
	stream.Close()
	if rows != 1_000_000 || pieces < 10 {
		t.Errorf("%d rows in %d pieces", rows, pieces)
	}
	stream, err = s.Stream("SELECT number FROM numbers(1000000000)", "TSV")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Next(); err != nil {
		t.Fatal(err)
	}
	stream.Close()
	if got := query(t, s.Conn, "SELECT 1"); got != "1\n" {
		t.Errorf("after a stream given up: %q", got)
	}
}

func TestCancelledInsertLeavesNothing(t *testing.T) {
	s := session(t, start(t, t.TempDir()), chdb.Setup{})
	defer s.Release()
	if err := s.Exec("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a"); err != nil {
		t.Fatal(err)
	}
	in, err := s.Insert("INSERT INTO t", "CSV")
	if err != nil {
		t.Fatal(err)
	}
	if err := in.Append([]byte(strings.Repeat("1\n", 100_000))); err != nil {
		t.Fatal(err)
	}
	in.Cancel()
	in.Cancel()
	if got := query(t, s.Conn, "SELECT count() FROM t"); got != "0\n" {
		t.Errorf("count %q", got)
	}
}

func TestSessionsKeepTheirState(t *testing.T) {
	e := start(t, t.TempDir())
	s := session(t, e, chdb.Setup{Database: "system", Settings: map[string]string{"max_threads": "3"}})
	if got := query(t, s.Conn, "SELECT currentDatabase(), getSetting('max_threads')"); got != "system\t3\n" {
		t.Errorf("got %q", got)
	}
	conn := s.Conn
	s.Release()
	if s = session(t, e, chdb.Setup{}); s.Conn == conn {
		t.Error("a session of another state was lent")
	}
	s.Release()
	s = session(t, e, chdb.Setup{Database: "system", Settings: map[string]string{"max_threads": "3"}})
	if s.Conn != conn {
		t.Error("a session of the same state was not used again")
	}
	s.Taint()
	s.Release()
	if s = session(t, e, chdb.Setup{Database: "system", Settings: map[string]string{"max_threads": "3"}}); s.Conn == conn {
		t.Error("a tainted session was lent")
	}
	s.Release()
	for _, setup := range []chdb.Setup{{Database: "mis`sing"}, {Settings: map[string]string{"max_threads": "x'"}}, {Settings: map[string]string{"a` = 1": "1"}}} {
		var exception *chdb.Error
		if _, err := e.Session(t.Context(), setup); !errors.As(err, &exception) {
			t.Errorf("%+v: %v", setup, err)
		}
	}
}

func TestSessionsAreBounded(t *testing.T) {
	e := start(t, t.TempDir())
	var held []*chdb.Session
	for range 4 {
		held = append(held, session(t, e, chdb.Setup{}))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Session(ctx, chdb.Setup{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a fifth session: %v", err)
	}
	if err := e.Close(time.Millisecond); err == nil {
		t.Error("closed under its sessions")
	}
	for _, s := range held {
		s.Release()
	}
}

func TestEngineClosesAndOpensAgain(t *testing.T) {
	dir := t.TempDir()
	e := start(t, dir)
	s := session(t, e, chdb.Setup{})
	for _, sql := range []string{"CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a", "INSERT INTO t VALUES (1)"} {
		if err := s.Exec(sql); err != nil {
			t.Fatal(err)
		}
	}
	s.Release()
	if err := e.Close(10 * time.Second); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Session(t.Context(), chdb.Setup{}); !errors.Is(err, chdb.ErrClosed) {
		t.Errorf("session of a closed engine: %v", err)
	}
	s = session(t, start(t, dir), chdb.Setup{})
	defer s.Release()
	if got := query(t, s.Conn, "SELECT count() FROM t"); got != "1\n" {
		t.Errorf("count %q", got)
	}
}

func TestManySessionsAtOnce(t *testing.T) {
	e := start(t, t.TempDir())
	s := session(t, e, chdb.Setup{})
	if err := s.Exec("CREATE TABLE t (w UInt64, n UInt64) ENGINE = MergeTree ORDER BY w"); err != nil {
		t.Fatal(err)
	}
	s.Release()
	const workers, rounds = 8, 40
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			for n := range rounds {
				if err := work(t.Context(), e, w, n); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	s = session(t, e, chdb.Setup{})
	defer s.Release()
	if got := query(t, s.Conn, "SELECT count(), uniqExact(w, n) FROM t"); got != fmt.Sprintf("%d\t%[1]d\n", workers*rounds) {
		t.Errorf("got %q", got)
	}
}

// work inserts a row and reads it back, by insert, stream and query.
func work(ctx context.Context, e *chdb.Engine, w, n int) error {
	s, err := e.Session(ctx, chdb.Setup{Settings: map[string]string{"max_threads": fmt.Sprint(1 + w%3)}})
	if err != nil {
		return err
	}
	defer s.Release()
	in, err := s.Insert("INSERT INTO t", "CSV")
	if err != nil {
		return err
	}
	if err := in.Append(fmt.Appendf(nil, "%d,%d\n", w, n)); err != nil {
		return err
	}
	if _, err := in.Done(); err != nil {
		return err
	}
	stream, err := s.Stream("SELECT n FROM t WHERE w = {w:UInt64} AND n = {n:UInt64}", "TSV", chdb.Param{Name: "w", Value: fmt.Sprint(w)}, chdb.Param{Name: "n", Value: fmt.Sprint(n)})
	if err != nil {
		return err
	}
	defer stream.Close()
	b, err := stream.Next()
	if err != nil || string(b) != fmt.Sprintf("%d\n", n) {
		return fmt.Errorf("read back %q, %w", b, err)
	}
	return nil
}

func TestClassify(t *testing.T) {
	s := session(t, start(t, t.TempDir()), chdb.Setup{})
	defer s.Release()
	for sql, want := range map[string]chdb.Analysis{
		"SELECT 1":                      {Statements: 1, Class: chdb.ReadOnly},
		"SELECT 1; SELECT 2":            {Statements: 2, Class: chdb.ReadOnly},
		"INSERT INTO t VALUES (1)":      {Statements: 1, Class: chdb.Mutating},
		"CREATE FUNCTION f AS x -> x":   {Statements: 1, Class: chdb.MutatingGlobal},
		"SELECT 1 INTO OUTFILE 'x'":     {Statements: 1, Class: chdb.Control},
		"SET max_threads = 1":           {Statements: 1, Class: chdb.Control},
		"SELECT FROM WHERE and so on (": {Class: chdb.Unknown},
	} {
		if got, err := s.Classify(sql); err != nil || got != want {
			t.Errorf("%s: %+v, %v", sql, got, err)
		}
	}
}

func TestWrongLibraryIsAnError(t *testing.T) {
	if _, err := chdb.Open("/nowhere/libchdb.so"); err == nil || !strings.Contains(err.Error(), "/nowhere/libchdb.so") {
		t.Errorf("got %v", err)
	}
	if _, err := chdb.Open("libc.so.6"); err == nil || !strings.Contains(err.Error(), "chdb_") {
		t.Errorf("got %v", err)
	}
}
