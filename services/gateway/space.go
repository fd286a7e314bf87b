package gateway

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// probeInterval is how often free space is looked at.
const probeInterval = time.Second

// FreeSpace returns a probe of the bytes that are free for this user on the disk of a folder.
func FreeSpace(dir string) func() (uint64, error) {
	return func() (uint64, error) {
		var st unix.Statfs_t
		if err := unix.Statfs(dir, &st); err != nil {
			return 0, fmt.Errorf("look at free space: %w", err)
		}
		return st.Bavail * uint64(st.Bsize), nil
	}
}

// space watches the disk of the log: a full one stops the log until it is restarted, so that nothing may be written
// before it is full.
type space struct {
	probe   func() (uint64, error)
	reserve uint64
	low     atomic.Bool
}

// look probes once. A probe that fails leaves the last finding.
func (s *space) look() error {
	free, err := s.probe()
	if err != nil {
		return err
	}
	s.low.Store(free < s.reserve)
	return nil
}

// watch probes every second until ctx ends.
func (s *space) watch(ctx context.Context, failed func(error)) {
	ticker := time.NewTicker(probeInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := s.look(); err != nil {
				failed(err)
			}
		}
	}
}
