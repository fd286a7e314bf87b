package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/analyst"
	"github.com/throughline-trials/throughline/services/auth"
	"github.com/throughline-trials/throughline/services/embedded/embeddedtest"
	"github.com/throughline-trials/throughline/services/gateway"
	"github.com/throughline-trials/throughline/services/importer"
	tlog "github.com/throughline-trials/throughline/services/log"
	"github.com/throughline-trials/throughline/services/projector"
	"github.com/throughline-trials/throughline/services/store"
	"github.com/throughline-trials/throughline/services/verify"
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }

// rig is a whole server on real engines, asked over HTTP. It begins in open mode.
type rig struct {
	*testing.T
	url       string
	local     string // the local credential
	position  string // of what was posted last
	log       *tlog.Log
	store     *store.Store
	projector *projector.Projector
	reader    *analyst.Reader
	keyring   *auth.Keyring
	gateway   *gateway.Gateway
	described *described
}

// newRig starts a server; change may set up its API otherwise.
func newRig(t *testing.T, change ...func(*API)) *rig {
	t.Helper()
	r := &rig{T: t, local: auth.NewSecret("local"), described: newDescribed(t)}
	r.openLog()
	r.openStore()
	r.project()
	r.analyse()
	r.openGateway()
	a := &API{Reader: r.reader, Keyring: r.keyring, Maintainer: r, Logger: slog.New(slog.DiscardHandler)}
	for _, f := range change {
		f(a)
	}
	mux := http.NewServeMux()
	mux.Handle("/v1/events", r.gateway)
	mux.Handle("GET /openapi.json", Description())
	a.Register(mux)
	mux.HandleFunc("/", http.NotFound)
	server := httptest.NewUnstartedServer(nil)
	server.Config.Handler = auth.Guard(r.keyring, server.Listener.Addr().String(), mux)
	server.Start()
	t.Cleanup(server.Close)
	r.url = server.URL
	r.want(r.get("/v1/studies"), http.StatusOK, "") // waits until something is known
	return r
}

func (r *rig) openLog() {
	r.Helper()
	nc, js := embeddedtest.JetStream(r)
	var err error
	if r.log, err = tlog.Connect(r.Context(), nc, tlog.Config{}); err != nil {
		r.Fatal(err)
	}
	if r.keyring, err = auth.Open(r.Context(), js, auth.Config{Loopback: true, LocalToken: r.local}); err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { r.keyring.Close() })
}

func (r *rig) openStore() {
	r.Helper()
	name, _ := embeddedtest.Database(r)
	var err error
	r.store, err = store.Open(r.Context(), store.Options{ClickHouse: embeddedtest.Engines(r).ClickHouseOptions(""), Database: name, Migrate: true})
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { r.store.Close() })
}

// run keeps a service going until the test ends.
func (r *rig) run(name string, service func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- service(ctx) }()
	r.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			r.Errorf("%s: %v", name, err)
		}
	})
}

func (r *rig) project() {
	r.Helper()
	var err error
	r.projector, err = projector.New(projector.Config{
		Log: r.log, Store: r.store, Registerer: prometheus.NewRegistry(), Logger: slog.New(slog.DiscardHandler),
		Interval: 5 * time.Millisecond, Gather: time.Millisecond,
	})
	if err != nil {
		r.Fatal(err)
	}
	r.run("projector", r.projector.Run)
}

