package api

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func typeOf(v any) reflect.Type { return reflect.TypeOf(v) }

// document returns the description as it follows from the declarations, and what its properties lack.
func document() (node, *schemas) {
	s := newSchemas()
	paths := node{}
	add := func(method, path string, operation node) {
		if paths[path] == nil {
			paths[path] = node{}
		}
		paths[path].(node)[strings.ToLower(method)] = operation
	}
	for _, o := range others() {
		add(o.method, o.path, o.describe(s))
	}
	for _, rt := range new(API).routes() {
		add(rt.method, rt.path, rt.describe(s))
	}
	components := node{"schemas": s.named, "parameters": node{}, "securitySchemes": node{
		"token": node{"type": "http", "scheme": "bearer", "description": "A token made by throughline token create, or the local credential of connection.json. Until the first token is made, a server on loopback is open: requests without a credential may do all but make tokens."},
	}}
	for _, p := range parameters() {
		components["parameters"].(node)[p.name] = p.describe()
	}
	s.named["Problem"] = problemSchema()
	return node{
		"openapi": "3.1.0",
		"info": node{
			"title": "Throughline", "version": "1", "license": node{"name": "Apache-2.0", "identifier": "Apache-2.0"},
			"description": "Events of intervention apps go in; attrition, engagement and the state of the data of every study arm come out, by stated definitions, with intervals.\n\n" +
				"Every number that is not defined is null, and a `reason` beside it says why. Arms stand in the order of the study's definition; the first is the reference of contrasts. " +
				"Refusals are problem details (RFC 9457) whose `type` is stable.",
		},
		"servers":  []any{node{"url": "/"}},
		"security": []any{node{"token": []any{}}, node{}},
		"paths":    paths, "components": components,
	}, s
}

func problemSchema() node {
	return node{
		"type": "object", "description": "Problem details as of RFC 9457. Nothing of what was sent is repeated.", "required": []string{"status", "title", "type"},
		"properties": node{
			"type":   node{"type": "string", "description": "What a program may branch on.", "pattern": "^urn:throughline:problem:[a-z-]+$"},
			"title":  node{"type": "string", "description": "The kind of problem, the same each time."},
			"status": node{"type": "integer", "description": "The HTTP status."},
			"detail": node{"type": "string", "description": "What happened here and what to do."},
			"parameters": node{"type": "array", "description": "Of invalid-parameter: everything that is wrong.", "items": node{
				"type": "object", "required": []string{"detail", "parameter"}, "properties": node{
					"parameter": node{"type": "string", "description": "Name of the parameter."},
					"detail":    node{"type": "string", "description": "What is wrong and what to do."},
				}}},
			"problems": node{"type": "array", "description": "Of invalid-definition: every fault.", "items": node{
				"type": "object", "required": []string{"detail", "field"}, "properties": node{
					"field":  node{"type": "string", "description": "Path of the field."},
					"line":   node{"type": "integer", "description": "From 1."},
					"detail": node{"type": "string", "description": "What is wrong and what to do."},
				}}},
		},
	}
}

// describe returns a parameter object.
func (p *parameter) describe() node {
	schema := node{"type": "string"}
	switch {
	case len(p.values) > 0:
		schema["enum"], schema["default"] = p.values, p.values[0]
	case p.form == formTime:
		schema["format"] = "date-time"
	case p.form == formNumber && p.above:
		schema = node{"type": "number", "exclusiveMinimum": p.least}
	case p.form == formNumber:
		schema = node{"type": "number", "minimum": p.least}
	case p.form == formPosition:
		schema["pattern"] = `^([easq][0-9]+)(\.[easq][0-9]+)*$`
	case p.form == formList:
		schema = node{"type": "array", "items": node{"type": "string"}}
	}
	n := node{"name": p.name, "in": "query", "description": p.about, "schema": schema}
	if p.form == formList {
		n["style"], n["explode"] = "form", false
	}
	if p.example != "" {
		n["example"] = p.exampleValue()
	}
	return n
}

func (p *parameter) exampleValue() any {
	switch p.form {
	case formNumber:
		if v, err := strconv.ParseFloat(p.example, 64); err == nil {
			return v
		}
	case formList:
		return strings.Split(p.example, ",")
	}
	return p.example
}

// describe returns the operation object of a route.
func (rt *route) describe(s *schemas) node {
	success := node{"description": "The answer.", "headers": node{"Cache-Control": node{"description": "Always no-store.", "schema": node{"type": "string"}}}}
	switch {
	case rt.answer != nil:
		success["content"] = content("application/json", s.of(typeOf(rt.answer)))
	case rt.media != "":
		success["content"] = node{rt.media: node{}}
	default:
		success["description"] = "Done."
	}
	responses := node{strconv.Itoa(rt.status): success}
	refuse(responses, append([]refusal{unauthorized, forbidden, foreignOrigin, misdirected, internal}, rt.refuses...))
	n := node{"summary": rt.summary, "operationId": operationID(rt.method, rt.path), "responses": responses, "tags": []string{tag(rt.path)}}
	if rt.about != "" {
		n["description"] = rt.about
	}
	if rt.body != nil {
		n["requestBody"] = node{"required": true, "content": content("application/json", s.of(typeOf(rt.body)))}
	}
	if list := append(pathParameters(rt.path), rt.parameters()...); len(list) > 0 {
		n["parameters"] = list
	}
	return n
}

