package api

import (
	_ "embed"
	"net/http"
)

//go:embed openapi.json
var description []byte

// Description serves the OpenAPI 3.1 document of the whole HTTP surface. It needs no credential.
func Description() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Cache-Control", "no-cache")
		h.Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(description) // the client may be gone
	})
}
