package log

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/throughline-trials/throughline/pkg/event"
)

// How much is asked for ahead of what was handled.
const (
	prefetchMessages = 4096
	prefetchBytes    = 32 << 20
	idleCheck        = time.Second // how long a bounded read waits before it asks whether anything is left
	settleRetry      = 100 * time.Millisecond
	beyondAny        = 1 << 40 // a sequence this far past the end is never reached
)

// ErrBeyondEnd is returned when a read starts past the end of a stream: the stream is not the one that was read before.
var ErrBeyondEnd = errors.New("the log ends before the place to resume at")

// Message is one message of the log.
type Message struct {
	Stream     event.Stream
	Subject    string
	Seq        uint64
	Time       time.Time // the log's own timestamp
	Credential string
	Instance   string
	Payload    []byte // NDJSON
}

// Range says which messages to read.
type Range struct {
	From    uint64 // first sequence; 0 is 1
	To      uint64 // last sequence; 0 follows for ever
	Subject string // of these subjects only (wildcards allowed); all if empty
}

// Read hands every message of a stream from a sequence on to fn, in order, each once, for ever: until ctx ends (whose
// error it returns), fn fails (its error, as it is) or the log cannot be read. A message is handed over only once it is on
// disk. Sequences that were purged are passed over. Connection losses are bridged. It returns [ErrBeyondEnd] if fromSeq is past the end by more than one.
func (l *Log) Read(ctx context.Context, stream event.Stream, fromSeq uint64, fn func(Message) error) error {
	return l.ReadRange(ctx, stream, Range{From: fromSeq}, fn)
}

// ReadTo is [Log.Read] that returns nil once every message up to and including a sequence was handed over. The sequence
// must not be past the end.
func (l *Log) ReadTo(ctx context.Context, stream event.Stream, from, to uint64, fn func(Message) error) error {
	if to < max(from, 1) {
		return nil
	}
	return l.ReadRange(ctx, stream, Range{From: from, To: to}, fn)
}

// ReadRange is [Log.Read] with bounds and a subject.
func (l *Log) ReadRange(ctx context.Context, stream event.Stream, r Range, fn func(Message) error) error {
	r.From = max(r.From, 1)
	info, err := l.Info(ctx, stream)
	if err != nil {
		return err
	}
	if r.From > info.Last+1 || r.To > info.Last {
		return fmt.Errorf("read stream %s: %w (it ends at %d)", StreamName(stream), ErrBeyondEnd, info.Last)
	}
	if r.To != 0 && (r.To < r.From || info.First > r.To) {
		return nil
	}
	rd := &reader{log: l, stream: stream, bounds: r, next: r.From}
	if err := rd.open(ctx); err != nil {
		return err
	}
	defer rd.close()
	return rd.run(ctx, fn)
}

// reader follows one ordered consumer.
type reader struct {
	log      *Log
	stream   event.Stream
	bounds   Range
	next     uint64 // the lowest sequence that may come
	consumer jetstream.Consumer
	messages jetstream.MessagesContext
	name     string // of the consumer that delivered last: an ordered consumer renews itself under other names
	handled  uint64 // how many of its messages were handled
	durable  uint64 // every message up to here is on disk
}

func (r *reader) open(ctx context.Context) error {
	config := jetstream.OrderedConsumerConfig{
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       r.next,
		InactiveThreshold: time.Minute,
	}
	if r.bounds.Subject != "" {
		config.FilterSubjects = []string{r.bounds.Subject}
	}
	c, err := r.log.streams[r.stream].OrderedConsumer(ctx, config)
	if err != nil {
		return fmt.Errorf("read stream %s from %d: %w", StreamName(r.stream), r.next, err)
	}
	m, err := c.Messages(jetstream.PullMaxMessagesWithBytesLimit(prefetchMessages, prefetchBytes))
	if err != nil {
		return fmt.Errorf("read stream %s from %d: %w", StreamName(r.stream), r.next, err)
	}
	r.consumer, r.messages = c, m
	return nil
}

