package store

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/throughline-trials/throughline/pkg/event"
)

// Found is the event of an identity.
type Found struct {
	Seq     uint64
	Index   uint32
	Content event.Digest
}

// How many identities one statement looks up. The database takes the projection, which is ordered by identity, where
// that means fewer granules than the table has: in a large table for few identities at a time. In a small table it is
// quickest to pass over all of it for as many as a statement can hold (256 KiB).
const (
	manyIdentities = 4000
	fewIdentities  = 200
	largeTable     = 20_000_000 // rows
)

// Lookup returns the events of a fact table that have one of the given identities. Should one have several, the first
// stands.
func (s *Store) Lookup(ctx context.Context, table string, identities []event.Identity) (map[event.Identity]Found, error) {
	if err := checkTable(table); err != nil {
		return nil, err
	}
	size, err := s.lookupSize(ctx, table, len(identities))
	if err != nil {
		return nil, err
	}
	found := make(map[event.Identity]Found)
	for ids := range slices.Chunk(identities, size) {
		if err := s.lookup(ctx, table, ids, found); err != nil {
			return nil, fmt.Errorf("look %d identities up in %s: %w", len(ids), table, err)
		}
	}
	return found, nil
}

func (s *Store) lookupSize(ctx context.Context, table string, identities int) (int, error) {
	if identities <= fewIdentities {
		return fewIdentities, nil
	}
	var rows uint64
	err := s.conn.QueryRow(ctx, "SELECT sum(rows) FROM system.parts WHERE active AND database = {database:String} AND table = {table:String}",
		clickhouse.Named("database", s.database), clickhouse.Named("table", table)).Scan(&rows)
	if err != nil {
		return 0, fmt.Errorf("count rows of %s: %w", table, err)
	}
	if rows > largeTable {
		return fewIdentities, nil
	}
	return manyIdentities, nil
}

func (s *Store) lookup(ctx context.Context, table string, ids []event.Identity, found map[event.Identity]Found) error {
	var b strings.Builder
	b.WriteString("SELECT identity, content, seq, idx FROM {db}." + table + " WHERE kind = 'event' AND identity IN (")
	for i, id := range ids {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("x'" + hex.EncodeToString(id[:]) + "'")
	}
	b.WriteByte(')')
	var identity, content proto.ColFixedStr16
	var seq proto.ColUInt64
	var idx proto.ColUInt32
	return s.selectNative(ctx, b.String(), nil, []string{"identity", "content", "seq", "idx"},
		[]proto.Column{&identity, &content, &seq, &idx}, func() error {
			for i, id := range identity {
				f := Found{Seq: seq[i], Index: idx[i], Content: content[i]}
				if have, ok := found[id]; !ok || f.before(have) {
					found[id] = f
				}
			}
			return nil
		})
}

func (f Found) before(o Found) bool {
	return f.Seq < o.Seq || f.Seq == o.Seq && f.Index < o.Index
}

// Identities hands every identity that has an event in a fact table to fn, block by block, in no order. The slice is
// reused.
func (s *Store) Identities(ctx context.Context, table string, fn func([]event.Identity) error) error {
	if err := checkTable(table); err != nil {
		return err
	}
	var column proto.ColFixedStr16
	var ids []event.Identity
	err := s.selectNative(ctx, "SELECT identity FROM {db}."+table+" WHERE kind = 'event'", nil,
		[]string{"identity"}, []proto.Column{&column}, func() error {
			ids = ids[:0]
			for _, id := range column {
				ids = append(ids, id)
			}
			return fn(ids)
		})
	if err != nil {
		return fmt.Errorf("read identities of %s: %w", table, err)
	}
	return nil
}

// Decision is what became of one occurrence of an identity.
type Decision struct {
	Identity event.Identity
	Content  event.Digest
	Seq      uint64
	Index    uint32
	Kind     Kind
	Code     event.Code
}

// Decisions hands the rows of a fact table up to a sequence that have an identity and a content to fn, ordered by identity, seq and
// idx. The value is reused.
func (s *Store) Decisions(ctx context.Context, table string, upTo uint64, fn func(*Decision) error) error {
	if err := checkTable(table); err != nil {
		return err
	}
	var identity, content proto.ColFixedStr16
	var seq proto.ColUInt64
	var idx proto.ColUInt32
	var kind kinds
	var code symbols
	zero := "x'" + strings.Repeat("00", len(event.Digest{})) + "'"
	statement := fmt.Sprintf("SELECT identity, content, seq, idx, kind, code FROM {db}.%s WHERE seq <= %d AND content != %s ORDER BY identity, seq, idx", table, upTo, zero)
	var d Decision
	err := s.selectNative(ctx, statement, clickhouse.Settings{"max_bytes_before_external_sort": sortBytes}, []string{"identity", "content", "seq", "idx", "kind", "code"},
		[]proto.Column{&identity, &content, &seq, &idx, &kind, &code}, func() error {
			for i := range identity {
				d = Decision{Identity: identity[i], Content: content[i], Seq: seq[i], Index: idx[i], Kind: Kind(kind.ColUInt8[i]), Code: event.Code(code.Row(i))}
				if err := fn(&d); err != nil {
					return err
				}
			}
			return nil
		})
	if err != nil {
		return fmt.Errorf("read decisions of %s: %w", table, err)
	}
	return nil
}
