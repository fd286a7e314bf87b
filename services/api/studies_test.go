package api

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/simulate"
)

// hope is a definition that says everything a definition can say; analysts may see the arms.
const hope = `{"id":"hope","title":"Hope","design":"randomised_controlled_trial","timezone":"America/New_York",
"arms":[{"id":"peer","label":"Peers","role":"experimental","components":["app","coaching"],"delivery_type":"peer_delivered_technology"},{"id":"usual","role":"control","delivery_type":"none","components":[]}],
"components":[{"id":"app","channel":"app"},{"id":"coaching","channel":"in_person"}],
"intervention":{"duration_days":28,"period_days":7,"access_days":35},"follow_up_days":42,
"engagement":{"id":"weekly","combine":"any","throughout":0.75,"justification":"agreed","rules":{
 "app":{"any_of":[{"types":["session.started"],"where":{"active_seconds":{"min":30}}},{"types":["module.completed"]}],"min_events":1}}},
"non_usage":{"silence_days":10,"by_component":{"coaching":14}},"completion":{"modules":2},
"strata":{"sex":["female","male"]},"sites":[{"id":"boston"},{"id":"chicago","timezone":"America/Chicago"}],
"per_protocol":{"engaged_periods":2},
"assessments":[{"instrument":"hope-scale","domain":"hope","outcome_kind":"psychosocial","better":"higher","primary":true,"timepoints":[{"id":"baseline","day":0},{"id":"week4","day":28,"window_days":7}]}],
"recruitment":{"target":20},"blinding":{"analysts":"open"},"disclosure":{"policy":"cms11"},"erasure":{"legal_basis":"consent"}}`

// hopeEvents returns the definition of hope and what sixteen participants did: some leave, some fall silent, some come
// back, some complete, some share a peer, and some of what they send is late, for a test, from another arm or faulty.
func hopeEvents(now time.Time) []string {
	start := now.AddDate(0, 0, -60).Truncate(24 * time.Hour).Add(15 * time.Hour)
	lines := []string{line("definition", "definition.published", "hope", "", start.Add(-time.Hour), hope)}
	n := 0
	say := func(typ, who string, day int, data string, pairs ...string) {
		n++
		lines = append(lines, line(fmt.Sprintf("e%d", n), typ, "hope", who, start.AddDate(0, 0, day), data, pairs...))
	}
	for i := range 16 {
		who := fmt.Sprintf("p%02d", i)
		arm, site, sex := []string{"peer", "usual"}[i%2], []string{"boston", "chicago"}[i/2%2], []string{"female", "male"}[i/3%2]
		say("participant.enrolled", who, 0, fmt.Sprintf(`{"site":%q,"strata":{"sex":%q}}`, site, sex))
		say("participant.randomised", who, 0, fmt.Sprintf(`{"arm":%q}`, arm))
		if arm == "peer" {
			say("peer.assigned", who, 0, fmt.Sprintf(`{"peer":"peer-%d"}`, i/4), "component", "coaching", "actorrole", "staff")
			for day := 1; day < 28 && day < 3+3*i; day += 2 + i%3 {
				say("session.ended", who, day, fmt.Sprintf(`{"session_id":"s%d","active_seconds":%d}`, n, 60+i), "component", "app")
			}
		}
		switch {
		case i%5 == 1:
			say("participant.withdrew", who, 5+i, `{"scope":"stop_all","reason":"burden"}`)
		case i == 4:
			say("module.completed", who, 20, `{"module":"m1"}`, "component", "app")
			say("module.completed", who, 21, `{"module":"m2"}`, "component", "app")
		case i == 7:
			say("participant.died", who, 12, "")
		case i == 9:
			say("session.ended", who, 6, `{"session_id":"other","active_seconds":90}`, "component", "app")
		}
	}
	say("technical_fault.reported", "p02", 30, `{"blocks_use":true}`)
	say("outage.declared", "", 10, fmt.Sprintf(`{"component":"app","from":%q,"to":%q,"reason":"storm"}`,
		start.AddDate(0, 0, 9).UTC().Format(time.RFC3339), start.AddDate(0, 0, 11).UTC().Format(time.RFC3339)))
	return lines
}

// simulated returns the definition and the events of a small study to order, each as JSON.
func simulated(t testing.TB, spec simulate.Spec, now time.Time) []string {
	t.Helper()
	spec.Now = now
	s, err := simulate.Single(spec)
	if err != nil {
		t.Fatal(err)
	}
	published := s.Published()
	lines := []string{string(published.AppendJSON(nil))}
	for e := range s.Events(now) {
		if e.Type != event.TypeDefinition {
			lines = append(lines, string(e.AppendJSON(nil)))
		}
	}
	return lines
}

// blindStudy returns a definition whose arms analysts may not see.
func blindStudy(id string) string {
	text := strings.Replace(hope, `"id":"hope"`, fmt.Sprintf(`"id":%q`, id), 1)
	return strings.Replace(text, `"analysts":"open"`, `"analysts":"coded"`, 1)
}
