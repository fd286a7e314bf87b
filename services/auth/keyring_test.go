package auth_test

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/auth"
	"github.com/throughline-trials/throughline/services/log/logtest"
)

func openKeyring(t *testing.T, c auth.Config) *auth.Keyring {
	t.Helper()
	return keyringOn(t, logtest.Start(t), c)
}

func keyringOn(t *testing.T, s *logtest.Server, c auth.Config) *auth.Keyring {
	t.Helper()
	js, err := jetstream.New(s.Connect())
	if err != nil {
		t.Fatal(err)
	}
	k, err := auth.Open(t.Context(), js, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	})
	return k
}

func TestTokensSurviveRestart(t *testing.T) {
	s := logtest.Start(t)
	k := keyringOn(t, s, auth.Config{Loopback: true})
	if !k.IsOpen() {
		t.Fatal("not open although no token was made")
	}
	token, secret, err := k.Create(t.Context(), auth.Request{Study: "hope", Scopes: []event.Scope{event.ScopeEmit}, App: "android"})
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^tl_[a-z2-7]{10}_[a-z2-7]{52}$`).MatchString(secret) {
		t.Error("the token does not look like one")
	}
	if text, _ := json.Marshal(token); strings.Contains(string(text), strings.Split(secret, "_")[2]) {
		t.Error("the secret is kept")
	}
	other := keyringOn(t, s, auth.Config{Loopback: true})
	grant, err := other.Identify(secret)
	if err != nil || grant.ID != token.ID || grant.App != "android" || other.IsOpen() {
		t.Fatalf("another service: grant %+v, open %t, error %v", grant, other.IsOpen(), err)
	}
	if err := k.Revoke(t.Context(), token.ID); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { _, err := other.Identify(secret); return errors.Is(err, auth.ErrBadCredential) })
	if list := other.List(); len(list) != 1 || list[0].Revoked == nil {
		t.Errorf("list: %+v", list)
	}
	if err := k.Revoke(t.Context(), "nothing"); !errors.Is(err, auth.ErrNoToken) {
		t.Errorf("revoke what is not: %v", err)
	}
}

func TestRequestValidate(t *testing.T) {
	emit := []event.Scope{event.ScopeEmit}
	for name, c := range map[string]struct {
		request auth.Request
		want    []string
	}{
		"good":            {auth.Request{Study: "hope", Scopes: emit}, nil},
		"admin of all":    {auth.Request{Study: "*", Scopes: []event.Scope{event.ScopeAdmin}}, nil},
		"no study":        {auth.Request{Scopes: emit}, []string{"study"}},
		"emit in all":     {auth.Request{Study: "*", Scopes: emit}, []string{"admin"}},
		"no scope":        {auth.Request{Study: "hope"}, []string{"scope"}},
		"everything":      {auth.Request{Study: "A B", Scopes: []event.Scope{"x"}, App: "a\nb"}, []string{"study", "scope", "app"}},
		"overlong app":    {auth.Request{Study: "hope", Scopes: emit, App: strings.Repeat("a", 200)}, []string{"app"}},
		"subject wildcar": {auth.Request{Study: ">", Scopes: emit}, []string{"study"}},
	} {
		err := c.request.Validate()
		if (err == nil) != (c.want == nil) {
			t.Errorf("%s: %v", name, err)
		}
		for _, w := range c.want {
			if err != nil && !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %q is missing in %v", name, w, err)
			}
		}
	}
}

func TestParseScopes(t *testing.T) {
	got, err := auth.ParseScopes("register, emit", "emit")
	if err != nil || len(got) != 2 || got[0] != event.ScopeEmit || got[1] != event.ScopeRegister {
		t.Errorf("got %v, %v", got, err)
	}
	for _, bad := range []string{"", ",", "root"} {
		if _, err := auth.ParseScopes(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestGrant(t *testing.T) {
	emit := auth.Grant{ID: "a", Study: "hope", Scopes: []event.Scope{event.ScopeEmit}}
	admin := auth.Grant{ID: "b", Study: "hope", Scopes: []event.Scope{event.ScopeAdmin}}
	for name, c := range map[string]struct{ got, want bool }{
		"emit in its study":        {emit.Allows(event.ScopeEmit, "hope"), true},
		"emit in another":          {emit.Allows(event.ScopeEmit, "other"), false},
		"emit registers":           {emit.Allows(event.ScopeRegister, "hope"), false},
		"admin emits":              {admin.Allows(event.ScopeEmit, "hope"), true},
		"admin in another":         {admin.Allows(event.ScopeAdmin, "other"), false},
		"open allows all":          {auth.OpenGrant().Allows(event.ScopeAdmin, "other"), true},
		"open is trusted":          {auth.OpenGrant().Trusted(), false},
		"open is trusted for one":  {auth.OpenGrant().TrustedFor("hope"), false},
		"local is trusted":         {auth.LocalGrant().Trusted(), true},
		"admin of one is trusted":  {admin.Trusted(), false},
		"admin is trusted for one": {admin.TrustedFor("hope"), true},
		"emit is trusted for one":  {emit.TrustedFor("hope"), false},
		"nothing allows anything":  {auth.Grant{}.Allows(event.ScopeEmit, ""), false},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %t", name, c.got)
		}
	}
}

// waitFor waits for a condition that another goroutine brings about.
func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	deadline := time.NewTimer(10 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer deadline.Stop()
	defer tick.Stop()
	for !done() {
		select {
		case <-deadline.C:
			t.Fatal("the condition does not come about")
		case <-tick.C:
		}
	}
}
