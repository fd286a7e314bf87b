package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	"golang.org/x/sync/errgroup"
)

// Bounds of the memory of one reading, in rows of a block and in bytes of the database's sorting.
const (
	readBlockRows = 16384
	sortBytes     = 256 << 20
)

// Facts hands the rows of a query to fn, ordered by study, participant, table (in the order of the query), seq and idx.
// The row is reused: copy it to keep it; its strings and data stay valid. Memory is bounded whatever the size of the
// result. An error of fn ends the reading and is returned as it is.
func (s *Store) Facts(ctx context.Context, q Query, fn func(*Row) error) error {
	if err := q.validate(); err != nil {
		return fmt.Errorf("read facts: %w", err)
	}
	tables := q.tables()
	if len(tables) == 1 {
		return s.readTable(ctx, q, tables[0], fn)
	}
	return s.mergeTables(ctx, q, tables, fn)
}

// readTable reads one table, row by row.
func (s *Store) readTable(ctx context.Context, q Query, table string, fn func(*Row) error) error {
	row := Row{Table: table}
	return s.readBlocks(ctx, q, table, columnsOf(q.Lean), func(c *columns) error {
		for i := range c.rows() {
			c.row(i, &row)
			if err := fn(&row); err != nil {
				return &stop{err}
			}
		}
		return nil
	})
}

// stop carries an error of the caller through the reading, so that it is told from errors of reading.
type stop struct{ err error }

func (s *stop) Error() string { return s.err.Error() }

func (s *Store) readBlocks(ctx context.Context, q Query, table string, c *columns, fn func(*columns) error) error {
	settings := clickhouse.Settings{"max_block_size": readBlockRows, "optimize_read_in_order": 1, "max_bytes_before_external_sort": sortBytes}
	for _, participants := range q.groups() {
		statement := q.statement(table, c.names, participants)
		err := s.selectNative(ctx, statement, settings, c.names, c.all, func() error { return fn(c) })
		var stopped *stop
		if errors.As(err, &stopped) {
			return stopped.err
		}
		if err != nil {
			return fmt.Errorf("read facts of %s: %w", table, err)
		}
	}
	return nil
}

// mergeTables reads several tables at once, each in a goroutine that hands over blocks of rows, and merges their rows.
//
//	events      → blocks ┐
//	allocations → blocks ┼→ merge → fn
//	studies     → blocks ┘
func (s *Store) mergeTables(ctx context.Context, q Query, tables []string, fn func(*Row) error) error {
	reading, cancel := context.WithCancel(ctx)
	defer cancel()
	var group errgroup.Group
	streams := make([]*rowStream, len(tables))
	for i, table := range tables {
		streams[i] = &rowStream{order: i, blocks: make(chan []Row, 1), free: make(chan []Row, spareBlocks)}
		group.Go(func() error {
			err := s.feed(reading, q, table, streams[i])
			if err != nil {
				cancel()
			}
			return err
		})
	}
	err := merge(slices.Clone(streams), fn)
	if err != nil {
		cancel()
	}
	for _, stream := range streams {
		for range stream.blocks { // drained, so that no reader waits
		}
	}
	if fed := group.Wait(); err == nil {
		err = fed
	}
	return err
}

// feed reads a table into blocks and closes the channel.
func (s *Store) feed(ctx context.Context, q Query, table string, stream *rowStream) error {
	defer close(stream.blocks)
	return s.readBlocks(ctx, q, table, columnsOf(q.Lean), func(c *columns) error {
		rows := stream.block(c.rows())
		for i := range rows {
			rows[i].Table = table
			c.row(i, &rows[i])
		}
		select {
		case stream.blocks <- rows:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}

// rowStream is the rows of one table, in order.
type rowStream struct {
	order  int
	blocks chan []Row
	rows   []Row
	whole  []Row      // the block that rows are the rest of
	free   chan []Row // blocks that are done with
}

// spareBlocks is how many blocks are filled, wait and are read at once.
const spareBlocks = 3

// block returns a block of rows, one that is done with if there is any.
func (s *rowStream) block(n int) []Row {
	select {
	case rows := <-s.free:
		if cap(rows) >= n {
			return rows[:n]
		}
	default:
	}
	return make([]Row, n)
}

// done gives the block that was read back.
func (s *rowStream) done() {
	if s.whole == nil {
		return
	}
	select {
	case s.free <- s.whole:
	default:
	}
	s.whole = nil
}

// head returns the next row, nil at the end.
func (s *rowStream) head() *Row {
	for len(s.rows) == 0 {
		s.done()
		rows, ok := <-s.blocks
		if !ok {
			return nil
		}
		s.rows, s.whole = rows, rows
	}
	return &s.rows[0]
}

// merge hands over the rows of all streams by study and participant, within one participant stream after stream.
func merge(streams []*rowStream, fn func(*Row) error) error {
	for {
		streams = slices.DeleteFunc(streams, func(s *rowStream) bool { return s.head() == nil })
		if len(streams) == 0 {
			return nil
		}
		first := slices.MinFunc(streams, compareHeads)
		head := first.head()
		study, participant := head.Event.Study, head.Event.Subject
		for head != nil && head.Event.Study == study && head.Event.Subject == participant {
			if err := fn(head); err != nil {
				return err
			}
			first.rows = first.rows[1:]
			head = first.head()
		}
	}
}

func compareHeads(a, b *rowStream) int {
	x, y := a.head(), b.head()
	return cmp.Or(
		strings.Compare(x.Event.Study, y.Event.Study),
		strings.Compare(x.Event.Subject, y.Event.Subject),
		cmp.Compare(a.order, b.order),
	)
}
