package api

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/auth"
	"github.com/throughline-trials/throughline/services/importer"
	"github.com/throughline-trials/throughline/services/problem"
	"github.com/throughline-trials/throughline/services/verify"
)

// Maintainer carries out the acts of an administrator.
type Maintainer interface {
	// Verify holds the log against the facts.
	Verify(ctx context.Context) (verify.Report, error)
	// Rebuild makes facts and results anew from the log.
	Rebuild(ctx context.Context) error
	// Definition returns the last published definition of a study, false if there is none.
	Definition(ctx context.Context, study string) (json.RawMessage, bool, error)
	// History returns what became of events sent before, of all that was acknowledged before the call.
	History(ctx context.Context, query importer.HistoryQuery) (importer.Records, error)
}

// token is a token as it is listed; the text of it only where it was just made.
type token struct {
	auth.Token
	Hash string `json:"hash,omitempty"` // never set: hides that of the embedded token
	Text string `json:"token,omitempty"`
}

func (a *API) listTokens(w http.ResponseWriter, r *http.Request) {
	if !trusted(w, r) {
		return
	}
	list := []token{}
	for _, t := range a.Keyring.List() {
		list = append(list, token{Token: t})
	}
	writeJSON(w, http.StatusOK, map[string]any{"tokens": list})
}

func (a *API) createToken(w http.ResponseWriter, r *http.Request) {
	if !trusted(w, r) {
		return
	}
	var ask struct {
		Study  string        `json:"study"`
		Scopes []event.Scope `json:"scopes"`
		App    string        `json:"app"`

		ID      string `json:"id"`      // accepted from clients that send a whole token; not used
		Created string `json:"created"` // likewise
	}
	if !readJSON(w, r, &ask) {
		return
	}
	request := auth.Request{Study: ask.Study, Scopes: ask.Scopes, App: ask.App}
	if err := request.Validate(); err != nil {
		problem.Write(w, http.StatusBadRequest, "invalid-token-request", "Token not made", err.Error())
		return
	}
	made, text, err := a.Keyring.Create(r.Context(), request)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusCreated, token{Token: made, Text: text})
}

func (a *API) revokeToken(w http.ResponseWriter, r *http.Request) {
	if !trusted(w, r) {
		return
	}
	err := a.Keyring.Revoke(r.Context(), r.PathValue("id"))
	switch {
	case errors.Is(err, auth.ErrNoToken):
		problem.Write(w, http.StatusNotFound, "unknown-token", "No such token", "throughline token list shows the ids")
	case err != nil:
		a.fail(w, r, err)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

func (a *API) verify(w http.ResponseWriter, r *http.Request) {
	if !administrator(w, r, "") {
		return
	}
	report, err := a.Maintainer.Verify(r.Context())
	if err != nil {
		a.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, report)
}

func (a *API) rebuild(w http.ResponseWriter, r *http.Request) {
	if !administrator(w, r, "") {
		return
	}
	if err := a.Maintainer.Rebuild(r.Context()); err != nil {
		a.fail(w, r, err)
		return
	}
	report, err := a.Maintainer.Verify(r.Context())
	if err != nil {
		a.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, report)
}

func (a *API) definition(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("study")
	if !administrator(w, r, id) {
		return
	}
	doc, ok, err := a.Maintainer.Definition(r.Context(), id)
	switch {
	case err != nil:
		a.fail(w, r, err)
	case !ok:
		unknownStudy(w)
	default:
		writeJSON(w, http.StatusOK, map[string]any{"study": id, "definition": doc})
	}
}

// history answers an importer's question what became of the events that it made before.
func (a *API) history(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("study")
	grant, _ := auth.FromContext(r.Context())
	if !grant.Allows(event.ScopeRegister, id) && !grant.Allows(event.ScopeAllocate, id) && !grant.Allows(event.ScopeEmit, id) {
		auth.Forbid(w, "the credential may not send events of this study")
		return
	}
	var ask importer.HistoryQuery
	if !readJSON(w, r, &ask) {
		return
	}
	if ask.Study != id || len(ask.Keys) > importer.MaxHistoryKeys {
		problem.Write(w, http.StatusBadRequest, "invalid-query", "Query not answered", fmt.Sprintf("study must be that of the address, keys at most %d", importer.MaxHistoryKeys))
		return
	}
	records, err := a.Maintainer.History(r.Context(), ask)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, importer.HistoryAnswer{Records: records})
}

// trusted refuses whoever may not make tokens: open mode, and tokens of one study.
func trusted(w http.ResponseWriter, r *http.Request) bool {
	if grant, _ := auth.FromContext(r.Context()); grant.Trusted() {
		return true
	}
	auth.Forbid(w, "this needs the local credential (run the command on the machine of the data folder, with --data DIR), or a token of scope admin for all studies")
	return false
}

func administrator(w http.ResponseWriter, r *http.Request, study string) bool {
	if grant, _ := auth.FromContext(r.Context()); grant.Allows(event.ScopeAdmin, study) && (study != "" || grant.Study == auth.AllStudies) {
		return true
	}
	auth.Forbid(w, "this needs scope admin")
	return false
}

// maxBody bounds the body of an administrator's request, as sent and unpacked.
const maxBody = 4 << 20

// readJSON decodes a request's body, gzipped or not, or answers 400.
func readJSON(w http.ResponseWriter, r *http.Request, into any) bool {
	var body io.Reader = http.MaxBytesReader(w, r.Body, maxBody)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unpacked, err := gzip.NewReader(body)
		if err != nil {
			problem.Write(w, http.StatusBadRequest, "unreadable-body", "Body not understood", "it is not gzipped as Content-Encoding says")
			return false
		}
		body = io.LimitReader(unpacked, maxBody)
	}
	dec := json.NewDecoder(body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		problem.Write(w, http.StatusBadRequest, "unreadable-body", "Body not understood", fmt.Sprintf("send one JSON object: %v", describeJSON(err)))
		return false
	}
	return true
}

// describeJSON says what is wrong with a body without repeating any of it.
func describeJSON(err error) string {
	var syntax *json.SyntaxError
	var typ *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Sprintf("it is no JSON from byte %d on", syntax.Offset)
	case errors.As(err, &typ):
		return fmt.Sprintf("%s must be of type %s", typ.Field, typ.Type)
	}
	return "a member is unknown, or the body is too long"
}
