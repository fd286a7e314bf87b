package e2e

import (
	"net/http"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/pkg/sdk"
)

const oneArm = twelveWeeks + `, "arms": [{"id": "a", "role": "experimental", "components": ["app"]}]`

// TestCloudEventsClient sends by the HTTP client of the CloudEvents SDK for Go, in structured mode.
func TestCloudEventsClient(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, "cloudevents", oneArm)
	sender, err := cloudevents.NewClientHTTP(cloudevents.WithTarget(tr.base + "/v1/events"))
	if err != nil {
		t.Fatal(err)
	}
	send := func(id, typ string, day int, data any) cloudevents.Result {
		t.Helper()
		e := cloudevents.NewEvent()
		e.SetID(id)
		e.SetSource("/apps/cloudevents")
		e.SetType(typ)
		e.SetSubject("p1")
		e.SetTime(cutoffDay.AddDate(0, 0, day-40).Add(9 * time.Hour))
		e.SetExtension("study", tr.study)
		e.SetExtension("timezone", "Europe/Dublin")
		e.SetExtension("istest", false)
		if err := e.SetData(cloudevents.ApplicationJSON, data); err != nil {
			t.Fatal(err)
		}
		return sender.Send(cloudevents.WithEncodingStructured(t.Context()), e)
	}
	for day, typ := range map[int]string{0: "participant.randomised", 25: "exercise.completed"} {
		data := map[string]any{}
		if day == 0 {
			data["arm"] = "a"
		}
		if result := send(typ, typ, day, data); !cloudevents.IsACK(result) {
			t.Fatalf("%s: %v, want an acknowledgement", typ, result)
		}
	}
	if result := send("bad", "exercise.completed", 3, map[string]any{"mood": "low"}); cloudevents.IsACK(result) {
		t.Error("an event with an unknown property was acknowledged")
	}
	// C = 40 and L = 25 < A = 26.
	tr.position = tr.offer(http.StatusAccepted, tr.event("participant.enrolled", "p1", "2026-05-01T09:00:00Z", "")).Position
	equal(t, "non-usage", tr.attrition("kind=non_usage", "cutoff="+cutoff).arm("a").fate(), "event 25")
}

// TestSDK sends by the SDK: a thousand events and one in several requests, with resends and a refusal among them.
func TestSDK(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, "sdk", oneArm)
	sender, err := sdk.New(sdk.Config{URL: tr.base})
	if err != nil {
		t.Fatal(err)
	}
	at := func(day, minute int) event.Instant {
		return event.Instant{Time: cutoffDay.AddDate(0, 0, day-40).Add(9*time.Hour + time.Duration(minute)*time.Minute)}
	}
	events := []event.Event{{ID: "assigned", Source: "/sdk", Type: "participant.randomised", Study: tr.study, Subject: "p1", Time: at(0, 0),
		Data: event.Data{{Name: "arm", Value: event.Value{Kind: event.KindString, Str: "a"}}}}}
	for i := range 1000 {
		events = append(events, event.Event{ID: "use-" + time.Duration(i).String(), Source: "/sdk", Type: "exercise.completed", Study: tr.study, Subject: "p1", Time: at(i%26, i/26)})
	}
	refused := events[1]
	refused.ID, refused.Subject = "elsewhere", "p.1"
	again := events[2]
	result, err := sender.Send(t.Context(), append(events, refused, again)...)
	if err != nil {
		t.Fatal(err)
	}
	if result.Accepted != 1001 || result.Duplicates != 1 || len(result.Rejected) != 1 || result.Rejected[0].Index != 1001 || result.Rejected[0].Code != event.CodeInvalidSubject {
		t.Errorf("result %+v, want 1001 accepted, 1 duplicate, event 1001 invalid_subject", result)
	}
	tr.position = result.Position
	equal(t, "non-usage", tr.attrition("kind=non_usage", "cutoff="+cutoff).arm("a").fate(), "event 25")
	if q := tr.quality(); q.Events != 1001 || q.Duplicates != 1 || q.Quarantined["invalid_subject"] != 1 {
		t.Errorf("%d events, %d duplicates, quarantined %v; want 1001, 1 and one invalid_subject", q.Events, q.Duplicates, q.Quarantined)
	}
}
