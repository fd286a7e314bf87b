package chdb

import (
	"errors"
	"io"
	"unsafe"
)

// Result is the output of one statement, in memory of the library.
type Result struct {
	lib    *Library
	handle handle
}

// Bytes is the output. It is valid until Close and must not be changed.
func (r *Result) Bytes() []byte {
	n := r.lib.fn.resultLength(r.handle)
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(r.lib.fn.resultBuffer(r.handle)), n)
}

// RowsWritten counts the rows that the statement inserted, those of materialized views included.
func (r *Result) RowsWritten() uint64 { return r.lib.fn.resultRowsWritten(r.handle) }

// RowsRead counts the rows of the result.
func (r *Result) RowsRead() uint64 { return r.lib.fn.resultRowsRead(r.handle) }

// Close frees the output. A second call does nothing.
func (r *Result) Close() {
	if r.handle != 0 {
		r.lib.fn.resultDestroy(r.handle)
		r.handle = 0
	}
}

// Stream is the output of a running SELECT, chunk by chunk.
type Stream struct {
	conn  *Conn
	root  *Result
	chunk *Result
	done  bool
}

// Stream starts a SELECT. The caller reads it with [Stream.Next] and closes it.
func (c *Conn) Stream(sql, format string, params ...Param) (*Stream, error) {
	h, err := c.call(c.lib.fn.streamQuery, sql, format, params)
	if err != nil {
		return nil, err
	}
	root, err := c.result(h)
	if err != nil {
		return nil, err
	}
	return &Stream{conn: c, root: root}, nil
}

// Next returns the next chunk of output, valid until the following call, and io.EOF after the last.
func (s *Stream) Next() ([]byte, error) {
	s.release()
	if s.done {
		return nil, io.EOF
	}
	chunk, err := s.conn.result(s.conn.lib.fn.streamFetch(s.conn.handle, s.root.handle))
	if err != nil {
		s.done = true
		return nil, err
	}
	s.chunk = chunk
	if b := chunk.Bytes(); len(b) > 0 {
		return b, nil
	}
	s.done = true
	return nil, io.EOF
}

// Close cancels what is still running and frees the connection for the next statement.
func (s *Stream) Close() {
	s.release()
	if s.root.handle == 0 {
		return
	}
	if !s.done {
		s.conn.lib.fn.streamCancel(s.conn.handle, s.root.handle)
	}
	s.root.Close()
}

func (s *Stream) release() {
	if s.chunk != nil {
		s.chunk.Close()
		s.chunk = nil
	}
}

// Insert is a running INSERT that takes its rows in pieces of any size.
type Insert struct {
	conn   *Conn
	handle handle
}

// Insert starts an INSERT. The statement has neither FORMAT clause nor data; format is that of the data to come.
// The caller ends it with [Insert.Done] or, to give it up, with [Insert.Cancel].
func (c *Conn) Insert(sql, format string, params ...Param) (*Insert, error) {
	h, err := c.call(c.lib.fn.insert, sql, format, params)
	if err != nil {
		return nil, err
	}
	if h == 0 {
		return nil, errors.New("begin insert: the engine gave no stream")
	}
	in := &Insert{conn: c, handle: h}
	if err := in.failure(); err != nil {
		in.destroy()
		return nil, err
	}
	return in, nil
}

// Append hands over a piece of the data; it is copied. It may block while the engine is behind. After an error only
// Cancel may follow.
func (in *Insert) Append(data []byte) error {
	if len(data) == 0 {
		return nil
	}
	var args arguments
	defer args.pin.Unpin()
	args.pin.Pin(&data[0])
	if in.conn.lib.fn.insertAppend(in.handle, unsafe.Pointer(&data[0]), uint(len(data))) == 0 {
		return nil
	}
	if err := in.failure(); err != nil {
		return err
	}
	return errors.New("append to insert: the engine refused")
}

// Done ends the data, waits until the rows are stored and returns their number. The insert is closed either way.
func (in *Insert) Done() (rows uint64, err error) {
	defer in.destroy()
	r, err := in.conn.result(in.conn.lib.fn.insertDone(in.handle))
	if err != nil {
		return 0, err
	}
	defer r.Close()
	return r.RowsWritten(), nil
}

// Cancel gives the insert up. Blocks already handed to the table stay.
func (in *Insert) Cancel() {
	if in.handle == 0 {
		return
	}
	in.conn.lib.fn.insertCancel(in.handle)
	in.destroy()
}

func (in *Insert) failure() error {
	if message := in.conn.lib.fn.insertError(in.handle); message != "" {
		return newError(message)
	}
	return nil
}

func (in *Insert) destroy() {
	if in.handle != 0 {
		in.conn.lib.fn.insertDestroy(in.handle)
		in.handle = 0
	}
}
