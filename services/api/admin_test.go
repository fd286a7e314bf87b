package api

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/importer"
	"github.com/throughline-trials/throughline/services/verify"
)

func decodePosition(t *testing.T, a answer) string {
	t.Helper()
	var got receipt
	if err := json.Unmarshal(a.body, &got); err != nil || got.Position == "" {
		t.Fatalf("no position: %d %s", a.status, a.body)
	}
	return got.Position
}

// TestTokens makes, lists, uses and revokes a token.
func TestTokens(t *testing.T) {
	r := newRig(t)
	ask := request{method: "POST", path: "/v1/admin/tokens", token: r.local, body: `{"study":"hope","scopes":["read"],"app":"page"}`, header: asJSON()}
	a := r.ask(ask)
	var made token
	if err := json.Unmarshal(a.body, &made); err != nil || a.status != http.StatusCreated || made.Text == "" || made.App != "page" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	listed := r.get("/v1/admin/tokens", r.local)
	r.want(listed, http.StatusOK, "")
	if text := string(listed.body); !strings.Contains(text, made.ID) || strings.Contains(text, made.Text) || strings.Contains(text, "hash") {
		t.Errorf("the list is %s", text)
	}
	r.want(r.get("/v1/studies", made.Text), http.StatusOK, "")
	revoke := request{method: "DELETE", path: "/v1/admin/tokens/" + made.ID, token: r.local}
	r.want(r.ask(revoke), http.StatusNoContent, "")
	r.want(r.get("/v1/studies", made.Text), http.StatusUnauthorized, "unauthorized")
	r.want(r.ask(revoke), http.StatusNoContent, "")
	revoke.path = "/v1/admin/tokens/nothing"
	r.want(r.ask(revoke), http.StatusNotFound, "unknown-token")
	for _, bad := range []string{
		`{"study":"*","scopes":["read"]}`, `{"study":"hope","scopes":[]}`, `{"study":"hope","scopes":["everything"]}`, `{"study":"Hope!","scopes":["read"]}`, `{}`,
		`{"study":"hope","scopes":["read"],"app":"a\u0007b"}`,
	} {
		ask.body = bad
		r.want(r.ask(ask), http.StatusBadRequest, "invalid-token-request")
	}
}

// TestTrust asks for what open mode and tokens of one study may not do.
func TestTrust(t *testing.T) {
	r := newRig(t)
	needTrust := []request{
		{path: "/v1/admin/tokens"}, {method: "DELETE", path: "/v1/admin/tokens/abc"},
		{method: "POST", path: "/v1/admin/tokens", body: `{"study":"hope","scopes":["read"]}`, header: asJSON()},
	}
	for _, q := range needTrust {
		r.want(r.ask(q), http.StatusForbidden, "forbidden")
	}
	if r.keyring.HaveTokens() {
		t.Fatal("open mode made a token")
	}
	r.want(r.ask(request{method: "POST", path: "/v1/admin/verify"}), http.StatusOK, "")
	one, reader, all := r.make("hope", event.ScopeAdmin), r.make("hope", event.ScopeRead), r.make("*", event.ScopeAdmin)
	needAll := append(needTrust, request{method: "POST", path: "/v1/admin/verify"}, request{method: "POST", path: "/v1/admin/rebuild"})
	for _, q := range needAll {
		r.want(r.ask(q), http.StatusUnauthorized, "unauthorized")
		for _, token := range []string{one, reader} {
			q.token = token
			r.want(r.ask(q), http.StatusForbidden, "forbidden")
		}
	}
	r.want(r.get("/v1/admin/tokens", all), http.StatusOK, "")
	for token, want := range map[string]int{one: 404, all: 404, r.local: 404, reader: 403} {
		if a := r.get("/v1/admin/studies/hope/definition", token); a.status != want {
			t.Errorf("definition: %d, want %d", a.status, want)
		}
	}
	r.want(r.get("/v1/admin/studies/other/definition", one), http.StatusForbidden, "forbidden")
}

// TestMaintenance verifies, rebuilds and reads back.
func TestMaintenance(t *testing.T) {
	r := newRig(t)
	now := time.Now()
	r.post(hopeEvents(now)...)
	for _, path := range []string{"/v1/admin/verify", "/v1/admin/rebuild", "/v1/admin/verify"} {
		got := decode[verify.Report](r, r.ask(request{method: "POST", path: path}))
		if !got.OK || got.LogEvents == 0 || got.LogEvents != got.FactEvents {
			t.Errorf("%s: %+v", path, got)
		}
	}
	a := r.get("/v1/admin/studies/hope/definition")
	if got := decode[publishedDefinition](r, a); got.Study != "hope" || !strings.Contains(string(got.Definition), `"weekly"`) {
		t.Errorf("definition is %s", a.body)
	}
	r.want(r.get("/v1/admin/studies/nothing/definition"), http.StatusNotFound, "unknown-study")
}

