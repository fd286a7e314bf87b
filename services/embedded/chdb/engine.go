package chdb

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// EngineConfig says where an engine keeps its data and what it may use.
type EngineConfig struct {
	Library  *Library
	Path     string   // data path; one per process
	Sessions int      // statements that may run at once
	Options  []string // further "--name=value" options, server and session ones
}

// Engine is a data path opened in this process, with a bounded number of sessions. It keeps one connection open for
// itself, so that the engine runs until [Engine.Close].
type Engine struct {
	config EngineConfig
	slots  chan struct{}
	opened atomic.Uint64 // sessions opened so far, for their tags

	keeping sync.Mutex
	keeper  *Conn

	mu     sync.Mutex
	idle   []*Session
	closed bool
}

// ErrClosed is returned for sessions of an engine that has been closed.
var ErrClosed = errors.New("the ClickHouse engine is closed")

// StartEngine opens the data path.
func StartEngine(config EngineConfig) (*Engine, error) {
	keeper, err := config.Library.Connect(config.options()...)
	if err != nil {
		return nil, fmt.Errorf("open ClickHouse data in %s: %w", config.Path, err)
	}
	return &Engine{config: config, keeper: keeper, slots: make(chan struct{}, config.Sessions)}, nil
}

func (c EngineConfig) options() []string {
	return append([]string{"--path=" + c.Path}, c.Options...)
}

// Setup is the state that a session begins with.
type Setup struct {
	Database string            // empty: default
	Settings map[string]string // query settings by name
}

// key identifies sessions that can stand in for each other.
func (s Setup) key() string {
	var b strings.Builder
	b.WriteString(s.Database)
	for _, name := range slices.Sorted(maps.Keys(s.Settings)) {
		fmt.Fprintf(&b, "\x00%s\x00%s", name, s.Settings[name])
	}
	return b.String()
}

// Session is a connection in a known state, lent to one caller.
type Session struct {
	*Conn
	engine *Engine
	key    string
	tag    string // log_comment of its statements, by which they are found
	dirty  bool
}

// Session lends a session with the given state. It blocks while as many as the engine allows are lent, until the
// context ends. The error of a wrong database or setting is the engine's [*Error]. The caller gives it back with
// [Session.Release].
func (e *Engine) Session(ctx context.Context, setup Setup) (*Session, error) {
	select {
	case e.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for a ClickHouse session: %w", ctx.Err())
	}
	s, err := e.open(setup)
	if err != nil {
		<-e.slots
		return nil, err
	}
	return s, nil
}

func (e *Engine) open(setup Setup) (*Session, error) {
	key := setup.key()
	if s, err := e.takeIdle(key); s != nil || err != nil {
		return s, err
	}
	conn, err := e.config.Library.Connect(e.config.options()...)
	if err != nil {
		return nil, fmt.Errorf("open ClickHouse session: %w", err)
	}
	tag := fmt.Sprintf("session-%d", e.opened.Add(1))
	if err := prepare(conn, tag, setup); err != nil {
		conn.Close()
		return nil, err
	}
	return &Session{Conn: conn, engine: e, key: key, tag: tag}, nil
}

func (e *Engine) takeIdle(key string) (*Session, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, ErrClosed
	}
	for i, s := range slices.Backward(e.idle) {
		if s.key == key {
			e.idle = slices.Delete(e.idle, i, i+1)
			return s, nil
		}
	}
	return nil, nil
}

func prepare(conn *Conn, tag string, setup Setup) error {
	assignments := []string{"log_comment = " + Literal(tag)}
	for _, name := range slices.Sorted(maps.Keys(setup.Settings)) {
		assignments = append(assignments, Identifier(name)+" = "+Literal(setup.Settings[name]))
	}
	if err := conn.Exec("SET " + strings.Join(assignments, ", ")); err != nil {
		return err
	}
	if setup.Database != "" && setup.Database != "default" {
		return conn.Exec("USE " + Identifier(setup.Database))
	}
	return nil
}

// Interrupt asks the engine to end the statement that runs in the session, if one does; the statement then fails
// with code 394. It is called from another goroutine than the one that runs the statement, and must have returned
// before the session is released.
func (s *Session) Interrupt() error {
	e := s.engine
	e.keeping.Lock()
	defer e.keeping.Unlock()
	result, err := e.keeper.Query("KILL QUERY WHERE Settings['log_comment'] = "+Literal(s.tag)+" ASYNC", "TSV")
	if err != nil {
		return fmt.Errorf("interrupt statement: %w", err)
	}
	result.Close()
	return nil
}

// Taint marks a session whose state the caller changed: it is closed when released, not lent again.
func (s *Session) Taint() { s.dirty = true }

// Release gives the session back. Streams and inserts on it must have been closed.
func (s *Session) Release() {
	e := s.engine
	defer func() { <-e.slots }()
	e.mu.Lock()
	defer e.mu.Unlock()
	if s.dirty || e.closed {
		s.Close()
		return
	}
	e.idle = append(e.idle, s)
	if len(e.idle) > e.config.Sessions {
		e.idle[0].Close()
		e.idle = slices.Delete(e.idle, 0, 1)
	}
}

// Close lends no more sessions, waits for those that are lent, closes all and stops the engine. If they are not back
// within the given time it returns an error and leaves the engine running, since closing it under a statement is not
// safe; it may then be called again.
func (e *Engine) Close(patience time.Duration) error {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()

	timer := time.NewTimer(patience)
	defer timer.Stop()
	for taken := range cap(e.slots) {
		select {
		case e.slots <- struct{}{}:
		case <-timer.C:
			for range taken {
				<-e.slots
			}
			return fmt.Errorf("stop ClickHouse engine: a statement still runs after %s", patience)
		}
	}
	e.stop()
	for range cap(e.slots) {
		<-e.slots
	}
	return nil
}

// stop closes the connections; no session is lent.
func (e *Engine) stop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range e.idle {
		s.Close()
	}
	e.idle = nil
	e.keeping.Lock()
	defer e.keeping.Unlock()
	e.keeper.Close()
}

// Identifier quotes a name for use in SQL.
func Identifier(name string) string {
	return "`" + strings.NewReplacer(`\`, `\\`, "`", "\\`").Replace(name) + "`"
}

// Literal quotes a string for use in SQL.
func Literal(value string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
}
