// Package tail keeps the end of what a process says, for the error that tells of its failure.
package tail

import "sync"

// Bytes is how much is kept, about.
const Bytes = 4 << 10

// Tail is an [io.Writer] that keeps what was written last. The zero value is ready; it is safe for concurrent use, so
// that several processes may write to one.
type Tail struct {
	mu   sync.Mutex
	text []byte
}

// Write implements [io.Writer]; it never fails.
func (t *Tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	if len(t.text) > Bytes {
		t.text = append(t.text[:0], t.text[len(t.text)-Bytes:]...)
	}
	return len(b), nil
}

// String returns what is kept.
func (t *Tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}

// Reset forgets what is kept.
func (t *Tail) Reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = t.text[:0]
}
