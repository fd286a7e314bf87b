package e2e

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// untouched runs fn and complains if the log or the facts of the study have other accepted events after it, or if any of
// its numbers is another.
func (tr *trial) untouched(t *testing.T, fn func()) {
	t.Helper()
	tr = tr.with(t)
	connection := sharedConnection(t)
	database := openFacts(t, connection)
	count := func() []uint64 { return accepted(messages(t, connection, tr.study)) }
	tr.quality() // waits until all that was sent is projected
	inLog, inFacts, dropout := count(), database.counted(tr.study), tr.attrition("cutoff="+cutoff)
	fn()
	// A further event of another study of the tests, projected: nothing can be on its way behind it.
	other := newTrial(t, "behind", oneArm)
	other.quality()
	if now := count(); !slices.Equal(now, inLog) {
		t.Errorf("messages in the log went from %v to %v", inLog, now)
	}
	if now := database.counted(tr.study); !slices.Equal(now, inFacts) {
		t.Errorf("facts went from\n%s\nto\n%s", strings.Join(inFacts, "\n"), strings.Join(now, "\n"))
	}
	if now := tr.attrition("cutoff=" + cutoff); !reflect.DeepEqual(now.Arms, dropout.Arms) {
		t.Errorf("dropout went from\n%+v\nto\n%+v", dropout.Arms, now.Arms)
	}
}

