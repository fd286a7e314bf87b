package api

import (
	"bytes"
	"encoding/json"
	"net/http"

	"github.com/throughline-trials/throughline/services/problem"
)

// writeJSON answers with one JSON value.
func writeJSON(w http.ResponseWriter, status int, v any) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		problem.Write(w, http.StatusInternalServerError, "internal", "Internal error", "the answer could not be written")
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the client may be gone
}

// fail answers an error that is not the client's; the operator finds it in the log.
func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // nobody is left to tell
	}
	a.Logger.Error("request failed", "method", r.Method, "route", r.Pattern, "error", err)
	problem.Write(w, http.StatusInternalServerError, "internal", "Internal error", "the server's log says more; the request may be tried again")
}

func unknownStudy(w http.ResponseWriter) {
	problem.Write(w, http.StatusNotFound, "unknown-study", "No such study", "no definition of it was published; GET /v1/studies lists the studies")
}
