// Package console is the built-in page: the studies, and of each study its arms with attrition, tiers and completion,
// with definition and cut-off. It is drawn on the server, works without any other network, and keeps itself current.
package console

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/analyst"
	"github.com/throughline-trials/throughline/services/auth"
	"github.com/throughline-trials/throughline/services/stats"
)

//go:embed templates/*.html
var templates embed.FS

//go:embed static
var static embed.FS

// Config is what the console needs; Note may be nil.
type Config struct {
	Reader  *analyst.Reader
	Keyring *auth.Keyring
	Note    func() string // said above the studies; empty: nothing
	Logger  *slog.Logger
}

// Console answers requests for pages.
type Console struct {
	config    Config
	templates *template.Template
}

// New parses the templates.
func New(config Config) (*Console, error) {
	t, err := template.New("").Funcs(template.FuncMap{"tier": tierWords}).ParseFS(templates, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("parse templates: %w", err)
	}
	return &Console{config: config, templates: t}, nil
}

// Register adds the pages to a mux that stands behind [auth.Guard].
func (c *Console) Register(mux *http.ServeMux) {
	files, _ := fs.Sub(static, "static") // the folder is embedded
	mux.Handle("GET /static/", withPolicy(http.StripPrefix("/static/", http.FileServerFS(files))))
	mux.Handle("GET /{$}", withPolicy(c.page(c.portfolio)))
	mux.Handle("GET /studies/{study}", withPolicy(c.page(c.study)))
	mux.Handle("GET /signin", withPolicy(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c.render(w, http.StatusOK, "signin", signInView{page: page{Title: "Sign in"}})
	})))
	mux.Handle("POST /signin", withPolicy(http.HandlerFunc(c.signIn)))
	mux.Handle("POST /signout", withPolicy(http.HandlerFunc(c.signOut)))
}

// withPolicy lets pages load from this origin only.
func withPolicy(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

// page is what every page has.
type page struct {
	Title    string
	Stamp    string // cut-off and as-of of the numbers
	SignedIn bool   // by a token
}

type errorView struct {
	page
	Detail string
}

// viewer makes the data of a page, and the name of its template.
type viewer func(ctx context.Context, r *http.Request, grant auth.Grant) (name string, view any, err error)

func (c *Console) page(make viewer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		grant, ok := auth.FromContext(r.Context())
		if !ok {
			http.Redirect(w, r, "/signin", http.StatusSeeOther)
			return
		}
		if !grant.Allows(event.ScopeRead, r.PathValue("study")) {
			c.render(w, http.StatusForbidden, "error", errorView{page{Title: "Not allowed", SignedIn: signedInBy(grant)}, "The token may not read these results: it needs scope read or admin."})
			return
		}
		if r.URL.RawQuery != "" {
			c.render(w, http.StatusBadRequest, "error", errorView{page{Title: "The page takes no parameters"}, "It shows the numbers of now. The JSON API answers for any cutoff and as_of."})
			return
		}
		name, view, err := make(r.Context(), r, grant)
		switch {
		case errors.Is(err, analyst.ErrUnknownStudy):
			c.render(w, http.StatusNotFound, "error", errorView{page{Title: "No such study"}, "No definition of it was published."})
		case err != nil && r.Context().Err() == nil:
			c.config.Logger.Error("page failed", "route", r.Pattern, "error", err)
			c.render(w, http.StatusInternalServerError, "error", errorView{page{Title: "Something went wrong"}, "The server's log says more. Try again in a moment."})
		case err == nil:
			c.render(w, http.StatusOK, name, view)
		}
	})
}

func (c *Console) render(w http.ResponseWriter, status int, name string, view any) {
	var b bytes.Buffer
	if err := c.templates.ExecuteTemplate(&b, name, view); err != nil {
		c.config.Logger.Error("page not drawn", "page", name, "error", err)
		http.Error(w, "the page could not be drawn", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the client may be gone
}

func tierWords(t stats.Tier) string { return words(string(t)) }

// signedInBy reports whether a grant is that of a token, which can be given up.
func signedInBy(grant auth.Grant) bool { return grant.ID != auth.OpenID }

// words turns a name of the vocabulary into words.
func words(name string) string { return strings.ReplaceAll(name, "_", " ") }
