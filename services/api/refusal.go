package api

import (
	"net/http"

	"github.com/throughline-trials/throughline/services/problem"
)

// refusal is a kind of refusal. Requests are answered, and the API is described, from the same.
type refusal struct {
	status int
	slug   string // last part of the problem's type
	title  string
	about  string // when it comes, for the description
}

// details returns the problem with what happened this time.
func (f refusal) details(detail string) *problem.Details {
	return &problem.Details{Status: f.status, Slug: f.slug, Title: f.title, Detail: detail}
}

// write answers with the problem.
func (f refusal) write(w http.ResponseWriter, detail string) { f.details(detail).Write(w) }

// The refusals of this package.
var (
	invalidParameter = refusal{http.StatusBadRequest, "invalid-parameter", "Parameter not understood",
		"a parameter is unknown here, repeated, malformed or not among its values; `parameters` lists each with what is wrong"}
	invalidQuery = refusal{http.StatusBadRequest, "invalid-query", "Query not answered",
		"the body is of another study than the address, or asks for too much"}
	invalidToken = refusal{http.StatusBadRequest, "invalid-token-request", "Token not made",
		"study, scopes or app are not what a token can have"}
	unreadableBody = refusal{http.StatusBadRequest, "unreadable-body", "Body not understood",
		"the body is not one JSON object with the members described"}
	forbidden = refusal{http.StatusForbidden, "forbidden", "Not allowed",
		"the credential lacks the scope, or is of another study"}
	blinded = refusal{http.StatusForbidden, "blinded", "Blinded",
		"the study's blinding keeps results by arm from all but administrators"}
	unknownStudy = refusal{http.StatusNotFound, "unknown-study", "No such study",
		"no definition of the study stood at that time"}
	unknownToken     = refusal{http.StatusNotFound, "unknown-token", "No such token", "there never was a token with this id"}
	methodNotAllowed = refusal{http.StatusMethodNotAllowed, "method-not-allowed", "Method not allowed",
		"the address takes other methods: Allow lists them"}
	bodyTooLarge        = refusal{http.StatusRequestEntityTooLarge, "too-large", "Request too large", "the body is longer than is read"}
	unsupportedMedia    = refusal{http.StatusUnsupportedMediaType, "unsupported-media-type", "Unsupported media type", "the Content-Type is another than described"}
	unsupportedEncoding = refusal{http.StatusUnsupportedMediaType, "unsupported-encoding", "Unsupported content encoding", "the Content-Encoding is neither identity nor gzip"}
	internal            = refusal{http.StatusInternalServerError, "internal", "Internal error", "the server's log says more; the request may be tried again"}
	notReached          = refusal{http.StatusServiceUnavailable, "position-not-reached", "Not there yet",
		"the results do not include the position of `after`, or the moment asked for, in time: ask again"}
)

// unknownStudyDetail helps whoever asked for a study that is not there.
const unknownStudyDetail = "no definition of it is published as of then: GET /v1/studies lists the studies"
