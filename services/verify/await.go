package verify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/throughline-trials/throughline/services/log"
	"github.com/throughline-trials/throughline/services/projector"
	"github.com/throughline-trials/throughline/services/store"
)

const (
	pollFacts = 100 * time.Millisecond
	patience  = 30 * time.Second // for facts that do not grow
)

// ErrNotProjected is returned when the facts end before the log and do not grow.
var ErrNotProjected = errors.New("the facts end before the log and stand still: is the projector running?")

// awaitFacts waits until the facts have reached a position.
func awaitFacts(ctx context.Context, l *log.Log, s *store.Store, end log.Position) error {
	ticker := time.NewTicker(pollFacts)
	defer ticker.Stop()
	var last log.Position
	grown := time.Now()
	for {
		at, _, err := s.Position(ctx)
		if err != nil {
			return err
		}
		if at != last {
			last, grown = at, time.Now()
		}
		if reached, err := reaches(ctx, l, at, end); reached || err != nil {
			return err
		}
		if time.Since(grown) > patience {
			return fmt.Errorf("%w (facts %s, log %s)", ErrNotProjected, at, end)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// reaches reports whether no message is left between two positions. Messages that were purged are not waited for.
func reaches(ctx context.Context, l *log.Log, at, end log.Position) (bool, error) {
	for _, stream := range projector.Streams() {
		if at.At(stream) >= end.At(stream) {
			continue
		}
		m, found, err := l.NextOn(ctx, stream, ">", at.At(stream)+1)
		if err != nil || found && m.Seq <= end.At(stream) {
			return false, err
		}
	}
	return true, nil
}
