package bench

import (
	"slices"
	"sync"
	"time"
)

// latencies collects durations from several goroutines.
type latencies struct {
	mu  sync.Mutex
	all []time.Duration
}

func (l *latencies) add(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, d)
}

func (l *latencies) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.all)
}

// quantile returns the smallest duration that at least the share q does not exceed, in milliseconds; 0 if there is none.
func (l *latencies) quantile(q float64) float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.all) == 0 {
		return 0
	}
	slices.Sort(l.all)
	n := int(q * float64(len(l.all)))
	if float64(n) < q*float64(len(l.all)) {
		n++
	}
	return float64(l.all[max(n, 1)-1]) / float64(time.Millisecond)
}
