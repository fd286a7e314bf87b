package chdb

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"
)

// Conn is one session of the engine. It runs one statement at a time: a [Stream] or [Insert] must be closed before
// the next. Methods are not safe for concurrent use.
type Conn struct {
	lib    *Library
	outer  handle // what chdb_connect returned, needed to close
	handle handle
}

// ErrConnect is returned by [Library.Connect] when the engine refuses; it gives no reason. The usual ones are a data
// path other than the one already open in this process, a path that cannot be written, and an unknown option.
var ErrConnect = errors.New("the engine gave no connection (another data path open in this process, a path that cannot be written, or an unknown option)")

// Connect opens a session. Options are those of the ClickHouse command line: "--path=DIR" names the data path,
// query settings ("--max_threads=2") hold for this session, server options only for the first connection.
func (l *Library) Connect(options ...string) (*Conn, error) {
	var pin runtime.Pinner
	defer pin.Unpin()
	argv := make([]unsafe.Pointer, 0, len(options)+2)
	for _, option := range append([]string{"clickhouse"}, options...) {
		b := append([]byte(option), 0)
		pin.Pin(&b[0])
		argv = append(argv, unsafe.Pointer(&b[0]))
	}
	count := len(argv)
	argv = append(argv, nil)
	pin.Pin(&argv[0])
	outer := l.fn.connect(int32(count), unsafe.Pointer(&argv[0]))
	if outer == 0 {
		return nil, ErrConnect
	}
	inner := *(*handle)(pointer(outer))
	if inner == 0 {
		l.fn.closeConn(outer)
		return nil, ErrConnect
	}
	return &Conn{lib: l, outer: outer, handle: inner}, nil
}

// Close ends the session. Closing the last one stops the engine. A second call does nothing.
func (c *Conn) Close() {
	if c.outer == 0 {
		return
	}
	c.lib.fn.closeConn(c.outer)
	c.outer, c.handle = 0, 0
}

// Param is the value of a {name:Type} placeholder, in the text form that ClickHouse takes over HTTP.
type Param struct{ Name, Value string }

// Query runs a statement to its end and returns the whole result, written in format unless the statement has a FORMAT
// clause. The caller closes the result. Errors of the engine are [*Error].
func (c *Conn) Query(sql, format string, params ...Param) (*Result, error) {
	h, err := c.call(c.lib.fn.query, sql, format, params)
	if err != nil {
		return nil, err
	}
	return c.result(h)
}

// Exec runs a statement and drops its result.
func (c *Conn) Exec(sql string, params ...Param) error {
	r, err := c.Query(sql, "Null", params...)
	if err != nil {
		return err
	}
	r.Close()
	return nil
}

// result takes ownership of a result handle.
func (c *Conn) result(h handle) (*Result, error) {
	if h == 0 {
		return nil, errors.New("the engine gave no result")
	}
	r := &Result{lib: c.lib, handle: h}
	if message := c.lib.fn.resultError(h); message != "" {
		r.Close()
		return nil, newError(message)
	}
	return r, nil
}

// call hands statement, format and parameters to one of the query functions.
func (c *Conn) call(fn queryFunc, sql, format string, params []Param) (handle, error) {
	if c.handle == 0 {
		return 0, errors.New("run statement: connection is closed")
	}
	var args arguments
	defer args.pin.Unpin()
	names, nameLens := args.list(params, func(p Param) string { return p.Name })
	values, valueLens := args.list(params, func(p Param) string { return p.Value })
	return fn(c.handle, args.text(sql), uint(len(sql)), args.text(format), uint(len(format)),
		names, nameLens, values, valueLens, uint(len(params))), nil
}

// arguments holds Go memory still while the library reads it.
type arguments struct{ pin runtime.Pinner }

// text returns the address of a copy-free string; an empty one still has an address.
func (a *arguments) text(s string) unsafe.Pointer {
	if s == "" {
		s = "\x00"
	}
	p := unsafe.StringData(s)
	a.pin.Pin(p)
	return unsafe.Pointer(p)
}

// list returns two C arrays: addresses and lengths of one field of each parameter.
func (a *arguments) list(params []Param, field func(Param) string) (texts, lengths unsafe.Pointer) {
	if len(params) == 0 {
		return nil, nil
	}
	addresses := make([]unsafe.Pointer, len(params))
	sizes := make([]uint, len(params))
	for i, p := range params {
		addresses[i], sizes[i] = a.text(field(p)), uint(len(field(p)))
	}
	a.pin.Pin(&addresses[0])
	a.pin.Pin(&sizes[0])
	return unsafe.Pointer(&addresses[0]), unsafe.Pointer(&sizes[0])
}

// Class says what a statement does to state that outlives it.
type Class uint32

// The classes, in ascending order of restriction.
const (
	ReadOnly       Class = iota // SELECT, SHOW, DESCRIBE, EXPLAIN, EXISTS, CHECK
	Mutating                    // changes a database
	MutatingGlobal              // changes something beside the databases: functions, collections, access
	Control                     // session or server: USE, SET, SYSTEM, BACKUP, KILL, INTO OUTFILE, INSERT INTO FUNCTION
	Unknown                     // not parsed, or not classified
)

// Analysis is the engine's own account of a text that has not been run.
type Analysis struct {
	Statements int
	Class      Class
}

// Classify parses a text with the engine's parser and says what it would do, without running it.
func (c *Conn) Classify(sql string) (Analysis, error) {
	var args arguments
	defer args.pin.Unpin()
	out := &struct{ size, count, flags, class uint32 }{size: 16}
	args.pin.Pin(out)
	if c.lib.fn.classify(c.handle, args.text(sql), uint(len(sql)), nil, 0, unsafe.Pointer(out)) != 0 {
		return Analysis{Class: Unknown}, fmt.Errorf("classify statement: the engine refused")
	}
	return Analysis{Statements: int(out.count), Class: Class(out.class)}, nil
}

// pointer makes an address owned by the library usable; it is never Go memory, so the collector does not move it.
func pointer(h handle) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&h)) }