// TestRefusedEvents: each way in which one event can be wrong, with its code; nothing of it is stored but in quarantine.
func TestRefusedEvents(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, "refused", twelveWeeks+`, "arms": [{"id": "a", "role": "experimental", "components": ["app"]}]`)
	tr.send(tr.life(life{name: "a", c: 40, diary: use(3)})...)
	tr.send(tr.named("taken", "exercise.completed", "a", "2026-05-30T09:00:00Z", ""))

	good := func(more ...string) string {
		return tr.event("session.started", "a", "2026-06-01T09:00:00Z", `"session_id": "s1"`, more...)
	}
	without := func(member string) string {
		e := good()
		at := strings.Index(e, `"`+member+`":`)
		end := strings.Index(e[at:], ", ")
		return e[:at] + e[at+end+2:]
	}
	with := func(typ, data string) string { return tr.event(typ, "a", "2026-06-01T09:00:00Z", data) }
	subject := func(s string) string { return tr.event("session.started", s, "2026-06-01T09:00:00Z", "") }
	when := func(s string) string { return tr.event("session.started", "a", s, "") }
	secret := "mary.major@example.org"
	cases := []struct{ name, event, code string }{
		{"no object", `[]`, "malformed"},
		{"a name twice", strings.Replace(good(), `"source"`, `"id": "x", "source"`, 1), "malformed"},
		{"no specversion", without("specversion"), "missing_attribute"},
		{"no id", without("id"), "missing_attribute"},
		{"no source", without("source"), "missing_attribute"},
		{"no type", without("type"), "missing_attribute"},
		{"no study", without("study"), "missing_attribute"},
		{"no time", without("time"), "missing_attribute"},
		{"no subject", tr.event("session.started", "", "2026-06-01T09:00:00Z", ""), "missing_attribute"},
		{"no arm", with("participant.randomised", ""), "missing_attribute"},
		{"no scope", with("participant.withdrew", `"reason": "moved"`), "missing_attribute"},
		{"no instrument", with("measure.submitted", `"timepoint": "baseline", "score": 3`), "missing_attribute"},
		{"no target", with("event.voided", `"target_source": "/tests"`), "missing_attribute"},
		{"an arm on use", good(`"arm": "a"`), "unknown_attribute"},
		{"an attribute of no meaning", good(`"mood": "low"`), "unknown_attribute"},
		{"unknown type", with("session.begun", ""), "unknown_type"},
		{"unknown version", good(`"dataschema": "urn:throughline:session.started:2"`), "unknown_version"},
		{"unknown property", with("session.started", `"mood": "low"`), "unknown_property"},
		{"a property of another row", with("session.started", `"thread": "t1"`), "unknown_property"},
		{"id reused", tr.named("taken", "exercise.completed", "a", "2026-05-30T10:00:00Z", ""), "id_reused"},
		{"another specversion", strings.Replace(good(), `"1.0"`, `"0.3"`, 1), "invalid_value"},
		{"text for a number", with("session.ended", `"active_seconds": "60"`), "invalid_value"},
		{"a negative duration", with("session.ended", `"active_seconds": -1`), "invalid_value"},
		{"more than all", with("module.completed", `"percent": 101`), "invalid_value"},
		{"outside the set", with("session.ended", `"ended_by": "dog"`), "invalid_value"},
		{"text for a flag", good(`"istest": "true"`), "invalid_value"},
		{"unknown channel", good(`"channel": "pigeon"`), "invalid_value"},
		{"unknown role", good(`"actorrole": "parent"`), "invalid_value"},
		{"unknown timezone", good(`"timezone": "Mars/Olympus"`), "invalid_value"},
		{"unknown scope", with("participant.withdrew", `"scope": "all"`), "invalid_value"},
		{"text of 129 characters", with("session.started", fmt.Sprintf(`"session_id": %q`, strings.Repeat("s", 129))), "personal_data"},
		{"data of another kind", strings.Replace(good(), `{"session_id": "s1"}`, `"s1"`, 1), "invalid_value"},
		{"a dot in the subject", subject("a.b"), "invalid_subject"},
		{"a wildcard", subject("*"), "invalid_subject"},
		{"the rest of all subjects", subject(">"), "invalid_subject"},
		{"a blank", subject("a b"), "invalid_subject"},
		{"65 characters", subject(strings.Repeat("p", 65)), "invalid_subject"},
		{"letters of elsewhere", subject("pé"), "invalid_subject"},
		{"no time at all", when("yesterday"), "invalid_time"},
		{"no offset", when("2026-06-01T09:00:00"), "invalid_time"},
		{"the 31st of June", when("2026-06-31T09:00:00Z"), "invalid_time"},
		{"25 hours ahead", when(time.Now().Add(25 * time.Hour).UTC().Format(time.RFC3339)), "future_time"},
		{"before 1990", when("1989-12-31T23:59:59Z"), "too_old"},
		{"33 KiB", good(fmt.Sprintf(`"tracestate": %q`, strings.Repeat("v", 33<<10))), "too_large"},
		{"an e-mail address", with("session.started", fmt.Sprintf(`"session_id": %q`, secret)), "personal_data"},
		{"a telephone number", with("module.completed", `"module": "+353 1 896 1000"`), "personal_data"},
		{"an e-mail address as id", tr.named(secret, "session.started", "a", "2026-06-01T09:00:00Z", ""), "personal_data"},
		{"unknown study", strings.Replace(good(), tr.study, "not-"+tr.study, 1), "unknown_study"},
		{"unknown arm", tr.event("participant.randomised", "new", "2026-06-01T09:00:00Z", `"arm": "b"`), "unknown_arm"},
		{"unknown component", good(`"component": "web"`), "unknown_component"},
		{"randomised already", with("participant.randomised", `"arm": "a"`), "already_randomised"},
		{"an outage without a beginning", tr.event("outage.declared", "", "2026-06-01T09:00:00Z", `"component": "app"`), "missing_attribute"},
		{"an outage of one participant", tr.event("outage.declared", "a", "2026-06-01T09:00:00Z", `"from": "2026-06-01T00:00:00Z"`), "invalid_subject"},
		{"unblinding in open mode", tr.event("unblinding.performed", "", "2026-06-01T09:00:00Z", `"scope": "study", "planned": true`), "not_in_scope"},
	}
	want := map[string]int{} // quarantined of this study, for what names it and may be told
	tr.untouched(t, func() {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				a := tr.with(t).post(mediaBatch, "["+c.event+"]")
				var r receipt
				a.decode(t, &r)
				if a.status != http.StatusBadRequest || r.Accepted != 0 || len(r.Rejected) != 1 {
					t.Fatalf("status %d: %s; want 400 and one refusal", a.status, a.body)
				}
				if got := r.Rejected[0]; got.Code != c.code || got.Detail == "" {
					t.Errorf("refused as %q (%s), want %q", got.Code, got.Detail, c.code)
				}
				if strings.Contains(string(a.body), secret) || strings.Contains(string(a.body), "896 1000") {
					t.Errorf("the answer repeats what was sent: %s", a.body)
				}
			})
			want[c.code]++
		}
	})
	got := tr.quality().Quarantined
	// With the local credential unblinding is taken, and stands in the facts.
	local := tr.with(t)
	local.token = sharedConnection(t).LocalToken
	local.send(tr.named("unblinded", "unblinding.performed", "", "2026-06-01T09:00:00Z", `"scope": "study", "planned": true`))
	local.quality()
	if rows := openFacts(t, sharedConnection(t)).counted(tr.study); !strings.Contains(strings.Join(rows, "\n"), "unblinding.performed") {
		t.Error("the unblinding is not in the facts")
	}
	for _, code := range []string{"unknown_attribute", "unknown_type", "unknown_version", "unknown_property", "id_reused", "invalid_time", "future_time", "too_old",
		"unknown_arm", "unknown_component", "already_randomised"} {
		if got[code] != want[code] {
			t.Errorf("%d in quarantine as %s, want %d (all: %v)", got[code], code, want[code], got)
		}
	}
	// Neither quarantine nor facts hold what may not be kept.
	if kept := openFacts(t, sharedConnection(t)).strings("SELECT data FROM throughline.quarantine WHERE position(toString(tuple(*)), 'mary.major') > 0"); len(kept) > 0 {
		t.Errorf("the quarantine keeps personal data: %q", kept)
	}
}

