package api

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
)

// maxBody bounds a request's body, on the wire and unpacked.
const maxBody = 4 << 20

// errTooLarge means that a body unpacks to more than is read.
var errTooLarge = errors.New("the body is too large")

// readJSON decodes a request's body, which may be packed, or answers why not.
func readJSON(w http.ResponseWriter, r *http.Request, into any) bool {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		unsupportedMedia.write(w, "send Content-Type application/json")
		return false
	}
	var body io.Reader = http.MaxBytesReader(w, r.Body, maxBody)
	switch strings.ToLower(r.Header.Get("Content-Encoding")) {
	case "", "identity":
	case "gzip":
		unpacked, err := gzip.NewReader(body)
		if err != nil {
			unreadableBody.write(w, "the body is not valid gzip, although Content-Encoding says so")
			return false
		}
		body = &bounded{reader: unpacked, left: maxBody}
	default:
		unsupportedEncoding.write(w, "send the body as it is or with Content-Encoding gzip")
		return false
	}
	return decodeJSON(w, body, into)
}

// decodeJSON decodes one JSON object, or answers why not.
func decodeJSON(w http.ResponseWriter, body io.Reader, into any) bool {
	dec := json.NewDecoder(body)
	dec.DisallowUnknownFields()
	err := dec.Decode(into)
	if err == nil {
		if _, err = dec.Token(); err == nil {
			err = errors.New("the body goes on after its end")
		} else if errors.Is(err, io.EOF) {
			return true
		}
	}
	var long *http.MaxBytesError
	if errors.As(err, &long) || errors.Is(err, errTooLarge) {
		bodyTooLarge.write(w, fmt.Sprintf("the body has more than %d bytes", maxBody))
		return false
	}
	unreadableBody.write(w, "send one JSON object: "+describeJSON(err))
	return false
}

// describeJSON says what is wrong with a body without repeating any of it.
func describeJSON(err error) string {
	var syntax *json.SyntaxError
	var typ *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Sprintf("it is no JSON from byte %d on", syntax.Offset)
	case errors.As(err, &typ) && typ.Field != "":
		return typ.Field + " must be of another type"
	case errors.Is(err, io.EOF):
		return "it is empty"
	}
	return "a member is unknown, or the body is cut off or not an object"
}

// bounded reads at most so many bytes; what is longer is an error.
type bounded struct {
	reader io.Reader
	left   int64
}

// Read implements [io.Reader].
func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		var one [1]byte
		if n, err := b.reader.Read(one[:]); n == 0 {
			return 0, err
		}
		return 0, errTooLarge
	}
	n, err := b.reader.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}
