package log

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

// The headers of the log's messages.
const (
	HeaderCredential = "Tl-Credential" // id of the credential that sent the events of the message
	HeaderInstance   = "Tl-Instance"   // id of the gateway that refused them, in quarantine only
)

// ErrConflict is returned by [Log.Publish] when the ExpectLastSubjectSeq of a message is not the last of its subject.
var ErrConflict = errors.New("another message came first on the subject")

// Outgoing is one message to publish.
type Outgoing struct {
	Subject              string
	Credential           string
	Instance             string
	Payload              []byte
	ExpectLastSubjectSeq *uint64 // publish only if this is the last sequence on the subject (0: none)
}

func (o Outgoing) message() *nats.Msg {
	m := &nats.Msg{Subject: o.Subject, Data: o.Payload, Header: make(nats.Header, 4)}
	if o.Credential != "" {
		m.Header[HeaderCredential] = []string{o.Credential}
	}
	if o.Instance != "" {
		m.Header[HeaderInstance] = []string{o.Instance}
	}
	if o.ExpectLastSubjectSeq != nil {
		m.Header[jetstream.ExpectedLastSubjSeqHeader] = []string{strconv.FormatUint(*o.ExpectLastSubjectSeq, 10)}
	}
	return m
}

// fewMessages is up to how many messages are published one by one: a batch costs the server several syncs whatever its
// size, as much as about so many messages.
const fewMessages = 12

// Publish stores messages of one stream, at most [MaxBatch], and returns their sequences once all are on disk. Many go in
// one atomic batch, few, and those for which the server refuses batches, one by one in their order. With an error the
// result has the sequences of those that are stored nevertheless, 0 for the others. [ErrConflict] means that the others
// are not stored; after any other error the caller cannot know, so that what it sends again must be recognisable by
// identity.
func (l *Log) Publish(ctx context.Context, out []Outgoing) ([]uint64, error) {
	if len(out) == 0 {
		return nil, nil
	}
	if len(out) > MaxBatch {
		return nil, fmt.Errorf("publish %d messages: at most %d in one batch", len(out), MaxBatch)
	}
	if err := l.reachable(); err != nil {
		return nil, fmt.Errorf("publish %d messages: %w", len(out), err)
	}
	ctx, cancel := context.WithTimeout(ctx, l.config.Timeout)
	defer cancel()
	msgs := make([]*nats.Msg, len(out))
	for i, o := range out {
		msgs[i] = o.message()
	}
	if len(msgs) <= fewMessages {
		return l.publishSingles(ctx, msgs)
	}
	ack, err := jetstreamext.PublishMsgBatch(ctx, l.js, msgs, jetstreamext.BatchFlowControl{})
	switch {
	case err == nil:
		return sequencesUpTo(ack.Sequence, len(msgs)), nil
	case isConflict(err):
		return make([]uint64, len(msgs)), ErrConflict
	case isBatchRefused(err):
		for _, m := range msgs {
			stripBatch(m)
		}
		return l.publishSingles(ctx, msgs)
	}
	return nil, fmt.Errorf("publish batch of %d messages: %w", len(msgs), err)
}

// publishSingles sends messages one after the other and waits for all, so that they keep their order.
func (l *Log) publishSingles(ctx context.Context, msgs []*nats.Msg) ([]uint64, error) {
	seqs := make([]uint64, len(msgs))
	acks := make([]jetstream.PubAckFuture, 0, len(msgs))
	var failed error
	for _, m := range msgs {
		ack, err := l.js.PublishMsgAsync(m, jetstream.WithRetryAttempts(0))
		if err != nil {
			failed = err
			break
		}
		acks = append(acks, ack)
	}
	conflict := false
	for i, ack := range acks {
		select {
		case a := <-ack.Ok():
			seqs[i] = a.Sequence
		case err := <-ack.Err():
			if isConflict(err) {
				conflict = true
			} else if failed == nil {
				failed = err
			}
		case <-ctx.Done():
			return seqs, fmt.Errorf("publish message %d of %d: %w", i+1, len(msgs), ctx.Err())
		}
	}
	if failed != nil {
		return seqs, fmt.Errorf("publish %d messages: %w", len(msgs), failed)
	}
	if conflict {
		return seqs, ErrConflict
	}
	return seqs, nil
}

func sequencesUpTo(last uint64, n int) []uint64 {
	seqs := make([]uint64, n)
	for i := range seqs {
		seqs[i] = last - uint64(n-1-i)
	}
	return seqs
}

func stripBatch(m *nats.Msg) {
	m.Reply = ""
	delete(m.Header, jetstreamext.BatchIDHeader)
	delete(m.Header, jetstreamext.BatchSeqHeader)
	delete(m.Header, jetstreamext.BatchCommitHeader)
}

func isConflict(err error) bool {
	code := errorCode(err)
	return code == jetstream.JSErrCodeStreamWrongLastSequence || code == jetstream.JSErrCodeStreamWrongLastSequenceConstant
}

// isBatchRefused reports whether a server stored nothing of a batch for reasons that single messages do not meet.
func isBatchRefused(err error) bool {
	switch errorCode(err) {
	case jetstreamext.JSErrCodeBatchPublishNotEnabled, jetstreamext.JSErrCodeBatchPublishIncomplete,
		jetstreamext.JSErrCodeBatchPublishUnsupportedHeader, jetstreamext.JSErrCodeBatchPublishExceedsLimit,
		jetstreamext.JSErrCodeBatchPublishDuplicateMsgID, jetstreamext.JSErrCodeAtomicPublishTooManyInflight,
		jetstreamext.JSErrCodeBatchPublishTooManyInflight:
		return true
	}
	return false
}

func errorCode(err error) jetstream.ErrorCode {
	var api *jetstream.APIError
	if errors.As(err, &api) && api != nil {
		return api.ErrorCode
	}
	var js jetstream.JetStreamError
	if errors.As(err, &js) && js.APIError() != nil {
		return js.APIError().ErrorCode
	}
	return 0
}
