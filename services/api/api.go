// Package api is the HTTP surface for reading results and for administration; [Description] is its OpenAPI document.
//
// A request names a study, parameters that are all optional, and perhaps a position: after=POSITION waits up to ten
// seconds until the results include what was acknowledged at that position. Every refusal is a problem detail that names
// the parameter, never a value.
package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/analyst"
	"github.com/throughline-trials/throughline/services/auth"
	"github.com/throughline-trials/throughline/services/problem"
)

// patience is how long a request waits for the position that it names.
const patience = 10 * time.Second

// API answers requests. All fields are needed.
type API struct {
	Reader     *analyst.Reader
	Keyring    *auth.Keyring
	Maintainer Maintainer
	Logger     *slog.Logger
}

// Register adds the routes to a mux that stands behind [auth.Guard].
func (a *API) Register(mux *http.ServeMux) {
	for pattern, handle := range map[string]http.HandlerFunc{
		"GET /v1/studies":                    a.read(a.studies),
		"GET /v1/studies/{study}":            a.read(a.study),
		"GET /v1/studies/{study}/attrition":  a.read(a.attrition),
		"GET /v1/studies/{study}/engagement": a.read(a.engagement),
		"GET /v1/studies/{study}/quality":    a.read(a.quality),
		"GET /v1/delivery-types":             a.read(a.deliveryTypes),

		"GET /v1/admin/tokens":                     a.listTokens,
		"POST /v1/admin/tokens":                    a.createToken,
		"DELETE /v1/admin/tokens/{id}":             a.revokeToken,
		"POST /v1/admin/verify":                    a.verify,
		"POST /v1/admin/rebuild":                   a.rebuild,
		"GET /v1/admin/studies/{study}/definition": a.definition,
		"POST /v1/admin/studies/{study}/history":   a.history,
	} {
		mux.Handle(pattern, auth.Require(handle))
	}
}

// answerer computes the answer to a read request.
type answerer func(ctx context.Context, p *parameters, grant auth.Grant) (any, error)

// read does what all read requests have in common: scope, parameters, waiting, errors.
func (a *API) read(answer answerer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		grant, _ := auth.FromContext(r.Context())
		id := r.PathValue("study")
		if !grant.Allows(event.ScopeRead, id) {
			auth.Forbid(w, "the credential may not read results of this study: it needs scope read or admin")
			return
		}
		p := newParameters(r)
		after := p.position("after")
		ctx, cancel := context.WithTimeout(r.Context(), patience)
		defer cancel()
		if len(p.errs) == 0 && !after.IsZero() {
			if err := a.Reader.WaitFor(ctx, after); err != nil && r.Context().Err() == nil {
				(&problem.Details{Status: http.StatusServiceUnavailable, Slug: "position-not-reached", Title: "Not there yet",
					Detail: "the results do not include that position after ten seconds; ask again", RetryAfter: time.Second}).Write(w)
				return
			}
		}
		result, err := answer(r.Context(), p, grant)
		if err != nil {
			a.refuse(w, r, err)
			return
		}
		writeJSON(w, http.StatusOK, result)
	}
}

// refuse answers the errors of a read request.
func (a *API) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var bad *analyst.QueryError
	switch {
	case errors.Is(err, analyst.ErrUnknownStudy):
		unknownStudy(w)
	case errors.Is(err, analyst.ErrBlinded):
		problem.Write(w, http.StatusForbidden, "blinded", "Blinded", err.Error())
	case errors.As(err, &bad):
		problem.Write(w, http.StatusBadRequest, "invalid-parameter", "Parameter not understood", details(err))
	default:
		a.fail(w, r, err)
	}
}

// details lists every faulty parameter of a joined error.
func details(err error) string {
	var all []string
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			all = append(all, details(e))
		}
		return strings.Join(all, "; ")
	}
	return err.Error()
}

func (a *API) studies(ctx context.Context, p *parameters, grant auth.Grant) (any, error) {
	q := p.query(grant)
	if err := p.err(); err != nil {
		return nil, err
	}
	list, err := a.Reader.Studies(ctx, q)
	if err != nil || grant.Study == auth.AllStudies {
		return list, err
	}
	own := *list
	own.Studies = []analyst.StudyLine{}
	for _, s := range list.Studies {
		if grant.Covers(s.ID) {
			own.Studies = append(own.Studies, s)
		}
	}
	return &own, nil
}

func (a *API) study(ctx context.Context, p *parameters, grant auth.Grant) (any, error) {
	q := p.query(grant)
	if err := p.err(); err != nil {
		return nil, err
	}
	return a.Reader.Study(ctx, p.study, q)
}

func (a *API) attrition(ctx context.Context, p *parameters, grant auth.Grant) (any, error) {
	q := p.attrition(grant)
	if err := p.err(); err != nil {
		return nil, err
	}
	return a.Reader.Attrition(ctx, p.study, q)
}

func (a *API) engagement(ctx context.Context, p *parameters, grant auth.Grant) (any, error) {
	q := analyst.EngagementQuery{Query: p.scoped(grant)}
	if err := p.err(); err != nil {
		return nil, err
	}
	return a.Reader.Engagement(ctx, p.study, q)
}

func (a *API) quality(ctx context.Context, p *parameters, grant auth.Grant) (any, error) {
	q := p.query(grant)
	if err := p.err(); err != nil {
		return nil, err
	}
	return a.Reader.Quality(ctx, p.study, q)
}

func (a *API) deliveryTypes(ctx context.Context, p *parameters, grant auth.Grant) (any, error) {
	q := p.query(grant)
	if err := p.err(); err != nil {
		return nil, err
	}
	if grant.Study != auth.AllStudies {
		return nil, &analyst.QueryError{Field: "study", Detail: fmt.Sprintf("the comparison is over all studies; this credential is for one (%s)", grant.Study)}
	}
	return a.Reader.DeliveryTypes(ctx, q)
}

// privileged reports whether a grant may see arms whatever the blinding: administrators, and open mode.
func privileged(grant auth.Grant, study string) bool { return grant.Allows(event.ScopeAdmin, study) }
