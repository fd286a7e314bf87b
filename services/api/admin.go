package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/auth"
	"github.com/throughline-trials/throughline/services/importer"
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

// token is a token as it is listed.
type token struct {
	ID      string        `json:"id"`                // names it in lists and in the log
	Study   string        `json:"study"`             // the one study it is for, or *
	Scopes  []event.Scope `json:"scopes"`            // what it may do
	App     string        `json:"app,omitempty"`     // what uses it, for people
	Created time.Time     `json:"created"`           //
	Revoked *time.Time    `json:"revoked,omitempty"` // since when it is good for nothing; a revoked token stays listed
	Text    string        `json:"token,omitempty"`   // its text, only in the answer to its making
}

func newToken(t auth.Token) token {
	return token{ID: t.ID, Study: t.Study, Scopes: t.Scopes, App: t.App, Created: t.Created, Revoked: t.Revoked}
}

// tokenList is every token ever made, oldest first.
type tokenList struct {
	Tokens []token `json:"tokens"` // oldest first
}

// tokenRequest is what a new token should be good for.
type tokenRequest struct {
	Study  string        `json:"study"`         // one study, or * with scope admin
	Scopes []event.Scope `json:"scopes"`        // at least one
	App    string        `json:"app,omitempty"` // what will use it, for people

	// Members of a listed token, so that one can be sent back with changes; they are not looked at.
	ID      string `json:"id,omitempty"`
	Created string `json:"created,omitempty"`
}

func (a *API) listTokens(w http.ResponseWriter, r *http.Request) {
	if !trusted(w, r) {
		return
	}
	list := tokenList{Tokens: []token{}}
	for _, t := range a.Keyring.List() {
		list.Tokens = append(list.Tokens, newToken(t))
	}
	a.writeJSON(w, r, http.StatusOK, list)
}

func (a *API) createToken(w http.ResponseWriter, r *http.Request) {
	if !trusted(w, r) {
		return
	}
	var ask tokenRequest
	if !readJSON(w, r, &ask) {
		return
	}
	request := auth.Request{Study: ask.Study, Scopes: ask.Scopes, App: ask.App}
	if err := request.Validate(); err != nil {
		invalidToken.write(w, err.Error())
		return
	}
	made, text, err := a.Keyring.Create(r.Context(), request)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	answer := newToken(made)
	answer.Text = text
	a.writeJSON(w, r, http.StatusCreated, answer)
}

func (a *API) revokeToken(w http.ResponseWriter, r *http.Request) {
	if !trusted(w, r) {
		return
	}
	err := a.Keyring.Revoke(r.Context(), r.PathValue("id"))
	switch {
	case errors.Is(err, auth.ErrNoToken):
		unknownToken.write(w, "throughline token list shows the ids")
	case err != nil:
		a.fail(w, r, err)
	default:
		w.Header().Set("Cache-Control", "no-store")
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
	a.writeJSON(w, r, http.StatusOK, report)
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
	a.writeJSON(w, r, http.StatusOK, report)
}

// publishedDefinition is the last definition of a study that the log has.
type publishedDefinition struct {
	Study      string          `json:"study"`
	Definition json.RawMessage `json:"definition"` // as it was published
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
		unknownStudy.write(w, unknownStudyDetail)
	default:
		a.writeJSON(w, r, http.StatusOK, publishedDefinition{id, doc})
	}
}

// history answers an importer's question what became of the events that it made before.
func (a *API) history(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("study")
	grant, _ := auth.FromContext(r.Context())
	if !grant.Allows(event.ScopeRegister, id) && !grant.Allows(event.ScopeAllocate, id) && !grant.Allows(event.ScopeEmit, id) {
		forbidden.write(w, "the credential may not send events of this study")
		return
	}
	var ask importer.HistoryQuery
	if !readJSON(w, r, &ask) {
		return
	}
	if ask.Study != id || len(ask.Keys) > importer.MaxHistoryKeys {
		invalidQuery.write(w, fmt.Sprintf("study must be that of the address, keys at most %d", importer.MaxHistoryKeys))
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), longest)
	defer cancel()
	records, err := a.Maintainer.History(ctx, ask)
	if err != nil {
		a.refuse(w, r, err)
		return
	}
	a.writeJSON(w, r, http.StatusOK, importer.HistoryAnswer{Records: records})
}

// trusted refuses whoever may not make tokens: open mode, and tokens of one study.
func trusted(w http.ResponseWriter, r *http.Request) bool {
	if grant, _ := auth.FromContext(r.Context()); grant.Trusted() {
		return true
	}
	forbidden.write(w, "this needs the local credential (run the command on the machine of the data folder, with --data DIR), or a token of scope admin for all studies")
	return false
}

// administrator refuses whoever has not scope admin of a study, or of all studies if it is empty.
func administrator(w http.ResponseWriter, r *http.Request, study string) bool {
	if grant, _ := auth.FromContext(r.Context()); grant.Allows(event.ScopeAdmin, study) && (study != "" || grant.Study == auth.AllStudies) {
		return true
	}
	forbidden.write(w, "this needs scope admin")
	return false
}
