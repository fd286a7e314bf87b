// Package sdk is what an app's back end imports to send its events.
//
//	c, err := sdk.New(sdk.Config{URL: "https://trial.example.org", Token: token})
//	result, err := c.Send(ctx, event.Event{…})
//
// [Client.Send] returns when the log has the events on disk; it tries again while that may help. A refused event is in
// the result with its reason, and in the server's quarantine.
package sdk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
)

// Config says where to send and how patiently.
type Config struct {
	URL      string        // address of the gateway, e.g. https://trial.example.org; needed
	Token    string        // bearer token of scope emit; none in open mode
	HTTP     *http.Client  // default: one with a timeout of 30 s
	Attempts int           // for each request, at least 1; default 8
	Backoff  time.Duration // before the second attempt, doubled for each further one; default 200 ms
}

// Validate returns every problem of the configuration, joined.
func (c Config) Validate() error {
	var errs []error
	if u, err := url.Parse(c.URL); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		errs = append(errs, errors.New("URL: give the address of the gateway, http://host:port or https://host"))
	}
	if c.Attempts < 0 {
		errs = append(errs, fmt.Errorf("Attempts: %d is negative", c.Attempts))
	}
	if c.Backoff < 0 {
		errs = append(errs, fmt.Errorf("Backoff: %s is negative", c.Backoff))
	}
	return errors.Join(errs...)
}

// Refusal is an event that was not accepted. Sending it again as it is does not help.
type Refusal struct {
	Index  int        `json:"index"` // of the event among those given to Send
	ID     string     `json:"id"`
	Code   event.Code `json:"code"`
	Field  string     `json:"field,omitempty"`
	Detail string     `json:"detail"`
}

// Result is what became of the events of one call.
type Result struct {
	Accepted   int       `json:"accepted"`
	Duplicates int       `json:"duplicates"` // known already; counted once
	Rejected   []Refusal `json:"rejected"`
	Position   string    `json:"position"` // give it as after= to read results that include these events
}

// Error is an answer that refuses a whole request.
type Error struct {
	Status int    // HTTP status
	Type   string // stable name of the problem
	Detail string
	after  time.Duration
}

func (e *Error) Error() string {
	return fmt.Sprintf("the gateway answered %d: %s", e.Status, e.Detail)
}

// passing reports whether the same request may be taken later.
func (e *Error) passing() bool {
	return e.Status == http.StatusTooManyRequests || e.Status == http.StatusServiceUnavailable || e.Status >= 502 && e.Status <= 504
}

// Client sends events. It is safe for concurrent use and needs no closing.
type Client struct{ config Config }

// New returns a client, or what is wrong with the configuration.
func New(c Config) (*Client, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("configure client: %w", err)
	}
	c.URL = strings.TrimRight(c.URL, "/")
	if c.HTTP == nil {
		c.HTTP = &http.Client{Timeout: 30 * time.Second}
	}
	if c.Attempts == 0 {
		c.Attempts = 8
	}
	if c.Backoff == 0 {
		c.Backoff = 200 * time.Millisecond
	}
	return &Client{config: c}, nil
}

// Send sends events in order, in requests of at most [event.MaxBatchEvents] events and [event.MaxWireBytes] bytes, and
// returns when all are on disk or refused. On an error the result covers the requests before it; sending everything
// again is safe, as an event that is known already counts once.
func (c *Client) Send(ctx context.Context, events ...event.Event) (Result, error) {
	var total Result
	for first := 0; first < len(events); {
		body, n := pack(events[first:])
		got, err := c.post(ctx, body)
		if err != nil {
			return total, fmt.Errorf("send events from the %d. on: %w", first+1, err)
		}
		for _, r := range got.Rejected {
			r.Index += first
			total.Rejected = append(total.Rejected, r)
		}
		total.Accepted += got.Accepted
		total.Duplicates += got.Duplicates
		total.Position = got.Position
		first += n
	}
	return total, nil
}

// pack returns a CloudEvents batch of the first events and how many they are: at least one.
func pack(events []event.Event) ([]byte, int) {
	body := []byte{'['}
	n := 0
	for n < len(events) && n < event.MaxBatchEvents {
		end := len(body)
		if n > 0 {
			body = append(body, ',')
		}
		body = events[n].AppendJSON(body)
		if n > 0 && len(body) >= event.MaxWireBytes {
			body = body[:end]
			break
		}
		n++
	}
	return append(body, ']'), n
}

// post sends one request until it is answered for good.
func (c *Client) post(ctx context.Context, body []byte) (Result, error) {
	for attempt := 1; ; attempt++ {
		result, err := c.try(ctx, body)
		var refused *Error
		if err == nil || errors.As(err, &refused) && !refused.passing() || attempt >= c.config.Attempts || ctx.Err() != nil {
			return result, err
		}
		wait := c.config.Backoff << (attempt - 1)
		wait += rand.N(wait/2 + 1)
		if refused != nil {
			wait = max(wait, refused.after)
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return result, errors.Join(ctx.Err(), err)
		}
	}
}

func (c *Client) try(ctx context.Context, body []byte) (Result, error) {
	var result Result
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.config.URL+"/v1/events", bytes.NewReader(body))
	if err != nil {
		return result, err
	}
	req.Header.Set("Content-Type", "application/cloudevents-batch+json")
	if c.config.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.config.Token)
	}
	res, err := c.config.HTTP.Do(req)
	if err != nil {
		return result, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 4<<20))
	if err != nil {
		return result, err
	}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
		return result, json.Unmarshal(text, &result)
	}
	return result, newError(res, text)
}

func newError(res *http.Response, text []byte) *Error {
	e := &Error{Status: res.StatusCode, Detail: res.Status}
	var p struct{ Type, Title, Detail string }
	if json.Unmarshal(text, &p) == nil && p.Title != "" {
		e.Type, e.Detail = p.Type, p.Title+": "+p.Detail
	}
	if seconds, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil {
		e.after = time.Duration(min(seconds, 60)) * time.Second
	}
	return e
}
