package log_test

import (
	"testing"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	tlog "github.com/throughline-trials/throughline/services/log"
)

func TestEntries(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	id := event.IdentityOf("hope", "/app", "1")
	good := `{"specversion":"1.0","id":"1","source":"/app","type":"session.started","subject":"p1","time":"2026-03-01T10:00:00Z","study":"hope"}`
	payload := append([]byte(good+"\n"), tlog.AppendDuplicate(nil, id)...)
	payload = append(payload, "\nnonsense\n"...)
	payload = append(payload, `{"duplicate":"xyz"}`...)
	var entries []tlog.Entry
	for i, e := range (tlog.Message{Payload: payload, Time: at}).Entries() {
		if i != len(entries) {
			t.Errorf("index %d of entry %d", i, len(entries))
		}
		entries = append(entries, e)
	}
	if len(entries) != 4 {
		t.Fatalf("%d entries", len(entries))
	}
	if e := entries[0]; e.Duplicate || e.Identity != id || len(e.Problems) != 0 || e.Event.Type != "session.started" || string(e.Raw) != good {
		t.Errorf("event: %+v", e)
	}
	if e := entries[1]; !e.Duplicate || e.Identity != id {
		t.Errorf("duplicate: %+v", e)
	}
	for _, e := range entries[2:] {
		if e.Duplicate || len(e.Problems) == 0 {
			t.Errorf("nonsense: %+v", e)
		}
	}
}

func TestRefusals(t *testing.T) {
	payload := `{"code":"unknown_study","detail":"d","length":7,"hash":"ab","event":{"id":"1"}}` + "\nbroken"
	var codes []event.Code
	var failed int
	for r, err := range (tlog.Message{Payload: []byte(payload)}).Refusals() {
		codes = append(codes, r.Code)
		if err != nil {
			failed++
		}
	}
	if len(codes) != 2 || codes[0] != event.CodeUnknownStudy || failed != 1 {
		t.Errorf("codes %v, %d failed", codes, failed)
	}
}
