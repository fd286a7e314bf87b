package api

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/gateway"
)

// outside is a route of another package.
type outside struct {
	method, path, summary, about string
	open                         bool // needs no credential
	operation                    func(*schemas) node
	refuses                      []refusal
}

// receipt is the answer to POST /v1/events.
type receipt struct {
	gateway.Result
	Position string `json:"position"` // of what was written: give it as after= to see it in results
}

// The refusals of the gateway, beside those of this package.
var (
	noneAccepted = refusal{status: http.StatusBadRequest, slug: "unreadable-body", about: "the body is not what its Content-Type says"}
	slowBody     = refusal{status: http.StatusRequestTimeout, slug: "timeout", about: "the body did not arrive in time"}
	eventsTooBig = refusal{status: http.StatusRequestEntityTooLarge, slug: "too-large", about: "over 500 events, 1 MiB on the wire or 8 MiB unpacked"}
	overloaded   = refusal{status: http.StatusServiceUnavailable, slug: "overloaded", about: "too many requests are being handled"}
	diskFull     = refusal{status: http.StatusServiceUnavailable, slug: "disk-full", about: "the disk is nearly full and nothing was written"}
	closing      = refusal{status: http.StatusServiceUnavailable, slug: "closing", about: "the server is shutting down"}
	unavailable  = refusal{status: http.StatusServiceUnavailable, slug: "unavailable", about: "the log cannot be written: send the same request again, what is there already counts once"}
)

// The refusals of the guard, which stands before every route.
var (
	unauthorized  = refusal{status: http.StatusUnauthorized, slug: "unauthorized", about: "no credential, or one that is wrong"}
	foreignOrigin = refusal{status: http.StatusForbidden, slug: "foreign-origin", about: "in open mode: a page of another origin asks"}
	misdirected   = refusal{status: http.StatusMisdirectedRequest, slug: "misdirected-request", about: "in open mode: the Host is not this server's"}
)

// others returns the routes that the server has beside those of [API.Register] and its pages.
func others() []outside {
	return []outside{
		{method: "POST", path: "/v1/events", summary: "Send events",
			about: "One event, a batch or lines, gzipped or not, up to 500. The answer comes once the log has them on disk. Every type of the catalogue is taken; " +
				"which scope it needs is that of its group. Sending again changes nothing: study, source and id identify an event.",
			operation: postEvents,
			refuses:   []refusal{noneAccepted, slowBody, eventsTooBig, unsupportedMedia, unsupportedEncoding, overloaded, diskFull, closing, unavailable}},
		{method: "GET", path: "/healthz", summary: "Whether the process is up", open: true, operation: words200("text/plain", "It is."),
			about: "Answers as soon as it listens."},
		{method: "GET", path: "/readyz", summary: "Whether what the log held at the start is projected", open: true, operation: ready,
			about: "Then results are complete."},
		{method: "GET", path: "/metrics", summary: "Figures of the process, for Prometheus", open: true, operation: words200("text/plain", "Prometheus text format."),
			about: "No payloads and no pseudonyms."},
		{method: "GET", path: "/openapi.json", summary: "This description", open: true, about: "OpenAPI 3.1.",
			operation: func(*schemas) node {
				return node{"responses": node{"200": node{"description": "The description.", "content": content("application/json", node{"type": "object"})}}}
			}},
	}
}

func content(media string, schema node) node { return node{media: node{"schema": schema}} }

func words200(media, about string) func(*schemas) node {
	return func(*schemas) node {
		return node{"responses": node{"200": node{"description": about, "content": content(media, node{"type": "string"})}}}
	}
}

func ready(s *schemas) node {
	n := words200("text/plain", "It is.")(s)
	n["responses"].(node)["503"] = node{
		"description": "Catching up with the log.", "content": content("text/plain", node{"type": "string"}),
		"headers": node{"Retry-After": retryAfter()},
	}
	return n
}

func postEvents(s *schemas) node {
	s.named["Event"] = eventSchema()
	result := s.of(typeOf(receipt{}))
	return node{
		"parameters": []any{node{"name": "Content-Encoding", "in": "header", "description": "How the body is packed.",
			"schema": node{"type": "string", "enum": []string{"identity", "gzip"}, "default": "identity"}}},
		"requestBody": node{"required": true, "content": node{
			"application/cloudevents+json":       node{"schema": ref("Event")},
			"application/cloudevents-batch+json": node{"schema": node{"type": "array", "items": ref("Event"), "maxItems": event.MaxBatchEvents}},
			"application/x-ndjson":               node{"schema": node{"type": "string", "description": "One event a line."}},
		}},
		"responses": node{
			"202": node{"description": "The log has the accepted events on disk; `rejected` says why others were refused.", "content": content("application/json", result)},
			"400": node{"description": "None was good: the same list, or a problem where the body as a whole cannot be read.", "content": content("application/json", result)},
		},
	}
}

// eventSchema returns the schema of an event, made from those of the catalogue: the envelope once, the attributes of each
// group of types under oneOf.
func eventSchema() node {
	var groups []node
	byData := map[string]node{}
	var envelope node
	var required []any
	var names []string
	for _, t := range event.Types() {
		text, err := event.JSONSchema(t.Name)
		if err != nil {
			panic(err) // a type of the catalogue itself
		}
		var one struct {
			Properties node  `json:"properties"`
			Required   []any `json:"required"`
		}
		if err := json.Unmarshal(text, &one); err != nil {
			panic(err)
		}
		names = append(names, t.Name)
		if envelope == nil && !t.StudyLevel {
			envelope, required = maps.Clone(one.Properties), one.Required
		}
		data := one.Properties["data"].(node)
		if t.Name == event.TypeCorrected { // replacements are the attributes of every other type
			data["additionalProperties"] = true
			delete(data["properties"].(node), "data")
			for name := range data["properties"].(node) {
				if _, own := t.Attribute(name); !own {
					delete(data["properties"].(node), name)
				}
			}
		}
		key, _ := json.Marshal([]any{t.Group, data, one.Required})
		if n, ok := byData[string(key)]; ok {
			typ := n["properties"].(node)["type"].(node)
			typ["enum"] = append(typ["enum"].([]string), t.Name)
			continue
		}
		n := node{"title": t.Group, "properties": node{"type": node{"enum": []string{t.Name}}, "data": data}, "required": one.Required}
		byData[string(key)] = n
		groups = append(groups, n)
	}
	return assemble(envelope, required, names, groups)
}

// assemble puts the envelope and the groups together; what all require is said once.
func assemble(envelope node, required []any, names []string, groups []node) node {
	envelope["type"] = node{"type": "string", "description": envelope["type"].(node)["description"], "enum": names}
	envelope["dataschema"] = node{"type": "string", "description": envelope["dataschema"].(node)["description"]}
	envelope["data"] = node{"type": "object", "description": envelope["data"].(node)["description"]}
	var common []string
	for _, name := range required {
		if name != "subject" && name != "data" {
			common = append(common, name.(string))
		}
	}
	var oneOf []any
	for _, g := range groups {
		var own []string
		for _, name := range g["required"].([]any) {
			if !strings.Contains(" "+strings.Join(common, " ")+" ", " "+name.(string)+" ") {
				own = append(own, name.(string))
			}
		}
		if g["required"] = own; own == nil {
			delete(g, "required")
		}
		oneOf = append(oneOf, g)
	}
	return node{
		"type": "object", "description": "An event: a CloudEvent of a type of the catalogue. throughline schema TYPE prints the schema of one type.",
		"properties": envelope, "required": common, "additionalProperties": false, "oneOf": oneOf,
	}
}
