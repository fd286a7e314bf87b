package importer_test

import (
	"compress/gzip"
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
	"github.com/throughline-trials/throughline/services/importer"
)

// server answers as the gateway does, from a journal; before says what it answers first.
func server(t *testing.T, j *journal, before ...func(http.ResponseWriter)) (*importer.Client, *[]time.Duration) {
	t.Helper()
	mux := http.NewServeMux()
	waits := &[]time.Duration{}
	turn := func(w http.ResponseWriter) bool {
		if len(before) == 0 {
			return false
		}
		before[0](w)
		before = before[1:]
		return true
	}
	mux.HandleFunc("POST /v1/events", func(w http.ResponseWriter, r *http.Request) {
		body := unpack(t, r, "application/cloudevents-batch+json")
		if turn(w) {
			return
		}
		elements, err := event.SplitArray(body)
		if err != nil {
			t.Error(err)
		}
		var events []event.Event
		for _, raw := range elements {
			e, problems := event.Decode(raw, now())
			if len(problems) > 0 {
				t.Error(problems)
			}
			events = append(events, e)
		}
		receipt, _ := j.Send(r.Context(), events)
		receipt.Position = fmt.Sprintf("e%d", len(j.events))
		if receipt.Rejected == nil {
			receipt.Rejected = []importer.Refused{}
		}
		w.WriteHeader(http.StatusAccepted)
		_ = json.NewEncoder(w).Encode(receipt)
	})
	mux.HandleFunc("POST "+importer.HistoryPath("hope-2026"), func(w http.ResponseWriter, r *http.Request) {
		var q importer.HistoryQuery
		if err := json.Unmarshal(unpack(t, r, "application/json"), &q); err != nil {
			t.Error(err)
		}
		records, _ := j.Records(r.Context(), q)
		_ = json.NewEncoder(w).Encode(importer.HistoryAnswer{Records: records})
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	client := &importer.Client{URL: s.URL + "/", Token: "secret", Wait: func(ctx context.Context, d time.Duration) error {
		*waits = append(*waits, d)
		return ctx.Err()
	}}
	return client, waits
}

func unpack(t *testing.T, r *http.Request, media string) []byte {
	t.Helper()
	if r.Header.Get("Authorization") != "Bearer secret" || r.Header.Get("Content-Type") != media {
		t.Errorf("headers %v", r.Header)
	}
	z, err := gzip.NewReader(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func status(code int, retryAfter string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(code)
		fmt.Fprintf(w, `{"type":"urn:throughline:problem:x","title":"No","status":%d,"detail":"the reason why"}`, code)
	}
}

// TestClientImports runs whole imports over HTTP: everything is new, then unchanged, then corrected.
func TestClientImports(t *testing.T) {
	j := newJournal()
	client, waits := server(t, j, status(http.StatusTooManyRequests, "3"), status(http.StatusServiceUnavailable, ""))
	m := mappingOf(t, registry)
	run := func(csv string) *importer.Report {
		report, err := importer.Run(t.Context(), importer.Config{Mapping: m, File: strings.NewReader(csv), History: client, Sender: client, Now: now})
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	first := run(rows("1,2026-01-05 09:30,boston,F,2026-02-01,burden,"))
	wantCounts(t, first, importer.Counts{New: 2})
	if first.Position != "e2" || len(*waits) != 2 || (*waits)[0] != 3*time.Second || (*waits)[1] < 100*time.Millisecond {
		t.Errorf("position %s, waits %v", first.Position, *waits)
	}
	wantCounts(t, run(rows("1,2026-01-05 09:30,boston,F,2026-02-01,burden,")), importer.Counts{Unchanged: 2})
	wantCounts(t, run(rows("1,2026-01-05 09:30,york,F,,,")), importer.Counts{Corrected: 1, Voided: 1})
	wantCounts(t, run(rows("1,2026-01-05 09:30,york,F,,,")), importer.Counts{Unchanged: 1})
}

func TestClientMapsRefusalsToRows(t *testing.T) {
	refuse := func(w http.ResponseWriter) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"accepted":0,"duplicates":0,"rejected":[{"index":0,"id":"x","code":"unknown_study","field":"study","detail":"no definition is published"},
			{"index":1,"id":"y","code":"invalid_value","field":"data.reason","detail":"is not known"}]}`)
	}
	j := newJournal()
	client, _ := server(t, j, refuse)
	report, err := importer.Run(t.Context(), importer.Config{
		Mapping: mappingOf(t, registry), File: strings.NewReader(rows("1,2026-01-05 09:30,boston,F,2026-02-01,burden,")), History: client, Sender: client, Now: now,
	})
	if err != nil {
		t.Fatal(err)
	}
	wantCounts(t, report, importer.Counts{Refused: 2})
	if r := report.Refusals[1]; r.Row != 2 || r.Column != "why" || r.Event != "withdrew" || r.Code != "invalid_value" {
		t.Errorf("got %+v", r)
	}
}

func TestClientErrors(t *testing.T) {
	one := []event.Event{{ID: "1", Source: "/x", Type: "participant.enrolled", Version: 1, Study: "hope-2026", Subject: "p", Time: event.At(now())}}
	for code, want := range map[int]string{401: "--token", 403: "scopes", 404: "same version", 413: "the reason why", 500: "500"} {
		client, waits := server(t, newJournal(), status(code, ""))
		_, err := client.Send(t.Context(), one)
		var response *importer.ResponseError
		if !errors.As(err, &response) || response.Status != code || !strings.Contains(err.Error(), want) || len(*waits) != 0 {
			t.Errorf("%d gives %v after %v", code, err, *waits)
		}
	}
	busy := make([]func(http.ResponseWriter), 3)
	for i := range busy {
		busy[i] = status(http.StatusServiceUnavailable, "120")
	}
	client, waits := server(t, newJournal(), busy...)
	client.Attempts = 3
	if _, err := client.Send(t.Context(), one); err == nil || len(*waits) != 2 || (*waits)[0] != time.Minute {
		t.Errorf("a busy server gives %v after %v", err, *waits)
	}
	client.URL = "http://127.0.0.1:1"
	if _, err := client.Send(t.Context(), one); err == nil || !strings.Contains(err.Error(), "reach server") {
		t.Errorf("no server gives %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := client.Send(ctx, one); !errors.Is(err, context.Canceled) {
		t.Errorf("an ended context gives %v", err)
	}
}