func (r *rig) analyse() {
	r.Helper()
	service, err := analyst.New(analyst.Config{
		Store: r.store, Progress: r.projector.Progress(), Registerer: prometheus.NewRegistry(), Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		r.Fatal(err)
	}
	r.reader = service.Reader()
	r.run("analyst", service.Run)
}

func (r *rig) openGateway() {
	r.Helper()
	g, err := gateway.New(r.Context(), gateway.Config{}, gateway.Deps{Log: r.log, Auth: r.keyring})
	if err != nil {
		r.Fatal(err)
	}
	r.gateway = g
	r.Cleanup(func() {
		if err := g.Close(context.Background()); err != nil {
			r.Error(err)
		}
	})
}

// Verify implements [Maintainer].
func (r *rig) Verify(ctx context.Context) (verify.Report, error) {
	return verify.Verify(ctx, r.log, r.store, nil)
}

// Rebuild implements [Maintainer].
func (r *rig) Rebuild(ctx context.Context) error { return r.projector.Rebuild(ctx, nil) }

// Definition implements [Maintainer].
func (r *rig) Definition(ctx context.Context, study string) (json.RawMessage, bool, error) {
	message, found, err := r.log.LastDefinition(ctx, study)
	if err != nil || !found {
		return nil, false, err
	}
	for _, entry := range message.Entries() {
		if v, ok := entry.Event.Data.Get(event.DefinitionAttribute); ok {
			return v.Object, true, nil
		}
	}
	return nil, false, nil
}

// History implements [Maintainer].
func (r *rig) History(ctx context.Context, q importer.HistoryQuery) (importer.Records, error) {
	collector := importer.Collect(q)
	err := r.store.Facts(ctx, store.Query{Study: q.Study, Kinds: []store.Kind{store.KindEvent}}, func(row *store.Row) error {
		collector.Add(&row.Event)
		return nil
	})
	return collector.Records(), err
}

// request is one request; the method is GET unless given.
type request struct {
	method, path string
	token        string
	body         string
	header       map[string]string
	host         string
}

// answer is what came back.
type answer struct {
	request request
	status  int
	header  http.Header
	body    []byte
}

// ask sends a request and holds its answer against the description.
func (r *rig) ask(q request) answer {
	r.Helper()
	a := r.send(q)
	r.described.check(r, a)
	return a
}

func (r *rig) send(q request) answer {
	r.Helper()
	if q.method == "" {
		q.method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(r.Context(), q.method, r.url+q.path, strings.NewReader(q.body))
	if err != nil {
		r.Fatal(err)
	}
	if q.token != "" {
		req.Header.Set("Authorization", "Bearer "+q.token)
	}
	for name, value := range q.header {
		req.Header.Set(name, value)
	}
	req.Host = q.host
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		r.Fatal(err)
	}
	return answer{q, res.StatusCode, res.Header, body}
}

// get asks with GET in the name of whoever has a token.
func (r *rig) get(path string, token ...string) answer {
	r.Helper()
	return r.ask(request{path: path, token: strings.Join(token, "")})
}

// problem returns the last part of a problem's type, and its detail.
func (a answer) problem() (slug, detail string) {
	var p struct{ Type, Detail string }
	_ = json.Unmarshal(a.body, &p) // what is no problem has no slug
	return strings.TrimPrefix(p.Type, "urn:throughline:problem:"), p.Detail
}

// want fails the test unless an answer has a status and, if it is a refusal, a slug.
func (r *rig) want(a answer, status int, slug string) {
	r.Helper()
	got, _ := a.problem()
	if a.status != status || status >= 400 && got != slug {
		r.Errorf("%s %s: %d %s, want %d %s: %.600s", a.request.method, a.request.path, a.status, got, status, slug, a.body)
	}
}

// decode reads an answer that is 200.
func decode[T any](r *rig, a answer) T {
	r.Helper()
	var v T
	if a.status != http.StatusOK {
		r.Fatalf("%s: %d: %s", a.request.path, a.status, a.body)
	}
	if err := json.Unmarshal(a.body, &v); err != nil {
		r.Fatalf("%s: %v", a.request.path, err)
	}
	return v
}

// post sends events, which must all be taken, and waits until they are in the results.
func (r *rig) post(events ...string) {
	r.Helper()
	for i := range events {
		events[i] = strings.ReplaceAll(events[i], "\n", "")
	}
	for len(events) > 0 {
		n := min(len(events), event.MaxBatchEvents)
		a := r.ask(request{
			method: http.MethodPost, path: "/v1/events", token: r.local, body: strings.Join(events[:n], "\n"),
			header: map[string]string{"Content-Type": "application/x-ndjson"},
		})
		var got receipt
		if err := json.Unmarshal(a.body, &got); err != nil || a.status != http.StatusAccepted || len(got.Rejected) > 0 {
			r.Fatalf("post: %d: %.1000s", a.status, a.body)
		}
		r.position, events = got.Position, events[n:]
	}
	position, err := tlog.ParsePosition(r.position)
	if err != nil {
		r.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(r.Context(), 30*time.Second)
	defer cancel()
	if err := r.reader.WaitFor(ctx, position); err != nil {
		r.Fatal(err)
	}
}

// make returns a token of a study.
func (r *rig) make(study string, scopes ...event.Scope) string {
	r.Helper()
	_, text, err := r.keyring.Create(r.Context(), auth.Request{Study: study, Scopes: scopes})
	if err != nil {
		r.Fatal(err)
	}
	return text
}

// line returns an event as JSON; pairs are names and values of its attributes, and data a JSON object or empty.
func line(id, typ, study, subject string, at time.Time, data string, pairs ...string) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"specversion":"1.0","source":"/test","id":%q,"type":%q,"study":%q,"time":%q`, id, typ, study, at.UTC().Format(time.RFC3339))
	if subject != "" {
		fmt.Fprintf(&b, `,"subject":%q`, subject)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		fmt.Fprintf(&b, `,%q:%q`, pairs[i], pairs[i+1])
	}
	if data != "" {
		b.WriteString(`,"data":` + data)
	}
	b.WriteString("}")
	return b.String()
}
