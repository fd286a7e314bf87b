package importer

import (
	"bytes"
	"compress/gzip"
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

// Client speaks to a Throughline server: it is a [Sender] and a [History].
type Client struct {
	// URL of the server, e.g. http://127.0.0.1:8080.
	URL string
	// Token is the credential; empty in open mode.
	Token string
	// HTTP is the client to use; nil: one with a deadline of a minute a request.
	HTTP *http.Client
	// Attempts is how often a request is tried where the server asks to come back later or does not answer; 0: 8.
	Attempts int
	// Wait passes the time before another attempt; nil: a timer. It returns early, with the error, when ctx ends.
	Wait func(ctx context.Context, d time.Duration) error
}

const (
	eventsPath      = "/v1/events"
	requestDeadline = time.Minute
	defaultAttempts = 8
	maxWait         = time.Minute
	maxAnswer       = 64 << 20
)

// ResponseError is an answer that is neither a result nor a reason to try again.
type ResponseError struct {
	Status int
	Detail string // the problem's detail, else its title; may be empty
}

// Error says what happened and what to try.
func (e *ResponseError) Error() string {
	text := fmt.Sprintf("the server answered %d %s", e.Status, http.StatusText(e.Status))
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	switch e.Status {
	case http.StatusUnauthorized:
		text += " (give a valid --token)"
	case http.StatusForbidden:
		text += " (the token needs the scopes of the imported events and the study)"
	case http.StatusNotFound:
		text += " (is the server of the same version?)"
	}
	return text
}

// Send posts the events as one CloudEvents batch.
func (c *Client) Send(ctx context.Context, events []event.Event) (Receipt, error) {
	body := []byte{'['}
	for i := range events {
		if i > 0 {
			body = append(body, ',')
		}
		body = events[i].AppendJSON(body)
	}
	status, answer, err := c.post(ctx, eventsPath, "application/cloudevents-batch+json", append(body, ']'))
	if err != nil {
		return Receipt{}, err
	}
	var receipt struct {
		Receipt
		Rejected *[]Refused `json:"rejected"`
	}
	err = json.Unmarshal(answer, &receipt)
	if err != nil || status != http.StatusAccepted && receipt.Rejected == nil {
		return Receipt{}, failure(status, answer)
	}
	if receipt.Rejected != nil {
		receipt.Receipt.Rejected = *receipt.Rejected
	}
	return receipt.Receipt, nil
}

// Records asks the server for what it holds.
func (c *Client) Records(ctx context.Context, q HistoryQuery) (Records, error) {
	body, err := json.Marshal(q)
	if err != nil {
		return nil, fmt.Errorf("write history query: %w", err)
	}
	status, answer, err := c.post(ctx, HistoryPath(q.Study), "application/json", body)
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, failure(status, answer)
	}
	var records HistoryAnswer
	if err := json.Unmarshal(answer, &records); err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	return records.Records, nil
}

// failure reads problem details.
func failure(status int, answer []byte) error {
	var problem struct{ Title, Detail string }
	if json.Unmarshal(answer, &problem) != nil || problem.Detail == "" {
		problem.Detail = problem.Title
	}
	return &ResponseError{Status: status, Detail: problem.Detail}
}

// post sends a body, packed, until the server takes it or gives a final answer.
func (c *Client) post(ctx context.Context, path, media string, body []byte) (status int, answer []byte, err error) {
	target, err := url.JoinPath(c.URL, path)
	if err != nil {
		return 0, nil, fmt.Errorf("join server address: %w", err)
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err = w.Write(body); err == nil {
		err = w.Close()
	}
	if err != nil {
		return 0, nil, fmt.Errorf("pack request: %w", err)
	}
	attempts := c.Attempts
	if attempts <= 0 {
		attempts = defaultAttempts
	}
	for attempt := 1; ; attempt++ {
		var after time.Duration
		status, after, answer, err = c.try(ctx, target, media, packed.Bytes())
		if err == nil && !passing(status) || attempt == attempts || ctx.Err() != nil {
			break
		}
		if waitErr := c.wait(ctx, pause(attempt, after)); waitErr != nil {
			return 0, nil, waitErr
		}
	}
	switch {
	case ctx.Err() != nil:
		return 0, nil, ctx.Err()
	case err != nil:
		return 0, nil, fmt.Errorf("reach server at %s: %w", c.URL, bare(err))
	case passing(status):
		return 0, nil, failure(status, answer)
	}
	return status, answer, nil
}

// passing reports whether a status may be another one later.
func passing(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

func (c *Client) try(ctx context.Context, target, media string, packed []byte) (int, time.Duration, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(packed))
	if err != nil {
		return 0, 0, nil, err
	}
	request.Header.Set("Content-Type", media)
	request.Header.Set("Content-Encoding", "gzip")
	request.Header.Set("Accept", "application/json, application/problem+json")
	if c.Token != "" {
		request.Header.Set("Authorization", "Bearer "+c.Token)
	}
	client := c.HTTP
	if client == nil {
		client = &http.Client{Timeout: requestDeadline}
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, 0, nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	return response.StatusCode, retryAfter(response.Header.Get("Retry-After")), answer, err
}

// bare takes the address off an error of net/http, which names it already.
func bare(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// retryAfter reads seconds or a date; 0 if there is neither.
func retryAfter(header string) time.Duration {
	if seconds, err := strconv.Atoi(strings.TrimSpace(header)); err == nil {
		return time.Duration(min(max(seconds, 0), int(maxWait/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(header); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}

// pause returns how long to wait after an attempt: what the server asks for, else from a quarter of a second on, doubled
// each time, by chance up to a half more.
func pause(attempt int, asked time.Duration) time.Duration {
	if asked > 0 {
		return min(asked, maxWait)
	}
	base := min(250*time.Millisecond<<min(attempt-1, 10), maxWait)
	return base + rand.N(base/2)
}

func (c *Client) wait(ctx context.Context, d time.Duration) error {
	if c.Wait != nil {
		return c.Wait(ctx, d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
