package chaos

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// compare holds the facts, read over the ClickHouse port, against the ledger: all of them, or those sent since the last
// comparison. Every acknowledged event must be there once, as sent; nothing else may be there.
func (r *run) compare(ctx context.Context, whole bool) error {
	r.ledger.mu.Lock()
	from, to := r.ledger.compared, r.ledger.next
	if whole {
		from = 0
	}
	acked := make(map[int]bool, len(r.ledger.acked))
	maps.Copy(acked, r.ledger.acked)
	r.ledger.mu.Unlock()

	seen := make([]byte, to-from)
	query := fmt.Sprintf(`SELECT id, participant, type, toUnixTimestamp64Micro(time), data FROM %s.events
WHERE study = '%s' AND source = '%s' AND kind = 'event' AND toUInt64OrZero(substring(id, 3)) >= %d FORMAT TabSeparated`, database, studyID, source, from)
	err := r.target.rows(ctx, query, func(columns []string) error {
		n, err := number(columns[0])
		if err != nil || n < from || n >= to {
			return fmt.Errorf("the facts hold an event that was never sent: %q", columns[0])
		}
		if seen[n-from]++; seen[n-from] > 1 {
			return fmt.Errorf("event %d is in the facts more than once", n)
		}
		spread, ok := acked[n-n%batchSize]
		if !ok {
			return fmt.Errorf("event %d is in the facts and its batch was never acknowledged", n)
		}
		micros, _ := strconv.ParseInt(columns[3], 10, 64)
		if got, want := (fact{columns[1], columns[2], columns[4], micros}), r.ledger.fact(n, spread); got != want {
			return fmt.Errorf("event %d differs in the facts: %+v, sent as %+v", n, got, want)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for first := range acked {
		for n := max(first, from); n < first+batchSize; n++ {
			if seen[n-from] != 1 {
				return fmt.Errorf("acknowledged event %d is not in the facts", n)
			}
		}
	}
	r.ledger.mu.Lock()
	r.ledger.compared = to
	r.ledger.mu.Unlock()
	return nil
}

// database is where the facts are.
const database = "throughline"

// rows streams the rows of a query over the ClickHouse port, as unescaped columns.
func (t *target) rows(ctx context.Context, query string, each func([]string) error) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+t.connection.ClickHouse+"/?"+url.Values{"database": {database}}.Encode(), strings.NewReader(query))
	if err != nil {
		return err
	}
	req.SetBasicAuth(t.connection.ClickHouseUser, t.connection.ClickHousePassword)
	res, err := t.client.Do(req)
	if err != nil {
		return fmt.Errorf("read facts: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 2000))
		return fmt.Errorf("read facts: %s", text)
	}
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if err := each(strings.Split(lines.Text(), "\t")); err != nil {
			return err
		}
	}
	return lines.Err()
}
