package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/throughline-trials/throughline/services/analyst"
	"github.com/throughline-trials/throughline/services/problem"
	"github.com/throughline-trials/throughline/services/study"
)

// invalidDefinition refuses a definition; every problem is named.
var invalidDefinition = refusal{http.StatusBadRequest, "invalid-definition", "Definition not valid",
	"the body is no study definition: `problems` lists every fault with its field"}

// trials returns the routes that compute results under definitions that are not published.
func (a *API) trials() []route {
	rt := route{
		method: http.MethodPost, path: "/v1/studies/{study}/trial", summary: "Try out a definition", status: http.StatusOK,
		about: "Attrition and engagement of the study under the definition in the body, from the same facts, without publishing it. " +
			"The definition must be of the study and have all its arms; the one that stands decides who may see them.",
		takes: []string{"after", "cutoff", "as_of", "population", "portion", "component", "kind", "variant", "by", "conf", "weights", "rho", "ties", "strata", "horizon"},
		body:  json.RawMessage{}, answer: analyst.Trial{},
		refuses: []refusal{invalidParameter, invalidDefinition, blinded, unknownStudy, notReached, unreadableBody, bodyTooLarge, unsupportedMedia, unsupportedEncoding},
	}
	rt.handle = a.admit(rt, a.trial)
	return []route{rt}
}

// trial answers a question under the definition in the body.
func (a *API) trial(ctx context.Context, w http.ResponseWriter, r *http.Request, q *question) {
	var document json.RawMessage
	if !readJSON(w, r, &document) {
		return
	}
	def, err := study.Parse(document, "definition.json")
	if err != nil {
		refuseDefinition(w, err)
		return
	}
	result, err := a.Reader.Trial(ctx, q.study, def, q.AttritionQuery)
	if err != nil {
		a.refuse(w, r, err)
		return
	}
	a.writeJSON(w, r, http.StatusOK, result)
}

// definitionProblem is one fault of a definition.
type definitionProblem struct {
	Field  string `json:"field"`
	Line   int    `json:"line,omitempty"`
	Detail string `json:"detail"`
}

func refuseDefinition(w http.ResponseWriter, err error) {
	var problems study.Problems
	d := invalidDefinition.details("correct the definition: throughline study apply --dry-run FILE names every fault with its line")
	if errors.As(err, &problems) {
		list := make([]definitionProblem, len(problems))
		for i, p := range problems {
			list[i] = definitionProblem{Field: p.Field, Line: p.Line, Detail: p.Detail}
		}
		d = (&problem.Details{Status: d.Status, Slug: d.Slug, Title: d.Title, Detail: d.Detail, Extensions: map[string]any{"problems": list}})
	}
	d.Write(w)
}
