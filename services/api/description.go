package api

import (
	_ "embed"
	"net/http"
)

//go:embed openapi.json
var description []byte

// Description serves the OpenAPI 3 document of the whole HTTP surface.
func Description() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(description) // the client may be gone
	})
}
