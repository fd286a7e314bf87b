package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/throughline-trials/throughline/services/analyst"
	"github.com/throughline-trials/throughline/services/auth"
	"github.com/throughline-trials/throughline/services/embedded"
	"github.com/throughline-trials/throughline/services/gateway"
	tlog "github.com/throughline-trials/throughline/services/log"
	"github.com/throughline-trials/throughline/services/projector"
	"github.com/throughline-trials/throughline/services/store"
)

// stopPatience bounds how long stopping waits for requests that are under way.
const stopPatience = 20 * time.Second

// server is what runs in one process. Its parts are nil where their role runs elsewhere.
type server struct {
	config   Config
	registry *prometheus.Registry
	listener net.Listener

	engines   *embedded.Engines
	nats      *nats.Conn
	log       *tlog.Log
	store     *store.Store
	keyring   *auth.Keyring
	projector *projector.Projector
	progress  *projector.Progress // of this projector, or of the one that runs elsewhere
	reader    *analyst.Reader
	gateway   *gateway.Gateway
	ready     chan struct{} // closed once what the log held at the start is projected

	running sync.WaitGroup
	failed  chan error     // the first service that ended by itself
	stops   []func() error // undo the start, last first
}

// Run starts the roles of the configuration and serves until ctx ends, then stops in order: input first, storage last.
func Run(ctx context.Context, config Config) error {
	s, err := start(ctx, config)
	if err != nil {
		return err
	}
	s.announce()
	s.background(ctx, "tidy", tidy)
	if s.config.Demo {
		s.background(ctx, "demo", s.demo)
	}
	select {
	case <-ctx.Done():
		s.config.Notify("stopping")
	case err = <-s.failed:
	}
	return errors.Join(err, s.stop())
}

// Within starts everything quietly on free ports, waits until it is ready, runs fn and stops. It is for commands that
// open a data folder which no server holds.
func Within(ctx context.Context, config Config, fn func(context.Context, embedded.Connection) error) error {
	config.Listen, config.NATS.Listen, config.ClickHouse.Listen = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	s, err := start(ctx, config)
	if err != nil {
		return err
	}
	select {
	case <-s.ready:
		err = fn(ctx, s.connection())
	case err = <-s.failed:
	case <-ctx.Done():
		err = ctx.Err()
	}
	return errors.Join(err, s.stop())
}

// Beside returns the configuration by which a single service uses the engines of the process that holds a data folder.
func Beside(data string) (Config, error) {
	c, err := embedded.ReadConnection(data)
	if err != nil {
		return Config{}, err
	}
	return Config{
		Data: data, Listen: "127.0.0.1:0", LocalToken: c.LocalToken,
		NATS:       NATSConfig{URL: "nats://" + c.NATS, User: c.NATSUser, Password: c.NATSPassword},
		ClickHouse: ClickHouseConfig{URL: "http://" + c.ClickHouse, User: c.ClickHouseUser, Password: c.ClickHousePassword},
	}, nil
}

// start brings everything up, from the storage to the listener. On an error all that was started is stopped.
func start(ctx context.Context, config Config) (*server, error) {
	config = config.WithDefaults()
	if err := config.Validate(); err != nil {
		return nil, fmt.Errorf("check configuration: %w", err)
	}
	s := &server{config: config, registry: prometheus.NewRegistry(), failed: make(chan error, 1), ready: make(chan struct{})}
	s.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, step := range []func(context.Context) error{
		s.listen, s.openEngines, s.openLog, s.openStore, s.openKeyring, s.startProjector, s.startAnalyst, s.startGateway, s.serve,
	} {
		if err := step(ctx); err != nil {
			return nil, errors.Join(err, s.stop())
		}
	}
	return s, nil
}

// onStop notes what undoes a step.
func (s *server) onStop(undo func() error) { s.stops = append(s.stops, undo) }

func (s *server) stop() error {
	var errs []error
	for i := len(s.stops) - 1; i >= 0; i-- {
		errs = append(errs, s.stops[i]())
	}
	s.running.Wait()
	return errors.Join(errs...)
}

// background runs a service until its context ends; one that ends with an error before that stops the process.
func (s *server) background(ctx context.Context, name string, run func(context.Context) error) {
	s.running.Go(func() {
		if err := run(ctx); err != nil && ctx.Err() == nil {
			select {
			case s.failed <- fmt.Errorf("%s: %w", name, err):
			default:
			}
		}
	})
}

// until returns a context for a service, and notes that stopping ends it and waits for its end.
func (s *server) until(name string, run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	s.background(ctx, name, func(ctx context.Context) error {
		defer close(done)
		return run(ctx)
	})
	s.onStop(func() error {
		cancel()
		<-done
		return nil
	})
}

