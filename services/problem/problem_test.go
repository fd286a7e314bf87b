package problem

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestWrite(t *testing.T) {
	rec := httptest.NewRecorder()
	Write(rec, http.StatusUnsupportedMediaType, "unsupported-media-type", "Unsupported media type", "send JSON")
	if rec.Code != http.StatusUnsupportedMediaType || rec.Header().Get("Content-Type") != ContentType {
		t.Fatalf("status %d, content type %q", rec.Code, rec.Header().Get("Content-Type"))
	}
	var got map[string]any
	if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"type": "urn:throughline:problem:unsupported-media-type", "title": "Unsupported media type", "status": 415.0, "detail": "send JSON",
	}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s: got %v, want %v", k, got[k], v)
		}
	}
}

func TestWriteExtensions(t *testing.T) {
	rec := httptest.NewRecorder()
	d := &Details{Status: 503, Slug: "full", Title: "Full", RetryAfter: 1500 * time.Millisecond, Extensions: map[string]any{"accepted": 0}}
	d.Write(rec)
	if got := rec.Header().Get("Retry-After"); got != "2" {
		t.Errorf("Retry-After: got %q, want 2", got)
	}
	var got map[string]any
	if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got["accepted"] != 0.0 {
		t.Errorf("accepted: got %v, want 0", got["accepted"])
	}
	if _, ok := got["detail"]; ok {
		t.Error("an empty detail is written")
	}
}

func TestWriteBadExtension(t *testing.T) {
	rec := httptest.NewRecorder()
	(&Details{Status: 500, Slug: "x", Extensions: map[string]any{"f": func() {}}}).Write(rec)
	if !json.Valid(rec.Body.Bytes()) || rec.Code != 500 {
		t.Errorf("got %d %s", rec.Code, rec.Body)
	}
}
