package event_test

import (
	"testing"

	"github.com/throughline-trials/throughline/pkg/event"
)

// TestIdentityStays pins the hash: facts and logs hold it.
func TestIdentityStays(t *testing.T) {
	e := mustDecode(t, session().raw(t))
	if got := e.Identity().String(); got != "721e15dbf86bc90eba1fed15f2d66f1d" {
		t.Errorf("identity is %s", got)
	}
	if got := e.Content().String(); got != "185966477b26eab9e1343a49d98baa20" {
		t.Errorf("content is %s", got)
	}
}

func TestIdentityFraming(t *testing.T) {
	seen := map[event.Identity][3]string{}
	for _, parts := range [][3]string{
		{"ab", "c", "d"}, {"a", "bc", "d"}, {"a", "b", "cd"}, {"", "abc", "d"}, {"abc", "", "d"}, {"abcd", "", ""}, {"", "", "abcd"},
		{"a\x01b", "", ""}, {"a", "b", ""}, {"a", "", "b"}, {"", "", ""},
	} {
		id := event.IdentityOf(parts[0], parts[1], parts[2])
		if other, ok := seen[id]; ok {
			t.Errorf("%q and %q have one identity", parts, other)
		}
		seen[id] = parts
	}
}

func TestParseIdentity(t *testing.T) {
	id := event.IdentityOf("hope-2026", "/a", "1")
	if got, err := event.ParseIdentity(id.String()); err != nil || got != id {
		t.Errorf("got %s, %v", got, err)
	}
	for _, s := range []string{"", "00", id.String() + "0", "g" + id.String()[1:]} {
		if _, err := event.ParseIdentity(s); err == nil {
			t.Errorf("%q was taken", s)
		}
	}
}

func TestContent(t *testing.T) {
	s := session()
	content := func(o object) event.Digest {
		e := mustDecode(t, o.raw(t))
		return e.Content()
	}
	same := content(s)
	if content(s.with("sent", "2026-11-23T12:00:00Z", "traceparent", "00-1", "datacontenttype", "application/json", "istest", false)) != same {
		t.Error("a resend has another content")
	}
	for _, other := range []object{
		s.with("data.active_seconds", 313), s.with("data.module", "m"), s.with("istest", true), s.with("subject", "p-18"),
		s.with("time", "2026-11-23T11:30:00Z"), s.with("component", "app"), s.with("appversion", "2"), s.with("modality", "imported"),
	} {
		if content(other) == same {
			t.Errorf("%v has the same content", other)
		}
	}
}
