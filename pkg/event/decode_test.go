package event_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
)

// refusal is an event that is refused: the first code, and the field it names.
type refusal struct {
	name  string
	event object
	code  event.Code
	field string
}

func TestRefusals(t *testing.T) {
	s := session()
	long := strings.Repeat("x", 129)
	for _, r := range []refusal{
		{"no specversion", s.with("specversion", gone), event.CodeMissingAttribute, "specversion"},
		{"no id", s.with("id", gone), event.CodeMissingAttribute, "id"},
		{"null source", s.with("source", nil), event.CodeMissingAttribute, "source"},
		{"no type", s.with("type", gone), event.CodeMissingAttribute, "type"},
		{"no subject", s.with("subject", gone), event.CodeMissingAttribute, "subject"},
		{"no time", s.with("time", gone), event.CodeMissingAttribute, "time"},
		{"no study", s.with("study", gone), event.CodeMissingAttribute, "study"},

		{"another specversion", s.with("specversion", "0.3"), event.CodeInvalidValue, "specversion"},
		{"id a number", s.with("id", 7), event.CodeInvalidValue, "id"},
		{"id empty", s.with("id", ""), event.CodeInvalidValue, "id"},
		{"id with control character", s.with("id", "a\u0007b"), event.CodeInvalidValue, "id"},
		{"id with NUL", s.with("id", "a\u0000b"), event.CodeInvalidValue, "id"},
		{"id with invisible character", s.with("id", "a\u200bb"), event.CodeInvalidValue, "id"},
		{"id with direction mark", s.with("id", "a\u202eb"), event.CodeInvalidValue, "id"},
		{"source not a URI", s.with("source", "my app"), event.CodeInvalidValue, "source"},
		{"source with half an escape", s.with("source", "/a%2"), event.CodeInvalidValue, "source"},
		{"study in capitals", s.with("study", "Hope"), event.CodeInvalidValue, "study"},
		{"study too short", s.with("study", "h"), event.CodeInvalidValue, "study"},
		{"component not a name", s.with("component", "-app"), event.CodeInvalidValue, "component"},
		{"channel unknown", s.with("channel", "pigeon"), event.CodeInvalidValue, "channel"},
		{"channel empty", s.with("channel", ""), event.CodeInvalidValue, "channel"},
		{"role unknown", s.with("actorrole", "admin"), event.CodeInvalidValue, "actorrole"},
		{"modality unknown", s.with("modality", "guessed"), event.CodeInvalidValue, "modality"},
		{"istest a string", s.with("istest", "true"), event.CodeInvalidValue, "istest"},
		{"appversion a number", s.with("appversion", 1.2), event.CodeInvalidValue, "appversion"},
		{"content type", s.with("datacontenttype", "text/plain"), event.CodeInvalidValue, "datacontenttype"},
		{"traceparent a number", s.with("traceparent", 1), event.CodeInvalidValue, "traceparent"},
		{"data a string", s.with("data", "x"), event.CodeInvalidValue, "data"},
		{"data an array", s.with("data", []int{1}), event.CodeInvalidValue, "data"},
		{"timezone local", s.with("timezone", "Local"), event.CodeInvalidValue, "timezone"},
		{"timezone path", s.with("timezone", "../Europe/Berlin"), event.CodeInvalidValue, "timezone"},
		{"timezone unknown", s.with("timezone", "Europe/Atlantis"), event.CodeInvalidValue, "timezone"},

		{"arm", s.with("arm", "usual"), event.CodeUnknownAttribute, "arm"},
		{"receipt", s.with("received", "2026-11-23T00:00:00Z"), event.CodeUnknownAttribute, "received"},
		{"attribute in capitals", s.with("Time", "2026-11-23T00:00:00Z"), event.CodeUnknownAttribute, "Time"},
		{"data in base 64", s.with("data_base64", "e30="), event.CodeUnknownAttribute, "data_base64"},
		{"attribute with a strange name", s.with("a b", 1), event.CodeUnknownAttribute, "(unnamed)"},
		{"type unknown", s.with("type", "session.exploded"), event.CodeUnknownType, "type"},
		{"type of another case", s.with("type", "Session.Ended"), event.CodeUnknownType, "type"},
		{"version unknown", s.with("dataschema", "urn:throughline:session.ended:2"), event.CodeUnknownVersion, "dataschema"},
		{"version not a number", s.with("dataschema", "urn:throughline:session.ended:new"), event.CodeUnknownVersion, "dataschema"},
		{"version zero", s.with("dataschema", "urn:throughline:session.ended:0"), event.CodeUnknownVersion, "dataschema"},
		{"schema of another type", s.with("dataschema", "urn:throughline:session.started:1"), event.CodeInvalidValue, "dataschema"},
		{"schema of others", s.with("dataschema", "https://example.org/schema"), event.CodeInvalidValue, "dataschema"},
		{"property unknown", s.with("data.mood", "good"), event.CodeUnknownProperty, "data.mood"},
		{"property of another type", s.with("data.minutes", 3), event.CodeUnknownProperty, "data.minutes"},
		{"property unknown and null", s.with("data.mood", nil), event.CodeUnknownProperty, "data.mood"},

		{"percent above 100", s.with("data.percent", 100.5), event.CodeInvalidValue, "data.percent"},
		{"seconds negative", s.with("data.active_seconds", -1), event.CodeInvalidValue, "data.active_seconds"},
		{"seconds huge", s.with("data.active_seconds", 1e308), event.CodeInvalidValue, "data.active_seconds"},
		{"seconds past any number", s.with("data.active_seconds", json.Number("1e999")), event.CodeInvalidValue, "data.active_seconds"},
		{"seconds with many digits", s.with("data.active_seconds", json.Number(strings.Repeat("9", 400))), event.CodeInvalidValue, "data.active_seconds"},

		{"subject with dot", s.with("subject", "p.1"), event.CodeInvalidSubject, "subject"},
		{"subject with star", s.with("subject", "*"), event.CodeInvalidSubject, "subject"},
		{"subject with angle", s.with("subject", "p.>"), event.CodeInvalidSubject, "subject"},
		{"subject with blank", s.with("subject", "p 1"), event.CodeInvalidSubject, "subject"},
		{"subject with line end", s.with("subject", "p\n1"), event.CodeInvalidSubject, "subject"},
		{"subject with umlaut", s.with("subject", "pä"), event.CodeInvalidSubject, "subject"},
		{"subject empty", s.with("subject", ""), event.CodeInvalidSubject, "subject"},
		{"subject a number", s.with("subject", 17), event.CodeInvalidSubject, "subject"},
		{"subject too long", s.with("subject", strings.Repeat("p", 65)), event.CodeInvalidSubject, "subject"},
		{"subject on study level", exampleOf(lookup(t, event.TypeOutage)).with("subject", "p-1"), event.CodeInvalidSubject, "subject"},

		{"time without offset", s.with("time", "2026-11-23T06:30:00"), event.CodeInvalidTime, "time"},
		{"time a date", s.with("time", "2026-11-23"), event.CodeInvalidTime, "time"},
		{"time a number", s.with("time", 1795435800), event.CodeInvalidTime, "time"},
		{"sent in words", s.with("sent", "yesterday"), event.CodeInvalidTime, "sent"},
		{"sent far from any clock", s.with("sent", "9999-01-01T00:00:00Z"), event.CodeInvalidTime, "sent"},
		{"time before 1990", s.with("time", "1989-12-31T23:59:59Z"), event.CodeTooOld, "time"},
		{"time of a reset clock", s.with("time", "1970-01-01T00:00:00Z"), event.CodeTooOld, "time"},
		{"time more than a day ahead", s.with("time", "2026-11-24T12:00:01Z"), event.CodeFutureTime, "time"},

		{"e-mail as subject", s.with("subject", "jane@example.org"), event.CodePersonalData, "subject"},
		{"e-mail as id", s.with("id", "jane@example.org"), event.CodePersonalData, "id"},
		{"e-mail in source", s.with("source", "/apps/jane%40example.org"), event.CodePersonalData, "source"},
		{"phone in source", s.with("source", "tel:+15551234567"), event.CodePersonalData, "source"},
		{"e-mail in a value", s.with("data.module", "for jane@example.org"), event.CodePersonalData, "data.module"},
		{"phone in a value", s.with("data.module", "call +15551234567"), event.CodePersonalData, "data.module"},
		{"e-mail in a closed set", s.with("data.ended_by", "jane@example.org"), event.CodePersonalData, "data.ended_by"},
		{"e-mail in a number", s.with("data.percent", "jane@example.org"), event.CodePersonalData, "data.percent"},
		{"e-mail in appversion", s.with("appversion", "1.0 by jane@example.org"), event.CodePersonalData, "appversion"},
		{"phone in appversion", s.with("appversion", "+15551234567"), event.CodePersonalData, "appversion"},
		{"e-mail in an unknown property", s.with("data.note", "jane@example.org"), event.CodePersonalData, "data.note"},
		{"e-mail as an unknown property", s.with("data.jane@example.org", 1), event.CodePersonalData, "data.(unnamed)"},
		{"e-mail deep in an unknown attribute", s.with("extra", []object{{"a": "jane@example.org"}}), event.CodePersonalData, "extra"},
		{"e-mail in data of an unknown type", s.with("type", "a.b", "data.note", "jane@example.org"), event.CodePersonalData, "data"},
		{"e-mail in timezone", s.with("timezone", "jane@example.org"), event.CodePersonalData, "timezone"},
		{"text too long", s.with("data.module", long), event.CodePersonalData, "data.module"},
		{"text of many words", s.with("data.module", strings.Repeat("so it was ", 7)), event.CodePersonalData, "data.module"},

		{"event too large", s.with("data.module", strings.Repeat("x", event.MaxEventBytes)), event.CodeTooLarge, ""},
		{"event far too large", s.with("data.module", strings.Repeat("x", event.MaxBodyBytes)), event.CodeTooLarge, ""},
	} {
		t.Run(r.name, func(t *testing.T) { r.check(t) })
	}
}

