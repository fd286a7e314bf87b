// Package chdb binds the few functions of libchdb, the ClickHouse engine as a shared library, that the embedded
// engine needs: connections, queries with parameters, streamed results and streamed inserts.
//
// The library is loaded at run time, so that the program builds and starts without it. One process holds one data
// path; any number of connections may be open to it, and each runs one statement at a time. All strings and buffers
// are passed with their length: nothing here depends on a terminating zero byte.
//
// The engine has no users and no access control: whoever holds a [Conn] can do everything, on disk as well.
package chdb

import (
	"fmt"
	"unsafe"

	"github.com/ebitengine/purego"
)

// Library is a loaded libchdb. It stays loaded until the process ends: the engine starts threads of its own and
// cannot be unloaded.
type Library struct {
	fn functions
}

// functions are the entry points used, with the signatures of chdb.h. Handles are opaque pointers.
type functions struct {
	setSignalHandlers func(enabled int32)
	version           func() string
	connect           func(argc int32, argv unsafe.Pointer) handle
	closeConn         func(conn handle)
	classify          func(conn handle, sql unsafe.Pointer, sqlLen uint, database unsafe.Pointer, databaseLen uint, out unsafe.Pointer) int32

	query        queryFunc
	streamQuery  queryFunc
	streamFetch  func(conn, stream handle) handle
	streamCancel func(conn, stream handle)

	insert        queryFunc
	insertAppend  func(stream handle, data unsafe.Pointer, size uint) int32
	insertDone    func(stream handle) handle
	insertCancel  func(stream handle)
	insertError   func(stream handle) string
	insertDestroy func(stream handle)

	resultBuffer      func(result handle) unsafe.Pointer
	resultLength      func(result handle) uint
	resultError       func(result handle) string
	resultRowsRead    func(result handle) uint64
	resultBytesRead   func(result handle) uint64
	resultRowsWritten func(result handle) uint64
	resultDestroy     func(result handle)
}

// handle is a pointer owned by the library.
type handle uintptr

// queryFunc is the shape shared by the functions that take a statement, a format and named parameters.
type queryFunc func(conn handle, sql unsafe.Pointer, sqlLen uint, format unsafe.Pointer, formatLen uint,
	names, nameLens, values, valueLens unsafe.Pointer, count uint) handle

// Open loads the library at path and turns its signal handlers off, which belong to the Go runtime. Opening the
// same path again is cheap. The error names the path, or the function that the library lacks (another release).
func Open(path string) (*Library, error) {
	lib, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, fmt.Errorf("load ClickHouse engine %s: %w", path, err)
	}
	l := &Library{}
	if err := l.bind(lib); err != nil {
		return nil, fmt.Errorf("load ClickHouse engine %s: %w", path, err)
	}
	l.fn.setSignalHandlers(0)
	return l, nil
}

// Version is the release of the engine, such as "26.7.3".
func (l *Library) Version() string { return l.fn.version() }

func (l *Library) bind(lib uintptr) error {
	f := &l.fn
	for _, s := range []struct {
		name string
		fn   any
	}{
		{"chdb_set_signal_handlers_enabled", &f.setSignalHandlers},
		{"chdb_version", &f.version},
		{"chdb_connect", &f.connect},
		{"chdb_close_conn", &f.closeConn},
		{"chdb_classify_query_n", &f.classify},
		{"chdb_query_with_params_n", &f.query},
		{"chdb_stream_query_with_params_n", &f.streamQuery},
		{"chdb_stream_fetch_result", &f.streamFetch},
		{"chdb_stream_cancel_query", &f.streamCancel},
		{"chdb_stream_insert_with_params_n", &f.insert},
		{"chdb_stream_append", &f.insertAppend},
		{"chdb_stream_done", &f.insertDone},
		{"chdb_stream_cancel_insert", &f.insertCancel},
		{"chdb_stream_insert_error", &f.insertError},
		{"chdb_destroy_insert_stream", &f.insertDestroy},
		{"chdb_result_buffer", &f.resultBuffer},
		{"chdb_result_length", &f.resultLength},
		{"chdb_result_error", &f.resultError},
		{"chdb_result_rows_read", &f.resultRowsRead},
		{"chdb_result_bytes_read", &f.resultBytesRead},
		{"chdb_result_rows_written", &f.resultRowsWritten},
		{"chdb_destroy_query_result", &f.resultDestroy},
	} {
		symbol, err := purego.Dlsym(lib, s.name)
		if err != nil {
			return fmt.Errorf("find %s: %w", s.name, err)
		}
		purego.RegisterFunc(s.fn, symbol)
	}
	return nil
}
