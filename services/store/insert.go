package store

import (
	"context"
	"fmt"

	"github.com/ClickHouse/ch-go/proto"
)

// MaxInsertRows is the largest number of rows of one INSERT, below what the database would split into two parts.
const MaxInsertRows = 500_000

// Insert stores rows in a fact table by one INSERT of one block, which becomes one part: after a crash either all are
// there or none. It returns when they are on disk. It cannot be cancelled and has no deadline, because an INSERT that
// was given up may still happen; after an error the caller cannot know before [Store.AwaitInserts] whether it did.
func (s *Store) Insert(ctx context.Context, table string, rows []Row) error {
	b := s.NewBlock()
	for i := range rows {
		b.Append(&rows[i])
	}
	return b.Insert(ctx, table)
}

// Block collects rows for one INSERT. It is reused for the next after [Block.Reset] and is not safe for concurrent use.
type Block struct {
	store   *Store
	columns *columns
	buffer  *proto.Buffer // of what is sent, kept for its memory
}

// NewBlock returns an empty block.
func (s *Store) NewBlock() *Block {
	return &Block{store: s, columns: newColumns(), buffer: new(proto.Buffer)}
}

// Append adds a row; the row itself is not kept.
func (b *Block) Append(r *Row) { b.columns.append(r) }

// Rows is how many rows there are.
func (b *Block) Rows() int { return b.columns.rows() }

// Reset forgets the rows and keeps the memory.
func (b *Block) Reset() { b.columns.reset() }

// Insert is [Store.Insert] of the rows of the block.
func (b *Block) Insert(ctx context.Context, table string) error {
	if err := checkTable(table); err != nil {
		return err
	}
	switch rows := b.Rows(); {
	case rows == 0:
		return nil
	case rows > MaxInsertRows:
		return fmt.Errorf("insert %d rows into %s: at most %d at once", rows, table, MaxInsertRows)
	}
	if err := b.store.insertNative(ctx, table, b.columns.names, b.columns.all, b.buffer); err != nil {
		b.buffer = new(proto.Buffer)
		return fmt.Errorf("insert %d rows into %s: %w", b.Rows(), table, err)
	}
	return nil
}
