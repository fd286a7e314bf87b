package gateway_test

import (
	"net/http/httptest"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/gateway"
)

// TestCloudEventsClient sends with the CloudEvents project's own client, in structured mode.
func TestCloudEventsClient(t *testing.T) {
	h := start(t, gateway.Config{})
	h.publish()
	server := httptest.NewServer(h.gateway)
	defer server.Close()
	client, err := cloudevents.NewClientHTTP()
	if err != nil {
		t.Fatal(err)
	}
	e := cloudevents.NewEvent()
	e.SetID("ce-1")
	e.SetSource("/apps/hope")
	e.SetType("module.completed")
	e.SetSubject("p1")
	e.SetTime(time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC))
	e.SetExtension("study", "hope")
	e.SetExtension("component", "app")
	if err := e.SetData(cloudevents.ApplicationJSON, map[string]any{"module": "m1", "percent": 100}); err != nil {
		t.Fatal(err)
	}
	ctx := cloudevents.ContextWithTarget(cloudevents.WithEncodingStructured(t.Context()), server.URL)
	if result := client.Send(ctx, e); !cloudevents.IsACK(result) {
		t.Fatalf("not acknowledged: %v", result)
	}
	entries := h.entries(event.StreamEvents)
	if len(entries) != 1 || entries[0].Event.ID != "ce-1" || entries[0].Event.Component != "app" || entries[0].Event.Data.Text("module") != "m1" {
		t.Errorf("the log holds %+v", entries)
	}
	e.SetExtension("arm", "peer")
	if result := client.Send(ctx, e); !cloudevents.IsNACK(result) {
		t.Errorf("a bad event is not refused: %v", result)
	}
}
