package projector

import "sync/atomic"

// ratio is a mean number of rows in a message. It is safe for concurrent use.
type ratio struct{ rows, messages atomic.Int64 }

func (r *ratio) add(rows, messages int) {
	r.rows.Add(int64(rows))
	r.messages.Add(int64(messages))
}

// mean is 1 before anything was counted.
func (r *ratio) mean() float64 {
	messages := r.messages.Load()
	if messages == 0 {
		return 1
	}
	return float64(r.rows.Load()) / float64(messages)
}