func (r *refusal) check(t *testing.T) {
	_, problems := event.Decode(r.event.raw(t), now)
	if len(problems) == 0 {
		t.Fatal("taken")
	}
	if p := problems[0]; p.Code != r.code || p.Field != r.field {
		t.Errorf("got %v, want %s of %q first", problems, r.code, r.field)
	}
	for _, p := range problems {
		if p.Detail == "" || strings.Contains(p.Error(), "jane") || strings.Contains(p.Error(), "5551234567") {
			t.Errorf("detail %q", p.Error())
		}
	}
}

func lookup(t *testing.T, name string) *event.Type {
	t.Helper()
	kind, ok := event.Lookup(name)
	if !ok {
		t.Fatalf("no type %s", name)
	}
	return kind
}

func TestMalformed(t *testing.T) {
	good := string(session().raw(t))
	body := strings.TrimSuffix(good, "}")
	for name, raw := range map[string]string{
		"empty":                      "",
		"blank":                      " \n",
		"a word":                     "hello",
		"null":                       "null",
		"an array":                   "[" + good + "]",
		"cut short":                  body,
		"two objects":                good + good,
		"comma at the end":           body + ",}",
		"single quotes":              `{'id':'1'}`,
		"name without quotes":        `{id:"1"}`,
		"no colon":                   `{"id" "1"}`,
		"comment":                    body + "/* */}",
		"byte order mark":            "\ufeff" + good,
		"invalid UTF-8":              body + ",\"component\":\"a\xff\"}",
		"overlong UTF-8":             body + ",\"component\":\"\xc0\xaf\"}",
		"encoded surrogate":          body + ",\"component\":\"\xed\xa0\x80\"}",
		"NUL byte":                   body + ",\"component\":\"a\x00\"}",
		"NUL byte outside":           "\x00" + good,
		"line end in a string":       body + ",\"component\":\"a\n\"}",
		"half a surrogate pair":      body + `,"component":"\ud83d"}`,
		"second half first":          body + `,"component":"\ude00\ud83d"}`,
		"unknown escape":             body + `,"component":"\x41"}`,
		"short escape":               body + `,"component":"\u00"}`,
		"leading zero":               body + `,"n":01}`,
		"plus sign":                  body + `,"n":+1}`,
		"bare point":                 body + `,"n":1.}`,
		"hexadecimal":                body + `,"n":0x10}`,
		"not a number":               body + `,"n":NaN}`,
		"infinity":                   body + `,"n":-Infinity}`,
		"attribute twice":            body + `,"id":"e-2"}`,
		"attribute twice, escaped":   body + `,"\u0069d":"e-2"}`,
		"unknown attribute twice":    body + `,"n":1,"n":2}`,
		"property twice":             `{"data":{"module":"a","module":"b"},` + strings.Replace(good[1:], `"data"`, `"extra"`, 1),
		"name twice deep inside":     body + `,"n":[{"a":{"b":1,"b":1}}]}`,
		"nested too deeply":          body + `,"n":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`,
		"bomb of open brackets":      strings.Repeat("[", 30000),
		"bomb of open objects":       strings.Repeat(`{"a":`, 6000),
		"bomb in data":               strings.Replace(good, `"data":{`, `"data":{"x":`+strings.Repeat(`[`, 20000), 1),
		"string without end":         `{"id":"`,
		"string ending in an escape": `{"id":"\`,
	} {
		t.Run(name, func(t *testing.T) {
			_, problems := event.Decode([]byte(raw), now)
			if len(problems) == 0 || problems[0].Code != event.CodeMalformed {
				t.Errorf("got %v", problems)
			}
		})
	}
}

func TestEveryProblemIsTold(t *testing.T) {
	raw := session().with("id", gone, "subject", "p.1", "time", "noon", "arm", "usual", "channel", "pigeon",
		"data.percent", -1, "data.mood", "good").raw(t)
	_, problems := event.Decode(raw, now)
	want := []string{"subject", "id", "time", "channel", "data.mood", "data.percent", "arm"}
	if len(problems) != len(want) {
		t.Fatalf("got %v", problems)
	}
	for i, p := range problems {
		if p.Field != want[i] {
			t.Errorf("problem %d is of %s, want %s", i, p.Field, want[i])
		}
	}
	if event.Keepable(problems) || !event.Keepable(problems[1:]) {
		t.Error("one problem that forbids keeping is enough, and none of the others does")
	}
}

// TestProblemsAreBounded sends as many faults as fit into one event.
func TestProblemsAreBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"specversion":"1.0"`)
	for i := range 4000 {
		b.WriteString(`,"`)
		for n := i; n > 0; n /= 20 {
			b.WriteByte(byte('a' + n%20))
		}
		b.WriteString(`z":0`)
	}
	b.WriteString("}")
	_, problems := event.Decode([]byte(b.String()), now)
	if len(problems) == 0 || len(problems) > 100 {
		t.Errorf("got %d problems", len(problems))
	}
}