func (rt *route) parameters() []any {
	var list []any
	for _, name := range rt.takes {
		list = append(list, node{"$ref": "#/components/parameters/" + name})
	}
	return list
}

func pathParameters(path string) []any {
	var list []any
	for part := range strings.SplitSeq(path, "/") {
		switch part {
		case "{study}":
			list = append(list, node{"name": "study", "in": "path", "required": true, "description": "Id of the study.",
				"schema": node{"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{1,62}$"}})
		case "{id}":
			list = append(list, node{"name": "id", "in": "path", "required": true, "description": "Id of the token, not its text.", "schema": node{"type": "string"}})
		}
	}
	return list
}

// describe returns the operation object of a route of another package.
func (o *outside) describe(s *schemas) node {
	n := o.operation(s)
	n["summary"], n["description"], n["operationId"], n["tags"] = o.summary, o.about, operationID(o.method, o.path), []string{tag(o.path)}
	if o.open {
		n["security"] = []any{}
		refuse(n["responses"].(node), []refusal{foreignOrigin, misdirected})
		return n
	}
	refuse(n["responses"].(node), append([]refusal{unauthorized, foreignOrigin, misdirected, internal}, o.refuses...))
	return n
}

// refuse adds the refusals to responses, those of one status together.
func refuse(responses node, refusals []refusal) {
	byStatus := map[int][]refusal{}
	for _, f := range refusals {
		byStatus[f.status] = append(byStatus[f.status], f)
	}
	for status, list := range byStatus {
		var types, lines []string
		for _, f := range list {
			types = append(types, "urn:throughline:problem:"+f.slug)
			lines = append(lines, "`"+f.slug+"`: "+f.about)
		}
		key := strconv.Itoa(status)
		n, _ := responses[key].(node)
		if n == nil {
			n = node{"description": "", "content": node{}}
			responses[key] = n
		}
		n["description"] = strings.TrimSpace(n["description"].(string) + " " + strings.Join(lines, "; ") + ".")
		n["content"].(node)["application/problem+json"] = node{"schema": node{
			"allOf": []any{ref("Problem"), node{"properties": node{"type": node{"enum": types}}}},
		}}
		if slices.ContainsFunc(list, func(f refusal) bool { return f.status == 503 }) {
			n["headers"] = node{"Retry-After": retryAfter()}
		}
	}
}

func retryAfter() node {
	return node{"description": "Seconds after which to ask again.", "schema": node{"type": "integer", "minimum": 1}}
}

func tag(path string) string {
	switch {
	case strings.HasPrefix(path, "/v1/admin/"):
		return "administration"
	case path == "/v1/events":
		return "events"
	case strings.HasPrefix(path, "/v1/"):
		return "results"
	}
	return "process"
}

// operationID names an operation after its method and path.
func operationID(method, path string) string {
	id := strings.ToLower(method)
	for part := range strings.FieldsFuncSeq(path, func(r rune) bool { return strings.ContainsRune("/{}-.", r) }) {
		if part != "v1" {
			id += strings.ToUpper(part[:1]) + part[1:]
		}
	}
	return id
}

func render(t testing.TB, doc node) []byte {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(doc); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestGoldenDescription(t *testing.T) {
	doc, s := document()
	if err := s.err(); err != nil {
		t.Fatal(err)
	}
	if len(s.missing) > 0 {
		t.Errorf("no description of: %s (write a comment beside the field, or add a saying)", strings.Join(s.missing, ", "))
	}
	if left := unused(sayings, s.used); len(left) > 0 {
		t.Errorf("sayings that nothing needs: %s", strings.Join(left, ", "))
	}
	got := render(t, doc)
	if *update {
		if err := os.WriteFile("openapi.json", got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("openapi.json is not what the code says: %s; run go test ./services/api -run Golden -update", firstDifference(got, want))
	}
}

func firstDifference(got, want []byte) string {
	a, b := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("line %d is %q, was %q", i+1, a[i], b[i])
		}
	}
	return fmt.Sprintf("%d lines, were %d", len(a), len(b))
}

// loadDescription reads the committed document as clients do.
func loadDescription(t testing.TB) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(description)
	if err != nil {
		t.Fatalf("load openapi.json: %v", err)
	}
	return doc
}

func TestDescriptionIsValidOpenAPI(t *testing.T) {
	doc := loadDescription(t)
	if err := doc.Validate(t.Context(), openapi3.EnableExamplesValidation(), openapi3.EnableSchemaDefaultsValidation()); err != nil {
		t.Fatal(err)
	}
	ids := map[string]string{}
	for _, path := range slices.Sorted(maps.Keys(doc.Paths.Map())) {
		for method, operation := range doc.Paths.Value(path).Operations() {
			if other := ids[operation.OperationID]; other != "" {
				t.Errorf("%s %s has the operationId of %s", method, path, other)
			}
			ids[operation.OperationID] = method + " " + path
		}
	}
}