// TestRefusedRequests: bodies that are refused as a whole, as problems.
func TestRefusedRequests(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, "requests", oneArm)
	tr.send(tr.life(life{name: "a", c: 40})...)
	event := func() string { return tr.event("exercise.completed", "a", "2026-06-01T09:00:00Z", "") }
	many := make([]string, 501)
	for i := range many {
		many[i] = event()
	}
	cases := []struct {
		name, media, body string
		headers           []string
		status            int
	}{
		{"half an object", mediaSingle, event()[:40], nil, 400},
		{"half a batch", mediaBatch, "[" + event(), nil, 400},
		{"an object as a batch", mediaBatch, event(), nil, 400},
		{"nothing", mediaSingle, "", nil, 400},
		{"no lines", mediaLines, "\n\n", nil, 400},
		{"501 events", mediaBatch, "[" + strings.Join(many, ",") + "]", nil, 413},
		{"more than a MiB", mediaBatch, "[" + event() + strings.Repeat(" ", 1<<20) + "]", nil, 413},
		{"a bomb", mediaBatch, gzipped(t, "["+event()+strings.Repeat(" ", 9<<20)+"]"), []string{"Content-Encoding", "gzip"}, 413},
		{"no gzip", mediaBatch, "[" + event() + "]", []string{"Content-Encoding", "gzip"}, 400},
		{"half a gzip", mediaBatch, gzipped(t, "["+event()+"]")[:60], []string{"Content-Encoding", "gzip"}, 400},
		{"another encoding", mediaBatch, "[" + event() + "]", []string{"Content-Encoding", "br"}, 415},
		{"plain text", "text/plain", event(), nil, 415},
		{"a form", "application/x-www-form-urlencoded", event(), nil, 415},
		{"just JSON", "application/json", event(), nil, 415},
		{"another host", mediaSingle, event(), []string{"Host", "trial.example.org"}, 421},
		{"another origin", mediaSingle, event(), []string{"Origin", "http://localhost:1"}, 403},
		{"no origin", mediaSingle, event(), []string{"Origin", "null"}, 403},
		{"another site", mediaSingle, event(), []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"another site of the same domain", mediaSingle, event(), []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"a wrong token", mediaSingle, event(), []string{"Authorization", "Bearer wrong"}, 401},
		{"a wrong scheme", mediaSingle, event(), []string{"Authorization", "Basic b3BlbjpvcGVu"}, 401},
	}
	tr.untouched(t, func() {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				a := tr.with(t).post(c.media, c.body, c.headers...)
				p := a.problem(t, c.status)
				if !strings.HasPrefix(p.Type, "urn:throughline:problem:") {
					t.Errorf("type %q, want a stable name", p.Type)
				}
				for name := range a.header {
					if strings.HasPrefix(name, "Access-Control") {
						t.Errorf("the answer allows other origins: %s", name)
					}
				}
			})
		}
		a := tr.request(http.MethodGet, "/v1/events", nil)
		a.problem(t, http.StatusMethodNotAllowed)
		a = tr.request(http.MethodOptions, "/v1/events", nil, "Origin", "http://localhost:1", "Access-Control-Request-Method", "POST")
		if a.status < 400 || a.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("a preflight of another origin: status %d, allows %q", a.status, a.header.Get("Access-Control-Allow-Origin"))
		}
	})
}

