package projector

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// The lease is one key of a bucket that outlives the server. Its holder writes it again every third of the TTL, each
// time on condition that the last write was its own. Others take it over when it has not changed for a TTL by their own
// clock, or at once when the holder is a process of the same machine that is gone.
const (
	leaseBucket = "LEASES"
	leaseKey    = "projector"
)

// holder is the value of the lease.
type holder struct {
	Instance string  `json:"instance"`
	Process  process `json:"process"`
	Released bool    `json:"released,omitempty"` // given up after the last INSERT had ended
}

// lease is held by one projector at a time.
type lease struct {
	kv      jetstream.KeyValue
	ttl     time.Duration
	logger  *slog.Logger
	self    holder
	rev     uint64
	origin  time.Time
	renewed atomic.Int64 // nanoseconds after origin at which the last renewal that succeeded was begun; -1 if not held
}

func openLease(ctx context.Context, js jetstream.JetStream, ttl time.Duration, logger *slog.Logger) (*lease, error) {
	kv, err := js.KeyValue(ctx, leaseBucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		kv, err = js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: leaseBucket, Description: "who may write what only one may write", History: 1,
		})
	}
	if err != nil {
		return nil, fmt.Errorf("open bucket of leases: %w", err)
	}
	l := &lease{kv: kv, ttl: ttl, logger: logger, self: holder{Instance: rand.Text(), Process: thisProcess()}, origin: time.Now()}
	l.renewed.Store(-1)
	return l, nil
}

// held reports whether nobody else can have taken the lease over yet.
func (l *lease) held() bool {
	renewed := l.renewed.Load()
	return renewed >= 0 && time.Since(l.origin)-time.Duration(renewed) < l.ttl
}

// acquire waits until the lease is this one's. Waiting is called once, if it must wait.
func (l *lease) acquire(ctx context.Context, waiting func()) error {
	var seen uint64 // revision that was found
	var since time.Time
	told := false
	for {
		other, rev, err := l.current(ctx)
		if err != nil {
			return err
		}
		if rev != seen || since.IsZero() {
			seen, since = rev, time.Now()
		}
		if rev == 0 || other.Released || other.Process.gone() || time.Since(since) >= l.ttl {
			if taken, err := l.write(ctx, rev); taken || err != nil {
				return err
			}
			continue
		}
		if !told {
			told = true
			waiting()
			l.logger.Info("another projector is at work, waiting for its lease", "host", other.Process.Host, "pid", other.Process.PID)
		}
		pause(ctx, l.ttl/10)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// current reads the lease; the revision is 0 if there is none.
func (l *lease) current(ctx context.Context) (holder, uint64, error) {
	entry, err := l.kv.Get(ctx, leaseKey)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return holder{}, 0, nil
	}
	if err != nil {
		return holder{}, 0, fmt.Errorf("read lease: %w", err)
	}
	var h holder
	if err := json.Unmarshal(entry.Value(), &h); err != nil {
		h = holder{} // unreadable: it expires like any other
	}
	return h, entry.Revision(), nil
}

// write puts this holder in the place of a revision and reports whether it was still the last.
func (l *lease) write(ctx context.Context, rev uint64) (bool, error) {
	text, err := json.Marshal(l.self)
	if err != nil {
		return false, fmt.Errorf("encode lease: %w", err)
	}
	began := time.Since(l.origin)
	if rev == 0 {
		rev, err = l.kv.Create(ctx, leaseKey, text)
	} else {
		rev, err = l.kv.Update(ctx, leaseKey, text, rev)
	}
	if isWrongRevision(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("write lease: %w", err)
	}
	l.rev = rev
	l.renewed.Store(int64(began))
	return true, nil
}

func isWrongRevision(err error) bool {
	var api *jetstream.APIError
	return errors.Is(err, jetstream.ErrKeyExists) ||
		errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence
}

// keep renews the lease until ctx ends or it is lost; then it returns [ErrLeaseLost].
func (l *lease) keep(ctx context.Context) error {
	ticker := time.NewTicker(l.ttl / 3)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
		trying, cancel := context.WithTimeout(ctx, l.ttl/2)
		ok, err := l.renew(trying)
		cancel()
		if err == nil && !ok || !l.held() {
			l.renewed.Store(-1)
			return ErrLeaseLost
		}
		if err != nil && ctx.Err() == nil {
			l.logger.Warn("the lease of the projector cannot be renewed", "error", err)
		}
	}
}

// renew writes the lease again. An answer that was lost leaves a revision of this very holder, which is taken up.
func (l *lease) renew(ctx context.Context) (bool, error) {
	ok, err := l.write(ctx, l.rev)
	if ok || err != nil {
		return ok, err
	}
	other, rev, err := l.current(ctx)
	if err != nil || other.Instance != l.self.Instance {
		return false, err
	}
	return l.write(ctx, rev)
}

// release gives the lease up, if it is still held, so that the next need not wait.
func (l *lease) release() {
	if !l.held() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), l.ttl)
	defer cancel()
	l.self.Released = true
	if _, err := l.renew(ctx); err != nil {
		l.logger.Warn("the lease of the projector cannot be given up", "error", err)
	}
	l.renewed.Store(-1)
}
