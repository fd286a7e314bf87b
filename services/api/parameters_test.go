package api

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestEveryParameterIsChecked asks every read route for each parameter repeated, malformed, out of its values, and for
// those that it does not take.
func TestEveryParameterIsChecked(t *testing.T) {
	r := newRig(t)
	r.post(line("d", "definition.published", "hope", "", time.Now(), hope))
	for _, rt := range new(API).routes() {
		if len(rt.takes) == 0 {
			continue
		}
		path := strings.ReplaceAll(rt.path, "{study}", "hope")
		for _, p := range parameters() {
			for _, q := range faulty(p, slices.Contains(rt.takes, p.name)) {
				r.wantFault(rt.method, path+"?"+q, p.name)
			}
		}
		r.wantFault(rt.method, path+"?cutof=2026-01-01T00:00:00Z", "cutof")
		r.wantFault(rt.method, path+"?"+url.QueryEscape("a name with <b>markup</b>")+"=1", "a parameter")
		r.wantFault(rt.method, path+"?cutoff=%zz", "query")
		r.wantFault(rt.method, path+"?cutoff=1;as_of=2", "query")
	}
}

// faulty returns queries that are wrong by one parameter.
func faulty(p parameter, taken bool) []string {
	if !taken {
		return []string{p.name + "=1"}
	}
	out := []string{p.name + "=" + url.QueryEscape(p.example) + "&" + p.name + "=" + url.QueryEscape(p.example)}
	wrong := map[form][]string{
		formTime:     {"yesterday", "2026-11-23", "2026-11-23T12:00:00", "2026-11-23T12:00:00+01:00", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-01-01T00:00:00Z"},
		formNumber:   {"much", "NaN", "Inf", "-inf", "1e999", "-1", "1,5", " 1"},
		formPosition: {"here", "x1", "e", "e-1", "e1e2", "e99999999999999999999", "12", "e1.", "e1 a2"},
	}
	if p.above {
		wrong[formNumber] = append(wrong[formNumber], "0")
	}
	values := wrong[p.form]
	if len(p.values) > 0 {
		values = []string{"nothing", strings.ToUpper(p.values[0]), p.values[0] + " ", p.values[0] + "," + p.values[1]}
	}
	for _, v := range values {
		escaped := url.QueryEscape(v)
		if p.form == formTime {
			escaped = v // a + that was not escaped is a blank
		}
		out = append(out, p.name+"="+strings.ReplaceAll(escaped, " ", "%20"))
	}
	return out
}

// wantFault fails the test unless the answer is 400 and names a parameter.
func (r *rig) wantFault(method, path, name string) {
	r.Helper()
	a := r.ask(request{method: method, path: path, body: "{}", header: asJSON()})
	r.want(a, http.StatusBadRequest, "invalid-parameter")
	var p struct {
		Detail     string
		Parameters []fault
	}
	if err := json.Unmarshal(a.body, &p); err != nil || len(p.Parameters) != 1 || p.Parameters[0].Parameter != name || !strings.HasPrefix(p.Detail, name+" ") {
		r.Errorf("%s: want one fault of %s: %s", path, name, a.body)
	}
	if strings.Contains(string(a.body), "markup") {
		r.Errorf("%s: the answer repeats what was sent: %s", path, a.body)
	}
}

// TestAllFaultsAtOnce asks for several things that cannot be.
func TestAllFaultsAtOnce(t *testing.T) {
	r := newRig(t)
	r.post(line("d", "definition.published", "hope", "", time.Now(), hope))
	a := r.get("/v1/studies/hope/attrition?kind=both&cutoff=now&horizon=0&nothing=1")
	r.want(a, http.StatusBadRequest, "invalid-parameter")
	_, detail := a.problem()
	for _, name := range []string{"kind", "cutoff", "horizon", "nothing"} {
		if !strings.Contains(detail, name+" ") {
			t.Errorf("%s is not among %s", name, detail)
		}
	}
	r.want(r.get("/v1/studies/hope/attrition?component=x&strata=y&by=z"), http.StatusBadRequest, "invalid-parameter")
}

// TestClocksThatCannotBe asks for the future, and for a cut-off later than what is known.
func TestClocksThatCannotBe(t *testing.T) {
	r := newRig(t)
	now := time.Now().UTC()
	r.post(line("d", "definition.published", "hope", "", now.Add(-time.Hour), hope))
	later, earlier := now.Add(time.Hour).Format(time.RFC3339), now.Add(-time.Minute).Format(time.RFC3339)
	r.wantFault("GET", "/v1/studies/hope/attrition?as_of="+later, "as_of")
	r.wantFault("GET", "/v1/studies/hope/quality?cutoff="+later, "cutoff")
	r.wantFault("GET", "/v1/studies?as_of="+later, "as_of")
	r.wantFault("GET", "/v1/delivery-types?cutoff="+later, "cutoff")
	r.wantFault("GET", "/v1/studies/hope/engagement?as_of="+earlier+"&cutoff="+now.Format(time.RFC3339), "cutoff")
	r.want(r.get("/v1/studies/hope/attrition?as_of="+now.AddDate(-1, 0, 0).Format(time.RFC3339)), http.StatusNotFound, "unknown-study")
	r.wantFault("GET", "/v1/studies/hope/attrition?definition=nothing", "definition")
	r.wantFault("GET", "/v1/studies/hope?definition=2", "definition")
}

// TestUnknownStudies asks for studies that are not there.
func TestUnknownStudies(t *testing.T) {
	r := newRig(t)
	r.post(line("d", "definition.published", "hope", "", time.Now(), hope))
	for _, rt := range new(API).routes() {
		if !rt.ofStudy() || len(rt.takes) == 0 {
			continue
		}
		for _, id := range []string{"nothing", "HOPE", "hope%27", "a%2Fb", strings.Repeat("a", 100), "%00", "~"} {
			a := r.ask(request{method: rt.method, path: strings.ReplaceAll(rt.path, "{study}", id), body: strings.Replace(hope, `"hope"`, `"nothing"`, 1), header: asJSON()})
			r.want(a, http.StatusNotFound, "unknown-study")
		}
	}
}