// TestHistory asks what became of events, as importers do.
func TestHistory(t *testing.T) {
	r := newRig(t)
	now := time.Now()
	r.post(line("d", "definition.published", "hope", "", now, hope), line("e1", "participant.enrolled", "hope", "p1", now, ""),
		line("e2", "session.started", "hope", "p1", now, ""))
	r.post(line("v1", "event.voided", "hope", "p1", now, `{"target_source":"/test","target_id":"e2","reason":"mistake"}`))
	query := `{"study":"hope","source":"/test","keys":[{"subject":"p1","id":"e1"},{"subject":"p1","id":"e2"},{"subject":"p1","id":"e3"}]}`
	ask := request{method: "POST", path: importer.HistoryPath("hope"), body: query, header: asJSON()}
	check := func(a answer) {
		t.Helper()
		got := decode[importer.HistoryAnswer](r, a)
		if len(got.Records) != 2 || len(got.Records["e1"].Changes) != 0 || len(got.Records["e2"].Changes) != 1 {
			t.Errorf("%s", a.body)
		}
	}
	check(r.ask(ask))
	client := importer.Client{URL: r.url, HTTP: http.DefaultClient}
	records, err := client.Records(t.Context(), importer.HistoryQuery{Study: "hope", Source: "/test", Keys: []importer.HistoryKey{{Subject: "p1", ID: "e2"}}})
	if err != nil || len(records) != 1 || len(records["e2"].Changes) != 1 {
		t.Errorf("the importer's client gets %v, %v", records, err)
	}
	ask.body = strings.Replace(query, `"study":"hope"`, `"study":"other"`, 1)
	r.want(r.ask(ask), http.StatusBadRequest, "invalid-query")
	ask.body = fmt.Sprintf(`{"study":"hope","source":"/test","keys":[%s{}]}`, strings.Repeat(`{"id":"a"},`, importer.MaxHistoryKeys))
	r.want(r.ask(ask), http.StatusBadRequest, "invalid-query")
	ask.body = query
	for scope, want := range map[event.Scope]int{event.ScopeEmit: 200, event.ScopeRegister: 200, event.ScopeAllocate: 200, event.ScopeRead: 403, event.ScopeFunder: 403} {
		ask.token = r.make("hope", scope)
		if a := r.ask(ask); a.status != want {
			t.Errorf("scope %s: %d, want %d", scope, a.status, want)
		}
	}
	ask.token = r.make("other", event.ScopeRegister)
	r.want(r.ask(ask), http.StatusForbidden, "forbidden")
}

// TestBodies sends bodies that cannot be read.
func TestBodies(t *testing.T) {
	r := newRig(t)
	pack := func(text string) string {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write([]byte(text))
		_ = z.Close()
		return b.String()
	}
	good := `{"study":"hope","source":"/test","keys":[]}`
	bomb := pack(`{"study":"` + strings.Repeat("a", maxBody) + `"}`)
	for name, c := range map[string]struct {
		media, encoding, body string
		status                int
		slug                  string
	}{
		"good":            {"application/json; charset=utf-8", "", good, 200, ""},
		"packed":          {"application/json", "gzip", pack(good), 200, ""},
		"white space":     {"application/json", "", "\n" + good + "\n ", 200, ""},
		"empty":           {"application/json", "", "", 400, "unreadable-body"},
		"an array":        {"application/json", "", "[" + good + "]", 400, "unreadable-body"},
		"cut off":         {"application/json", "", good[:20], 400, "unreadable-body"},
		"two values":      {"application/json", "", good + good, 400, "unreadable-body"},
		"rubbish after":   {"application/json", "", good + "}", 400, "unreadable-body"},
		"unknown member":  {"application/json", "", `{"secret-name":1}`, 400, "unreadable-body"},
		"wrong type":      {"application/json", "", `{"study":7}`, 400, "unreadable-body"},
		"not packed":      {"application/json", "gzip", good, 400, "unreadable-body"},
		"packed, cut off": {"application/json", "gzip", pack(good)[:15], 400, "unreadable-body"},
		"too long":        {"application/json", "", `{"study":"` + strings.Repeat("a", maxBody) + `"}`, 413, "too-large"},
		"unpacks too far": {"application/json", "gzip", bomb, 413, "too-large"},
		"a form":          {"application/x-www-form-urlencoded", "", good, 415, "unsupported-media-type"},
		"plain text":      {"text/plain", "", good, 415, "unsupported-media-type"},
		"no media type":   {"", "", good, 415, "unsupported-media-type"},
		"other packing":   {"application/json", "br", good, 415, "unsupported-encoding"},
	} {
		t.Run(name, func(t *testing.T) {
			header := map[string]string{"Content-Type": c.media}
			if c.encoding != "" {
				header["Content-Encoding"] = c.encoding
			}
			a := r.ask(request{method: "POST", path: importer.HistoryPath("hope"), body: c.body, header: header})
			r.want(a, c.status, c.slug)
			if strings.Contains(string(a.body), "secret") {
				t.Errorf("the answer repeats what was sent: %s", a.body)
			}
		})
	}
}
