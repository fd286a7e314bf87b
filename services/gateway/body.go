package gateway

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/problem"
)

// The media types of a body.
const (
	mediaSingle = "application/cloudevents+json"
	mediaBatch  = "application/cloudevents-batch+json"
	mediaLines  = "application/x-ndjson"
)

// readChunk is how much memory is claimed at a time while a body comes in.
const readChunk = 64 << 10

// body is a request's body, read and unpacked. It is released once nothing refers to its bytes.
type body struct {
	media  string
	data   []byte
	packed *bytes.Buffer // what came over the wire
	plain  *bytes.Buffer // what it unpacked to, nil if it was not packed
	budget *budget
	held   int // bytes claimed of the budget
}

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// readBody reads a body within the limits. The error is a [*problem.Details].
func (g *Gateway) readBody(r *http.Request) (*body, error) {
	media, err := mediaType(r.Header)
	if err != nil {
		return nil, err
	}
	packed, err := isPacked(r.Header)
	if err != nil {
		return nil, err
	}
	b := &body{media: media, budget: &g.memory, packed: buffers.Get().(*bytes.Buffer)}
	if err := b.read(r, packed); err != nil {
		b.release()
		return nil, err
	}
	return b, nil
}

// senderDeadline bounds how long a body may take to arrive.
type senderDeadline struct{ controller *http.ResponseController }

// limitSender gives the sender a bounded time for the whole body.
func limitSender(w http.ResponseWriter, d time.Duration) senderDeadline {
	s := senderDeadline{http.NewResponseController(w)}
	// A writer without deadlines (a recorder) has no slow sender either.
	_ = s.controller.SetReadDeadline(time.Now().Add(d))
	return s
}

// lift ends the bound: the body is there.
func (s senderDeadline) lift() { _ = s.controller.SetReadDeadline(time.Time{}) }

func mediaType(h http.Header) (string, error) {
	media, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	charset := strings.ToLower(params["charset"])
	if err == nil && (charset == "" || charset == "utf-8" || charset == "us-ascii") {
		switch media {
		case mediaSingle, mediaBatch, mediaLines:
			return media, nil
		}
	}
	return "", &problem.Details{
		Status: http.StatusUnsupportedMediaType, Slug: "unsupported-media-type", Title: "Unsupported media type",
		Detail: fmt.Sprintf("send Content-Type %s, %s or %s in UTF-8", mediaSingle, mediaBatch, mediaLines),
	}
}

func isPacked(h http.Header) (bool, error) {
	switch strings.ToLower(strings.TrimSpace(strings.Join(h.Values("Content-Encoding"), ","))) {
	case "", "identity":
		return false, nil
	case "gzip", "x-gzip":
		return true, nil
	}
	return false, &problem.Details{
		Status: http.StatusUnsupportedMediaType, Slug: "unsupported-encoding", Title: "Unsupported content encoding",
		Detail: "send the body as it is or with Content-Encoding gzip",
	}
}

func (b *body) read(r *http.Request, packed bool) error {
	limit := int64(event.MaxWireBytes)
	if r.ContentLength > limit {
		drain(r.Body, 0)
		return tooLarge("the body has more than %d bytes: send fewer events at a time", limit)
	}
	if err := b.fill(b.packed, r.Body, limit); err != nil {
		if errors.Is(err, errLimit) {
			drain(r.Body, limit)
			return tooLarge("the body has more than %d bytes: send fewer events at a time", limit)
		}
		return unreadable(err)
	}
	b.data = b.packed.Bytes()
	if packed {
		return b.unpack()
	}
	return nil
}

// unpack replaces the data by what it unpacks to.
func (b *body) unpack() error {
	z, ok := unpackers.Get().(*gzip.Reader)
	if !ok {
		z = new(gzip.Reader)
	}
	defer unpackers.Put(z)
	if err := z.Reset(bytes.NewReader(b.data)); err != nil {
		return unpackable()
	}
	b.plain = buffers.Get().(*bytes.Buffer)
	err := b.fill(b.plain, z, event.MaxBodyBytes)
	switch {
	case errors.Is(err, errLimit):
		return tooLarge("the body unpacks to more than %d bytes: send fewer events at a time", event.MaxBodyBytes)
	case errors.Is(err, errBusy):
		return busy()
	case err != nil:
		return unpackable()
	}
	b.data = b.plain.Bytes()
	return nil
}

var unpackers sync.Pool

var errLimit = errors.New("more than the limit")

// fill copies up to limit bytes, claiming memory as they come.
func (b *body) fill(dst *bytes.Buffer, src io.Reader, limit int64) error {
	for {
		if !b.budget.claim(readChunk) {
			return errBusy
		}
		b.held += readChunk
		n, err := io.CopyN(dst, src, min(readChunk, limit+1-int64(dst.Len())))
		if int64(dst.Len()) > limit {
			return errLimit
		}
		if errors.Is(err, io.EOF) || (err == nil && n == 0) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// release gives memory back; the body's bytes must not be used after it.
func (b *body) release() {
	for _, buf := range []*bytes.Buffer{b.packed, b.plain} {
		if buf != nil && buf.Cap() <= 2<<20 {
			buf.Reset()
			buffers.Put(buf)
		}
	}
	b.budget.free(b.held)
	b.packed, b.plain, b.data, b.held = nil, nil, nil, 0
}

// drain reads and drops the rest of a body, within the limit for bodies, so that the client gets to read the answer.
func drain(r io.Reader, already int64) {
	// Whatever happens here, the answer is the same.
	_, _ = io.CopyN(io.Discard, r, event.MaxBodyBytes-already)
}

func tooLarge(format string, args ...any) error {
	return &problem.Details{
		Status: http.StatusRequestEntityTooLarge, Slug: "too-large", Title: "Request too large", Detail: fmt.Sprintf(format, args...),
	}
}

func unreadable(err error) error {
	if errors.Is(err, errBusy) {
		return busy()
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &problem.Details{
			Status: http.StatusRequestTimeout, Slug: "timeout", Title: "Request took too long", Detail: "the body did not arrive in time: send fewer events at a time",
		}
	}
	return &problem.Details{
		Status: http.StatusBadRequest, Slug: "unreadable-body", Title: "Unreadable body", Detail: "the body ended before its announced length",
	}
}

func unpackable() error {
	return &problem.Details{
		Status: http.StatusBadRequest, Slug: "unreadable-body", Title: "Unreadable body", Detail: "the body is not valid gzip, although Content-Encoding says so",
	}
}

func busy() error {
	return &problem.Details{
		Status: http.StatusServiceUnavailable, Slug: "overloaded", Title: "Overloaded", Detail: "too many requests are being handled: send this one again later",
		RetryAfter: time.Second,
	}
}
