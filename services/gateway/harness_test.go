package gateway_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/auth"
	"github.com/throughline-trials/throughline/services/gateway"
	tlog "github.com/throughline-trials/throughline/services/log"
	"github.com/throughline-trials/throughline/services/log/logtest"
)

const (
	single = "application/cloudevents+json"
	batch  = "application/cloudevents-batch+json"
	lines  = "application/x-ndjson"
)

// hope is the definition that most tests use.
const hope = `{"id":"hope","title":"Hope","design":"randomised_controlled_trial",
"arms":[{"id":"peer","components":["app","coaching"],"delivery_type":"peer_delivered_technology"},{"id":"usual","role":"control","delivery_type":"none"}],
"components":[{"id":"app","channel":"app"},{"id":"coaching","channel":"phone_call"}],
"sites":[{"id":"boston"}],"strata":{"sex":["female","male"]},
"intervention":{"duration_days":84}}`

// harness is a gateway on a real log, asked over HTTP in process.
type harness struct {
	*testing.T
	server  *logtest.Server
	log     *tlog.Log
	gateway *gateway.Gateway
	config  gateway.Config
	next    int
}

// grants tells who asks by a header, so that tests need no tokens.
type grants struct{}

func (grants) Authenticate(r *http.Request) (auth.Grant, error) {
	text := r.Header.Get("Test-Grant")
	if text == "" {
		return auth.LocalGrant(), nil
	}
	studyID, scopes, _ := strings.Cut(text, " ")
	parsed, err := auth.ParseScopes(scopes)
	return auth.Grant{ID: strings.ReplaceAll(text, " ", "-"), Study: studyID, Scopes: parsed}, err
}

func start(t *testing.T, config gateway.Config) *harness {
	t.Helper()
	server := logtest.Start(t)
	h := &harness{T: t, server: server, log: server.Log(), config: config}
	h.open()
	return h
}

func (h *harness) open() {
	h.Helper()
	g, err := gateway.New(h.Context(), h.config, gateway.Deps{Log: h.log, Auth: grants{}})
	if err != nil {
		h.Fatal(err)
	}
	h.gateway = g
	h.Cleanup(func() {
		if err := g.Close(context.Background()); err != nil {
			h.Error(err)
		}
	})
}

// another returns a second gateway on the same log, whose events have other ids.
func (h *harness) another() *harness {
	h.Helper()
	other := &harness{T: h.T, server: h.server, log: h.server.Log(), next: h.next + 1_000_000}
	other.open()
	return other
}

// reopen closes the gateway and starts another on the same log.
func (h *harness) reopen() {
	h.Helper()
	if err := h.gateway.Close(context.Background()); err != nil {
		h.Fatal(err)
	}
	h.open()
}

// answer is any answer of the gateway.
type answer struct {
	Status     int
	Type       string // of the media
	Header     http.Header
	Accepted   int
	Duplicates int
	Rejected   []gateway.Rejection
	Position   string
	Problem    string `json:"type"`
	Detail     string
	text       string
}

func (a answer) codes() string {
	var codes []string
	for _, r := range a.Rejected {
		codes = append(codes, string(r.Code))
	}
	return strings.Join(codes, " ")
}

func (h *harness) do(r *http.Request) answer {
	h.Helper()
	rec := httptest.NewRecorder()
	h.gateway.ServeHTTP(rec, r)
	a := answer{Status: rec.Code, Header: rec.Header(), text: rec.Body.String()}
	if err := json.Unmarshal(rec.Body.Bytes(), &a); err != nil {
		h.Fatalf("answer %d is no JSON: %v: %s", rec.Code, err, rec.Body)
	}
	a.Status, a.Type = rec.Code, rec.Header().Get("Content-Type")
	return a
}

func request(media, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/v1/events", strings.NewReader(body))
	r.Header.Set("Content-Type", media)
	return r
}

