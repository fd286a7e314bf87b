package api

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/throughline-trials/throughline/services/analyst"
	"github.com/throughline-trials/throughline/services/importer"
	"github.com/throughline-trials/throughline/services/verify"
)

// route is one method on one path, with all that a client may rely on.
type route struct {
	method, path string
	summary      string
	about        string   // more than the summary; may be empty
	takes        []string // names of [parameters]
	body         any      // a value of the type of the request's body; nil: none
	status       int      // of success
	answer       any      // a value of the type of the answer; nil: none
	media        string   // of an answer that is not JSON
	refuses      []refusal

	result func(context.Context, *question) (any, error) // of read requests
	handle http.HandlerFunc                              // of all others
}

// ofStudy reports whether the path names a study.
func (rt *route) ofStudy() bool { return strings.Contains(rt.path, "{study}") }

// routes returns every route.
func (a *API) routes() []route {
	return slices.Concat(a.reading(), a.trials(), a.exports(), a.administration())
}

// reading returns the routes that answer questions.
func (a *API) reading() []route {
	clocks := []string{"after", "cutoff", "as_of"}
	ofStudy := append(clocks[:3:3], "definition")
	scoped := append(ofStudy[:4:4], "population", "portion", "component")
	routes := []route{
		{path: "/v1/studies", summary: "List the studies", answer: analyst.StudyList{}, result: a.studies, takes: clocks,
			about: "Those that the credential is for."},
		{path: "/v1/studies/{study}", summary: "Show a study", answer: analyst.Study{}, result: a.study, takes: ofStudy,
			about: "With its definition as it was published and complete with all defaults. Where blinding hides the arms, their sizes are null."},
		{path: "/v1/studies/{study}/attrition", summary: "Attrition by arm", answer: analyst.Attrition{}, result: a.attrition,
			takes: append(scoped[:7:7], "kind", "variant", "by", "conf", "weights", "rho", "ties", "strata", "horizon"),
			about: "Dropout or non-usage of every arm in the order of the definition, with survival curves and the tests between arms.", refuses: []refusal{blinded}},
		{path: "/v1/studies/{study}/engagement", summary: "Engagement by arm", answer: analyst.Engagement{}, result: a.engagement, takes: scoped,
			about: "Engaged periods, throughout engagement, tiers and completion.", refuses: []refusal{blinded}},
		{path: "/v1/studies/{study}/flow", summary: "Flow of participants", answer: analyst.Flow{}, result: a.flow, takes: ofStudy,
			about: "The boxes of CONSORT 2025 with their reasons, and whether they add up.", refuses: []refusal{blinded}},
		{path: "/v1/studies/{study}/dose", summary: "Dose and peers by arm", answer: analyst.Dose{}, result: a.dose, takes: append(scoped[:7:7], "by"),
			about: "What participants had of the intervention, per period and per week, and what peers did. `by` may be component.", refuses: []refusal{blinded}},
		{path: "/v1/studies/{study}/outcomes", summary: "Outcomes by arm", answer: analyst.Outcomes{}, result: a.outcomes,
			takes: append(ofStudy[:4:4], "population"),
			about: "Every declared assessment at every timepoint: scores, changes from baseline, what is missing, and standardised differences.", refuses: []refusal{blinded}},
		{path: "/v1/studies/{study}/differential", summary: "Differential attrition", answer: analyst.Differential{}, result: a.differential,
			takes:   append(ofStudy[:4:4], "population", "standard"),
			about:   "Dropout, and assessments not submitted, of every arm against the reference: differences, the boundary of the What Works Clearinghouse, the 5-and-20 rule.",
			refuses: []refusal{blinded}},
		{path: "/v1/studies/{study}/quality", summary: "State of the data", answer: analyst.Quality{}, result: a.quality, takes: ofStudy,
			about: "Lateness, duplicates, quarantine, clocks and contamination, over all arms."},
		{path: "/v1/delivery-types", summary: "Compare ways of delivery", answer: analyst.DeliveryTypes{}, result: a.deliveryTypes, takes: clocks,
			about: "Across all studies, beside the ranges that the systematic review published. Needs a credential for all studies."},
	}
	for i := range routes {
		rt := &routes[i]
		rt.method, rt.status = http.MethodGet, http.StatusOK
		rt.refuses = append(rt.refuses, invalidParameter, notReached)
		if rt.ofStudy() {
			rt.refuses = append(rt.refuses, unknownStudy)
		}
	}
	return routes
}

// administration returns the routes of administrators.
func (a *API) administration() []route {
	body := []refusal{unreadableBody, bodyTooLarge, unsupportedMedia, unsupportedEncoding}
	return []route{
		{method: "GET", path: "/v1/admin/tokens", summary: "List the tokens", status: http.StatusOK, answer: tokenList{}, handle: a.listTokens,
			about: "All that were ever made, oldest first, never their text. " + needsTrust},
		{method: "POST", path: "/v1/admin/tokens", summary: "Make a token", body: tokenRequest{}, status: http.StatusCreated, answer: token{}, handle: a.createToken,
			about: "The answer holds its text, which is kept nowhere. The first one ends open mode. " + needsTrust, refuses: append(body[:4:4], invalidToken)},
		{method: "DELETE", path: "/v1/admin/tokens/{id}", summary: "Revoke a token", status: http.StatusNoContent, handle: a.revokeToken,
			about: "At once and for good; again changes nothing. " + needsTrust, refuses: []refusal{unknownToken}},
		{method: "POST", path: "/v1/admin/verify", summary: "Hold the facts against the log", status: http.StatusOK, answer: verify.Report{}, handle: a.verify,
			about: "Waits for the end that the log has now, then compares event by event. " + needsAdmin},
		{method: "POST", path: "/v1/admin/rebuild", summary: "Make the facts anew from the log", status: http.StatusOK, answer: verify.Report{}, handle: a.rebuild,
			about: "While events go on arriving; then holds them against the log. " + needsAdmin},
		{method: "GET", path: "/v1/admin/studies/{study}/definition", summary: "Last published definition", status: http.StatusOK, answer: publishedDefinition{}, handle: a.definition,
			about: "As the log has it, before it is projected. Needs scope admin of the study.", refuses: []refusal{unknownStudy}},
		{method: "POST", path: "/v1/admin/studies/{study}/history", summary: "What became of events sent before", body: importer.HistoryQuery{}, status: http.StatusOK,
			answer: importer.HistoryAnswer{}, handle: a.history, refuses: append(body[:4:4], invalidQuery, notReached),
			about: "For importers: the events with these ids and all that corrects or voids them, of everything acknowledged before. Needs scope emit, register or allocate of the study."},
	}
}

const (
	needsAdmin = "Needs scope admin for all studies; open mode has it."
	needsTrust = "Needs the local credential of connection.json or scope admin for all studies; open mode does not do."
)
