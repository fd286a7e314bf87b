// Package api is the HTTP surface for reading results and for administration; [Description] is its OpenAPI document.
//
// A request names a study, parameters that are all optional, and perhaps a position: after=POSITION waits until the
// results include what was acknowledged at that position. Every refusal is a problem detail that names the parameters at
// fault, never their values.
//
// Everything that a client may rely on is declared once: the routes with what they take, answer and refuse ([API.Register]
// serves them), the parameters with their words and defaults, the kinds of refusal. The document openapi.json is made from
// these declarations and from the types of the answers by the tests of this package:
//
//	go test ./services/api -run Golden -update
package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/analyst"
	"github.com/throughline-trials/throughline/services/auth"
	"github.com/throughline-trials/throughline/services/problem"
)

// defaultPatience is how long a request waits for the position that it names.
const defaultPatience = 10 * time.Second

// longest bounds a request as a whole, so that one that waits for what never comes does not stay for ever.
const longest = time.Minute

// API answers requests.
type API struct {
	Reader     *analyst.Reader
	Keyring    *auth.Keyring
	Maintainer Maintainer
	Logger     *slog.Logger
	Patience   time.Duration // how long after=POSITION may wait; 10 s if 0
}

// Register adds the routes to a mux that stands behind [auth.Guard]. Other methods on their paths are answered 405.
func (a *API) Register(mux *http.ServeMux) {
	methods := map[string][]string{}
	for _, rt := range a.routes() {
		handle := rt.handle
		if rt.result != nil {
			handle = a.read(rt)
		}
		mux.Handle(rt.method+" "+rt.path, auth.Require(handle))
		methods[rt.path] = append(methods[rt.path], rt.method)
	}
	for path, allowed := range methods {
		mux.Handle(path, otherMethod(allowed))
	}
}

// otherMethod answers 405 and says which methods there are.
func otherMethod(allowed []string) http.Handler {
	var names []string
	for _, method := range allowed {
		names = append(names, method)
		if method == http.MethodGet {
			names = append(names, http.MethodHead)
		}
	}
	list := strings.Join(names, ", ")
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Allow", list)
		methodNotAllowed.write(w, "this address takes "+list)
	})
}

// read answers a question with one JSON value.
func (a *API) read(rt route) http.HandlerFunc {
	return a.admit(rt, func(ctx context.Context, w http.ResponseWriter, r *http.Request, q *question) {
		result, err := rt.result(ctx, q)
		if err != nil {
			a.refuse(w, r, err)
			return
		}
		a.writeJSON(w, r, http.StatusOK, result)
	})
}

// admit does what all read requests have in common: scope, parameters, waiting, errors.
func (a *API) admit(rt route, then func(context.Context, http.ResponseWriter, *http.Request, *question)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q := question{study: r.PathValue("study")}
		q.grant, _ = auth.FromContext(r.Context())
		if !q.grant.Allows(event.ScopeRead, q.study) {
			forbidden.write(w, "the credential may not read results of this study: it needs scope read or admin")
			return
		}
		if rt.ofStudy() && !event.ValidStudy(q.study) {
			unknownStudy.write(w, unknownStudyDetail)
			return
		}
		if err := q.take(r.URL.RawQuery, rt.takes); err != nil {
			a.refuse(w, r, err)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), longest)
		defer cancel()
		if err := a.await(ctx, &q); err != nil {
			a.refuse(w, r, err)
			return
		}
		q.Privileged = q.grant.Allows(event.ScopeAdmin, q.study)
		then(ctx, w, r, &q)
	}
}

// await waits for the position that a question names.
func (a *API) await(ctx context.Context, q *question) error {
	if q.after.IsZero() {
		return nil
	}
	patience := a.Patience
	if patience == 0 {
		patience = defaultPatience
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return a.Reader.WaitFor(ctx, q.after)
}

// refuse answers the errors of a read request.
func (a *API) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var bad *analyst.QueryError
	var refused *problem.Details
	switch {
	case errors.As(err, &refused):
		refused.Write(w)
	case errors.Is(err, analyst.ErrUnknownStudy):
		unknownStudy.write(w, unknownStudyDetail)
	case errors.Is(err, analyst.ErrBlinded):
		blinded.write(w, err.Error())
	case errors.As(err, &bad):
		writeFaults(w, faultsOf(err))
	case errors.Is(err, context.DeadlineExceeded) && r.Context().Err() == nil:
		d := notReached.details("the results do not include that position or moment yet; ask again")
		d.RetryAfter = time.Second
		d.Write(w)
	default:
		a.fail(w, r, err)
	}
}

// fault is what is wrong with one parameter.
type fault struct {
	Parameter string `json:"parameter"` // its name
	Detail    string `json:"detail"`    // what is wrong and what to do
}

// faultsOf lists every faulty parameter of an error, which may be joined of several.
func faultsOf(err error) []fault {
	var one *analyst.QueryError
	switch e := err.(type) {
	case interface{ Unwrap() []error }:
		var all []fault
		for _, part := range e.Unwrap() {
			all = append(all, faultsOf(part)...)
		}
		return all
	default:
		if errors.As(err, &one) {
			return []fault{{one.Field, one.Detail}}
		}
		return nil
	}
}

// writeFaults answers 400 and names every parameter at fault.
func writeFaults(w http.ResponseWriter, faults []fault) {
	texts := make([]string, len(faults))
	for i, f := range faults {
		texts[i] = f.Parameter + " " + f.Detail
	}
	d := invalidParameter.details(strings.Join(texts, "; "))
	d.Extensions = map[string]any{"parameters": faults}
	d.Write(w)
}

func (a *API) studies(ctx context.Context, q *question) (any, error) {
	list, err := a.Reader.Studies(ctx, q.Query)
	if err != nil {
		return nil, err
	}
	own := []analyst.StudyLine{}
	for _, s := range list.Studies {
		if q.grant.Covers(s.ID) {
			own = append(own, s)
		}
	}
	list.Studies = own
	return list, nil
}

func (a *API) study(ctx context.Context, q *question) (any, error) {
	return a.Reader.Study(ctx, q.study, q.Query)
}

func (a *API) attrition(ctx context.Context, q *question) (any, error) {
	return a.Reader.Attrition(ctx, q.study, q.AttritionQuery)
}

func (a *API) engagement(ctx context.Context, q *question) (any, error) {
	return a.Reader.Engagement(ctx, q.study, analyst.EngagementQuery{Query: q.Query})
}

func (a *API) flow(ctx context.Context, q *question) (any, error) {
	return a.Reader.Flow(ctx, q.study, q.Query)
}

func (a *API) dose(ctx context.Context, q *question) (any, error) {
	return a.Reader.Dose(ctx, q.study, analyst.DoseQuery{Query: q.Query, By: q.By})
}

func (a *API) outcomes(ctx context.Context, q *question) (any, error) {
	return a.Reader.Outcomes(ctx, q.study, q.Query)
}

func (a *API) differential(ctx context.Context, q *question) (any, error) {
	return a.Reader.Differential(ctx, q.study, analyst.DifferentialQuery{Query: q.Query, Standard: q.standard})
}

func (a *API) quality(ctx context.Context, q *question) (any, error) {
	return a.Reader.Quality(ctx, q.study, q.Query)
}

func (a *API) deliveryTypes(ctx context.Context, q *question) (any, error) {
	if q.grant.Study != auth.AllStudies {
		return nil, forbidden.details("the comparison is over all studies; this credential is for one: it needs scope admin for all of them")
	}
	return a.Reader.DeliveryTypes(ctx, q.Query)
}
