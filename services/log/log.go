// Package log is the truth of Throughline: five JetStream streams that keep every event, allocation, study definition,
// refusal and audited act for ever, on disk before they are acknowledged.
//
//	EVENTS       tl.events.<study>.<participant>       usage and registry events, packed per participant
//	ALLOCATIONS  tl.allocation.<study>.<participant>   randomisation, and voiding or correcting one
//	STUDIES      tl.study.<study>.<kind>               definitions, outages, unblinding
//	QUARANTINE   tl.quarantine.<study>.<participant>   what was refused, and why
//	AUDIT        tl.audit.<study>                      who did what
//
// The payload of a message is NDJSON: one canonical event per line, or a marker of a duplicate, or a refusal. The server
// must run with sync_always; then what [Log.Publish] returns has been fsynced.
package log

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/throughline-trials/throughline/pkg/event"
)

// The streams that are no stream of an event's type.
const (
	StreamQuarantine event.Stream = "quarantine"
	StreamAudit      event.Stream = "audit"
)

// Limits of the log.
const (
	MaxPayload      = 900 << 10 // bytes of one message's payload that writers keep to
	MaxBatch        = 1000      // messages of one atomic batch
	maxMessageBytes = 1 << 20   // of a message with its headers, as the server enforces
)

// Config is how the log is kept.
type Config struct {
	Replicas int           // copies of each stream: 1 (default), 3 or 5
	Timeout  time.Duration // of one publish, 10 s if zero
}

// Validate returns all that is wrong with the configuration.
func (c Config) Validate() error {
	var errs []error
	if c.Replicas < 0 || c.Replicas > 5 {
		errs = append(errs, fmt.Errorf("replicas %d: must be 1, 3 or 5", c.Replicas))
	}
	if c.Timeout < 0 {
		errs = append(errs, fmt.Errorf("timeout %s: must not be negative", c.Timeout))
	}
	return errors.Join(errs...)
}

func (c Config) withDefaults() Config {
	if c.Replicas == 0 {
		c.Replicas = 1
	}
	if c.Timeout == 0 {
		c.Timeout = 10 * time.Second
	}
	return c
}

// Log reads and writes the streams. It is safe for concurrent use and needs no closing; the connection stays the caller's.
type Log struct {
	js      jetstream.JetStream
	config  Config
	streams map[event.Stream]jetstream.Stream
}

// Connect makes the streams that are missing and checks those that exist. The error of a stream that cannot keep the
// log's promise (in memory, expiring, discarding old) names it.
func Connect(ctx context.Context, nc *nats.Conn, config Config) (*Log, error) {
	if err := config.Validate(); err != nil {
		return nil, fmt.Errorf("check log configuration: %w", err)
	}
	config = config.withDefaults()
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(config.Timeout), jetstream.WithPublishAsyncTimeout(config.Timeout))
	if err != nil {
		return nil, fmt.Errorf("open JetStream: %w", err)
	}
	l := &Log{js: js, config: config, streams: make(map[event.Stream]jetstream.Stream)}
	for _, name := range Streams() {
		s, err := ensureStream(ctx, js, streamConfig(name, config.Replicas))
		if err != nil {
			return nil, err
		}
		l.streams[name] = s
	}
	return l, nil
}

// ErrUnreachable is returned at once while the connection to the server is down.
var ErrUnreachable = errors.New("the log's server cannot be reached")

// reachable returns why nothing can be asked of the server now.
func (l *Log) reachable() error {
	if !l.js.Conn().IsConnected() {
		return ErrUnreachable
	}
	return nil
}

// Streams returns every stream of the log.
func Streams() []event.Stream {
	return []event.Stream{event.StreamEvents, event.StreamAllocations, event.StreamStudies, StreamQuarantine, StreamAudit}
}

// JetStream returns the handle that the log uses, for key-value buckets kept beside it.
func (l *Log) JetStream() jetstream.JetStream { return l.js }

// StreamName returns the JetStream name of a stream, e.g. EVENTS.
func StreamName(s event.Stream) string {
	switch s {
	case event.StreamEvents:
		return "EVENTS"
	case event.StreamAllocations:
		return "ALLOCATIONS"
	case event.StreamStudies:
		return "STUDIES"
	case StreamQuarantine:
		return "QUARANTINE"
	case StreamAudit:
		return "AUDIT"
	}
	return ""
}

