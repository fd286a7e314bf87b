package e2e

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// trial is one study on a server, and what was sent for it.
type trial struct {
	client
	study    string
	position string // of the last that was sent
	ids      int
}

// newTrial publishes a definition on the shared server, under a name of which no other study is. The definition is JSON
// without its braces, id, title and design; a design of its own may stand in it.
func newTrial(t testing.TB, name, definition string) *trial {
	t.Helper()
	return trialOn(client{TB: t, base: sharedConnection(t).HTTP}, name+"-"+strings.ToLower(rand.Text()[:8]), definition)
}

func trialOn(c client, study, definition string) *trial {
	c.Helper()
	tr := &trial{client: c, study: study}
	tr.publish(definition)
	return tr
}

// publish publishes a version of the study's definition.
func (tr *trial) publish(definition string) {
	tr.Helper()
	if !strings.Contains(definition, `"design"`) {
		definition = `"design": "randomised_controlled_trial", ` + definition
	}
	tr.send(tr.event("definition.published", "", "2026-01-01T00:00:00Z",
		fmt.Sprintf(`"id": %q, "title": "A study of the tests", %s`, tr.study, definition)))
}

// with returns the same trial, to be asked in a subtest.
func (tr *trial) with(t testing.TB) *trial {
	other := *tr
	other.TB = t
	return &other
}

// event writes one event with the next id. data is the members of data, more further members of the envelope.
func (tr *trial) event(typ, subject, when, data string, more ...string) string {
	tr.ids++
	return tr.named(fmt.Sprintf("e%d", tr.ids), typ, subject, when, data, more...)
}

// named is event with an id of one's own.
func (tr *trial) named(id, typ, subject, when, data string, more ...string) string {
	members := []string{
		`"specversion": "1.0"`, fmt.Sprintf(`"id": %q`, id), `"source": "/tests"`, fmt.Sprintf(`"type": %q`, typ),
		fmt.Sprintf(`"study": %q`, tr.study), fmt.Sprintf(`"time": %q`, when),
	}
	if subject != "" {
		members = append(members, fmt.Sprintf(`"subject": %q`, subject))
	}
	if data != "" {
		members = append(members, fmt.Sprintf(`"data": {%s}`, data))
	}
	return "{" + strings.Join(append(members, more...), ", ") + "}"
}

// send sends events in batches and demands that all are accepted.
func (tr *trial) send(events ...string) {
	tr.Helper()
	for len(events) > 0 {
		n := min(len(events), 500)
		if r := tr.offer(http.StatusAccepted, events[:n]...); r.Accepted != n {
			tr.Fatalf("%d of %d events accepted, refused: %+v", r.Accepted, n, r.Rejected)
		}
		events = events[n:]
	}
}

// offer sends one batch and returns what became of it; the status must be the given one.
func (tr *trial) offer(status int, events ...string) receipt {
	tr.Helper()
	var r receipt
	a := tr.post(mediaBatch, "["+strings.Join(events, ",\n")+"]")
	if a.status != status {
		tr.Fatalf("status %d, want %d: %.800s", a.status, status, a.body)
	}
	a.decode(tr, &r)
	tr.position = r.Position
	return r
}

// results asks one of the study's results, as far as everything is in it that was sent.
func (tr *trial) results(name string, out any, parameters ...string) {
	tr.Helper()
	tr.get("/v1/studies/"+tr.study+"/"+name, out, append([]string{"after=" + tr.position}, parameters...)...)
}

func (tr *trial) attrition(parameters ...string) (a attrition) {
	tr.Helper()
	tr.results("attrition", &a, parameters...)
	return a
}

func (tr *trial) engagement(parameters ...string) (e engagement) {
	tr.Helper()
	tr.results("engagement", &e, parameters...)
	return e
}

func (tr *trial) quality(parameters ...string) (q quality) {
	tr.Helper()
	tr.results("quality", &q, parameters...)
	return q
}
