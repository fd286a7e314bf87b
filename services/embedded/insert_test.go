package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/throughline-trials/throughline/services/embedded/embeddedtest"
)

const factTable = `CREATE TABLE facts (seq UInt64, idx UInt32, study LowCardinality(String), participant String, hash FixedString(16), at DateTime64(3, 'UTC'), payload String)
ENGINE = MergeTree ORDER BY (study, participant, seq, idx)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, old_parts_lifetime = 480`

// columns are the values of one block of facts.
type columns struct {
	seq         []uint64
	idx         []uint32
	study       []string
	participant []string
	hash        []string
	at          []int64
	payload     []string
}

func makeColumns(first uint64, rows int) columns {
	var c columns
	for i := range rows {
		n := first + uint64(i)
		c.seq = append(c.seq, n)
		c.idx = append(c.idx, uint32(i%7))
		c.study = append(c.study, "study")
		c.participant = append(c.participant, fmt.Sprintf("p%05d", n%10000))
		c.hash = append(c.hash, fmt.Sprintf("%016d", n))
		c.at = append(c.at, 1_770_000_000_000+int64(n))
		c.payload = append(c.payload, fmt.Sprintf(`{"type":"session.started","n":%d}`, n))
	}
	return c
}

func sendColumns(t testing.TB, conn clickhouse.Conn, c columns) {
	t.Helper()
	batch, err := conn.PrepareBatch(context.Background(), "INSERT INTO facts")
	if err != nil {
		t.Fatal(err)
	}
	for i, values := range []any{c.seq, c.idx, c.study, c.participant, c.hash, c.at, c.payload} {
		if err := batch.Column(i).Append(values); err != nil {
			t.Fatalf("column %d: %v", i, err)
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
}

func TestInsertOfOneBlockIsOnePart(t *testing.T) {
	_, conn := embeddedtest.Database(t)
	mustExec(t, conn, factTable)
	mustExec(t, conn, "SYSTEM STOP MERGES facts")
	synced := fileSyncs(t, conn)
	for i := range 3 {
		sendColumns(t, conn, makeColumns(uint64(i)*50_000, 50_000))
	}
	if n := fileSyncs(t, conn); n <= synced {
		t.Errorf("%d files synced before, %d after", synced, n)
	}
	sendColumns(t, conn, makeColumns(150_000, 300_000))
	var rows []struct {
		Rows uint64 `ch:"rows"`
	}
	if err := conn.Select(t.Context(), &rows, "SELECT rows FROM system.parts WHERE database = currentDatabase() AND table = 'facts' ORDER BY rows"); err != nil {
		t.Fatal(err)
	}
	if len(rows) != 4 || rows[0].Rows != 50_000 || rows[2].Rows != 50_000 || rows[3].Rows != 300_000 {
		t.Errorf("parts hold %v rows, want three of 50000 and one of 300000", rows)
	}
}

// fileSyncs counts the fsyncs of the engine so far.
func fileSyncs(t testing.TB, conn clickhouse.Conn) (n uint64) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), "SELECT sum(value) FROM system.events WHERE event IN ('FileSync', 'DirectorySync')").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestInsertAndQueryWithAFormat(t *testing.T) {
	_, conn := embeddedtest.Database(t)
	mustExec(t, conn, "CREATE TABLE t (a UInt64, b String) ENGINE = MergeTree ORDER BY a")
	ctx := clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{"async_insert": 0, "max_insert_threads": 1}))
	if err := conn.InsertFormat(ctx, "CSV", "INSERT INTO t", strings.NewReader("1,x\n2,y\n")); err != nil {
		t.Fatal(err)
	}
	var exception *clickhouse.Exception
	if err := conn.InsertFormat(ctx, "CSV", "INSERT INTO t", strings.NewReader("nonsense\n")); !errors.As(err, &exception) {
		t.Errorf("an INSERT of nonsense: %v", err)
	}
	if text, err := readAll(conn.QueryFormat(ctx, "CSV", "SELECT a, b FROM t ORDER BY a")); err != nil || text != "1,\"x\"\n2,\"y\"\n" {
		t.Errorf("got %q, %v", text, err)
	}
	_, err := readAll(conn.QueryFormat(ctx, "Native", "SELECT throwIf(number = 300000) FROM numbers(1000000)"))
	if !errors.As(err, &exception) || exception.Code != 395 {
		t.Errorf("an error after the first rows: %v", err)
	}
}

func readAll(body io.ReadCloser, err error) (string, error) {
	if err != nil {
		return "", err
	}
	defer body.Close()
	b, err := io.ReadAll(body)
	return string(b), err
}

func TestErrorAfterTheFirstBlocksReachesTheCaller(t *testing.T) {
	_, conn := embeddedtest.Database(t)
	rows, err := conn.Query(t.Context(), "SELECT number, throwIf(number = 300000) FROM numbers(1000000)")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		n++
	}
	var exception *clickhouse.Exception
	if !errors.As(rows.Err(), &exception) || exception.Code != 395 || n == 0 {
		t.Errorf("%d rows, then %v", n, rows.Err())
	}
}

func TestSelectOfAMillionRows(t *testing.T) {
	_, conn := embeddedtest.Database(t)
	rows, err := conn.Query(t.Context(), "SELECT number, toString(number) FROM numbers(1000000)")
	if err != nil {
		t.Fatal(err)
	}
	if n := drain(t, rows); n != 1_000_000 {
		t.Errorf("read %d rows", n)
	}
}

func drain(t testing.TB, rows driver.Rows) (n int) {
	t.Helper()
	defer rows.Close()
	var number uint64
	var text string
	for rows.Next() {
		if err := rows.Scan(&number, &text); err != nil {
			t.Fatal(err)
		}
		n++
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return n
}
