package projector

import (
	"sync"
	"time"
)

// maxMarks bounds the memory of where blocks ended.
const maxMarks = 256

// track is how far one stream is projected, for those who do not write it.
type track struct {
	mu    sync.Mutex
	known bool // the table was looked at
	last  mark
	marks []mark // ends of the latest blocks, ascending
}

// mark is the end of a block.
type mark struct {
	seq      uint64
	received time.Time
}

func (t *track) seq() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last.seq
}

// set begins at the end of a table.
func (t *track) set(seq uint64, received time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.known, t.last = true, mark{seq, received}
	t.marks = append(t.marks[:0], t.last)
}

func (t *track) advance(seq uint64, received time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = mark{seq, received}
	if len(t.marks) == maxMarks {
		t.marks = append(t.marks[:0], t.marks[maxMarks/2:]...)
	}
	t.marks = append(t.marks, t.last)
}

// pass counts messages up to a sequence as projected that are not in the log any more.
func (t *track) pass(seq uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if seq <= t.last.seq {
		return
	}
	t.last.seq = seq
	t.marks = append(t.marks, t.last)
}

func (t *track) end() (last mark, known bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last, t.known
}

// upTo returns the last end of a block that was received at a time or before; 0 if none is remembered.
func (t *track) upTo(through time.Time) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := len(t.marks) - 1; i >= 0; i-- {
		if !t.marks[i].received.After(through) {
			return t.marks[i].seq
		}
	}
	return 0
}