// gzipped packs a text.
func gzipped(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestPartlyRefused: the good events of a request are taken, the others named by their place.
func TestPartlyRefused(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, "partly", oneArm)
	lines := []string{
		tr.event("participant.randomised", "p1", "2026-05-01T09:00:00Z", `"arm": "a"`),
		"{", "",
		tr.event("session.begun", "p1", "2026-06-01T09:00:00Z", ""),
		tr.event("session.started", "p1", "2026-06-01T09:00:00Z", ""),
	}
	a := tr.post(mediaLines, gzipped(t, strings.Join(lines, "\n")), "Content-Encoding", "gzip")
	var r receipt
	a.decode(t, &r)
	if a.status != http.StatusAccepted || r.Accepted != 2 || len(r.Rejected) != 2 {
		t.Fatalf("status %d: %s; want 202, two accepted, two refused", a.status, a.body)
	}
	for i, want := range []struct {
		index    int
		id, code string
	}{{1, "", "malformed"}, {2, "e3", "unknown_type"}} {
		if got := r.Rejected[i]; got.Index != want.index || got.ID != want.id || got.Code != want.code {
			t.Errorf("refused %+v, want %+v", got, want)
		}
	}
	tr.position = r.Position
	if q := tr.quality(); q.Events != 2 {
		t.Errorf("%d events, want 2", q.Events)
	}
}

