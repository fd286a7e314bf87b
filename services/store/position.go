package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/log"
)

// Checkpoint is how far a fact table goes, read from its rows.
type Checkpoint struct {
	Seq      uint64      // largest sequence, 0 if the table is empty
	Received time.Time   // of that message
	Rows     uint64      // of all kinds
	Created  []time.Time // the different creation times of streams in the rows; more than one is a fault
}

// Checkpoint reads how far a fact table goes.
func (s *Store) Checkpoint(ctx context.Context, table string) (Checkpoint, error) {
	var c Checkpoint
	if err := checkTable(table); err != nil {
		return c, err
	}
	statement := "SELECT max(seq), toUnixTimestamp64Micro(max(received)), count(), groupUniqArray(3)(toUnixTimestamp64Micro(log_created)) FROM {db}." + table
	var received int64
	var created []int64
	if err := s.conn.QueryRow(ctx, s.SQL(statement)).Scan(&c.Seq, &received, &c.Rows, &created); err != nil {
		return c, fmt.Errorf("read checkpoint of %s: %w", table, err)
	}
	if c.Rows > 0 {
		c.Received = time.UnixMicro(received).UTC()
	}
	slices.Sort(created)
	for _, t := range created {
		c.Created = append(c.Created, time.UnixMicro(t).UTC())
	}
	return c, nil
}

// Position returns what is projected, read from the rows, and when the last of it was received. Only the projector
// knows whether that is all there is: up to which time the facts are complete is for its Progress to say.
func (s *Store) Position(ctx context.Context) (log.Position, time.Time, error) {
	var p log.Position
	var last time.Time
	for _, table := range Tables() {
		c, err := s.Checkpoint(ctx, table)
		if err != nil {
			return p, last, err
		}
		p = p.With(event.Stream(table), c.Seq)
		if c.Received.After(last) {
			last = c.Received
		}
	}
	return p, last, nil
}

// pollInserts is how often [Store.AwaitInserts] looks.
const pollInserts = 50 * time.Millisecond

// RunningInserts is how many INSERTs into a fact table the database is busy with.
func (s *Store) RunningInserts(ctx context.Context, table string) (int, error) {
	if err := checkTable(table); err != nil {
		return 0, err
	}
	var n uint64
	// The blank keeps a table apart from those whose names begin like it.
	prefix := s.insertStatement(table) + " "
	err := s.conn.QueryRow(ctx, "SELECT count() FROM system.processes WHERE query_kind = 'Insert' AND startsWith(query, {prefix:String})",
		clickhouse.Named("prefix", prefix)).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count running inserts into %s: %w", table, err)
	}
	return int(n), nil
}

// AwaitInserts returns when two looks, one after the other, have found no INSERT into a fact table: whoever began one
// before cannot add rows any more.
func (s *Store) AwaitInserts(ctx context.Context, table string) error {
	ticker := time.NewTicker(pollInserts)
	defer ticker.Stop()
	for quiet := 0; quiet < 2; {
		n, err := s.RunningInserts(ctx, table)
		if err != nil {
			return err
		}
		quiet++
		if n > 0 {
			quiet = 0
		}
		if quiet == 2 {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
	return nil
}

// DetachedParts is how many parts of a fact table the database has set aside, as it does in silence with one that it
// finds damaged.
func (s *Store) DetachedParts(ctx context.Context, table string) (int, error) {
	var n uint64
	err := s.conn.QueryRow(ctx, "SELECT count() FROM system.detached_parts WHERE database = {database:String} AND table = {table:String}",
		clickhouse.Named("database", s.database), clickhouse.Named("table", table)).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count detached parts of %s: %w", table, err)
	}
	return int(n), nil
}
