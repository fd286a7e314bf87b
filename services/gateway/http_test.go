package gateway_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/gateway"
	tlog "github.com/throughline-trials/throughline/services/log"
)

func TestMediaTypes(t *testing.T) {
	h := start(t, gateway.Config{})
	h.publish()
	a := h.post(single, h.make(nil))
	h.want(a, 202, 1, 0, "")
	if a.Type != "application/json" {
		t.Errorf("content type %q", a.Type)
	}
	if p, err := tlog.ParsePosition(a.Position); err != nil || p.Events != 1 {
		t.Errorf("position %q: %v", a.Position, err)
	}
	if !strings.Contains(a.text, `"rejected":[]`) {
		t.Errorf("rejected is not an empty list: %s", a.text)
	}
	h.want(h.post(batch, array(h.make(nil), h.make(fields{"subject": "p2"}))), 202, 2, 0, "")
	h.want(h.post(lines, h.make(nil)+"\n\n"+h.make(nil)+"\r\n"), 202, 2, 0, "")
	h.want(h.post(batch+"; charset=UTF-8", array(h.make(nil))), 202, 1, 0, "")
	h.want(h.post(batch, " [ ] "), 202, 0, 0, "")
	r := request(batch, packed(array(h.make(nil), h.make(nil))))
	r.Header.Set("Content-Encoding", "gzip")
	h.want(h.do(r), 202, 2, 0, "")
	if got := len(h.entries(event.StreamEvents)); got != 8 {
		t.Errorf("%d events in the log", got)
	}
}

func TestPacksByParticipant(t *testing.T) {
	h := start(t, gateway.Config{})
	h.publish()
	var events []string
	for i := range 60 {
		events = append(events, h.make(fields{"subject": fmt.Sprintf("p%d", i%3)}))
	}
	before := h.ends()
	h.want(h.post(batch, array(events...)), 202, 60, 0, "")
	if got := h.ends().Events - before.Events; got != 3 {
		t.Errorf("%d messages for 3 participants", got)
	}
}

// TestUnreadable goes through everything that is wrong with a request as a whole. Nothing may change but the quarantine,
// and no answer may repeat what was sent.
func TestUnreadable(t *testing.T) {
	h := start(t, gateway.Config{})
	h.publish()
	before := h.ends()
	bomb := packed(strings.Repeat(" ", event.MaxBodyBytes+1) + "[]")
	cases := []struct {
		name, media, encoding, body string
		status                      int
		problem, codes              string
	}{
		{"no media type", "", "", "{}", 415, "unsupported-media-type", ""},
		{"JSON", "application/json", "", "{}", 415, "unsupported-media-type", ""},
		{"form", "application/x-www-form-urlencoded", "", "a=b", 415, "unsupported-media-type", ""},
		{"text", "text/plain", "", "{}", 415, "unsupported-media-type", ""},
		{"other charset", single + "; charset=latin1", "", "{}", 415, "unsupported-media-type", ""},
		{"other encoding", single, "br", "x", 415, "unsupported-encoding", ""},
		{"two encodings", single, "gzip, gzip", "x", 415, "unsupported-encoding", ""},
		{"no gzip", single, "gzip", "SECRETVALUE", 400, "unreadable-body", ""},
		{"cut gzip", single, "gzip", packed("{}")[:10], 400, "unreadable-body", ""},
		{"gzip bomb", batch, "gzip", bomb, 413, "too-large", ""},
		{"large body", batch, "", strings.Repeat(" ", event.MaxWireBytes+1), 413, "too-large", ""},
		{"too many events", batch, "", "[" + strings.Repeat("1,", event.MaxBatchEvents) + "1]", 413, "too-large", ""},
		{"too many lines", lines, "", strings.Repeat("1\n", event.MaxBatchEvents+1), 413, "too-large", ""},
		{"empty body", single, "", "", 400, "unreadable-body", "malformed"},
		{"empty lines", lines, "", "\n \n", 400, "unreadable-body", "malformed"},
		{"broken JSON", single, "", `{"id":"SECRETVALUE"`, 400, "unreadable-body", "malformed"},
		{"broken batch", batch, "", `[{"id":"SECRETVALUE"}`, 400, "unreadable-body", "malformed"},
		{"batch that is none", batch, "", `{"id":"SECRETVALUE"}`, 400, "unreadable-body", "malformed"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := request(c.media, c.body)
			if c.encoding != "" {
				r.Header.Set("Content-Encoding", c.encoding)
			}
			a := h.do(r)
			if a.Status != c.status || a.Problem != "urn:throughline:problem:"+c.problem || a.codes() != c.codes || a.Type != "application/problem+json" {
				t.Errorf("got %d %s %q as %s: %s", a.Status, a.Problem, a.codes(), a.Type, a.text)
			}
			if strings.Contains(a.text, "SECRETVALUE") && c.codes == "" {
				t.Errorf("the answer repeats what was sent: %s", a.text)
			}
		})
	}
	after := h.ends()
	after.Quarantine = before.Quarantine
	if after != before {
		t.Errorf("the log went from %s to %s", before, after)
	}
	if a := h.do(request(single, "")); a.Header.Get("Content-Type") != "application/problem+json" {
		t.Error("an empty body is no problem")
	}
	get := request(single, "")
	get.Method = "GET"
	if a := h.do(get); a.Status != 405 || a.Header.Get("Allow") != "POST" {
		t.Errorf("GET: %d", a.Status)
	}
}
