package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// Media types of POST /v1/events.
const (
	mediaSingle = "application/cloudevents+json"
	mediaBatch  = "application/cloudevents-batch+json"
	mediaLines  = "application/x-ndjson"
)

// client speaks HTTP with one server, as curl would.
type client struct {
	testing.TB
	base  string
	token string // empty: no Authorization
}

// answer is what a server answered.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// problem is an RFC 9457 problem.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

// receipt is the answer to POST /v1/events.
type receipt struct {
	Accepted   int `json:"accepted"`
	Duplicates int `json:"duplicates"`
	Rejected   []struct {
		Index  int    `json:"index"`
		ID     string `json:"id"`
		Code   string `json:"code"`
		Detail string `json:"detail"`
	} `json:"rejected"`
	Position string `json:"position"`
}

// request sends one request; headers come in pairs of name and value.
func (c client) request(method, path string, body []byte, headers ...string) answer {
	c.Helper()
	req, err := http.NewRequestWithContext(c.Context(), method, c.base+path, bytes.NewReader(body))
	if err != nil {
		c.Fatal(err)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			req.Host = headers[i+1]
			continue
		}
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		c.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		c.Fatal(err)
	}
	return answer{status: res.StatusCode, header: res.Header, body: text}
}

// post sends a body to /v1/events.
func (c client) post(media, body string, headers ...string) answer {
	c.Helper()
	return c.request(http.MethodPost, "/v1/events", []byte(body), append([]string{"Content-Type", media}, headers...)...)
}

// get asks with parameters written "name=value" and decodes the answer, which must be 200, into out.
func (c client) get(path string, out any, parameters ...string) {
	c.Helper()
	a := c.ask(path, parameters...)
	if a.status != http.StatusOK {
		c.Fatalf("GET %s %v: status %d: %s", path, parameters, a.status, a.body)
	}
	a.decode(c, out)
}

// ask sends a GET request with parameters written "name=value".
func (c client) ask(path string, parameters ...string) answer {
	c.Helper()
	query := url.Values{}
	for _, p := range parameters {
		name, value, _ := strings.Cut(p, "=")
		query.Add(name, value)
	}
	return c.request(http.MethodGet, path+"?"+query.Encode(), nil)
}

// decode reads a JSON answer.
func (a answer) decode(t testing.TB, out any) {
	t.Helper()
	if err := json.Unmarshal(a.body, out); err != nil {
		t.Fatalf("read answer: %v: %.500s", err, a.body)
	}
}

// problem reads the problem details of an answer, which must have the given status.
func (a answer) problem(t testing.TB, status int) problem {
	t.Helper()
	var p problem
	if a.status != status || a.header.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("status %d, %s: want a problem with status %d: %.500s", a.status, a.header.Get("Content-Type"), status, a.body)
	}
	a.decode(t, &p)
	if p.Status != status || p.Type == "" || p.Title == "" {
		t.Errorf("problem %+v: want a type, a title and status %d", p, status)
	}
	return p
}
