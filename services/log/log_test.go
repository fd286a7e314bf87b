package log_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/throughline-trials/throughline/pkg/event"
	tlog "github.com/throughline-trials/throughline/services/log"
	"github.com/throughline-trials/throughline/services/log/logtest"
)

func outgoing(participant, payload string) tlog.Outgoing {
	return tlog.Outgoing{Subject: event.EventsSubject("hope", participant), Credential: "cred", Payload: []byte(payload)}
}

// publish stores messages and fails the test if it cannot.
func publish(t *testing.T, l *tlog.Log, out ...tlog.Outgoing) []uint64 {
	t.Helper()
	seqs, err := l.Publish(t.Context(), out)
	if err != nil {
		t.Fatal(err)
	}
	return seqs
}

// read returns the sequences and payloads of what a bounded read hands over.
func read(t *testing.T, l *tlog.Log, r tlog.Range) string {
	t.Helper()
	var got []string
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err := l.ReadRange(ctx, event.StreamEvents, r, func(m tlog.Message) error {
		got = append(got, fmt.Sprintf("%d=%s", m.Seq, m.Payload))
		return nil
	})
	if err != nil {
		t.Fatalf("read %+v: %v", r, err)
	}
	return strings.Join(got, " ")
}

func TestPublishAndRead(t *testing.T) {
	l := logtest.Start(t).Log()
	if got := publish(t, l, outgoing("p1", "a")); got[0] != 1 {
		t.Errorf("one message: sequences %v", got)
	}
	if got := publish(t, l, outgoing("p1", "b"), outgoing("p2", "c"), outgoing("p1", "d")); fmt.Sprint(got) != "[2 3 4]" {
		t.Errorf("batch: sequences %v", got)
	}
	var first tlog.Message
	err := l.ReadTo(t.Context(), event.StreamEvents, 1, 1, func(m tlog.Message) error { first = m; return nil })
	if err != nil || first.Credential != "cred" || first.Subject != event.EventsSubject("hope", "p1") || first.Stream != event.StreamEvents ||
		time.Since(first.Time) > time.Minute || first.Time.Location() != time.UTC {
		t.Errorf("message %+v, error %v", first, err)
	}
	for r, want := range map[tlog.Range]string{
		{From: 0, To: 4}: "1=a 2=b 3=c 4=d",
		{From: 2, To: 3}: "2=b 3=c",
		{From: 1, To: 4, Subject: event.EventsSubject("hope", "p1")}: "1=a 2=b 4=d",
		{From: 1, To: 4, Subject: event.EventsSubject("hope", "p2")}: "3=c",
		{From: 1, To: 4, Subject: "tl.events.other.>"}:               "",
	} {
		if got := read(t, l, r); got != want {
			t.Errorf("read %+v: got %q, want %q", r, got, want)
		}
	}
}

func TestReadPassesOverWhatWasPurged(t *testing.T) {
	l := logtest.Start(t).Log()
	for i := range 9 {
		publish(t, l, outgoing(fmt.Sprintf("p%d", i%3), fmt.Sprint(i)))
	}
	n, err := l.Purge(t.Context(), event.StreamEvents, event.EventsSubject("hope", "p2"))
	if err != nil || n != 3 {
		t.Fatalf("purged %d: %v", n, err)
	}
	if got, want := read(t, l, tlog.Range{From: 1, To: 9}), "1=0 2=1 4=3 5=4 7=6 8=7"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := read(t, l, tlog.Range{From: 9, To: 9}); got != "" {
		t.Errorf("the purged end: got %q", got)
	}
	for _, p := range []string{"p0", "p1"} {
		if _, err := l.Purge(t.Context(), event.StreamEvents, event.EventsSubject("hope", p)); err != nil {
			t.Fatal(err)
		}
	}
	if got := read(t, l, tlog.Range{From: 1, To: 9}); got != "" {
		t.Errorf("all purged: got %q", got)
	}
	info, err := l.Info(t.Context(), event.StreamEvents)
	if err != nil || info.First != 10 || info.Last != 9 || info.Messages != 0 || info.Created.IsZero() {
		t.Errorf("info %+v, error %v", info, err)
	}
}

