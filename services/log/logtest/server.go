// Package logtest starts real JetStream servers for tests.
package logtest

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	tlog "github.com/throughline-trials/throughline/services/log"
)

// Server is a JetStream server in this process that fsyncs before it acknowledges. It is shut down with the test.
type Server struct {
	t       testing.TB
	options server.Options
	server  *server.Server
}

// Start starts a server in a folder of the test.
func Start(t testing.TB) *Server {
	t.Helper()
	s := &Server{t: t, options: server.Options{
		ServerName: "test", DontListen: true, JetStream: true, StoreDir: t.TempDir(), SyncAlways: true,
		MaxPayload: 1 << 20, NoLog: true, NoSigs: true,
	}}
	s.run()
	t.Cleanup(func() { s.Stop() })
	return s
}

func (s *Server) run() {
	s.t.Helper()
	options := s.options
	srv, err := server.NewServer(&options)
	if err != nil {
		s.t.Fatalf("make NATS server: %v", err)
	}
	srv.Start()
	if !srv.ReadyForConnections(10 * time.Second) {
		s.t.Fatal("the NATS server does not get ready")
	}
	s.server = srv
}

// Stop shuts the server down; its data stays.
func (s *Server) Stop() {
	s.server.Shutdown()
	s.server.WaitForShutdown()
}

// Restart stops the server and starts it again on its data. Connections made before are closed.
func (s *Server) Restart() {
	s.t.Helper()
	s.Stop()
	s.run()
}

// Connect returns a connection that lives as long as the test.
func (s *Server) Connect() *nats.Conn {
	s.t.Helper()
	nc, err := nats.Connect(nats.DefaultURL, nats.InProcessServer(s.server))
	if err != nil {
		s.t.Fatalf("connect to NATS server: %v", err)
	}
	s.t.Cleanup(nc.Close)
	return nc
}

// Log returns the log on a connection of its own.
func (s *Server) Log() *tlog.Log {
	s.t.Helper()
	l, err := tlog.Connect(context.Background(), s.Connect(), tlog.Config{})
	if err != nil {
		s.t.Fatalf("connect log: %v", err)
	}
	return l
}