// listen takes the port first, so that one in use is told before anything is opened; a data folder in use is told before
// that, as its process most likely holds the port too.
func (s *server) listen(context.Context) error {
	if s.config.Embedded() {
		if pid, held := embedded.Locked(s.config.Data); held {
			return &embedded.InUseError{Dir: s.config.Data, PID: pid}
		}
	}
	l, err := net.Listen("tcp", s.config.Listen)
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) {
			err = op.Err
		}
		return fmt.Errorf("listen on %s: %w (choose another address with --listen)", s.config.Listen, err)
	}
	s.listener = l
	s.onStop(func() error {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	return nil
}

func (s *server) openEngines(ctx context.Context) error {
	if s.config.Embedded() {
		engines, err := embedded.Start(ctx, embedded.Config{
			DataDir: s.config.Data, LibraryPath: s.config.Library,
			NATSListen: s.config.NATS.Listen, ClickHouseListen: s.config.ClickHouse.Listen, Log: s.config.Logger,
		})
		if err != nil {
			return err
		}
		s.engines = engines
		s.onStop(engines.Close)
		s.registry.MustRegister(&memoryCollector{engines: engines})
	}
	return s.connectNATS()
}

func (s *server) connectNATS() (err error) {
	options := []nats.Option{nats.Name("throughline"), nats.MaxReconnects(-1)}
	if s.engines != nil {
		s.nats, err = s.engines.NATS(options...)
	} else {
		var password string
		if password, err = secret(s.config.NATS.Password, s.config.NATS.PasswordFile); err != nil {
			return err
		}
		if s.config.NATS.User != "" {
			options = append(options, nats.UserInfo(s.config.NATS.User, password))
		}
		s.nats, err = nats.Connect(s.config.NATS.URL, append(options, nats.RetryOnFailedConnect(true))...)
	}
	if err != nil {
		return fmt.Errorf("connect to NATS: %w", err)
	}
	s.onStop(func() error { s.nats.Close(); return nil })
	return nil
}

// secret returns a password that is given, or that a file holds.
func secret(given, file string) (string, error) {
	if given != "" || file == "" {
		return given, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read password: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

func (s *server) openLog(ctx context.Context) (err error) {
	s.log, err = tlog.Connect(ctx, s.nats, tlog.Config{Replicas: s.config.NATS.Replicas})
	return err
}

// openStore opens the facts where a role needs them. The projector's process makes their tables; the others wait for it.
func (s *server) openStore(ctx context.Context) error {
	makes := s.config.has(RoleProjector)
	if !makes && !s.config.has(RoleAnalyst) && !s.config.has(RoleConsole) {
		return nil
	}
	options, err := s.storeOptions()
	if err != nil {
		return err
	}
	options.Migrate = makes
	for told := false; ; told = true {
		if s.store, err = store.Open(ctx, options); err == nil {
			s.onStop(s.store.Close)
			return nil
		}
		if makes || errors.Is(err, store.ErrNewerSchema) || ctx.Err() != nil {
			return err
		}
		if !told {
			s.config.Notify("waiting for the projector to make the tables")
			s.config.Logger.Info("the facts cannot be opened yet", "error", err)
		}
		select {
		case <-time.After(tableWait):
		case <-ctx.Done():
		}
	}
}

// tableWait is how long a service waits before it looks again for the tables that the projector makes.
const tableWait = 250 * time.Millisecond

func (s *server) storeOptions() (store.Options, error) {
	options := store.Options{Database: s.config.ClickHouse.Database}
	if s.config.ClickHouse.Cluster != "" {
		options.Cluster, options.Engine = s.config.ClickHouse.Cluster, "ReplicatedMergeTree"
	}
	if s.engines != nil {
		options.ClickHouse = s.engines.ClickHouseOptions("")
		return options, nil
	}
	password, err := secret(s.config.ClickHouse.Password, s.config.ClickHouse.PasswordFile)
	options.DSN = dsn(s.config.ClickHouse.URL, s.config.ClickHouse.User, password)
	return options, err
}

func (s *server) openKeyring(ctx context.Context) error {
	keyring, err := auth.Open(ctx, s.log.JetStream(), auth.Config{
		Loopback: auth.IsLoopback(s.config.Listen), LocalToken: s.localToken(), Replicas: s.config.NATS.Replicas,
	})
	if err != nil {
		return err
	}
	s.keyring = keyring
	s.onStop(keyring.Close)
	if !s.config.has(RoleGateway) && !s.config.has(RoleConsole) {
		return nil
	}
	return auth.CheckListen(s.config.Listen, keyring.HaveTokens())
}

func (s *server) localToken() string {
	if s.engines != nil {
		return s.engines.Connection().LocalToken
	}
	return s.config.LocalToken
}

func (s *server) startGateway(ctx context.Context) error {
	if !s.config.has(RoleGateway) {
		return nil
	}
	config := gateway.Config{Logger: s.config.Logger, Metrics: s.registry, Reserve: uint64(s.config.Reserve)}
	if s.engines != nil {
		config.FreeSpace = gateway.FreeSpace(filepath.Join(s.config.Data, "nats"))
	}
	g, err := gateway.New(ctx, config, gateway.Deps{Log: s.log, Auth: s.keyring})
	if err != nil {
		return err
	}
	s.gateway = g
	s.onStop(func() error {
		closing, cancel := context.WithTimeout(context.Background(), stopPatience)
		defer cancel()
		return g.Close(closing)
	})
	return nil
}

// announce tells the person at the terminal where everything is, in one piece.
func (s *server) announce() {
	c := s.connection()
	lines := []string{"page and API  " + c.HTTP}
	if s.engines != nil {
		lines = append(lines, "NATS          "+c.NATS+"   (credentials in "+filepath.Join(s.config.Data, "connection.json")+")", "ClickHouse    "+c.ClickHouse)
	}
	if s.keyring.IsOpen() {
		lines = append(lines, "open mode: no token has been made, so everybody on this machine may send and read; throughline token create ends it")
	}
	s.config.Notify("%s", strings.Join(lines, "\n"))
}

// connection is what tools are told.
func (s *server) connection() embedded.Connection {
	c := embedded.Connection{LocalToken: s.localToken()}
	if s.engines != nil {
		c = s.engines.Connection()
	}
	c.HTTP = "http://" + s.listener.Addr().String()
	return c
}

// httpServer serves the handler with bounds on slow clients.
func (s *server) httpServer(handler http.Handler) *http.Server {
	return &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10}
}

// dsn adds user and password to the address of a ClickHouse server.
func dsn(address, user, password string) string {
	u, err := url.Parse(address)
	if err != nil || user == "" {
		return address // what is wrong with it is told when it is opened
	}
	u.User = url.UserPassword(user, password)
	return u.String()
}
