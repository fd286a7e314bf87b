package sdk_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/pkg/sdk"
)

func events(n int, padding string) []event.Event {
	list := make([]event.Event, n)
	for i := range list {
		list[i] = event.Event{
			ID: fmt.Sprintf("e-%d", i), Source: "/test", Type: "module.completed", Version: 1, Study: "trial", Subject: "P1",
			Time: event.At(time.Date(2026, 1, 5, 8, 0, i%60, 0, time.UTC)), AppVersion: padding,
		}
	}
	return list
}

// receiver answers like a gateway that refuses the events whose id is named, after failing so often.
func receiver(t *testing.T, failures int, status int, refused string) (*sdk.Client, *[]int) {
	t.Helper()
	sizes := &[]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || len(body) > event.MaxWireBytes {
			t.Errorf("a body of %d bytes: %v", len(body), err)
		}
		if failures > 0 {
			failures--
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, `{"type":"urn:throughline:problem:busy","title":"Busy","detail":"later"}`)
			return
		}
		raws, err := event.SplitArray(body)
		if err != nil || len(raws) > event.MaxBatchEvents {
			t.Errorf("a batch of %d events: %v", len(raws), err)
		}
		*sizes = append(*sizes, len(raws))
		answer := sdk.Result{Accepted: len(raws), Position: fmt.Sprintf("e%d", len(*sizes))}
		for i, raw := range raws {
			if refused != "" && strings.Contains(string(raw), `"`+refused+`"`) {
				answer.Accepted--
				answer.Rejected = append(answer.Rejected, sdk.Refusal{Index: i, ID: refused, Code: event.CodeInvalidValue})
			}
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusAccepted)
		_ = json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(server.Close)
	client, err := sdk.New(sdk.Config{URL: server.URL + "/", Backoff: time.Millisecond, Attempts: 3})
	if err != nil {
		t.Fatal(err)
	}
	return client, sizes
}

func TestSendSplitsByCountAndSize(t *testing.T) {
	for _, c := range []struct {
		name    string
		events  []event.Event
		batches int
	}{
		{"none", nil, 0},
		{"one", events(1, ""), 1},
		{"as many as fit", events(event.MaxBatchEvents, ""), 1},
		{"one more", events(event.MaxBatchEvents+1, ""), 2},
		{"too many bytes", events(event.MaxBatchEvents, strings.Repeat("v", 4000)), 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, sizes := receiver(t, 0, 0, "")
			result, err := client.Send(context.Background(), c.events...)
			total := 0
			for _, n := range *sizes {
				total += n
			}
			if err != nil || result.Accepted != len(c.events) || total != len(c.events) || len(*sizes) < c.batches {
				t.Errorf("sent %v in %v, want %d events in at least %d batches: %v", result, *sizes, len(c.events), c.batches, err)
			}
		})
	}
}

func TestSendNamesRefusalsByPlace(t *testing.T) {
	client, _ := receiver(t, 0, 0, "e-501")
	result, err := client.Send(context.Background(), events(600, "")...)
	if err != nil || len(result.Rejected) != 1 || result.Rejected[0].Index != 501 || result.Accepted != 599 {
		t.Errorf("Send = %+v, %v", result, err)
	}
}

func TestSendTriesAgainWhereThatHelps(t *testing.T) {
	for _, c := range []struct {
		failures, status int
		want             int // status of the error, 0 for none
	}{
		{2, http.StatusServiceUnavailable, 0},
		{2, http.StatusTooManyRequests, 0},
		{3, http.StatusServiceUnavailable, http.StatusServiceUnavailable},
		{1, http.StatusUnauthorized, http.StatusUnauthorized},
		{1, http.StatusRequestEntityTooLarge, http.StatusRequestEntityTooLarge},
	} {
		client, sizes := receiver(t, c.failures, c.status, "")
		_, err := client.Send(context.Background(), events(2, "")...)
		var refused *sdk.Error
		switch {
		case c.want == 0 && (err != nil || len(*sizes) != 1):
			t.Errorf("after %d times %d: %v", c.failures, c.status, err)
		case c.want != 0 && (!errors.As(err, &refused) || refused.Status != c.want || refused.Type != "urn:throughline:problem:busy"):
			t.Errorf("after %d times %d: %v, want status %d", c.failures, c.status, err, c.want)
		}
	}
}

func TestSendEndsWithItsContext(t *testing.T) {
	client, _ := receiver(t, 100, http.StatusServiceUnavailable, "")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := client.Send(ctx, events(1, "")...); !errors.Is(err, context.Canceled) {
		t.Errorf("Send = %v", err)
	}
}

func TestNewNamesEveryFault(t *testing.T) {
	_, err := sdk.New(sdk.Config{URL: "nowhere", Attempts: -1, Backoff: -1})
	for _, field := range []string{"URL", "Attempts", "Backoff"} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%v does not name %s", err, field)
		}
	}
}
