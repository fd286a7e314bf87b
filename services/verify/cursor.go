package verify

import (
	"context"

	"github.com/throughline-trials/throughline/services/store"
)

const cursorRows = 1024

// cursor reads rows ahead in a goroutine and hands them out one by one.
type cursor struct {
	blocks chan []store.Row
	rows   []store.Row
	err    error
	stop   context.CancelFunc
}

// openCursor begins to read a query; the caller closes the cursor.
func openCursor(ctx context.Context, s *store.Store, q store.Query) *cursor {
	ctx, cancel := context.WithCancel(ctx)
	c := &cursor{blocks: make(chan []store.Row, 4), stop: cancel}
	go func() {
		defer close(c.blocks)
		c.err = c.read(ctx, s, q)
	}()
	return c
}

func (c *cursor) read(ctx context.Context, s *store.Store, q store.Query) error {
	block := make([]store.Row, 0, cursorRows)
	send := func() error {
		select {
		case c.blocks <- block:
			block = make([]store.Row, 0, cursorRows)
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	err := s.Facts(ctx, q, func(r *store.Row) error {
		if block = append(block, *r); len(block) == cursorRows {
			return send()
		}
		return nil
	})
	if err != nil || len(block) == 0 {
		return err
	}
	return send()
}

// head returns the next row without passing it, nil at the end.
func (c *cursor) head() (*store.Row, error) {
	for len(c.rows) == 0 {
		rows, ok := <-c.blocks
		if !ok {
			return nil, c.err
		}
		c.rows = rows
	}
	return &c.rows[0], nil
}

func (c *cursor) pass() { c.rows = c.rows[1:] }

func (c *cursor) close() {
	c.stop()
	for range c.blocks {
	}
}
