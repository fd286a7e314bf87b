package auth_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/auth"
)

const address = "127.0.0.1:8080"

func TestGuardOpenMode(t *testing.T) {
	guard := auth.Guard(openKeyring(t, auth.Config{Loopback: true, LocalToken: auth.NewSecret("local")}), address, reached())
	cases := []struct {
		name   string
		host   string
		header http.Header
		want   int
	}{
		{"plain", "127.0.0.1:8080", nil, 200},
		{"localhost", "localhost:8080", nil, 200},
		{"upper case", "LOCALHOST:8080", nil, 200},
		{"IPv6", "[::1]:8080", nil, 200},
		{"rebound name", "evil.example:8080", nil, 421},
		{"other port", "127.0.0.1:9090", nil, 421},
		{"no port", "127.0.0.1", nil, 421},
		{"no host", "", nil, 421},
		{"trailing dot", "localhost.:8080", nil, 421},
		{"own origin", address, http.Header{"Origin": {"http://127.0.0.1:8080"}}, 200},
		{"foreign origin", address, http.Header{"Origin": {"http://evil.example"}}, 403},
		{"foreign port", address, http.Header{"Origin": {"http://localhost:3000"}}, 403},
		{"null origin", address, http.Header{"Origin": {"null"}}, 403},
		{"empty origin", address, http.Header{"Origin": {""}}, 403},
		{"one of two origins", address, http.Header{"Origin": {"http://localhost:8080", "http://evil.example"}}, 403},
		{"same origin fetch", address, http.Header{"Sec-Fetch-Site": {"same-origin"}}, 200},
		{"typed address", address, http.Header{"Sec-Fetch-Site": {"none"}}, 200},
		{"same site fetch", address, http.Header{"Sec-Fetch-Site": {"same-site"}}, 403},
		{"cross site fetch", address, http.Header{"Sec-Fetch-Site": {"cross-site"}}, 403},
		{"wrong token", address, http.Header{"Authorization": {"Bearer tl_aaaaaaaaaa_bbbb"}}, 401},
		{"other scheme", address, http.Header{"Authorization": {"Basic YTpi"}}, 401},
		{"empty credential", address, http.Header{"Authorization": {""}}, 401},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "http://"+address+"/v1/studies", nil)
			r.Host = c.host
			if c.header != nil {
				r.Header = c.header
			}
			rec := httptest.NewRecorder()
			guard.ServeHTTP(rec, r)
			if rec.Code != c.want {
				t.Errorf("got %d, want %d: %s", rec.Code, c.want, rec.Body)
			}
			for name := range rec.Header() {
				if strings.HasPrefix(name, "Access-Control") {
					t.Errorf("header %s lets other origins read", name)
				}
			}
			if c.want == 401 && rec.Header().Get("WWW-Authenticate") == "" {
				t.Error("no WWW-Authenticate")
			}
		})
	}
}

func TestGuardWithTokens(t *testing.T) {
	local := auth.NewSecret("local")
	k := openKeyring(t, auth.Config{Loopback: true, LocalToken: local})
	token, secret, err := k.Create(t.Context(), auth.Request{Study: "hope", Scopes: []event.Scope{event.ScopeEmit}})
	if err != nil {
		t.Fatal(err)
	}
	var got auth.Grant
	handler := auth.Guard(k, address, auth.Require(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got, _ = auth.FromContext(r.Context())
	})))
	get := func(credential string) int {
		r := httptest.NewRequest(http.MethodGet, "http://trial.example/", nil)
		if credential != "" {
			r.Header.Set("Authorization", "Bearer "+credential)
		}
		rec := httptest.NewRecorder()
		handler.ServeHTTP(rec, r)
		return rec.Code
	}
	if code := get(""); code != 401 {
		t.Errorf("without credential: got %d, want 401", code)
	}
	if code := get(secret); code != 200 || got.ID != token.ID {
		t.Errorf("with token: got %d and grant of %q", code, got.ID)
	}
	if code := get(local); code != 200 || got.ID != auth.LocalID {
		t.Errorf("with local credential: got %d and grant of %q", code, got.ID)
	}
	if code := get(secret + "x"); code != 401 {
		t.Errorf("with altered token: got %d, want 401", code)
	}
	if code := get(token.ID); code != 401 {
		t.Errorf("with a token's id: got %d, want 401", code)
	}
	if err := k.Revoke(t.Context(), token.ID); err != nil {
		t.Fatal(err)
	}
	if code := get(secret); code != 401 {
		t.Errorf("with revoked token: got %d, want 401", code)
	}
	if code := get(""); code != 401 {
		t.Errorf("open mode came back: got %d, want 401", code)
	}
}

func TestListen(t *testing.T) {
	for addr, want := range map[string]bool{
		"127.0.0.1:8080": true, "localhost:8080": true, "[::1]:8080": true, "127.9.9.9:1": true, "[::ffff:127.0.0.1]:80": true,
		":8080": false, "0.0.0.0:8080": false, "[::]:8080": false, "192.168.1.2:80": false, "trial.example:80": false, "nonsense": false,
	} {
		if got := auth.IsLoopback(addr); got != want {
			t.Errorf("IsLoopback(%q) = %t", addr, got)
		}
		if err := auth.CheckListen(addr, false); (err == nil) != want {
			t.Errorf("CheckListen(%q) without tokens: %v", addr, err)
		}
		if err := auth.CheckListen(addr, true); err != nil {
			t.Errorf("CheckListen(%q) with tokens: %v", addr, err)
		}
	}
	if err := auth.CheckListen(":8080", false); !strings.Contains(err.Error(), "throughline token create") {
		t.Errorf("the error does not say how to make a token: %v", err)
	}
}

func reached() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
}
