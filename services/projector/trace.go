package projector

import (
	"encoding/binary"
	"fmt"
	"os"

	"github.com/throughline-trials/throughline/pkg/event"
)

// Phase is a moment in the life of a block.
type Phase int

// The phases, in order.
const (
	PhaseReceived     Phase = iota + 1 // read from the log and checked
	PhaseInsertBegin                   // the INSERT is about to be sent
	PhaseInsertEnd                     // the rows are on disk
	PhaseInsertFailed                  // the INSERT ended in an error; whether the rows are there is not known
)

// TracePoint tells of a block at a moment.
type TracePoint struct {
	Phase  Phase
	Stream event.Stream
	Seq    uint64 // of the last message of the block
	Rows   int
}

// TraceFile writes what is being done with the events stream into a file of 16 bytes that outlives the process: whether
// an INSERT is running (0 or 1), and the last sequence that was inserted, both as little-endian 64-bit numbers. The
// file is for fault injection and is not synced. The caller closes it after the projector has ended.
type TraceFile struct {
	file     *os.File
	inserted uint64
}

// OpenTraceFile makes or empties the file.
func OpenTraceFile(path string) (*TraceFile, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open trace file: %w", err)
	}
	t := &TraceFile{file: file}
	t.write(0)
	return t, nil
}

// Trace is for [Config].
func (t *TraceFile) Trace(p TracePoint) {
	if p.Stream != event.StreamEvents {
		return
	}
	switch p.Phase {
	case PhaseInsertBegin:
		t.write(1)
	case PhaseInsertEnd:
		t.inserted = p.Seq
		t.write(0)
	case PhaseInsertFailed:
		t.write(0)
	}
}

// write ignores errors: the file is an aid to whoever injects faults.
func (t *TraceFile) write(inserting uint64) {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:8], inserting)
	binary.LittleEndian.PutUint64(b[8:], t.inserted)
	_, _ = t.file.WriteAt(b[:], 0)
}

// Close closes the file and leaves it.
func (t *TraceFile) Close() error { return t.file.Close() }