// streamSubject returns the wildcard under which all subjects of a stream stand.
func streamSubject(s event.Stream) string {
	switch s {
	case event.StreamEvents:
		return "tl.events.>"
	case event.StreamAllocations:
		return "tl.allocation.>"
	case event.StreamStudies:
		return "tl.study.>"
	case StreamQuarantine:
		return "tl.quarantine.>"
	case StreamAudit:
		return "tl.audit.>"
	}
	return ""
}

func streamConfig(s event.Stream, replicas int) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:               StreamName(s),
		Description:        "Throughline: " + string(s),
		Subjects:           []string{streamSubject(s)},
		Storage:            jetstream.FileStorage,
		Retention:          jetstream.LimitsPolicy,
		Discard:            jetstream.DiscardNew,
		MaxMsgs:            -1,
		MaxBytes:           -1,
		MaxMsgSize:         -1,
		MaxMsgsPerSubject:  -1,
		MaxConsumers:       -1,
		Duplicates:         100 * time.Millisecond, // no message id is ever set
		Replicas:           replicas,
		AllowDirect:        true,
		AllowAtomicPublish: true,
	}
}

// ensureStream returns the stream of a configuration, made or brought up to it.
func ensureStream(ctx context.Context, js jetstream.JetStream, want jetstream.StreamConfig) (jetstream.Stream, error) {
	s, err := js.Stream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		s, err = js.CreateStream(ctx, want)
		if err != nil {
			return nil, fmt.Errorf("create stream %s: %w", want.Name, err)
		}
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open stream %s: %w", want.Name, err)
	}
	have := s.CachedInfo().Config
	if err := checkStream(have); err != nil {
		return nil, fmt.Errorf("check stream %s: %w", want.Name, err)
	}
	if have.AllowAtomicPublish && have.AllowDirect && have.Replicas == want.Replicas && have.Discard == want.Discard {
		return s, nil
	}
	have.AllowAtomicPublish, have.AllowDirect = true, true
	have.Replicas, have.Discard = want.Replicas, want.Discard
	s, err = js.UpdateStream(ctx, have)
	if err != nil {
		return nil, fmt.Errorf("update stream %s: %w", want.Name, err)
	}
	return s, nil
}

// checkStream returns why a stream cannot be trusted to keep what it is given.
func checkStream(c jetstream.StreamConfig) error {
	var errs []error
	if c.Storage != jetstream.FileStorage {
		errs = append(errs, errors.New("it is kept in memory, not in files"))
	}
	if c.Retention != jetstream.LimitsPolicy {
		errs = append(errs, errors.New("it forgets what was read"))
	}
	if c.MaxAge > 0 || c.MaxMsgs > 0 || c.MaxMsgsPerSubject > 0 {
		errs = append(errs, errors.New("it forgets old messages"))
	}
	if c.PersistMode == jetstream.AsyncPersistMode {
		errs = append(errs, errors.New("it acknowledges before writing to disk"))
	}
	return errors.Join(errs...)
}

// Info is the state of a stream.
type Info struct {
	First    uint64    // sequence of the first message that is left, last+1 if none is
	Last     uint64    // sequence of the last message ever stored
	Messages uint64    // that are left
	Bytes    uint64    // on disk
	Created  time.Time // when the stream was made: another time is another log
}

// Info returns the present state of a stream.
func (l *Log) Info(ctx context.Context, stream event.Stream) (Info, error) {
	s, ok := l.streams[stream]
	if !ok {
		return Info{}, fmt.Errorf("read stream %q: no such stream", stream)
	}
	info, err := s.Info(ctx)
	if err != nil {
		return Info{}, fmt.Errorf("read state of stream %s: %w", StreamName(stream), err)
	}
	st := info.State
	first := st.FirstSeq
	if st.Msgs == 0 {
		first = st.LastSeq + 1
	}
	return Info{First: first, Last: st.LastSeq, Messages: st.Msgs, Bytes: st.Bytes, Created: info.Created}, nil
}

// Last returns the sequence of the last message ever stored in a stream, and when the stream was made.
func (l *Log) Last(ctx context.Context, stream event.Stream) (seq uint64, created time.Time, err error) {
	info, err := l.Info(ctx, stream)
	return info.Last, info.Created, err
}

// End returns the last sequence of each stream that a [Position] names.
func (l *Log) End(ctx context.Context) (Position, error) {
	var p Position
	for _, s := range []event.Stream{event.StreamEvents, event.StreamAllocations, event.StreamStudies, StreamQuarantine} {
		last, _, err := l.Last(ctx, s)
		if err != nil {
			return Position{}, err
		}
		p = p.With(s, last)
	}
	return p, nil
}
