package gateway

import (
	"errors"
	"sync/atomic"
)

var errBusy = errors.New("too much is being handled")

// budget bounds what all requests together may hold.
type budget struct {
	limit int64
	used  atomic.Int64
}

// claim takes n of the budget, or nothing and false if it is used up.
func (b *budget) claim(n int) bool {
	if b.used.Add(int64(n)) > b.limit {
		b.used.Add(-int64(n))
		return false
	}
	return true
}

func (b *budget) free(n int) { b.used.Add(-int64(n)) }
