package gateway_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/gateway"
)

// TestRefusals sends one bad event of every kind beside a good one: the good one is taken, the bad one changes nothing
// but the quarantine, which keeps it only where it may.
func TestRefusals(t *testing.T) {
	h := start(t, gateway.Config{})
	h.publish()
	h.want(h.post(single, h.make(fields{"id": "taken"})), 202, 1, 0, "")
	h.want(h.post(single, h.make(fields{"type": "participant.randomised", "subject": "placed", "data": fields{"arm": "peer"}})), 202, 1, 0, "")
	deep := strings.Repeat(`{"a":`, 1000) + "1" + strings.Repeat("}", 1000)
	long := strings.Repeat("x", 200)
	cases := []struct {
		name, grant, event string
		code               event.Code
		field              string
	}{
		{"no object", "", `7`, event.CodeMalformed, ""},
		{"broken value", "", `{"specversion":"1.0","id":"x","time":tru}`, event.CodeMalformed, ""},
		{"repeated key", "", `{"id":"x",` + h.make(nil)[1:], event.CodeMalformed, ""},
		{"NUL", "", strings.Replace(h.make(fields{"id": "QQ"}), "QQ", "\x00", 1), event.CodeMalformed, ""},
		{"escaped NUL", "", h.make(fields{"id": "a\x00b"}), event.CodeInvalidValue, "id"},
		{"invalid UTF-8", "", strings.Replace(h.make(fields{"id": "QQ"}), "QQ", "\xff\xfe", 1), event.CodeMalformed, ""},
		{"depth bomb", "", strings.Replace(h.make(fields{"data": fields{"module": "QQ"}}), `"QQ"`, deep, 1), event.CodeMalformed, ""},
		{"no id", "", h.make(fields{"id": nil}), event.CodeMissingAttribute, "id"},
		{"no time", "", h.make(fields{"time": nil}), event.CodeMissingAttribute, "time"},
		{"no study", "", h.make(fields{"study": nil}), event.CodeMissingAttribute, "study"},
		{"no subject", "", h.make(fields{"subject": nil}), event.CodeMissingAttribute, "subject"},
		{"arm on usage", "", h.make(fields{"arm": "peer"}), event.CodeUnknownAttribute, "arm"},
		{"unknown type", "", h.make(fields{"type": "session.imagined"}), event.CodeUnknownType, "type"},
		{"unknown version", "", h.make(fields{"dataschema": "urn:throughline:session.started:9"}), event.CodeUnknownVersion, "dataschema"},
		{"unknown property", "", h.make(fields{"data": fields{"mood": 3}}), event.CodeUnknownProperty, "data.mood"},
		{"wrong type of value", "", h.make(fields{"data": fields{"active_seconds": "long"}}), event.CodeInvalidValue, "data.active_seconds"},
		{"negative", "", h.make(fields{"data": fields{"active_seconds": -1}}), event.CodeInvalidValue, "data.active_seconds"},
		{"outside the set", "", h.make(fields{"data": fields{"ended_by": "fate"}}), event.CodeInvalidValue, "data.ended_by"},
		{"huge number", "", strings.Replace(h.make(fields{"data": fields{"active_seconds": 7777}}), "7777", "1e308", 1), event.CodeInvalidValue, "data.active_seconds"},
		{"subject injection", "", h.make(fields{"subject": "p1.>"}), event.CodeInvalidSubject, "subject"},
		{"subject of other letters", "", h.make(fields{"subject": "Jörg"}), event.CodeInvalidSubject, "subject"},
		{"bad time", "", h.make(fields{"time": "yesterday"}), event.CodeInvalidTime, "time"},
		{"future", "", h.make(fields{"time": time.Now().Add(25 * time.Hour).UTC().Format(time.RFC3339)}), event.CodeFutureTime, "time"},
		{"too old", "", h.make(fields{"time": "1989-12-31T23:59:59Z"}), event.CodeTooOld, "time"},
		{"too large", "", h.make(fields{"data": fields{"module": strings.Repeat("x", event.MaxEventBytes)}}), event.CodeTooLarge, ""},
		{"e-mail", "", h.make(fields{"data": fields{"module": "ann@example.org"}}), event.CodePersonalData, "data.module"},
		{"phone", "", h.make(fields{"data": fields{"session_id": "+43 660 1234567"}}), event.CodePersonalData, "data.session_id"},
		{"e-mail as id", "", h.make(fields{"id": "ann@example.org"}), event.CodePersonalData, "id"},
		{"unknown study", "", h.make(fields{"study": "nowhere"}), event.CodeUnknownStudy, "study"},
		{"unknown component", "", h.make(fields{"component": "garden"}), event.CodeUnknownComponent, "component"},
		{"unknown component of a fault", "", h.make(fields{"type": "technical_fault.reported", "data": fields{"component": "garden"}}), event.CodeUnknownComponent, "data.component"},
		{"unknown arm", "", h.make(fields{"type": "participant.randomised", "data": fields{"arm": "nobody"}}), event.CodeUnknownArm, "data.arm"},
		{"unknown site", "", h.make(fields{"type": "participant.enrolled", "data": fields{"site": "atlantis"}}), event.CodeInvalidValue, "data.site"},
		{"unknown factor", "", h.make(fields{"type": "participant.enrolled", "data": fields{"strata": fields{"age": "old"}}}), event.CodeInvalidValue, "data.strata"},
		{"unknown level", "", h.make(fields{"type": "participant.enrolled", "data": fields{"strata": fields{"sex": "blue"}}}), event.CodeInvalidValue, "data.strata.sex"},
		{"second randomisation", "", h.make(fields{"type": "participant.randomised", "subject": "placed", "data": fields{"arm": "usual"}}), event.CodeAlreadyRandomised, ""},
		{"reused id", "", h.make(fields{"id": "taken", "subject": "p2"}), event.CodeIDReused, "id"},
		{"another study", "other emit", h.make(nil), event.CodeNotInScope, "study"},
		{"another study, bad event", "other emit", h.make(fields{"arm": "peer"}), event.CodeNotInScope, "study"},
		{"no scope for usage", "hope register", h.make(nil), event.CodeNotInScope, "type"},
		{"only reading", "hope read", h.make(nil), event.CodeNotInScope, "type"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h.T = t
			before, kept := h.ends(), len(h.refusals())
			a := h.postAs(c.grant, batch, array(c.event))
			if a.Status != 400 || a.Accepted != 0 || len(a.Rejected) != 1 || a.Rejected[0].Code != c.code || a.Rejected[0].Field != c.field {
				t.Fatalf("got %d: %s", a.Status, a.text)
			}
			after := h.ends()
			if after.Quarantine != before.Quarantine+1 {
				t.Errorf("quarantine went from %d to %d", before.Quarantine, after.Quarantine)
			}
			after.Quarantine = before.Quarantine
			if after != before {
				t.Errorf("the log went from %s to %s", before, after)
			}
			if strings.Contains(a.text, long[:50]) || strings.Contains(a.text, "ann@") || strings.Contains(a.text, "660") {
				t.Errorf("the answer repeats what was sent: %s", a.text)
			}
			all := h.refusals()
			if len(all) != kept+1 {
				t.Fatalf("%d refusals more", len(all)-kept)
			}
			r := all[kept]
			if r.Code != c.code || r.Length != len(c.event) || len(r.Hash) != 32 {
				t.Errorf("kept %+v", r)
			}
			if !c.code.KeepsEvent() && (r.Event != nil || r.Identity != "" || r.Type != "" || r.Source != "") {
				t.Errorf("more is kept than may be: %+v", r)
			}
			if c.code.KeepsEvent() && c.code != event.CodeTooLarge && !sameJSON(string(r.Event), c.event) {
				t.Errorf("the event is not kept: %s", r.Event)
			}
		})
	}
	h.T = t
	h.want(h.postAs("hope emit", batch, array(cases[0].event, h.make(nil))), 202, 1, 0, "malformed")
}

