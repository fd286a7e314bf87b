package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/auth"
	"github.com/throughline-trials/throughline/services/problem"
)

// ServeHTTP answers POST /v1/events. It takes one event (application/cloudevents+json), a batch
// (application/cloudevents-batch+json) or lines (application/x-ndjson), gzipped or not, and answers when the log has
// them on disk: 202 with counts, refusals and position, 400 with the same if no event was good, and problem details for
// everything else.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begun := time.Now()
	g.metrics.inFlight.Inc()
	defer g.metrics.inFlight.Dec()
	status := g.serve(w, r)
	g.metrics.answered(status, time.Since(begun))
}

func (g *Gateway) serve(w http.ResponseWriter, r *http.Request) int {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return fail(w, &problem.Details{Status: http.StatusMethodNotAllowed, Slug: "method-not-allowed", Title: "Method not allowed", Detail: "events are sent with POST"})
	}
	deadline := limitSender(w, g.config.ReadTimeout)
	grant, err := g.authenticate(r)
	if err != nil {
		drain(r.Body, 0)
		auth.Refuse(w, err)
		return http.StatusUnauthorized
	}
	b, err := g.readBody(r)
	if err != nil {
		return fail(w, err)
	}
	defer b.release()
	deadline.lift()
	select {
	case g.slots <- struct{}{}:
		defer func() { <-g.slots }()
	default:
		return fail(w, busy())
	}
	return g.answer(w, r, grant, b)
}

// authenticate returns the grant that stands in the request's context, or finds it.
func (g *Gateway) authenticate(r *http.Request) (auth.Grant, error) {
	if grant, ok := auth.FromContext(r.Context()); ok {
		return grant, nil
	}
	if g.auth == nil {
		return auth.Grant{}, auth.ErrNoCredential
	}
	return g.auth.Authenticate(r)
}

func (g *Gateway) answer(w http.ResponseWriter, r *http.Request, grant auth.Grant, b *body) int {
	raws, unreadable := split(b)
	if len(raws) > event.MaxBatchEvents {
		return fail(w, tooLarge("the batch has more than %d events: send fewer at a time", event.MaxBatchEvents))
	}
	// A client that goes away changes nothing: what was begun is finished, so that the answer to its next try is right.
	ctx := context.WithoutCancel(r.Context())
	result, err := g.handle(ctx, submission{grant: grant, raws: raws, unreadable: unreadable})
	if err != nil {
		return fail(w, g.unavailable(err))
	}
	if unreadable != "" {
		return failUnreadable(w, result)
	}
	status := http.StatusAccepted
	if len(raws) > 0 && len(result.Rejected) == len(raws) {
		status = http.StatusBadRequest
	}
	return reply(w, status, result)
}

// split returns the events of a body. If the body as a whole cannot be read, it returns why, and the body stands for one
// event, so that it is refused and recorded like one.
func split(b *body) (raws [][]byte, unreadable string) {
	switch b.media {
	case mediaSingle:
		if !json.Valid(b.data) {
			unreadable = "the body is not one JSON object"
		}
		raws = [][]byte{b.data}
	case mediaLines:
		for line := range event.Lines(b.data) {
			if raws = append(raws, line); len(raws) > event.MaxBatchEvents {
				break
			}
		}
		if len(raws) == 0 {
			unreadable = "the body has no lines"
		}
	default:
		var err error
		if raws, err = event.SplitArray(b.data); err != nil {
			unreadable = "the body is not one JSON array"
		}
	}
	if unreadable != "" {
		raws = [][]byte{b.data}
	}
	return raws, unreadable
}

// unavailable turns an error of handle into a problem.
func (g *Gateway) unavailable(err error) *problem.Details {
	d := &problem.Details{Status: http.StatusServiceUnavailable, Slug: "unavailable", Title: "Unavailable", RetryAfter: 2 * time.Second,
		Detail: "the events may not be on disk: send the same request again, what is there already counts once"}
	switch {
	case errors.Is(err, errDiskFull):
		d.Slug, d.Title, d.RetryAfter = "disk-full", "Disk nearly full", 30*time.Second
		d.Detail = "the disk of the server is nearly full and nothing was written: keep the events and send them later"
	case errors.Is(err, errFull):
		d.Slug, d.Title, d.RetryAfter = "overloaded", "Overloaded", time.Second
	case errors.Is(err, errClosing):
		d.Slug, d.Title = "closing", "Shutting down"
	default:
		g.config.Logger.Error("cannot write to the log", "error", err)
	}
	return d
}

// fail answers with a problem and returns its status.
func fail(w http.ResponseWriter, err error) int {
	var d *problem.Details
	if !errors.As(err, &d) {
		d = &problem.Details{Status: http.StatusInternalServerError, Slug: "internal", Title: "Internal error"}
	}
	d.Write(w)
	return d.Status
}

// failUnreadable answers for a body that is no JSON, with the counts as extensions.
func failUnreadable(w http.ResponseWriter, r Result) int {
	d := &problem.Details{Status: http.StatusBadRequest, Slug: "unreadable-body", Title: "Unreadable body",
		Detail: "the body is not what its Content-Type says",
		Extensions: map[string]any{
			"accepted": r.Accepted, "duplicates": r.Duplicates, "rejected": r.Rejected, "position": r.Position.String(),
		}}
	if len(r.Rejected) > 0 {
		d.Detail = r.Rejected[0].Detail
	}
	return fail(w, d)
}

// reply answers with a result.
func reply(w http.ResponseWriter, status int, r Result) int {
	text, err := json.Marshal(struct {
		Result
		Position string `json:"position"`
	}{r, r.Position.String()})
	if err != nil {
		return fail(w, fmt.Errorf("write answer: %w", err))
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	// The client may be gone; there is nobody left to tell.
	_, _ = w.Write(append(text, '\n'))
	return status
}