// TestInvalidDefinition: a definition with faults is refused with all of them, and the one that stood stands.
func TestInvalidDefinition(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, "definition", oneArm)
	tr.send(tr.life(life{name: "a", c: 40})...)
	define := func(body string) string { return tr.event("definition.published", "", "2026-06-01T09:00:00Z", body) }
	id := fmt.Sprintf(`"id": %q, "title": "T", "design": "pre_post"`, tr.study)
	rest := `, "arms": [{"id": "a", "components": ["app"]}], "components": [{"id": "app", "channel": "app"}]`
	tr.untouched(t, func() {
		for name, body := range map[string]string{
			"no arms":             id + `, "intervention": {"duration_days": 10}`,
			"unknown key":         id + rest + `, "intervention": {"duration_days": 10}, "colour": "red"`,
			"unknown channel":     id + `, "arms": [{"id": "a", "components": ["app"]}], "components": [{"id": "app", "channel": "pigeon"}], "intervention": {"duration_days": 10}`,
			"unknown component":   id + `, "arms": [{"id": "a", "components": ["web"]}], "components": [{"id": "app", "channel": "app"}], "intervention": {"duration_days": 10}`,
			"unknown timezone":    id + rest + `, "intervention": {"duration_days": 10}, "timezone": "Mars/Olympus"`,
			"silence of nothing":  id + rest + `, "intervention": {"duration_days": 30}, "non_usage": {"silence_days": 0}`,
			"silence of all":      id + rest + `, "intervention": {"duration_days": 30}, "non_usage": {"silence_days": 30}`,
			"negative duration":   id + rest + `, "intervention": {"duration_days": -1}`,
			"text for a number":   id + rest + `, "intervention": {"duration_days": "ten"}`,
			"unknown design":      strings.Replace(id, "pre_post", "guess", 1) + rest + `, "intervention": {"duration_days": 30}`,
			"another study":       strings.Replace(id, tr.study, "other", 1) + rest + `, "intervention": {"duration_days": 30}`,
			"share above one":     id + rest + `, "intervention": {"duration_days": 30}, "engagement": {"throughout": 1.5}`,
			"an e-mail address":   id + rest + `, "intervention": {"duration_days": 30}, "engagement": {"justification": "ask mary@example.org"}`,
			"two arms of one id":  id + `, "arms": [{"id": "a"}, {"id": "a"}], "intervention": {"duration_days": 30}`,
			"silence by nobody":   id + rest + `, "intervention": {"duration_days": 30}, "non_usage": {"by_component": {"web": 7}}`,
			"rule of no type":     id + rest + `, "intervention": {"duration_days": 30}, "engagement": {"rules": {"app": {"types": ["session.begun"]}}}`,
			"arms that are gone":  id + `, "arms": [{"id": "b", "components": ["app"]}], "components": [{"id": "app", "channel": "app"}], "intervention": {"duration_days": 30}`,
			"period past the end": id + rest + `, "intervention": {"duration_days": 5, "period_days": 7}`,
		} {
			t.Run(name, func(t *testing.T) {
				r := tr.with(t).offer(http.StatusBadRequest, define(body))
				if len(r.Rejected) != 1 || r.Rejected[0].Code != "invalid_value" && r.Rejected[0].Code != "personal_data" && r.Rejected[0].Code != "missing_attribute" {
					t.Errorf("%+v, want one refusal", r.Rejected)
				}
			})
		}
	})
}

// TestRefusedQuestions: parameters that cannot be understood are named, and never guessed.
func TestRefusedQuestions(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, "questions", oneArm)
	tr.quality()
	for _, c := range []struct{ path, parameter string }{
		{"attrition", "kind=death"}, {"attrition", "variant=best"}, {"attrition", "portion=most"}, {"attrition", "component=web"},
		{"attrition", "conf=wide"}, {"attrition", "cutoff=yesterday"}, {"attrition", "as_of=2026-06-01"}, {"attrition", "weights=heavy"},
		{"attrition", "strata=mood"}, {"attrition", "by=mood"}, {"attrition", "horizon=-1"}, {"attrition", "after=here"},
		{"attrition", "colour=red"}, {"attrition", "population=all"}, {"engagement", "definition=9"}, {"engagement", "kind=dropout"}, {"quality", "cutoff=now"},
	} {
		p := tr.ask("/v1/studies/"+tr.study+"/"+c.path, c.parameter).problem(t, http.StatusBadRequest)
		name, value, _ := strings.Cut(c.parameter, "=")
		if !strings.Contains(p.Detail, name) && name != "colour" && c.path != "engagement" {
			t.Errorf("%s?%s: %q, want the parameter named", c.path, c.parameter, p.Detail)
		}
		if len(value) > 3 && strings.Contains(p.Detail, `"`+value+`"`) {
			t.Errorf("%s?%s: %q repeats the value", c.path, c.parameter, p.Detail)
		}
	}
	for _, path := range []string{"/v1/studies/nothing-" + tr.study, "/v1/studies/nothing-" + tr.study + "/attrition", "/v1/nothing", "/nothing"} {
		tr.ask(path).problem(t, http.StatusNotFound)
	}
	a := tr.ask("/v1/studies/"+tr.study+"/quality", "after=e999999999")
	a.problem(t, http.StatusServiceUnavailable)
	if a.header.Get("Retry-After") == "" {
		t.Error("a position that is not reached: no Retry-After")
	}
}
