package projector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/throughline-trials/throughline/services/log"
)

// The bucket through which other processes learn the progress. It is kept in memory: it is stale after a restart anyway.
const (
	progressBucket = "PROJECTION"
	progressKey    = "state"
)

func openProgress(ctx context.Context, js jetstream.JetStream) (jetstream.KeyValue, error) {
	kv, err := js.KeyValue(ctx, progressBucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		kv, err = js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: progressBucket, Description: "how far projection has come", Storage: jetstream.MemoryStorage, History: 1,
		})
	}
	if err != nil {
		return nil, fmt.Errorf("open bucket of progress: %w", err)
	}
	return kv, nil
}

// publisher tells other processes of the progress. What cannot be told is told with the next state.
type publisher struct {
	js     jetstream.JetStream
	kv     jetstream.KeyValue
	logger *slog.Logger
	last   State
}

func newPublisher(js jetstream.JetStream, logger *slog.Logger) *publisher {
	return &publisher{js: js, logger: logger}
}

func (p *publisher) publish(ctx context.Context, s State) {
	if s == p.last {
		return
	}
	if err := p.put(ctx, s); err != nil {
		p.kv = nil
		if ctx.Err() == nil {
			p.logger.Warn("the progress of projection cannot be published", "error", err)
		}
		return
	}
	p.last = s
}

func (p *publisher) put(ctx context.Context, s State) error {
	if p.kv == nil {
		kv, err := openProgress(ctx, p.js)
		if err != nil {
			return err
		}
		p.kv = kv
	}
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("encode progress: %w", err)
	}
	if _, err := p.kv.Put(ctx, progressKey, text); err != nil {
		return fmt.Errorf("publish progress: %w", err)
	}
	return nil
}

var errWatchEnded = errors.New("the subscription has ended")

// Follow keeps a progress at what the projector, in another process, publishes of its own; until ctx ends or the log
// cannot be read.
func Follow(ctx context.Context, l *log.Log, progress *Progress) error {
	kv, err := openProgress(ctx, l.JetStream())
	if err != nil {
		return err
	}
	watcher, err := kv.Watch(ctx, progressKey)
	if err != nil {
		return fmt.Errorf("watch progress: %w", err)
	}
	defer func() { _ = watcher.Stop() }() // it ends with ctx anyway
	for {
		select {
		case entry, ok := <-watcher.Updates():
			if !ok {
				return fmt.Errorf("watch progress: %w", errors.Join(ctx.Err(), errWatchEnded))
			}
			var s State
			if entry != nil && json.Unmarshal(entry.Value(), &s) == nil {
				progress.Set(s)
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