func sameJSON(a, b string) bool {
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && fmt.Sprint(x) == fmt.Sprint(y)
}

func TestRejectionTellsAllProblems(t *testing.T) {
	h := start(t, gateway.Config{})
	h.publish()
	a := h.post(batch, array(h.make(nil), h.make(fields{"id": "bad", "arm": "x", "time": nil}), h.make(nil)))
	if a.Status != 202 || a.Accepted != 2 || len(a.Rejected) != 1 || a.Rejected[0].Index != 1 || a.Rejected[0].ID != "bad" || len(a.Rejected[0].Problems) != 2 {
		t.Errorf("got %s", a.text)
	}
}

// TestNothingPrivateIsKept sends an event that is refused for one thing and holds personal data beside it.
func TestNothingPrivateIsKept(t *testing.T) {
	h := start(t, gateway.Config{})
	h.publish()
	for _, f := range []fields{
		{"subject": "Ann Example", "arm": "x"},
		{"type": "no.such_type", "id": "ann@example.org"},
		{"component": "garden", "data": fields{"module": "ann@example.org", "mood": 1}},
	} {
		a := h.post(single, h.make(f))
		if a.Status != 400 || strings.Contains(a.text, "ann@") || strings.Contains(a.text, "Ann Ex") {
			t.Errorf("got %s", a.text)
		}
	}
	for _, r := range h.refusals() {
		if text, _ := json.Marshal(r); strings.Contains(string(text), "ann@") || strings.Contains(string(text), "Ann Ex") {
			t.Errorf("kept: %s", text)
		}
	}
}