func TestReadBeyondEnd(t *testing.T) {
	l := logtest.Start(t).Log()
	publish(t, l, outgoing("p", "a"))
	never := func(tlog.Message) error { t.Error("a message was handed over"); return nil }
	if err := l.Read(t.Context(), event.StreamEvents, 3, never); !errors.Is(err, tlog.ErrBeyondEnd) {
		t.Errorf("from past the end: %v", err)
	}
	if err := l.ReadTo(t.Context(), event.StreamEvents, 1, 2, never); !errors.Is(err, tlog.ErrBeyondEnd) {
		t.Errorf("to past the end: %v", err)
	}
	if err := l.ReadTo(t.Context(), event.StreamEvents, 2, 1, never); err != nil {
		t.Errorf("nothing to read: %v", err)
	}
}

func TestReadFollows(t *testing.T) {
	l := logtest.Start(t).Log()
	ctx, cancel := context.WithCancel(t.Context())
	got, done := make(chan uint64, 10), make(chan error, 1)
	go func() {
		done <- l.Read(ctx, event.StreamEvents, 1, func(m tlog.Message) error { got <- m.Seq; return nil })
	}()
	for want := uint64(1); want <= 3; want++ {
		publish(t, l, outgoing("p", "x"))
		if seq := <-got; seq != want {
			t.Fatalf("got %d, want %d", seq, want)
		}
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("after cancelling: %v", err)
	}
	stop := errors.New("stop")
	if err := l.Read(t.Context(), event.StreamEvents, 2, func(tlog.Message) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("the handler's error: %v", err)
	}
}

func TestPublishExpectations(t *testing.T) {
	l := logtest.Start(t).Log()
	expecting := func(participant string, seq uint64) tlog.Outgoing {
		return tlog.Outgoing{Subject: event.AllocationSubject("hope", participant), Payload: []byte("x"), ExpectLastSubjectSeq: &seq}
	}
	publish(t, l, expecting("p1", 0))
	if _, err := l.Publish(t.Context(), []tlog.Outgoing{expecting("p1", 0)}); !errors.Is(err, tlog.ErrConflict) {
		t.Errorf("second allocation: %v", err)
	}
	seqs, err := l.Publish(t.Context(), []tlog.Outgoing{expecting("p2", 0), expecting("p1", 0), expecting("p3", 0)})
	if !errors.Is(err, tlog.ErrConflict) || fmt.Sprint(seqs) != "[2 0 3]" {
		t.Errorf("second allocation among few: sequences %v, %v", seqs, err)
	}
	many := []tlog.Outgoing{expecting("p1", 0)}
	for i := range 100 {
		many = append(many, expecting(fmt.Sprintf("q%d", i), 0))
	}
	if seqs, err := l.Publish(t.Context(), many); !errors.Is(err, tlog.ErrConflict) || seqs[1] != 0 {
		t.Errorf("second allocation among many: sequences %v, %v", seqs, err)
	}
	if last, _, _ := l.Last(t.Context(), event.StreamAllocations); last != 3 {
		t.Errorf("a refused batch left something: the stream ends at %d", last)
	}
	many[0] = expecting("q0", 0)
	if _, err := l.Publish(t.Context(), many); !errors.Is(err, tlog.ErrConflict) {
		t.Errorf("two allocations of one participant among many: %v", err)
	}
	many[0] = expecting("p1", 1)
	publish(t, l, many...)
}

