package api

import (
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// described is the committed description, made strict: what it does not name may not be in an answer.
type described struct {
	doc   *openapi3.T
	paths map[*regexp.Regexp]string
	seen  map[string]bool // operations that were answered with success
}

var variable = regexp.MustCompile(`\\\{[a-z]+\\\}`)

func newDescribed(t testing.TB) *described {
	t.Helper()
	var document node
	if err := json.Unmarshal(description, &document); err != nil {
		t.Fatal(err)
	}
	for name, schema := range document["components"].(node)["schemas"].(node) {
		if n := schema.(node); n["properties"] != nil && name != "Event" && name != "Problem" {
			n["additionalProperties"] = false
		}
	}
	text, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatal(err)
	}
	d := &described{doc: doc, paths: map[*regexp.Regexp]string{}, seen: map[string]bool{}}
	for path := range doc.Paths.Map() {
		d.paths[regexp.MustCompile("^"+variable.ReplaceAllString(regexp.QuoteMeta(path), "[^/]+")+"$")] = path
	}
	return d
}

// operation returns the operation of a request and its name; nil if there is none.
func (d *described) operation(q request) (*openapi3.Operation, string) {
	path, _, _ := strings.Cut(q.path, "?")
	method := q.method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	name := ""
	for pattern, candidate := range d.paths {
		if pattern.MatchString(path) && (name == "" || strings.Count(candidate, "{") < strings.Count(name, "{")) {
			name = candidate
		}
	}
	if name == "" {
		return nil, ""
	}
	return d.doc.Paths.Value(name).GetOperation(method), method + " " + name
}

// check fails the test unless an answer is one that the description foresees.
func (d *described) check(r *rig, a answer) {
	r.Helper()
	operation, name := d.operation(a.request)
	if a.status == http.StatusMethodNotAllowed || operation == nil {
		return // no operation to hold it against
	}
	response := operation.Responses.Value(strconv.Itoa(a.status))
	if response == nil {
		r.Errorf("%s answers %d, which is not described: %.300s", name, a.status, a.body)
		return
	}
	if a.status < 300 {
		d.seen[name] = true
		d.takes(r, operation, a.request)
	}
	if name != "GET /openapi.json" && a.header.Get("Cache-Control") != "no-store" {
		r.Errorf("%s: Cache-Control is %q", name, a.header.Get("Cache-Control"))
	}
	if a.request.method == http.MethodHead || len(response.Value.Content) == 0 {
		if len(a.body) > 0 {
			r.Errorf("%s %s has a body", a.request.method, a.request.path)
		}
		return
	}
	d.body(r, name, response.Value.Content, a)
}

func (d *described) body(r *rig, name string, contents openapi3.Content, a answer) {
	r.Helper()
	media, _, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	content := contents[media]
	if err != nil || content == nil {
		r.Errorf("%s %d: Content-Type is %q, which is not described", name, a.status, a.header.Get("Content-Type"))
		return
	}
	if a.header.Get("X-Content-Type-Options") != "nosniff" {
		r.Errorf("%s %d: browsers may guess its type", name, a.status)
	}
	if content.Schema == nil {
		return
	}
	var value any
	if err := json.Unmarshal(a.body, &value); err != nil {
		r.Errorf("%s %d is no JSON: %v: %.300s", name, a.status, err, a.body)
		return
	}
	if err := content.Schema.Value.VisitJSON(value, openapi3.EnableJSONSchema2020(), openapi3.EnableFormatValidation()); err != nil {
		r.Errorf("%s %s is not as described: %.1500s", a.request.method, a.request.path, err)
	}
}

// takes fails the test if a request that was answered has a parameter that is not described.
func (d *described) takes(r *rig, operation *openapi3.Operation, q request) {
	r.Helper()
	_, query, _ := strings.Cut(q.path, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		r.Errorf("%s: %v", q.path, err)
	}
	for name := range values {
		if operation.Parameters.GetByInAndName(openapi3.ParameterInQuery, name) == nil {
			r.Errorf("%s takes %s, which is not described", q.path, name)
		}
	}
}
