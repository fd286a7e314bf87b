package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/throughline-trials/throughline/services/embedded"
)

// facts is the ClickHouse port of a server, as any tool may use it with the credentials of connection.json.
type facts struct {
	testing.TB
	conn clickhouse.Conn
}

func openFacts(t testing.TB, c embedded.Connection) facts {
	t.Helper()
	conn, err := clickhouse.Open(clickHouseOptions(c))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return facts{t, conn}
}

// clickHouseOptions are those of the ClickHouse port of a server.
func clickHouseOptions(c embedded.Connection) *clickhouse.Options {
	return &clickhouse.Options{
		Protocol: clickhouse.HTTP, Addr: []string{c.ClickHouse},
		Auth: clickhouse.Auth{Database: "throughline", Username: c.ClickHouseUser, Password: c.ClickHousePassword},
	}
}

// counted returns the counted facts of a study in all that does not tell when and in which order they came. A void that
// came before the allocation that it is about has travelled with the events, and stands there.
func (f facts) counted(study string) []string {
	f.Helper()
	var parts []string
	for _, table := range []string{"events", "allocations", "studies"} {
		parts = append(parts, fmt.Sprintf("SELECT * FROM throughline.%s WHERE study = '%s' AND kind = 'event'", table, study))
	}
	return f.strings(fmt.Sprintf(`SELECT toString(tuple(participant, type, version, source, id, time, time_local, time_offset, offset, sent,
		timezone, component, channel, actorrole, modality, istest, replaceAll(data, '%s', 'STUDY'))) AS fact
		FROM (%s) ORDER BY fact`, study, strings.Join(parts, " UNION ALL ")))
}

// strings returns the one column of a query.
func (f facts) strings(query string) []string {
	f.Helper()
	rows, err := f.conn.Query(f.Context(), query)
	if err != nil {
		f.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			f.Fatal(err)
		}
		all = append(all, s)
	}
	if err := rows.Err(); err != nil {
		f.Fatal(err)
	}
	return all
}

// messages counts the messages that the log holds of a study, by stream. What is refused is counted under quarantine.
func messages(t testing.TB, c embedded.Connection, study string) map[string]uint64 {
	t.Helper()
	nc, err := nats.Connect("nats://"+c.NATS, nats.UserInfo(c.NATSUser, c.NATSPassword))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]uint64{}
	for stream, subject := range map[string]string{"EVENTS": "events", "ALLOCATIONS": "allocation", "STUDIES": "study", "QUARANTINE": "quarantine"} {
		s, err := js.Stream(context.Background(), stream)
		if err != nil {
			t.Fatal(err)
		}
		info, err := s.Info(context.Background(), jetstream.WithSubjectFilter("tl."+subject+"."+study+".>"))
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range info.State.Subjects {
			counts[strings.ToLower(stream)] += n
		}
	}
	return counts
}

// accepted returns the counts without those of the quarantine.
func accepted(counts map[string]uint64) []uint64 {
	return slices.Clone([]uint64{counts["events"], counts["allocations"], counts["studies"]})
}