func TestPublishFallsBackToSingles(t *testing.T) {
	s := logtest.Start(t)
	l := s.Log()
	stream, err := l.JetStream().Stream(t.Context(), tlog.StreamName(event.StreamEvents))
	if err != nil {
		t.Fatal(err)
	}
	config := stream.CachedInfo().Config
	config.AllowAtomicPublish = false
	if _, err := l.JetStream().UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	if got := publish(t, l, outgoing("p1", "a"), outgoing("p2", "b"), outgoing("p1", "c")); fmt.Sprint(got) != "[1 2 3]" {
		t.Errorf("sequences %v", got)
	}
	s.Log() // connecting again repairs the stream
	stream, err = l.JetStream().Stream(t.Context(), tlog.StreamName(event.StreamEvents))
	if err != nil || !stream.CachedInfo().Config.AllowAtomicPublish {
		t.Errorf("the stream was not repaired: %v", err)
	}
}

func TestLogSurvivesRestart(t *testing.T) {
	s := logtest.Start(t)
	l := s.Log()
	_, created, err := l.Last(t.Context(), event.StreamEvents)
	if err != nil {
		t.Fatal(err)
	}
	var batch []tlog.Outgoing
	for i := range tlog.MaxBatch {
		batch = append(batch, outgoing(fmt.Sprintf("p%d", i), "x"))
	}
	publish(t, l, batch...)
	if _, err := l.Publish(t.Context(), append(batch, batch[0])); err == nil {
		t.Error("a batch that is too large was taken")
	}
	s.Restart()
	l = s.Log()
	last, again, err := l.Last(t.Context(), event.StreamEvents)
	if err != nil || last != tlog.MaxBatch || !again.Equal(created) {
		t.Errorf("after restart the stream ends at %d, made %s (was %s): %v", last, again, created, err)
	}
}

func TestConnectRefusesForgetfulStreams(t *testing.T) {
	for name, config := range map[string]jetstream.StreamConfig{
		"memory":  {Storage: jetstream.MemoryStorage},
		"expiry":  {MaxAge: time.Hour},
		"limit":   {MaxMsgs: 5},
		"queue":   {Retention: jetstream.WorkQueuePolicy},
		"delayed": {PersistMode: jetstream.AsyncPersistMode},
	} {
		t.Run(name, func(t *testing.T) {
			nc := logtest.Start(t).Connect()
			js, err := jetstream.New(nc)
			if err != nil {
				t.Fatal(err)
			}
			config.Name, config.Subjects = "EVENTS", []string{"tl.events.>"}
			if _, err := js.CreateStream(t.Context(), config); err != nil {
				t.Fatal(err)
			}
			if _, err := tlog.Connect(t.Context(), nc, tlog.Config{}); err == nil || !strings.Contains(err.Error(), "EVENTS") {
				t.Errorf("connect: %v", err)
			}
		})
	}
}

func TestLookups(t *testing.T) {
	l := logtest.Start(t).Log()
	if _, found, err := l.LastDefinition(t.Context(), "hope"); found || err != nil {
		t.Fatalf("no definition: %t, %v", found, err)
	}
	for _, payload := range []string{"v1", "v2"} {
		publish(t, l, tlog.Outgoing{Subject: event.StudySubject("hope", "definition"), Credential: "c", Payload: []byte(payload)})
	}
	m, found, err := l.LastDefinition(t.Context(), "hope")
	if err != nil || !found || string(m.Payload) != "v2" || m.Seq != 2 || m.Credential != "c" {
		t.Errorf("last definition: %+v, %v", m, err)
	}
	m, found, err = l.NextOn(t.Context(), event.StreamStudies, m.Subject, 1)
	if err != nil || !found || string(m.Payload) != "v1" {
		t.Errorf("first definition: %+v, %v", m, err)
	}
	if _, found, err = l.NextOn(t.Context(), event.StreamStudies, m.Subject, 3); found || err != nil {
		t.Errorf("past the last definition: %t, %v", found, err)
	}
}

func TestConfigValidate(t *testing.T) {
	err := tlog.Config{Replicas: 9, Timeout: -1}.Validate()
	if err == nil || !strings.Contains(err.Error(), "replicas") || !strings.Contains(err.Error(), "timeout") {
		t.Errorf("got %v", err)
	}
}
