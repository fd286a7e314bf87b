package event_test

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"testing"

	"github.com/throughline-trials/throughline/pkg/event"
)

func TestAppendJSON(t *testing.T) {
	raw := []byte(` { "data" : {"percent": 1.0e1, "session_id":"a\u002db\/\"\\", "active_seconds":-0.0, "module":"B\u00fcro 🙂 <&>"},
		"study":"hope-2026","time":"2026-11-23T06:30:00.120000000-05:00","subject":"p-17", "istest":true, "sent":"2026-11-23t12:00:00z",
		"dataschema":"urn:throughline:session.ended:1", "datacontenttype":"application/json", "traceparent":"00-1", "component":null,
		"type":"session.ended","source":"/apps/hope","id":"e-1","specversion":"1.0" }`)
	e := mustDecode(t, raw)
	want := `{"specversion":"1.0","id":"e-1","source":"/apps/hope","type":"session.ended","subject":"p-17",` +
		`"time":"2026-11-23T06:30:00.12-05:00","study":"hope-2026","sent":"2026-11-23T12:00:00Z","istest":true,` +
		`"data":{"active_seconds":0,"module":"Büro 🙂 <&>","percent":10,"session_id":"a-b/\"\\"}}`
	if got := string(e.AppendJSON([]byte("x")[:0])); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestRoundTrip reads what was written for every type, and the standard library has to read it alike.
func TestRoundTrip(t *testing.T) {
	for _, kind := range event.Types() {
		raw := exampleOf(kind).raw(t)
		e := mustDecode(t, raw)
		line := e.AppendJSON(nil)
		if again := mustDecode(t, line); !reflect.DeepEqual(again, e) {
			t.Errorf("%s: got %+v, want %+v", kind.Name, again, e)
		}
		var got, want any
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, &want); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, want %v", kind.Name, got, want)
		}
	}
}

func TestNumbers(t *testing.T) {
	base := exampleOf(lookup(t, "measure.submitted"))
	for text, want := range map[string]string{
		"0": "0", "-0": "0", "-0.0": "0", "1": "1", "-7": "-7", "1.50": "1.5", "1e3": "1000", "1E+3": "1000", "12e-1": "1.2", "0.1": "0.1",
		"1e-7": "1e-07", "123456789": "123456789", "-1000000000": "-1000000000", "0.30000000000000004": "0.30000000000000004",
		"000000000000000001e0": "", "1e-400": "0", "100000000000000000000e-12": "100000000",
	} {
		raw := base.with("data.score", json.Number("4711")).raw(t)
		raw = bytes.Replace(raw, []byte("4711"), []byte(text), 1)
		e, problems := event.Decode(raw, now)
		if want == "" {
			if len(problems) == 0 {
				t.Errorf("%s was taken", text)
			}
			continue
		}
		if got := string(e.Data.AppendJSON(nil)); len(problems) > 0 || !bytes.Contains([]byte(got), []byte(`"score":`+want+`,`)) {
			t.Errorf("%s: got %s, %v; want %s", text, got, problems, want)
		}
	}
}

// TestUnfitNumbers shows that even a number that no event can have leaves valid JSON.
func TestUnfitNumbers(t *testing.T) {
	for _, n := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		d := event.Data{{Name: "score", Value: event.Value{Kind: event.KindNumber, Num: n}}}
		if got := string(d.AppendJSON(nil)); got != `{"score":null}` {
			t.Error(got)
		}
	}
}

func TestJSONInterfaces(t *testing.T) {
	var e event.Event
	if err := json.Unmarshal(session().raw(t), &e); err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(&e)
	if err != nil || !bytes.Equal(got, e.AppendJSON(nil)) {
		t.Errorf("got %s, %v", got, err)
	}
	if err := json.Unmarshal(session().with("time", "noon", "id", gone).raw(t), &e); err == nil {
		t.Error("an event with problems was taken")
	}
}
