package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2"
)

// insertNative sends one block, encoded in the buffer, and returns when it is stored. The end of ctx does not stop it.
// After an error the buffer may still be read.
func (s *Store) insertNative(ctx context.Context, table string, names []string, all []proto.Column, buffer *proto.Buffer) error {
	input := make([]proto.InputColumn, len(all))
	for i, column := range all {
		input[i] = proto.InputColumn{Name: names[i], Data: column}
	}
	buffer.Reset()
	block := proto.Block{Columns: len(all), Rows: all[0].Rows()}
	if err := block.EncodeRawBlock(buffer, 0, input); err != nil {
		return fmt.Errorf("encode block: %w", err)
	}
	ctx = clickhouse.Context(context.WithoutCancel(ctx), clickhouse.WithSettings(insertSettings))
	return s.conn.InsertFormat(ctx, "Native", s.insertStatement(table), bytes.NewReader(buffer.Buf))
}

// insertSettings make one block one part.
var insertSettings = clickhouse.Settings{
	"async_insert":                  0,
	"insert_deduplicate":            0,
	"max_insert_threads":            1,
	"max_insert_block_size":         1048449,
	"min_insert_block_size_rows":    1048449,
	"min_insert_block_size_bytes":   268402944,
	"max_execution_time":            0,
	"input_format_parallel_parsing": 0,
}

func (s *Store) insertStatement(table string) string {
	return "INSERT INTO " + s.database + "." + table
}

// selectNative runs a SELECT whose result has exactly the given columns and calls fn for each block of it. The columns
// are reused. An error of fn ends the reading and is returned as it is.
func (s *Store) selectNative(ctx context.Context, statement string, settings clickhouse.Settings, names []string, all []proto.Column, fn func() error) error {
	body, err := s.conn.QueryFormat(clickhouse.Context(ctx, clickhouse.WithSettings(settings)), "Native", s.SQL(statement))
	if err != nil {
		return err
	}
	defer body.Close()
	results := make(proto.Results, len(all))
	for i, column := range all {
		results[i] = proto.ResultColumn{Name: names[i], Data: column}
	}
	reader := proto.NewReader(body)
	for {
		block, err := nextBlock(reader, s.revision)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := results.DecodeResult(reader, s.revision, block); err != nil {
			return fmt.Errorf("decode block: %w", noEOF(err))
		}
		if block.Rows == 0 {
			continue
		}
		if err := fn(); err != nil {
			return err
		}
	}
}

// The fields of what precedes a block where the revision of the protocol has it.
const (
	blockOverflows = 1
	blockBucket    = 2
)

// nextBlock reads the head of a block; io.EOF means that there is none.
func nextBlock(r *proto.Reader, revision int) (proto.Block, error) {
	first, err := r.ReadByte()
	if err != nil {
		return proto.Block{}, err
	}
	columns := uint64(first)
	if proto.FeatureBlockInfo.In(revision) {
		if err := skipInfo(r, first); err != nil {
			return proto.Block{}, noEOF(err)
		}
		if columns, err = r.UVarInt(); err != nil {
			return proto.Block{}, noEOF(err)
		}
	}
	if columns >= 0x80 {
		return proto.Block{}, errors.New("a block of more than 127 columns")
	}
	rows, err := r.UVarInt()
	return proto.Block{Columns: int(columns), Rows: int(rows)}, noEOF(err)
}

// skipInfo passes over the fields before a block, of which the first number was read.
func skipInfo(r *proto.Reader, first byte) error {
	for field := uint64(first); field != 0; {
		var err error
		switch field {
		case blockOverflows:
			_, err = r.Bool()
		case blockBucket:
			_, err = r.Int32()
		default:
			err = fmt.Errorf("unknown field %d before a block", field)
		}
		if err != nil {
			return err
		}
		if field, err = r.UVarInt(); err != nil {
			return err
		}
	}
	return nil
}

// noEOF makes an end within a block an error of its own, so that a result that was cut off never passes for whole.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
