package store

import (
	"encoding/binary"
	"fmt"

	"github.com/ClickHouse/ch-go/proto"
)

// symbols is a LowCardinality(String) column: a dictionary and a key per row. It exists beside ch-go's because it keeps
// one string per dictionary entry, not one per row.
type symbols struct {
	dict  []string
	index map[string]uint32
	keys  []uint32
	last  string // value of the last append, and its key: neighbours are often equal
	key   uint32
	text  proto.ColStr
	raw   []byte
}

// The bits of the column's header: the size of keys, and that a dictionary comes along.
const (
	symbolsVersion  = 1
	symbolsHasKeys  = 1 << 9
	symbolsUpdate   = 1 << 10
	symbolsKeyMask  = 0xff
	symbolsKeyBytes = 0
	symbolsKeyWords = 2
)

// Append adds one value.
func (s *symbols) Append(v string) {
	if v == s.last && len(s.keys) > 0 {
		s.keys = append(s.keys, s.key)
		return
	}
	if s.index == nil {
		s.index = make(map[string]uint32)
	}
	key, ok := s.index[v]
	if !ok {
		key = uint32(len(s.dict))
		s.index[v] = key
		s.dict = append(s.dict, v)
	}
	s.last, s.key = v, key
	s.keys = append(s.keys, key)
}

// Row returns one value.
func (s *symbols) Row(i int) string { return s.dict[s.keys[i]] }

// Type is the column's type in the database.
func (s *symbols) Type() proto.ColumnType { return "LowCardinality(String)" }

// Rows is how many values there are.
func (s *symbols) Rows() int { return len(s.keys) }

// Reset forgets all values.
func (s *symbols) Reset() {
	s.dict, s.keys, s.last, s.key = s.dict[:0], s.keys[:0], "", 0
	clear(s.index)
}

// EncodeState writes what precedes the column.
func (s *symbols) EncodeState(b *proto.Buffer) { b.PutInt64(symbolsVersion) }

// EncodeColumn writes dictionary and keys.
func (s *symbols) EncodeColumn(b *proto.Buffer) {
	if len(s.keys) == 0 {
		return
	}
	size := symbolsKeyWords
	if len(s.dict) <= 256 {
		size = symbolsKeyBytes
	}
	b.PutInt64(int64(symbolsHasKeys | symbolsUpdate | size))
	b.PutInt64(int64(len(s.dict)))
	for _, v := range s.dict {
		b.PutString(v)
	}
	b.PutInt64(int64(len(s.keys)))
	for _, k := range s.keys {
		if size == symbolsKeyBytes {
			b.Buf = append(b.Buf, byte(k))
		} else {
			b.Buf = binary.LittleEndian.AppendUint32(b.Buf, k)
		}
	}
}

// WriteColumn writes dictionary and keys.
func (s *symbols) WriteColumn(w *proto.Writer) { w.ChainBuffer(s.EncodeColumn) }

// DecodeState reads what precedes the column.
func (s *symbols) DecodeState(r *proto.Reader) error {
	version, err := r.Int64()
	if err == nil && version != symbolsVersion {
		err = fmt.Errorf("unknown version %d of LowCardinality keys", version)
	}
	return err
}

// DecodeColumn reads dictionary and keys.
func (s *symbols) DecodeColumn(r *proto.Reader, rows int) error {
	s.Reset()
	if rows == 0 {
		return nil
	}
	meta, err := r.Int64()
	if err != nil {
		return err
	}
	if meta&symbolsHasKeys == 0 {
		return fmt.Errorf("a LowCardinality column without a dictionary")
	}
	if err := s.decodeDictionary(r); err != nil {
		return err
	}
	n, err := r.Int64()
	if err != nil {
		return err
	}
	if n != int64(rows) {
		return fmt.Errorf("a LowCardinality column of %d keys for %d rows", n, rows)
	}
	return s.decodeKeys(r, rows, 1<<(meta&symbolsKeyMask))
}

func (s *symbols) decodeDictionary(r *proto.Reader) error {
	n, err := r.Int64()
	if err != nil {
		return err
	}
	s.text.Reset()
	if err := s.text.DecodeColumn(r, int(n)); err != nil {
		return err
	}
	for i := range int(n) {
		s.dict = append(s.dict, s.text.Row(i))
	}
	return nil
}

func (s *symbols) decodeKeys(r *proto.Reader, rows, size int) error {
	if size > 8 {
		return fmt.Errorf("LowCardinality keys of unknown size")
	}
	if cap(s.raw) < rows*size {
		s.raw = make([]byte, rows*size)
	}
	s.raw = s.raw[:rows*size]
	if err := r.ReadFull(s.raw); err != nil {
		return err
	}
	for i := range rows {
		var key uint64
		for b := size - 1; b >= 0; b-- {
			key = key<<8 | uint64(s.raw[i*size+b])
		}
		if key >= uint64(len(s.dict)) {
			return fmt.Errorf("a LowCardinality key beyond its dictionary")
		}
		s.keys = append(s.keys, uint32(key))
	}
	return nil
}
