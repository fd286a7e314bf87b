// Package problem writes errors of the HTTP surface as RFC 9457 problem details.
//
// The type of a problem is "urn:throughline:problem:<slug>"; the slug is stable and what a program may branch on. Title
// and detail are for people and never repeat what was sent.
package problem

import (
	"encoding/json"
	"maps"
	"math"
	"net/http"
	"strconv"
	"time"
)

// ContentType is the media type of every answer of this package.
const ContentType = "application/problem+json"

// prefix stands before the slug in the type of a problem.
const prefix = "urn:throughline:problem:"

// URI returns the type of the problem with a slug.
func URI(slug string) string { return prefix + slug }

// Details is one problem.
type Details struct {
	Status     int            // HTTP status
	Slug       string         // stable name, e.g. "unsupported-media-type"
	Title      string         // the kind of problem, the same each time
	Detail     string         // what happened here and what to do; may be empty
	RetryAfter time.Duration  // sent as Retry-After in whole seconds if above 0
	Extensions map[string]any // further members; none may be called type, title, status or detail
}

// Error makes a problem an error, for handlers that return them.
func (d *Details) Error() string {
	if d.Detail == "" {
		return d.Title
	}
	return d.Title + ": " + d.Detail
}

// Write answers a request with the problem.
func (d *Details) Write(w http.ResponseWriter) {
	body := make(map[string]any, 4+len(d.Extensions))
	maps.Copy(body, d.Extensions)
	body["type"], body["title"], body["status"] = URI(d.Slug), d.Title, d.Status
	if d.Detail != "" {
		body["detail"] = d.Detail
	}
	text, err := json.Marshal(body)
	if err != nil { // an extension that is no JSON: the problem itself is still worth telling
		text = []byte(`{"type":"` + URI(d.Slug) + `"}`)
	}
	h := w.Header()
	h.Set("Content-Type", ContentType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if d.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(d.RetryAfter.Seconds()))))
	}
	w.WriteHeader(d.Status)
	// The client may be gone; there is nobody left to tell.
	_, _ = w.Write(append(text, '\n'))
}

// Write answers with a problem without extensions. The typ is its slug.
func Write(w http.ResponseWriter, status int, typ, title, detail string) {
	(&Details{Status: status, Slug: typ, Title: title, Detail: detail}).Write(w)
}
