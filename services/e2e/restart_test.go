package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestRestart: a server that is stopped, or killed under load, goes on where it was, with every acknowledged event once.
func TestRestart(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	server := up(t, data)
	tr := trialOn(server.client(t), "restart", oneArm)
	tr.send(tr.event("participant.randomised", "p1", "2026-05-01T09:00:00+00:00", `"arm": "a"`),
		tr.event("exercise.completed", "p1", "2026-05-05T09:00:00+00:00", ""),
		tr.event("participant.lost_to_follow_up", "p1", "2026-05-20T09:00:00+00:00", ""))
	again := tr.event("exercise.completed", "p1", "2026-05-06T09:00:00+00:00", "")
	tr.send(again)
	path := "/v1/studies/restart/attrition"
	first := tr.ask(path, "kind=non_usage", "cutoff="+cutoff, "after="+tr.position)
	var seen stamp
	first.decode(t, &seen)
	all := tr.numbers()

	server.stop()
	server = up(t, data)
	tr.base = server.connection.HTTP
	if now := tr.ask(path, "kind=non_usage", "cutoff="+cutoff, "as_of="+seen.AsOf); string(now.body) != string(first.body) {
		t.Errorf("after the restart, as of before it:\n%s\nwant\n%s", now.body, first.body)
	}
	if now := tr.numbers(); fmt.Sprint(now) != fmt.Sprint(all) {
		t.Errorf("after the restart:\n%v\nwant\n%v", now, all)
	}
	// A resend is the same event still, whoever knows it.
	if r := tr.offer(http.StatusAccepted, again); r.Accepted+r.Duplicates != 1 {
		t.Errorf("sent again after the restart: %+v", r)
	}
	if q := tr.quality(); q.Events != 4 {
		t.Errorf("%d events, want 4", q.Events)
	}

	server = killUnderLoad(t, server, tr)

	server.stop()
	server = up(t, data, "--reserve", fmt.Sprint(int64(1)<<60))
	refuseOnFullDisk(t, server, tr)
	server.stop()
}

// refuseOnFullDisk sends to a server that sees its disk nearly full, which answers, stores nothing and goes on reading.
func refuseOnFullDisk(t *testing.T, server *process, tr *trial) {
	t.Helper()
	tr.base = server.connection.HTTP
	before := messages(t, server.connection, "restart")
	a := tr.post(mediaSingle, tr.event("exercise.completed", "p1", "2026-05-07T09:00:00Z", ""))
	if p := a.problem(t, http.StatusServiceUnavailable); a.header.Get("Retry-After") == "" || !strings.Contains(p.Type, "disk") {
		t.Errorf("%+v, Retry-After %q", p, a.header.Get("Retry-After"))
	}
	if after := messages(t, server.connection, "restart"); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("the log went from %v to %v", before, after)
	}
	tr.ask("/v1/studies/restart/attrition").status200(t)
}

// killUnderLoad kills the server three times at random moments while events arrive, and holds a ledger of what was
// acknowledged against the facts.
func killUnderLoad(t *testing.T, server *process, tr *trial) *process {
	ledger := map[string]bool{}
	n := 0
	for range 3 {
		stop := time.After(time.Duration(100+rand.IntN(400)) * time.Millisecond)
		for alive := true; alive; {
			ids, events := make([]string, 50), make([]string, 50)
			for i := range ids {
				n++
				ids[i] = fmt.Sprintf("load-%d", n)
				events[i] = tr.named(ids[i], "exercise.completed", fmt.Sprintf("p%d", n%7), time.Date(2026, 5, 8, 0, 0, n, 0, time.UTC).Format(time.RFC3339), "")
			}
			answered := make(chan bool)
			go func() { answered <- acknowledged(server.connection.HTTP, events) }()
			select {
			case ok := <-answered:
				if ok {
					for _, id := range ids {
						ledger[id] = true
					}
				}
			case <-stop: // in the middle of a request
				server.kill()
				alive = false
				<-answered
			}
		}
		server = up(t, server.data)
	}
	var report verifyReport
	run(t, "verify", "--data", server.data, "--json").want(t, 0).json(t, &report)
	if !report.OK {
		t.Errorf("after the kills: %+v", report)
	}
	facts := map[string]int{}
	for _, id := range openFacts(t, server.connection).strings("SELECT id FROM throughline.events WHERE study = 'restart' AND kind = 'event' AND startsWith(id, 'load-')") {
		facts[id]++
	}
	for id := range ledger {
		if facts[id] != 1 {
			t.Errorf("%s was acknowledged and stands %d times in the facts", id, facts[id])
		}
	}
	for id, times := range facts {
		if times != 1 {
			t.Errorf("%s stands %d times in the facts", id, times)
		}
	}
	t.Logf("%d events acknowledged, %d in the facts", len(ledger), len(facts))
	return server
}

// acknowledged sends events and reports whether the log has them all; a server that dies answers nothing.
func acknowledged(base string, events []string) bool {
	res, err := http.Post(base+"/v1/events", mediaBatch, strings.NewReader("["+strings.Join(events, ",")+"]"))
	if err != nil {
		return false
	}
	defer res.Body.Close()
	var r receipt
	return json.NewDecoder(res.Body).Decode(&r) == nil && res.StatusCode == http.StatusAccepted && r.Accepted+r.Duplicates == len(events)
}
