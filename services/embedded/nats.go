package embedded

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// Limits of the embedded log.
const (
	// MaxMessage is the largest message of the log in bytes, headers not counted.
	MaxMessage = 1 << 20
	// maxHeaders is the room for the headers of such a message.
	maxHeaders = 64 << 10
	// maxStore is no quota but a bound beyond any disk: the free space is the limit, and the streams refuse new
	// messages when it is gone.
	maxStore = 1 << 50
	// maxMemoryStore bounds streams kept in memory (none of the product's are).
	maxMemoryStore = 64 << 20

	natsServiceUser = "services"
	natsReady       = 30 * time.Second
)

// NATSUser is a further user of the embedded NATS server.
type NATSUser struct {
	Name      string
	Password  string   // plain, or a bcrypt hash
	Publish   []string // subjects it may publish to; none: nothing
	Subscribe []string // subjects it may subscribe to; none: nothing
}

// natsServer is a NATS server in this process: JetStream with a file store that is synced before each acknowledgement.
type natsServer struct {
	server  *server.Server
	options *server.Options
	user    nats.Option
}

func startNATS(listen, storeDir, password string, users []NATSUser, log *slog.Logger) (*natsServer, error) {
	host, port, err := splitListen("--nats", listen)
	if err != nil {
		return nil, err
	}
	if err := probePort("--nats", listen); err != nil {
		return nil, err
	}
	options := &server.Options{
		ServerName:         "throughline",
		Host:               host,
		Port:               port,
		NoSigs:             true,
		NoSystemAccount:    true,
		JetStream:          true,
		StoreDir:           storeDir,
		SyncAlways:         true,
		JetStreamMaxStore:  maxStore,
		JetStreamMaxMemory: maxMemoryStore,
		MaxPayload:         MaxMessage + maxHeaders,
		MaxPending:         256 << 20,
		Users:              natsUsers(password, users),
	}
	s, err := server.NewServer(options)
	if err != nil {
		return nil, fmt.Errorf("start NATS server: %w", err)
	}
	logger := &natsLogger{log: log, fatal: make(chan string, 1)}
	s.SetLoggerV2(logger, false, false, false)
	s.Start()
	if err := ready(s, logger); err != nil {
		s.Shutdown()
		return nil, fmt.Errorf("start NATS server on %s, files in %s: %w", listen, storeDir, err)
	}
	return &natsServer{server: s, options: options, user: nats.UserInfo(natsServiceUser, password)}, nil
}

// ready waits until a server takes connections, or says that it cannot.
func ready(s *server.Server, logger *natsLogger) error {
	const step = 100 * time.Millisecond
	for waited := time.Duration(0); waited < natsReady; waited += step {
		if s.ReadyForConnections(step) && s.JetStreamEnabled() {
			return nil
		}
		select {
		case reason := <-logger.fatal:
			return errors.New(reason)
		default:
		}
	}
	return fmt.Errorf("not ready within %s", natsReady)
}

func natsUsers(password string, users []NATSUser) []*server.User {
	all := []*server.User{{Username: natsServiceUser, Password: password}}
	for _, u := range users {
		all = append(all, &server.User{Username: u.Name, Password: u.Password, Permissions: &server.Permissions{
			Publish:   allow(u.Publish),
			Subscribe: allow(u.Subscribe),
		}})
	}
	return all
}

// allow is a permission for the given subjects and nothing else.
func allow(subjects []string) *server.SubjectPermission {
	if len(subjects) == 0 {
		return &server.SubjectPermission{Deny: []string{">"}}
	}
	return &server.SubjectPermission{Allow: subjects}
}

// setUsers replaces the further users; connections of users that are gone or changed are closed.
func (n *natsServer) setUsers(password string, users []NATSUser) error {
	next := n.options.Clone()
	next.Users = natsUsers(password, users)
	if err := n.server.ReloadOptions(next); err != nil {
		return fmt.Errorf("set NATS users: %w", err)
	}
	n.options = next
	return nil
}

// connect opens a connection of the services' user inside the process, without the network.
func (n *natsServer) connect(options ...nats.Option) (*nats.Conn, error) {
	all := []nats.Option{nats.InProcessServer(n.server), n.user, nats.Name("throughline"), nats.MaxReconnects(-1)}
	nc, err := nats.Connect("", append(all, options...)...)
	if err != nil {
		return nil, fmt.Errorf("connect to embedded NATS server: %w", err)
	}
	return nc, nil
}

func (n *natsServer) address() string { return n.server.Addr().String() }

func (n *natsServer) close() {
	n.server.Shutdown()
	n.server.WaitForShutdown()
}

// splitListen parses host:port; port 0 asks for a free one. Only loopback addresses are taken.
func splitListen(flag, listen string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(listen)
	if err != nil {
		return "", 0, fmt.Errorf("%s %q: want host:port, such as 127.0.0.1:4222", flag, listen)
	}
	port, err = strconv.Atoi(text)
	if err != nil || port < 0 || port > 65535 {
		return "", 0, fmt.Errorf("%s %q: the port must be a number from 0 to 65535", flag, listen)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return "", 0, fmt.Errorf("%s %q: the embedded engines listen on loopback only, such as 127.0.0.1", flag, listen)
	}
	if port == 0 {
		port = server.RANDOM_PORT
	}
	return host, port, nil
}

// PortInUseError is returned when an address to listen on is taken.
type PortInUseError struct {
	Flag   string // the flag that chooses the address
	Listen string
}

// Error names the address and the flag to choose another.
func (e *PortInUseError) Error() string {
	return fmt.Sprintf("address %s is in use by another program: stop it, or choose another with %s (%s 127.0.0.1:0 takes a free port)", e.Listen, e.Flag, e.Flag)
}

// listen opens a loopback listener.
func listen(flag, address string) (net.Listener, error) {
	if _, _, err := splitListen(flag, address); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, &PortInUseError{Flag: flag, Listen: address}
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %s (%s): %w", address, flag, err)
	}
	return l, nil
}

// probePort finds out whether an address can be listened on, for a server that ends the process if it cannot.
func probePort(flag, address string) error {
	l, err := listen(flag, address)
	if err != nil {
		return err
	}
	return l.Close()
}

// natsLogger sends the server's log to slog; its notices are details to us. What the server calls fatal ends it, and
// the first such reason is kept for whoever waits for the start.
type natsLogger struct {
	log   *slog.Logger
	fatal chan string
}

func (l *natsLogger) Noticef(format string, v ...any) { l.log.Debug(fmt.Sprintf(format, v...)) }
func (l *natsLogger) Warnf(format string, v ...any) {
	if strings.HasPrefix(format, "Plaintext passwords") {
		return // they are random, and kept in a file that the owner alone can read
	}
	l.log.Warn(fmt.Sprintf(format, v...))
}
func (l *natsLogger) Errorf(format string, v ...any) { l.log.Error(fmt.Sprintf(format, v...)) }
func (l *natsLogger) Debugf(format string, v ...any) { l.log.Debug(fmt.Sprintf(format, v...)) }
func (l *natsLogger) Tracef(format string, v ...any) { l.log.Debug(fmt.Sprintf(format, v...)) }

func (l *natsLogger) Fatalf(format string, v ...any) {
	reason := fmt.Sprintf(format, v...)
	l.log.Error(reason)
	select {
	case l.fatal <- reason:
	default:
	}
}
