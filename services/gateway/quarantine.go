package gateway

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"github.com/throughline-trials/throughline/pkg/event"
	tlog "github.com/throughline-trials/throughline/services/log"
)

const (
	keyName   = "quarantine-key" // in the bucket of the gateway
	keyBytes  = 32
	hashBytes = 16

	countPatience = 10 * time.Second
)

// quarantine keeps what was refused, as far as it may be kept, and counts it by credential.
type quarantine struct {
	log      *tlog.Log
	lane     *lane
	key      []byte // of the hashes: without it nobody can look for the event behind one
	limit    int    // events kept for one credential
	instance string // what this gateway wrote itself is counted already
	logger   *slog.Logger

	mu      sync.Mutex
	kept    map[string]int // by credential
	counted chan struct{}  // closed once what the stream held at start is counted
	next    uint64
}

func newQuarantine(ctx context.Context, l *tlog.Log, bucket jetstream.KeyValue, limit int, logger *slog.Logger) (*quarantine, error) {
	key, err := secretKey(ctx, bucket)
	if err != nil {
		return nil, err
	}
	return &quarantine{
		log: l, key: key, limit: limit, logger: logger, instance: nuid.Next(),
		kept: make(map[string]int), counted: make(chan struct{}), next: 1,
	}, nil
}

// secretKey returns the key of the hashes, made by whichever gateway comes first.
func secretKey(ctx context.Context, bucket jetstream.KeyValue) ([]byte, error) {
	fresh := make([]byte, keyBytes)
	_, _ = rand.Read(fresh) // it never fails
	_, err := bucket.Create(ctx, keyName, fresh)
	if err == nil {
		return fresh, nil
	}
	if !errors.Is(err, jetstream.ErrKeyExists) {
		return nil, fmt.Errorf("make key of quarantine: %w", err)
	}
	entry, err := bucket.Get(ctx, keyName)
	if err != nil {
		return nil, fmt.Errorf("read key of quarantine: %w", err)
	}
	return entry.Value(), nil
}

// count follows the stream, counting what every gateway kept, until ctx ends.
func (q *quarantine) count(ctx context.Context) {
	for ctx.Err() == nil {
		err := q.countFrom(ctx)
		if ctx.Err() != nil {
			return
		}
		q.logger.Warn("cannot follow the quarantine; trying again", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(retryAfter):
		}
	}
}

func (q *quarantine) countFrom(ctx context.Context) error {
	last, _, err := q.log.Last(ctx, tlog.StreamQuarantine)
	if err != nil {
		return err
	}
	if last >= q.next {
		if err := q.log.ReadTo(ctx, tlog.StreamQuarantine, q.next, last, q.tally); err != nil {
			return err
		}
		q.next = last + 1
	}
	select {
	case <-q.counted:
	default:
		close(q.counted)
	}
	return q.log.Read(ctx, tlog.StreamQuarantine, q.next, q.tally)
}

func (q *quarantine) tally(m tlog.Message) error {
	q.next = m.Seq + 1
	if m.Instance == q.instance {
		return nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.kept[m.Credential] += 1 + bytes.Count(m.Payload, []byte{'\n'})
	return nil
}

// reserve counts one more kept event of a credential, or returns false if it has no room left.
func (q *quarantine) reserve(credential string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.kept[credential] >= q.limit {
		return false
	}
	q.kept[credential]++
	return true
}

// unreserve takes back what was counted but not kept.
func (q *quarantine) unreserve(credential string, n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.kept[credential] -= n
}

// write hands the refused items of a batch to the lane.
func (q *quarantine) write(b *batch) error {
	p := newPacker(b.grant.ID, b.ticket)
	for i := range b.items {
		it := &b.items[i]
		if it.outcome != refused {
			continue
		}
		if err := q.awaitCount(); err != nil {
			return err
		}
		if !q.reserve(b.grant.ID) {
			it.dropped = true
			continue
		}
		b.reserved++
		line, err := q.line(it)
		if err != nil {
			return fmt.Errorf("write refusal: %w", err)
		}
		at := p.part(b.refusalSubject(it))
		at.Payload = append(separated(at.Payload), line...)
		at.Instance = q.instance
	}
	return q.lane.add(p.parts())
}

// awaitCount waits for the count of what the stream held at start.
func (q *quarantine) awaitCount() error {
	select {
	case <-q.counted:
		return nil
	default:
	}
	patience := time.NewTimer(countPatience)
	defer patience.Stop()
	select {
	case <-q.counted:
		return nil
	case <-patience.C:
		return fmt.Errorf("%w: the quarantine is still being counted", errUnavailable)
	}
}

// refusalSubject returns where a refusal is kept. The participant is named only where the event itself may be kept, and
// a study only if it exists or the credential is for it.
func (b *batch) refusalSubject(it *item) string {
	studyID, participant := "", ""
	if event.ValidStudy(it.event.Study) {
		if _, known := b.gateway.studies.get(it.event.Study); known || b.grant.Covers(it.event.Study) {
			studyID = it.event.Study
		}
	}
	if it.mayKeep() && event.ValidSubject(it.event.Subject) {
		participant = it.event.Subject
	}
	return event.QuarantineSubject(studyID, participant)
}

func (q *quarantine) line(it *item) ([]byte, error) {
	first := it.problems[0]
	r := tlog.Refusal{Code: first.Code, Field: first.Field, Detail: first.Detail, Length: len(it.raw), Hash: q.hash(it.raw)}
	if it.mayKeep() {
		r.Type, r.Source = it.event.Type, it.event.Source
		if it.named {
			r.Identity = it.identity.String()
		}
		if len(it.raw) <= event.MaxEventBytes {
			r.Event = it.raw
		}
	}
	return json.Marshal(r)
}

func (q *quarantine) hash(raw []byte) string {
	mac := hmac.New(sha256.New, q.key)
	mac.Write(raw) // it never fails
	return hex.EncodeToString(mac.Sum(nil)[:hashBytes])
}
