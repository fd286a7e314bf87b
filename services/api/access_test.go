package api

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/analyst"
)

// TestBlinding asks for arms that analysts may not see.
func TestBlinding(t *testing.T) {
	r := newRig(t)
	now := time.Now()
	events := hopeEvents(now)
	for i := range events {
		events[i] = strings.ReplaceAll(events[i], `"study":"hope"`, `"study":"blind"`)
	}
	events[0] = line("definition", "definition.published", "blind", "", now.AddDate(0, 0, -61), blindStudy("blind"))
	r.post(events...)
	var byArm []string
	for _, rt := range new(API).routes() {
		if rt.method == http.MethodGet && slices.ContainsFunc(rt.refuses, func(f refusal) bool { return f.slug == blinded.slug }) {
			byArm = append(byArm, strings.ReplaceAll(rt.path, "{study}", "blind"))
		}
	}
	if len(byArm) < 3 {
		t.Fatalf("only %q answer by arm", byArm)
	}
	for _, path := range byArm { // open mode
		r.want(r.get(path), http.StatusOK, "")
	}
	type sizes struct {
		Participants int
		Arms         []struct{ Participants *int }
	}
	shown := decode[sizes](r, r.get("/v1/studies/blind"))
	if n := shown.Arms[0].Participants; n == nil || *n != 8 {
		t.Errorf("open mode sees %v participants", n)
	}
	reader, admin, all := r.make("blind", event.ScopeRead), r.make("blind", event.ScopeAdmin), r.make("*", event.ScopeAdmin)
	for _, path := range byArm {
		r.want(r.get(path, reader), http.StatusForbidden, "blinded")
		for _, token := range []string{admin, all, r.local} {
			r.want(r.get(path, token), http.StatusOK, "")
		}
	}
	r.want(r.ask(request{method: "POST", path: "/v1/studies/blind/trial", token: reader, body: strings.Replace(hope, `"id":"hope"`, `"id":"blind"`, 1), header: asJSON()}), http.StatusForbidden, "blinded")
	r.want(r.get("/v1/studies/blind/quality", reader), http.StatusOK, "")
	shown = decode[sizes](r, r.get("/v1/studies/blind", reader))
	if shown.Arms[0].Participants != nil || shown.Participants != 16 {
		t.Errorf("a reader sees %+v", shown)
	}
	if got := decode[analyst.DeliveryTypes](r, r.get("/v1/delivery-types", all)); got.Blinded != 0 || got.DeliveryTypes[1].Studies != 1 {
		t.Errorf("an administrator sees %+v", got)
	}
}

// TestWhoMayRead asks in the name of everybody.
func TestWhoMayRead(t *testing.T) {
	r := newRig(t)
	now := time.Now()
	r.post(line("d", "definition.published", "hope", "", now, hope),
		line("d", "definition.published", "other", "", now, strings.Replace(hope, `"id":"hope"`, `"id":"other"`, 1)))
	scopes := map[event.Scope]string{}
	for _, s := range event.Scopes() {
		scopes[s] = r.make("hope", s)
	}
	elsewhere, all := r.make("other", event.ScopeRead), r.make("*", event.ScopeAdmin)
	for _, rt := range new(API).routes() {
		if len(rt.takes) == 0 {
			continue
		}
		q := request{method: rt.method, path: strings.ReplaceAll(rt.path, "{study}", "hope"), body: hope, header: asJSON()}
		as := func(token string, status int, slug string) {
			t.Helper()
			q.token = token
			r.want(r.ask(q), status, slug)
		}
		as("", http.StatusUnauthorized, "unauthorized")
		as("nonsense", http.StatusUnauthorized, "unauthorized")
		as(scopes[event.ScopeRead]+"x", http.StatusUnauthorized, "unauthorized")
		for _, s := range []event.Scope{event.ScopeEmit, event.ScopeRegister, event.ScopeAllocate, event.ScopeFunder} {
			as(scopes[s], http.StatusForbidden, "forbidden")
		}
		as(all, http.StatusOK, "")
		as(r.local, http.StatusOK, "")
		if rt.ofStudy() {
			as(elsewhere, http.StatusForbidden, "forbidden")
		}
		if rt.path == "/v1/delivery-types" {
			as(scopes[event.ScopeRead], http.StatusForbidden, "forbidden")
			as(scopes[event.ScopeAdmin], http.StatusForbidden, "forbidden")
			continue
		}
		as(scopes[event.ScopeRead], http.StatusOK, "")
		as(scopes[event.ScopeAdmin], http.StatusOK, "")
	}
	r.want(r.get("/v1/studies/nothing", elsewhere), http.StatusForbidden, "forbidden") // whether it is there is not told
	for token, want := range map[string]int{scopes[event.ScopeRead]: 1, elsewhere: 1, all: 2} {
		if got := decode[analyst.StudyList](r, r.get("/v1/studies", token)); len(got.Studies) != want {
			t.Errorf("%d studies are listed, want %d", len(got.Studies), want)
		}
	}
}

// TestOtherOrigins asks in open mode as pages of other origins do.
func TestOtherOrigins(t *testing.T) {
	r := newRig(t)
	for _, path := range []string{"/v1/studies", "/v1/delivery-types", "/openapi.json", "/v1/admin/tokens"} {
		r.want(r.ask(request{path: path, header: map[string]string{"Origin": "http://evil.example"}}), http.StatusForbidden, "foreign-origin")
		r.want(r.ask(request{path: path, header: map[string]string{"Sec-Fetch-Site": "cross-site"}}), http.StatusForbidden, "foreign-origin")
		r.want(r.ask(request{path: path, host: "evil.example"}), http.StatusMisdirectedRequest, "misdirected-request")
	}
	a := r.get("/v1/studies")
	if a.status != http.StatusOK || a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("%d, %v", a.status, a.header)
	}
}