func (h *harness) post(media, body string) answer {
	h.Helper()
	return h.do(request(media, body))
}

// postAs posts with a grant like "hope emit,register".
func (h *harness) postAs(grant, media, body string) answer {
	h.Helper()
	r := request(media, body)
	r.Header.Set("Test-Grant", grant)
	return h.do(r)
}

// want fails the test unless an answer has these figures.
func (h *harness) want(a answer, status, accepted, duplicates int, codes string) {
	h.Helper()
	if a.Status != status || a.Accepted != accepted || a.Duplicates != duplicates || a.codes() != codes {
		h.Fatalf("got %d, %d accepted, %d duplicates, rejected %q; want %d, %d, %d, %q: %s",
			a.Status, a.Accepted, a.Duplicates, a.codes(), status, accepted, duplicates, codes, a.text)
	}
}

// fields are the attributes of an event; what is nil is left out.
type fields map[string]any

// make returns an event as JSON: a session of participant p1 in hope with a new id, changed by f.
func (h *harness) make(f fields) string {
	h.next++
	e := map[string]any{
		"specversion": "1.0", "id": fmt.Sprintf("e%d", h.next), "source": "/apps/hope", "type": "session.started",
		"subject": "p1", "time": "2026-03-01T10:00:00Z", "study": "hope",
	}
	for k, v := range f {
		if v == nil {
			delete(e, k)
		} else {
			e[k] = v
		}
	}
	text, err := json.Marshal(e)
	if err != nil {
		h.Fatal(err)
	}
	return string(text)
}

func (h *harness) definition(f fields, text string) string {
	h.Helper()
	all := fields{"type": "definition.published", "subject": nil, "data": json.RawMessage(text)}
	for k, v := range f {
		all[k] = v
	}
	return h.make(all)
}

// publish publishes the definition of hope.
func (h *harness) publish() {
	h.Helper()
	h.want(h.post(single, h.definition(nil, hope)), 202, 1, 0, "")
}

func array(events ...string) string { return "[" + strings.Join(events, ",") + "]" }

// ends returns the last sequence of each stream.
func (h *harness) ends() tlog.Position {
	h.Helper()
	p, err := h.log.End(h.Context())
	if err != nil {
		h.Fatal(err)
	}
	return p
}

// entries returns every event and marker of a stream.
func (h *harness) entries(s event.Stream) []tlog.Entry {
	h.Helper()
	var all []tlog.Entry
	last, _, err := h.log.Last(h.Context(), s)
	if err != nil {
		h.Fatal(err)
	}
	err = h.log.ReadTo(h.Context(), s, 1, last, func(m tlog.Message) error {
		for _, e := range m.Entries() {
			all = append(all, e)
		}
		return nil
	})
	if err != nil {
		h.Fatal(err)
	}
	return all
}

// refusals returns what the quarantine holds.
func (h *harness) refusals() []tlog.Refusal {
	h.Helper()
	var all []tlog.Refusal
	last, _, err := h.log.Last(h.Context(), tlog.StreamQuarantine)
	if err != nil {
		h.Fatal(err)
	}
	err = h.log.ReadTo(h.Context(), tlog.StreamQuarantine, 1, last, func(m tlog.Message) error {
		for r, err := range m.Refusals() {
			if err != nil {
				return err
			}
			all = append(all, r)
		}
		return nil
	})
	if err != nil {
		h.Fatal(err)
	}
	return all
}

// eventually waits for what other goroutines bring about.
func (h *harness) eventually(what string, done func() bool) {
	h.Helper()
	deadline := time.NewTimer(15 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer deadline.Stop()
	defer tick.Stop()
	for !done() {
		select {
		case <-deadline.C:
			h.Fatalf("%s does not come about", what)
		case <-tick.C:
		}
	}
}

func packed(text string) string {
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	_, _ = z.Write([]byte(text))
	_ = z.Close()
	return buf.String()
}
