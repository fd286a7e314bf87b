// Package chhttp serves the ClickHouse HTTP interface over an embedded engine, as far as clickhouse-go, curl and
// Grafana use it: GET and POST, the statement in the URL or the body, parameters (param_x), settings, formats,
// errors as a status other than 200 with the engine's text and X-ClickHouse-Exception-Code.
//
// Every request but /ping needs the name and password of an [Account]. The services' account may do everything.
// The others may send one SELECT at a time over the databases that they were given, checked by package gate before
// it runs.
package chhttp

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/throughline-trials/throughline/services/embedded/chdb"
)

// Config of a handler. All of it is required but Log and the limits.
type Config struct {
	Engine   *chdb.Engine
	Accounts []Account
	Hosts    []string // values of the Host header that are accepted

	Log *slog.Logger

	// MaxStatement bounds the text of a statement in bytes, inline data included. Default 64 MiB.
	MaxStatement int64
	// MaxBuffered bounds how much of an INSERT's body is read before the INSERT begins. Default 64 MiB.
	MaxBuffered int64
	// ReaderSessions bounds the statements that accounts other than the services' run at once. Default 3.
	ReaderSessions int
	// ReaderQueue bounds the statements of such accounts that wait for their turn; more are refused. Default 32.
	ReaderQueue int
	// ReaderTime bounds how long each of these may run. Default 30 s.
	ReaderTime time.Duration
	// ReaderMemory bounds the memory of each of these in bytes. Default 512 MiB.
	ReaderMemory int64
}

// Handler is an http.Handler. It is safe for concurrent use.
type Handler struct {
	config  Config
	readers chan struct{} // those that run
	waiting chan struct{} // those that run or wait
	hosts   map[string]bool
}

// New makes a handler.
func New(config Config) *Handler {
	setDefault(&config.Log, slog.New(slog.DiscardHandler))
	setDefault(&config.MaxStatement, 64<<20)
	setDefault(&config.MaxBuffered, 64<<20)
	setDefault(&config.ReaderSessions, 3)
	setDefault(&config.ReaderQueue, 32)
	setDefault(&config.ReaderTime, 30*time.Second)
	setDefault(&config.ReaderMemory, 512<<20)
	h := &Handler{
		config:  config,
		readers: make(chan struct{}, config.ReaderSessions),
		waiting: make(chan struct{}, config.ReaderSessions+config.ReaderQueue),
		hosts:   map[string]bool{},
	}
	for _, host := range config.Hosts {
		h.hosts[host] = true
	}
	return h
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := h.serve(w, r); err != nil {
		h.writeError(w, r, err)
	}
}

// serve returns an error only while nothing of the answer has been written.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request) error {
	if err := h.checkOrigin(r); err != nil {
		return err
	}
	switch {
	case r.URL.Path == "/ping" && r.Method == http.MethodGet:
		_, err := w.Write([]byte("Ok.\n"))
		return ignore(err)
	case r.URL.Path != "/":
		return refusef(http.StatusNotFound, codeNotFound, "there is nothing at this path, statements go to /")
	case r.Method != http.MethodGet && r.Method != http.MethodPost:
		return refusef(http.StatusMethodNotAllowed, codeBadArguments, "only GET and POST are answered")
	}
	account, err := authenticate(h.config.Accounts, r)
	if err != nil {
		return err
	}
	req, err := h.read(r, account)
	if err != nil {
		return err
	}
	return h.run(w, r, req)
}

// ignore drops an error of writing to a client that has gone: there is no one left to tell.
func ignore(error) error { return nil }

// run carries a request out.
func (h *Handler) run(w http.ResponseWriter, r *http.Request, req *request) error {
	if req.isHello() {
		return h.hello(w, r, req)
	}
	if req.isInsertWithBody() {
		return h.insert(w, r, req)
	}
	if err := req.readRest(h.config.MaxStatement); err != nil {
		return err
	}
	if req.text == "" {
		return refusef(http.StatusBadRequest, codeSyntax, "the request has no statement")
	}
	if !req.account.Services {
		return h.runForReader(w, r, req)
	}
	session, err := h.config.Engine.Session(r.Context(), req.setup())
	if err != nil {
		return err
	}
	defer session.Release()
	return h.statement(w, r, req, session)
}

// runForReader refuses what an account other than the services' may not do.
func (h *Handler) runForReader(w http.ResponseWriter, r *http.Request, req *request) error {
	select {
	case h.waiting <- struct{}{}:
		defer func() { <-h.waiting }()
	default:
		return refusef(http.StatusServiceUnavailable, codeTooManyQueries, "too many statements are waiting, try again later")
	}
	select {
	case h.readers <- struct{}{}:
		defer func() { <-h.readers }()
	case <-r.Context().Done():
		return r.Context().Err()
	}
	setup, err := h.readerSetup(req)
	if err != nil {
		return err
	}
	session, err := h.config.Engine.Session(r.Context(), setup)
	if err != nil {
		return err
	}
	defer session.Release()
	if err := checkReader(session.Conn, req); err != nil {
		return err
	}
	return h.statement(w, r, req, session)
}

// gone says whether the client has given up.
func gone(ctx context.Context) bool { return errors.Is(ctx.Err(), context.Canceled) }
