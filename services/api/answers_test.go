package api

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/analyst"
	"github.com/throughline-trials/throughline/services/simulate"
)

// TestAnswersAreAsDescribed asks every route about studies of several kinds, in every way there is to ask, and holds each
// answer against the description.
func TestAnswersAreAsDescribed(t *testing.T) {
	r := newRig(t)
	now := time.Now()
	r.post(hopeEvents(now)...)
	for _, spec := range []simulate.Spec{
		{ID: "network", DeliveryType: event.DeliveryPeerToPeer, Participants: 24, DurationDays: 28, Seed: 1},
		{ID: "single", DeliveryType: event.DeliveryAsynchronous, Arms: 1, Participants: 1, DurationDays: 14, Seed: 2},
		{ID: "three", DeliveryType: event.DeliverySynchronous, Arms: 3, Participants: 18, DurationDays: 21, Seed: 3, DropoutHazard: 0.02},
	} {
		r.post(simulated(t, spec, now)...)
	}
	r.post(line("empty", "definition.published", "empty", "", now.Add(-time.Hour), strings.Replace(hope, `"id":"hope"`, `"id":"empty"`, 1)))
	r.refused(now)
	for _, id := range []string{"hope", "network", "single", "three", "empty"} {
		for _, path := range readPaths(id, now) {
			r.want(r.get(path), http.StatusOK, "")
		}
	}
	r.want(r.ask(request{method: "POST", path: "/v1/studies/hope/trial?after=" + r.position, body: hope, header: asJSON()}), http.StatusOK, "")
	for _, rt := range new(API).routes() {
		if name := rt.method + " " + rt.path; !r.described.seen[name] && !strings.Contains(rt.path, "/admin/") {
			t.Errorf("%s was not asked", name)
		}
	}
}

func asJSON() map[string]string { return map[string]string{"Content-Type": "application/json"} }

// refused sends what is refused, so that quarantine is not empty.
func (r *rig) refused(now time.Time) {
	r.Helper()
	for _, bad := range []string{
		line("bad1", "session.exploded", "hope", "p00", now, ""),
		line("bad2", "session.started", "hope", "p00", now.AddDate(0, 0, 3), ""),
		line("bad3", "session.started", "hope", "p00", now, "", "component", "nothing"),
		`{"id":1}`,
	} {
		a := r.ask(request{method: "POST", path: "/v1/events", body: bad, header: map[string]string{"Content-Type": "application/cloudevents+json"}})
		if a.status != http.StatusBadRequest {
			r.Errorf("%s: %d", bad, a.status)
		}
	}
}

// readPaths returns the ways to ask about a study that every study answers.
func readPaths(id string, now time.Time) []string {
	base := "/v1/studies/" + id
	then := now.AddDate(0, 0, -20).UTC().Format(time.RFC3339)
	var paths []string
	for _, rt := range new(API).routes() {
		path := strings.ReplaceAll(rt.path, "{study}", id)
		if rt.method != http.MethodGet || len(rt.takes) == 0 || !rt.ofStudy() && id != "hope" {
			continue
		}
		paths = append(paths, path, path+"?cutoff="+then)
		if slices.Contains(rt.takes, "definition") {
			paths = append(paths, path+"?definition=1")
		}
	}
	for _, q := range []string{"", "definition=1", "cutoff=" + then, "population=started", "population=per_protocol", "portion=technology", "portion=in_person"} {
		paths = append(paths, base+"/engagement?"+q)
		for _, kind := range []string{"dropout", "non_usage"} {
			paths = append(paths, base+"/attrition?kind="+kind+"&"+q)
		}
	}
	for _, q := range []string{
		"by=component", "by=site", "variant=first_lapse", "conf=log", "conf=plain", "weights=gehan_breslow", "weights=tarone_ware", "weights=peto",
		"weights=fh&rho=0.5", "weights=fh&rho=1e308", "ties=breslow", "horizon=7", "horizon=0.001", "horizon=1e308", "component=&by=&conf=&strata=",
	} {
		for _, kind := range []string{"dropout", "non_usage"} {
			paths = append(paths, base+"/attrition?kind="+kind+"&"+q)
		}
	}
	return paths
}