// TestScopes sends one event of each kind with each scope.
func TestScopes(t *testing.T) {
	h := start(t, gateway.Config{})
	h.publish()
	kinds := map[string]struct {
		fields  fields
		allowed []event.Scope
	}{
		"usage":      {fields{"type": "session.started"}, []event.Scope{event.ScopeEmit}},
		"registry":   {fields{"type": "participant.enrolled"}, []event.Scope{event.ScopeRegister}},
		"allocation": {fields{"type": "participant.randomised", "data": fields{"arm": "peer"}}, []event.Scope{event.ScopeAllocate}},
		"outage":     {fields{"type": "outage.declared", "subject": nil, "data": fields{"from": "2026-03-01T00:00:00Z"}}, []event.Scope{event.ScopeRegister}},
		"unblinding": {fields{"type": "unblinding.performed", "subject": nil}, nil},
		"void":       {fields{"type": "event.voided", "data": fields{"target_source": "/a", "target_id": "b"}}, []event.Scope{event.ScopeRegister}},
		"definition": {fields{"type": "definition.published", "subject": nil, "data": json.RawMessage(hope)}, nil},
	}
	n := 0
	for name, k := range kinds {
		for _, scope := range event.Scopes() {
			n++
			f := fields{"subject": fmt.Sprintf("q%d", n)}
			for key, v := range k.fields {
				f[key] = v
			}
			a := h.postAs("hope "+string(scope), single, h.make(f))
			if slices.Contains(k.allowed, scope) || scope == event.ScopeAdmin {
				if a.Status != 202 {
					t.Errorf("%s with scope %s: %s", name, scope, a.text)
				}
			} else if a.codes() != "not_in_scope" {
				t.Errorf("%s with scope %s: %s", name, scope, a.text)
			}
		}
	}
}

func TestUnblindingNeedsMoreThanOpenMode(t *testing.T) {
	h := start(t, gateway.Config{})
	h.publish()
	unblinding := fields{"type": "unblinding.performed", "subject": nil}
	h.want(h.do(openMode(request(single, h.make(unblinding)))), 400, 0, 0, "not_in_scope")
	h.want(h.post(single, h.make(unblinding)), 202, 1, 0, "")
	h.want(h.do(openMode(request(single, h.make(nil)))), 202, 1, 0, "")
}
