package log

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/throughline-trials/throughline/pkg/event"
)

// LastDefinition returns the last message with a definition of a study, straight from the log, and whether there is one.
func (l *Log) LastDefinition(ctx context.Context, study string) (Message, bool, error) {
	return l.LastOn(ctx, event.StreamStudies, event.StudySubject(study, "definition"))
}

// LastOn returns the last message on a subject, straight from the log, and whether there is one.
func (l *Log) LastOn(ctx context.Context, stream event.Stream, subject string) (Message, bool, error) {
	if err := l.reachable(); err != nil {
		return Message{}, false, fmt.Errorf("read last message of stream %s: %w", StreamName(stream), err)
	}
	raw, err := l.streams[stream].GetLastMsgForSubject(ctx, subject)
	return l.found(stream, raw, err)
}

// NextOn returns the first message on a subject whose sequence is at least from, and whether there is one.
func (l *Log) NextOn(ctx context.Context, stream event.Stream, subject string, from uint64) (Message, bool, error) {
	if err := l.reachable(); err != nil {
		return Message{}, false, fmt.Errorf("read a message of stream %s: %w", StreamName(stream), err)
	}
	raw, err := l.streams[stream].GetMsg(ctx, max(from, 1), jetstream.WithGetMsgSubject(subject))
	return l.found(stream, raw, err)
}

func (l *Log) found(stream event.Stream, raw *jetstream.RawStreamMsg, err error) (Message, bool, error) {
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return Message{}, false, nil
	}
	if err != nil {
		return Message{}, false, fmt.Errorf("read one message of stream %s: %w", StreamName(stream), err)
	}
	return Message{
		Stream: stream, Subject: raw.Subject, Seq: raw.Sequence, Time: raw.Time.UTC(),
		Credential: raw.Header.Get(HeaderCredential), Instance: raw.Header.Get(HeaderInstance), Payload: raw.Data,
	}, true, nil
}

// Purge removes every message on a subject for good and returns how many there were. Only erasure does this.
func (l *Log) Purge(ctx context.Context, stream event.Stream, subject string) (uint64, error) {
	before, err := l.Info(ctx, stream)
	if err != nil {
		return 0, err
	}
	if err := l.streams[stream].Purge(ctx, jetstream.WithPurgeSubject(subject)); err != nil {
		return 0, fmt.Errorf("purge a subject of stream %s: %w", StreamName(stream), err)
	}
	after, err := l.Info(ctx, stream)
	if err != nil {
		return 0, err
	}
	return before.Messages - min(before.Messages, after.Messages), nil
}