// TestFactorsAndComponents asks what only a study with factors and components of its own can answer.
func TestFactorsAndComponents(t *testing.T) {
	r := newRig(t)
	r.post(hopeEvents(time.Now())...)
	for _, q := range []string{
		"strata=sex", "by=sex", "strata=sex&by=site&kind=non_usage", "component=app&kind=non_usage", "component=coaching&kind=non_usage&variant=first_lapse", "component=app",
	} {
		r.want(r.get("/v1/studies/hope/attrition?"+q), http.StatusOK, "")
	}
	r.want(r.get("/v1/studies/hope/engagement?component=app"), http.StatusOK, "")
	got := decode[analyst.Attrition](r, r.get("/v1/studies/hope/attrition?by=site&strata=sex"))
	if len(got.Groups) != 2 || got.Tests == nil || got.Tests.Stratified == nil || got.Arms[0].Arm != "peer" || got.Arms[0].N != 8 {
		t.Errorf("groups %d, tests %+v, arms %+v", len(got.Groups), got.Tests, got.Arms)
	}
	for _, q := range []string{"component=nothing", "strata=nothing", "strata=sex,", "by=nothing", "component=app&portion=technology"} {
		a := r.get("/v1/studies/hope/attrition?" + q)
		r.want(a, http.StatusBadRequest, "invalid-parameter")
		name, _, _ := strings.Cut(q, "=")
		if _, detail := a.problem(); !strings.HasPrefix(detail, name+" ") {
			t.Errorf("%s: %s", q, detail)
		}
	}
}

// TestReadYourOwnWrites posts and asks at once for what was posted.
func TestReadYourOwnWrites(t *testing.T) {
	r := newRig(t, func(a *API) { a.Patience = 30 * time.Second })
	now := time.Now()
	r.post(line("d", "definition.published", "hope", "", now.Add(-time.Hour), hope))
	for i := range 5 {
		a := r.send(request{method: "POST", path: "/v1/events", body: line("x"+string(rune('a'+i)), "session.started", "hope", "p1", now, ""),
			header: map[string]string{"Content-Type": "application/cloudevents+json"}})
		position := decodePosition(t, a)
		q := decode[analyst.Quality](r, r.get("/v1/studies/hope/quality?after="+position))
		if q.Events != i+1 {
			t.Fatalf("after %s there are %d events, want %d", position, q.Events, i+1)
		}
	}
}

// TestPatienceEnds asks for what never comes.
func TestPatienceEnds(t *testing.T) {
	r := newRig(t, func(a *API) { a.Patience = 20 * time.Millisecond })
	r.post(line("d", "definition.published", "hope", "", time.Now(), hope))
	for _, rt := range new(API).routes() {
		if rt.method != http.MethodGet || len(rt.takes) == 0 {
			continue
		}
		path := strings.ReplaceAll(rt.path, "{study}", "hope")
		a := r.get(path + "?after=e999999")
		r.want(a, http.StatusServiceUnavailable, "position-not-reached")
		if a.header.Get("Retry-After") != "1" {
			t.Errorf("%s: Retry-After is %q", path, a.header.Get("Retry-After"))
		}
		r.want(r.get(path+"?after=e0"), http.StatusOK, "")
		r.want(r.get(path+"?after="+r.position), http.StatusOK, "")
	}
}

// TestThePastStaysAsItWas asks twice for one moment, with events arriving between.
func TestThePastStaysAsItWas(t *testing.T) {
	r := newRig(t)
	now := time.Now()
	r.post(hopeEvents(now)...)
	live := r.get("/v1/studies/hope/attrition?kind=non_usage")
	stamp := decode[analyst.Stamp](r, live)
	r.post(line("late", "participant.withdrew", "hope", "p00", now.AddDate(0, 0, -50), `{"scope":"stop_all"}`))
	past := r.get("/v1/studies/hope/attrition?kind=non_usage&as_of=" + stamp.AsOf.Format(time.RFC3339Nano))
	if string(past.body) != string(live.body) {
		t.Errorf("as of %s it is\n%s\nand was\n%s", stamp.AsOf, past.body, live.body)
	}
	if now := r.get("/v1/studies/hope/attrition?kind=non_usage"); string(now.body) == string(live.body) {
		t.Error("the withdrawal changes nothing")
	}
}