func TestTaken(t *testing.T) {
	s := session()
	for name, o := range map[string]object{
		"as it is":                s,
		"null is absent":          s.with("component", nil, "timezone", nil, "data", nil),
		"no data":                 s.with("data", gone),
		"content type":            s.with("datacontenttype", "application/json"),
		"schema":                  s.with("dataschema", "urn:throughline:session.ended:1"),
		"trace context":           s.with("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "tracestate", strings.Repeat("a=1,", 100)),
		"exactly a day ahead":     s.with("time", "2026-11-24T12:00:00Z"),
		"first moment":            s.with("time", "1990-01-01T00:00:00Z"),
		"device clock far ahead":  s.with("sent", "2031-01-01T00:00:00Z"),
		"device clock reset":      s.with("sent", "1970-01-01T00:00:00Z"),
		"lower case time":         s.with("time", "2026-11-23t06:30:00z"),
		"id of digits":            s.with("id", "15551234567"),
		"id a UUID":               s.with("id", "00000000-0000-4000-8000-000000000001"),
		"id with a time":          s.with("id", "wear-2026-11-23T06:30:00.123456Z"),
		"session id a UUID":       s.with("data.session_id", "550e8400-e29b-41d4-a716-446655440000"),
		"long version":            s.with("appversion", "10.0.19045.3803"),
		"text at the limit":       s.with("data.module", strings.Repeat("ü", event.MaxText)),
		"zero":                    s.with("data.active_seconds", 0, "data.percent", 100),
		"part of a second":        s.with("data.active_seconds", 0.25),
		"test traffic":            s.with("istest", true),
		"zone with three parts":   s.with("timezone", "America/Argentina/Buenos_Aires"),
		"zone of the east":        s.with("timezone", "Pacific/Kiritimati", "time", "2026-11-23T23:30:00+14:00"),
		"void without subject":    exampleOf(lookup(t, event.TypeVoided)).with("subject", gone),
		"version as a number":     exampleOf(lookup(t, "consent.given")).with("data.consent_version", 2),
		"tasks by name":           exampleOf(lookup(t, "training.session_completed")).with("data.tasks", "n-back"),
		"end of outage not known": exampleOf(lookup(t, event.TypeOutage)).with("data.to", gone),
		"outage in the future":    exampleOf(lookup(t, event.TypeOutage)).with("data.from", "2027-01-01T00:00:00Z", "data.to", "2027-01-02T00:00:00Z"),
	} {
		t.Run(name, func(t *testing.T) { mustDecode(t, o.raw(t)) })
	}
}

func TestTimesInOrder(t *testing.T) {
	raw := exampleOf(lookup(t, "wear_day.recorded")).with("data.covered_to", "2026-11-21T23:00:00-05:00").raw(t)
	_, problems := event.Decode(raw, now)
	if len(problems) != 1 || problems[0].Code != event.CodeInvalidValue || problems[0].Field != "data.covered_to" {
		t.Errorf("got %v", problems)
	}
}

// TestFilled checks what an event holds, and that it shares no memory with what it was read from.
func TestFilled(t *testing.T) {
	raw := session().with("sent", "2026-11-23T12:00:00Z", "timezone", "America/New_York", "component", "app",
		"channel", "app", "actorrole", "peer", "modality", "imported", "appversion", "1.2", "sdkversion", "0.1",
		"istest", true, "data.ended_by", "user").raw(t)
	e := mustDecode(t, raw)
	clear(raw)
	if e.ID != "e-1" || e.Source != "/apps/hope/android" || e.Type != "session.ended" || e.Version != 1 ||
		e.Study != "hope-2026" || e.Subject != "p-17" || e.Timezone != "America/New_York" || e.Component != "app" ||
		e.Channel != event.ChannelApp || e.ActorRole != event.RolePeer || e.Modality != event.ModalityImported ||
		e.AppVersion != "1.2" || e.SDKVersion != "0.1" || !e.IsTest {
		t.Errorf("got %+v", e)
	}
	if !e.Time.Local || e.Sent.Local || !e.Time.Equal(time.Date(2026, time.November, 23, 11, 30, 0, 0, time.UTC)) || !e.Sent.Equal(now) {
		t.Errorf("got times %s and %s", e.Time, e.Sent)
	}
	if n, ok := e.Data.Number("active_seconds"); !ok || n != 312 || e.Data.Text("session_id") != "s-1" || e.Data.Text("ended_by") != "user" {
		t.Errorf("got data %+v", e.Data)
	}
}

// TestFilledWithProblems checks that a refused event can be named, but not by what must not be repeated.
func TestFilledWithProblems(t *testing.T) {
	e, _ := event.Decode([]byte(`{"id":"e-1","study":"hope-2026","source":"/a","subject":"jane@example.org","type":`), now)
	if e.ID != "e-1" || e.Study != "hope-2026" || e.Source != "/a" || e.Subject != "" {
		t.Errorf("got %+v", e)
	}
	e, _ = event.Decode(session().with("id", "jane@example.org", "time", "noon").raw(t), now)
	if e.ID != "" || e.Subject != "p-17" {
		t.Errorf("got %+v", e)
	}
}

func TestNoBoundWithoutClock(t *testing.T) {
	if _, problems := event.Decode(session().with("time", "2031-01-01T00:00:00Z").raw(t), time.Time{}); len(problems) > 0 {
		t.Error(problems)
	}
}

func TestDefinition(t *testing.T) {
	kind := lookup(t, event.TypeDefinition)
	base := exampleOf(kind)
	e := mustDecode(t, []byte(strings.Replace(string(base.with("data", gone).raw(t)), "{", `{"data": { "title" : "B\u00fcro\n2", "id":"a", "n":[1.50, 84.0, 1e400,true,null] },`, 1)))
	v, _ := e.Data.Get(event.DefinitionAttribute)
	if want := `{"title":"Büro\n2","id":"a","n":[1.5,84,1e400,true,null]}`; string(v.Object) != want {
		t.Errorf("got %s, want %s", v.Object, want)
	}
	for name, c := range map[string]struct {
		data any
		code event.Code
	}{
		"missing":           {gone, event.CodeMissingAttribute},
		"a string":          {"id: hope", event.CodeInvalidValue},
		"e-mail in a text":  {object{"arms": []object{{"label": "ask jane@example.org"}}}, event.CodePersonalData},
		"phone in a text":   {object{"title": "call (555) 123 4567"}, event.CodePersonalData},
		"phone as a name":   {object{"+15551234567": 1}, event.CodePersonalData},
		"text too long":     {object{"title": strings.Repeat("word ", 201)}, event.CodeInvalidValue},
		"control character": {object{"title": "a\u0001b"}, event.CodeInvalidValue},
	} {
		_, problems := event.Decode(base.with("data", c.data).raw(t), now)
		if len(problems) != 1 || problems[0].Code != c.code || problems[0].Field != "data" {
			t.Errorf("%s: got %v", name, problems)
		}
	}
	mustDecode(t, base.with("data", object{"justification": strings.Repeat("word ", 200)}).raw(t))
}

func TestStrata(t *testing.T) {
	base := exampleOf(lookup(t, "participant.enrolled"))
	e := mustDecode(t, base.with("data.strata", object{"sex": "female", "age": "65 and over"}).raw(t))
	if v, _ := e.Data.Get("strata"); v.Kind != event.KindMap || v.Map["age"] != "65 and over" {
		t.Errorf("got %+v", v)
	}
	for name, c := range map[string]struct {
		strata any
		code   event.Code
	}{
		"a number":       {object{"sex": 1}, event.CodeInvalidValue},
		"a list":         {[]string{"female"}, event.CodeInvalidValue},
		"name":           {object{"s e x": "female"}, event.CodeInvalidValue},
		"e-mail as name": {object{"jane@example.org": "female"}, event.CodePersonalData},
		"e-mail":         {object{"sex": "jane@example.org"}, event.CodePersonalData},
	} {
		if _, problems := event.Decode(base.with("data.strata", c.strata).raw(t), now); len(problems) == 0 || problems[0].Code != c.code {
			t.Errorf("%s: got %v", name, problems)
		}
	}
}