// close stops the consumer and frees it on the server.
func (r *reader) close() {
	r.messages.Stop()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if info := r.consumer.CachedInfo(); info != nil {
		// The consumer lives in memory and expires by itself; deleting it only frees it sooner.
		_ = r.log.streams[r.stream].DeleteConsumer(ctx, info.Name)
	}
}

func (r *reader) run(ctx context.Context, fn func(Message) error) error {
	if r.bounds.To != 0 {
		if done, err := r.exhausted(ctx); done || err != nil {
			return err
		}
	}
	for {
		msg, err := r.wait(ctx)
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, nats.ErrTimeout) || errors.Is(err, context.DeadlineExceeded):
			if done, err := r.exhausted(ctx); done || err != nil {
				return err
			}
			continue
		default:
			return fmt.Errorf("read stream %s at %d: %w", StreamName(r.stream), r.next, err)
		}
		done, err := r.handle(ctx, msg, fn)
		if done || err != nil {
			return err
		}
	}
}

// wait returns the next message; a bounded read gives up after a while so that the end can be looked for.
func (r *reader) wait(ctx context.Context) (jetstream.Msg, error) {
	if r.bounds.To == 0 {
		return r.messages.Next(jetstream.NextContext(ctx))
	}
	ctx, cancel := context.WithTimeout(ctx, idleCheck)
	defer cancel()
	return r.messages.Next(jetstream.NextContext(ctx))
}

// handle checks the order, hands over one message and reports whether it was the last.
func (r *reader) handle(ctx context.Context, msg jetstream.Msg, fn func(Message) error) (done bool, err error) {
	meta, err := msg.Metadata()
	if err != nil {
		return false, fmt.Errorf("read stream %s after %d: %w", StreamName(r.stream), r.next, err)
	}
	r.name, r.handled = meta.Consumer, meta.Sequence.Consumer
	seq := meta.Sequence.Stream
	if seq < r.next {
		return false, nil // seen before the consumer was renewed
	}
	to := r.bounds.To
	if to == 0 {
		to = math.MaxUint64
	}
	if seq > to {
		return true, nil
	}
	if seq > r.durable {
		if r.durable, err = r.log.settled(ctx, r.stream); err != nil {
			return false, err
		}
	}
	h := msg.Headers()
	m := Message{
		Stream: r.stream, Subject: msg.Subject(), Seq: seq, Time: meta.Timestamp.UTC(),
		Credential: h.Get(HeaderCredential), Instance: h.Get(HeaderInstance), Payload: msg.Data(),
	}
	if err := fn(m); err != nil {
		return false, err
	}
	r.next = seq + 1
	return seq == to || (r.bounds.To != 0 && meta.NumPending == 0), nil
}

// settled returns a sequence up to which everything is on disk, and which is at least that of any message received before.
// The server hands the messages of an atomic batch to its consumers before it has synced them; what reads them must not
// be ahead of what a crash leaves. A direct get waits for the batch that is being committed, even if it finds nothing.
func (l *Log) settled(ctx context.Context, stream event.Stream) (uint64, error) {
	for {
		info, err := l.Info(ctx, stream)
		if err == nil {
			_, err = l.streams[stream].GetMsg(ctx, info.Last+beyondAny)
			if err == nil || errors.Is(err, jetstream.ErrMsgNotFound) {
				return info.Last, nil
			}
		}
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(settleRetry):
		}
	}
}

// exhausted reports whether a bounded read has nothing left to wait for, because the rest was purged or is of other
// subjects.
func (r *reader) exhausted(ctx context.Context) (bool, error) {
	info, err := r.consumer.Info(ctx)
	if err != nil {
		if errors.Is(err, jetstream.ErrConsumerNotFound) {
			return false, nil // being renewed
		}
		return false, fmt.Errorf("read state of stream %s: %w", StreamName(r.stream), err)
	}
	handled := uint64(0)
	if info.Name == r.name {
		handled = r.handled
	}
	return info.NumPending == 0 && info.Delivered.Consumer == handled, nil
}
