package embedded

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"

	"github.com/nats-io/nats.go"
)

// Log is an embedded NATS server alone, without ClickHouse.
type Log struct{ nats *natsServer }

// StartLog starts the NATS server of a configuration without ClickHouse and without locking the folder; its data is
// in DataDir/nats. The credentials are not kept: use it for tests and tools that own the folder.
func StartLog(config Config) (*Log, error) {
	config = config.withDefaults()
	dir := filepath.Join(config.DataDir, "nats")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make data folder: %w", err)
	}
	n, err := startNATS(config.NATSListen, dir, rand.Text(), config.NATSUsers, config.Log)
	if err != nil {
		return nil, err
	}
	return &Log{nats: n}, nil
}

// NATS opens a connection of the services' user. The caller closes it.
func (l *Log) NATS(options ...nats.Option) (*nats.Conn, error) { return l.nats.connect(options...) }

// Address is the host:port that the server listens on.
func (l *Log) Address() string { return l.nats.address() }

// Close stops the server.
func (l *Log) Close() { l.nats.close() }
