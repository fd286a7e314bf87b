// Package embedded runs the two engines of Throughline inside one process: a NATS server with JetStream, and
// ClickHouse as a shared library behind the ClickHouse HTTP interface. With it `throughline up` needs no
// installation; the services talk to both exactly as they talk to servers.
//
//	DataDir/
//	  lock              held while a process runs; freed by the kernel however it ends
//	  connection.json   addresses and local credentials of the running process, mode 0600
//	  credentials.json  credentials made at the first start, mode 0600
//	  nats/             JetStream files, synced before each acknowledgement
//	  clickhouse/       ClickHouse data
//	  backups/          the only folder that BACKUP and RESTORE may use
//
// Both engines listen on loopback only and demand a user and password.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/nats-io/nats.go"

	"github.com/throughline-trials/throughline/services/embedded/chdb"
)

// Engines are running engines. The methods are safe for concurrent use.
type Engines struct {
	config      Config
	credentials credentials
	lock        *Lock
	engine      *chdb.Engine
	port        *clickHousePort
	nats        *natsServer

	closing sync.Once
	closed  error
}

// Start locks the data folder and starts both engines on it. It returns when both answer. Errors to branch on:
// [*InUseError], [*PortInUseError], [ErrNoLibrary]. The caller closes the engines; the end of the context only stops
// a start that has not finished.
func Start(ctx context.Context, config Config) (*Engines, error) {
	if err := config.Validate(); err != nil {
		return nil, fmt.Errorf("start engines: %w", err)
	}
	e := &Engines{config: config.withDefaults()}
	for _, step := range []func() error{e.prepare, e.startClickHouse, e.startNATS, e.announce} {
		err := ctx.Err()
		if err == nil {
			err = step()
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("start engines: %w", err), e.Close())
		}
	}
	return e, nil
}

// prepare makes and locks the data folder and reads its credentials.
func (e *Engines) prepare() error {
	dir, err := filepath.Abs(e.config.DataDir)
	if err != nil {
		return err
	}
	e.config.DataDir = dir
	if e.config.BackupDir == "" {
		e.config.BackupDir = filepath.Join(dir, "backups")
	}
	for _, d := range []string{dir, filepath.Join(dir, "nats"), filepath.Join(dir, "clickhouse"), e.config.BackupDir} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return fmt.Errorf("make data folder: %w", err)
		}
	}
	if e.lock, err = AcquireLock(dir); err != nil {
		return err
	}
	if err := RemoveConnection(dir); err != nil { // of a process that was killed
		return err
	}
	e.credentials, err = loadCredentials(dir, e.config.Readers)
	return err
}

func (e *Engines) startClickHouse() error {
	path, err := FindLibrary(e.config.LibraryPath, e.config.DataDir)
	if err != nil {
		return err
	}
	listener, err := listen("--clickhouse", e.config.ClickHouseListen)
	if err != nil {
		return err
	}
	library, err := chdb.Open(path)
	if err != nil {
		listener.Close()
		return err
	}
	e.engine, err = chdb.StartEngine(chdb.EngineConfig{
		Library:  library,
		Path:     filepath.Join(e.config.DataDir, "clickhouse"),
		Sessions: e.config.Sessions,
		Options:  e.config.engineOptions(),
	})
	if err != nil {
		listener.Close()
		return err
	}
	e.port = servePort(listener, e.engine, e.accounts(), e.config.Log)
	return nil
}

func (e *Engines) startNATS() (err error) {
	e.nats, err = startNATS(e.config.NATSListen, filepath.Join(e.config.DataDir, "nats"), e.credentials.NATS, e.config.NATSUsers, e.config.Log)
	return err
}

func (e *Engines) announce() error { return WriteConnection(e.config.DataDir, e.Connection()) }

// Connection is what connection.json holds. The HTTP address is not the engines' to know: whoever serves it sets it
// and calls [WriteConnection].
func (e *Engines) Connection() Connection {
	return Connection{
		NATS:               e.nats.address(),
		NATSUser:           natsServiceUser,
		NATSPassword:       e.credentials.NATS,
		ClickHouse:         e.port.address(),
		ClickHouseUser:     clickHouseServiceUser,
		ClickHousePassword: e.credentials.ClickHouse,
		LocalToken:         e.credentials.Local,
		PID:                os.Getpid(),
	}
}

// DataDir is the absolute path of the data folder.
func (e *Engines) DataDir() string { return e.config.DataDir }

// BackupDir is the absolute path of the folder for backups.
func (e *Engines) BackupDir() string { return e.config.BackupDir }

// NATS opens a connection of the services' user, inside the process. The caller closes it.
func (e *Engines) NATS(options ...nats.Option) (*nats.Conn, error) { return e.nats.connect(options...) }

// SetNATSUsers replaces the users of the NATS port other than the services'. Connections of users that are gone or
// have another password or other permissions are closed.
func (e *Engines) SetNATSUsers(users []NATSUser) error {
	for _, u := range users {
		if err := u.validate(); err != nil {
			return err
		}
	}
	return e.nats.setUsers(e.credentials.NATS, users)
}

// ClickHouseOptions are those of a client with the services' account and the given current database (empty:
// default), which need not exist yet.
func (e *Engines) ClickHouseOptions(database string) *clickhouse.Options {
	return e.Connection().ClickHouseOptions(database)
}

// ReaderPassword is the password of a reader of the configuration, or empty.
func (e *Engines) ReaderPassword(name string) string { return e.credentials.Readers[name] }

// Close stops the engines in the order in which no one loses anything: the ClickHouse port takes no more statements
// and ends those that run, the NATS server syncs and stops, the library closes its data, and last the folder is
// given up. A second call returns what the first did.
func (e *Engines) Close() error {
	e.closing.Do(func() { e.closed = e.close() })
	return e.closed
}

func (e *Engines) close() error {
	var problems []error
	if e.port != nil {
		problems = append(problems, e.port.close(e.config.StopPatience))
	}
	if e.nats != nil {
		e.nats.close()
	}
	stopped := true
	if e.engine != nil {
		err := e.engine.Close(e.config.StopPatience)
		stopped = err == nil
		problems = append(problems, err)
	}
	if e.lock != nil && stopped { // else the end of the process frees it
		problems = append(problems, RemoveConnection(e.config.DataDir))
		e.lock.Release()
	}
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("stop engines: %w", err)
	}
	return nil
}
