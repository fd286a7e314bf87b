package gateway_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/auth"
	"github.com/throughline-trials/throughline/services/gateway"
)

func TestQuarantineIsBounded(t *testing.T) {
	registry := prometheus.NewRegistry()
	h := start(t, gateway.Config{QuarantineLimit: 3, Metrics: registry})
	bad := func() string { return h.make(fields{"arm": "x"}) }
	a := h.postAs("hope emit", batch, array(bad(), bad(), bad(), bad(), bad()))
	for i, r := range a.Rejected {
		if dropped := r.Kept != nil && !*r.Kept; dropped != (i >= 3) {
			t.Errorf("refusal %d: kept %v", i, r.Kept)
		}
	}
	if !strings.Contains(a.text, `"kept":false`) || strings.Contains(a.text, `"kept":true`) {
		t.Errorf("got %s", a.text)
	}
	if a := h.postAs("hope emit,read", single, bad()); a.Rejected[0].Kept != nil {
		t.Errorf("another credential is limited too: %s", a.text)
	}
	h.config.Metrics = nil
	h.reopen() // the count is kept by the stream
	if a := h.postAs("hope emit", single, bad()); a.Rejected[0].Kept == nil {
		t.Errorf("the count was lost: %s", a.text)
	}
	if got := len(h.refusals()); got != 4 {
		t.Errorf("%d refusals in quarantine", got)
	}
	expected := `
# HELP throughline_gateway_quarantine_dropped_total Refused events not kept because their credential has no room left.
# TYPE throughline_gateway_quarantine_dropped_total counter
throughline_gateway_quarantine_dropped_total 2
# HELP throughline_gateway_events_rejected_total Events refused, by code.
# TYPE throughline_gateway_events_rejected_total counter
throughline_gateway_events_rejected_total{code="unknown_attribute"} 6
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(expected), "throughline_gateway_quarantine_dropped_total", "throughline_gateway_events_rejected_total"); err != nil {
		t.Error(err)
	}
}

func TestFullDisk(t *testing.T) {
	var free atomic.Uint64
	free.Store(2 << 30)
	h := start(t, gateway.Config{FreeSpace: func() (uint64, error) { return free.Load(), nil }})
	h.publish()
	free.Store(1<<30 - 1)
	body := h.make(nil)
	h.eventually("the refusal", func() bool { return h.post(single, body).Status == 503 })
	before := h.ends()
	for _, e := range []string{h.make(nil), h.make(fields{"arm": "x"}), h.definition(nil, hope), h.randomised("r", "p1", "peer"), "nonsense"} {
		a := h.post(single, e)
		if a.Status != 503 || a.Problem != "urn:throughline:problem:disk-full" || a.Header.Get("Retry-After") == "" {
			t.Errorf("got %s", a.text)
		}
	}
	if after := h.ends(); after != before {
		t.Errorf("the log went from %s to %s", before, after)
	}
	free.Store(1 << 30)
	h.eventually("the recovery", func() bool { return h.post(single, body).Status == 202 })
}

func TestFreeSpace(t *testing.T) {
	if free, err := gateway.FreeSpace(t.TempDir())(); err != nil || free == 0 {
		t.Errorf("%d bytes free: %v", free, err)
	}
	if _, err := gateway.FreeSpace(t.TempDir() + "/none")(); err == nil {
		t.Error("a folder that is not there has free space")
	}
}

func TestLogDown(t *testing.T) {
	h := start(t, gateway.Config{})
	h.publish()
	body := h.make(nil)
	h.server.Stop()
	for _, e := range []string{body, h.make(fields{"study": "nowhere"}), h.randomised("r", "p1", "peer"), h.definition(nil, hope)} {
		a := h.post(single, e)
		if a.Status != 503 || a.Problem != "urn:throughline:problem:unavailable" || a.Header.Get("Retry-After") == "" {
			t.Errorf("got %s", a.text)
		}
	}
	h.server.Restart()
	h.log = h.server.Log()
	h.open()
	h.want(h.post(single, body), 202, 1, 0, "")
}

func TestOverload(t *testing.T) {
	h := start(t, gateway.Config{MaxMemory: 10 << 20})
	h.publish()
	server := httptest.NewServer(h.gateway)
	defer server.Close()
	// Senders that stop in the middle hold memory until the bound is reached.
	var senders sync.WaitGroup
	release := make(chan struct{})
	end := sync.OnceFunc(func() { close(release) })
	defer end()
	for range 40 {
		senders.Go(func() {
			body := &stalling{data: bytes.Repeat([]byte(" "), 900<<10), release: release}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, body)
			if err != nil {
				t.Error(err)
				return
			}
			req.Header.Set("Content-Type", batch)
			resp, err := server.Client().Do(req)
			if err == nil {
				_ = resp.Body.Close()
			}
		})
	}
	large := strings.Repeat(" ", 900<<10) + "[]"
	h.eventually("the overload", func() bool {
		a := h.post(batch, large)
		return a.Status == 503 && a.Problem == "urn:throughline:problem:overloaded" && a.Header.Get("Retry-After") == "1"
	})
	end()
	senders.Wait()
	h.eventually("the recovery", func() bool { return h.post(batch, large).Status == 202 })
}

// stalling is a body that stops after its data until it is released.
type stalling struct {
	data    []byte
	release chan struct{}
}

func (s *stalling) Read(p []byte) (int, error) {
	if len(s.data) == 0 {
		<-s.release
		return 0, io.EOF
	}
	n := copy(p, s.data)
	s.data = s.data[n:]
	return n, nil
}

func TestSlowSender(t *testing.T) {
	h := start(t, gateway.Config{ReadTimeout: 100 * time.Millisecond})
	server := httptest.NewServer(h.gateway)
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, err = fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: 1000\r\n\r\n{", single)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusRequestTimeout {
		t.Errorf("got %d", resp.StatusCode)
	}
}

// TestAnswerIsSeen sends a body past the limit over a real connection: the client reads the answer, not a reset.
func TestAnswerIsSeen(t *testing.T) {
	h := start(t, gateway.Config{})
	server := httptest.NewServer(h.gateway)
	defer server.Close()
	for name, body := range map[string]io.Reader{
		"announced": strings.NewReader(strings.Repeat("x", 5<<20)),
		"chunked":   io.LimitReader(endless{}, 5<<20),
	} {
		resp, err := server.Client().Post(server.URL, batch, body)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: got %d", name, resp.StatusCode)
		}
	}
	// A body without end is cut off.
	resp, err := server.Client().Post(server.URL, batch, endless{})
	if err == nil {
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("without end: got %d", resp.StatusCode)
		}
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestUnauthorised(t *testing.T) {
	h := start(t, gateway.Config{})
	g, err := gateway.New(t.Context(), gateway.Config{}, gateway.Deps{Log: h.log, Auth: nobody{}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = g.Close(context.Background()) }()
	rec := httptest.NewRecorder()
	g.ServeHTTP(rec, request(single, h.make(nil)))
	if rec.Code != 401 || rec.Header().Get("Content-Type") != "application/problem+json" || rec.Header().Get("WWW-Authenticate") == "" {
		t.Errorf("got %d %s", rec.Code, rec.Body)
	}
}

type nobody struct{}

func (nobody) Authenticate(*http.Request) (auth.Grant, error) {
	return auth.Grant{}, auth.ErrBadCredential
}

// TestCloseDrains closes while requests are in flight: each is either acknowledged and on disk, or refused.
func TestCloseDrains(t *testing.T) {
	h := start(t, gateway.Config{})
	h.publish()
	var acknowledged atomic.Int64
	var clients sync.WaitGroup
	begun := make(chan struct{}, 100)
	for c := range 8 {
		clients.Go(func() {
			for n := 0; ; n++ {
				e := fmt.Sprintf(`{"specversion":"1.0","id":"%d-%d","source":"/x","type":"session.started","subject":"p%d","time":"2026-03-01T10:00:00Z","study":"hope"}`, c, n, c)
				a := h.post(single, e)
				if a.Status != 202 {
					return
				}
				acknowledged.Add(1)
				select {
				case begun <- struct{}{}:
				default:
				}
			}
		})
	}
	for range 20 {
		<-begun
	}
	if err := h.gateway.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	clients.Wait()
	if got := len(h.entries(event.StreamEvents)); got != int(acknowledged.Load()) {
		t.Errorf("%d events on disk, %d acknowledged", got, acknowledged.Load())
	}
	a := h.post(single, h.make(nil))
	if a.Status != 503 || a.Problem != "urn:throughline:problem:closing" {
		t.Errorf("after closing: %s", a.text)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	h := start(t, gateway.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- h.gateway.Run(ctx) }()
	cancel()
	if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestSubmit(t *testing.T) {
	h := start(t, gateway.Config{})
	h.publish()
	var events []event.Event
	for i := range 1200 { // more than a request may hold, over more participants than a commit holds
		e, problems := event.Decode([]byte(h.make(fields{"subject": fmt.Sprintf("p%d", i)})), time.Time{})
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		events = append(events, e)
	}
	r, err := h.gateway.Submit(t.Context(), auth.LocalGrant(), events)
	if err != nil || r.Accepted != 1200 || r.Position.Events != h.ends().Events {
		t.Errorf("%d accepted at %s: %v", r.Accepted, r.Position, err)
	}
	r, err = h.gateway.Submit(t.Context(), auth.LocalGrant(), events[:10])
	if err != nil || r.Duplicates != 10 || !r.Position.Covers(h.ends()) && r.Position.Events < 1200 {
		t.Errorf("%d duplicates at %s: %v", r.Duplicates, r.Position, err)
	}
}

func TestConfigValidate(t *testing.T) {
	err := gateway.Config{Recent: -1, MaxMemory: 5}.Validate()
	if err == nil || !strings.Contains(err.Error(), "recent") || !strings.Contains(err.Error(), "max memory") {
		t.Errorf("got %v", err)
	}
}
