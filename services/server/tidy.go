package server

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// A process that has been busy keeps the memory of its last burst until the next collection, which an idle one hardly
// ever needs. So memory is given back once a burst is over.
const (
	tidyEvery = 15 * time.Second
	quiet     = 64 << 20 // bytes allocated since the last look: below it nothing much goes on
	worthIt   = 96 << 20 // bytes allocated since memory was last given back
)

// tidy gives memory back to the system after bursts, until ctx ends.
func tidy(ctx context.Context) error {
	ticker := time.NewTicker(tidyEvery)
	defer ticker.Stop()
	var last, tidied uint64
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
		now := allocated()
		if now-last < quiet && now-tidied > worthIt {
			debug.FreeOSMemory()
			tidied = now
		}
		last = now
	}
}

// allocated returns the bytes that were ever allocated on the Go heap.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
