package embedded

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	connectionFile  = "connection.json"
	credentialsFile = "credentials.json"
)

// Connection is what a tool on the same machine needs to talk to a running process: its addresses (host:port, the
// HTTP one as a URL) and the local credentials. It is kept in connection.json of the data folder, readable by the
// owner alone, while the process runs.
type Connection struct {
	HTTP               string `json:"http,omitempty"`
	NATS               string `json:"nats"`
	NATSUser           string `json:"nats_user"`
	NATSPassword       string `json:"nats_password"`
	ClickHouse         string `json:"clickhouse"`
	ClickHouseUser     string `json:"clickhouse_user"`
	ClickHousePassword string `json:"clickhouse_password"`
	LocalToken         string `json:"local_token"`
	PID                int    `json:"pid"`
}

// ErrNotRunning is returned by [ReadConnection] when no process holds the data folder.
var ErrNotRunning = errors.New("no throughline process runs on this data folder")

// ErrStarting is returned by [ReadConnection] when the process that holds the data folder has not finished starting.
var ErrStarting = errors.New("the throughline process on this data folder is still starting")

// ReadConnection returns the connection of the process that holds a data folder.
func ReadConnection(dir string) (Connection, error) {
	var c Connection
	if _, held := Locked(dir); !held {
		return c, fmt.Errorf("read connection of %s: %w", dir, ErrNotRunning)
	}
	err := readJSON(filepath.Join(dir, connectionFile), &c)
	if errors.Is(err, fs.ErrNotExist) {
		err = ErrStarting
	}
	if err != nil {
		return c, fmt.Errorf("read connection of %s: %w", dir, err)
	}
	return c, nil
}

// WriteConnection writes connection.json with mode 0600, in one step: a reader sees the old file or the new one.
func WriteConnection(dir string, c Connection) error {
	if err := writeJSON(filepath.Join(dir, connectionFile), c); err != nil {
		return fmt.Errorf("write connection: %w", err)
	}
	return nil
}

// RemoveConnection deletes connection.json; that it is not there is no error.
func RemoveConnection(dir string) error {
	if err := os.Remove(filepath.Join(dir, connectionFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove connection: %w", err)
	}
	return nil
}

// credentials are made at the first start and kept in credentials.json, readable by the owner alone.
type credentials struct {
	NATS       string            `json:"nats"`
	ClickHouse string            `json:"clickhouse"`
	Local      string            `json:"local"`
	Readers    map[string]string `json:"readers,omitempty"`
}

// loadCredentials reads the credentials of a data folder and makes those that are missing.
func loadCredentials(dir string, readers []Reader) (credentials, error) {
	path := filepath.Join(dir, credentialsFile)
	var c credentials
	if err := readJSON(path, &c); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return c, fmt.Errorf("read credentials: %w", err)
	}
	changed := false
	fill := func(secret *string) {
		if *secret == "" {
			*secret, changed = rand.Text(), true
		}
	}
	fill(&c.NATS)
	fill(&c.ClickHouse)
	fill(&c.Local)
	for _, r := range readers {
		if c.Readers == nil {
			c.Readers = map[string]string{}
		}
		secret := c.Readers[r.Name]
		fill(&secret)
		c.Readers[r.Name] = secret
	}
	if !changed {
		return c, nil
	}
	if err := writeJSON(path, c); err != nil {
		return c, fmt.Errorf("write credentials: %w", err)
	}
	return c, nil
}

func readJSON(path string, v any) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// writeJSON replaces a file in one step: written aside, synced, renamed.
func writeJSON(path string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name())
	_, err = temporary.Write(append(b, '\n'))
	if err == nil {
		err = temporary.Sync()
	}
	if err := errors.Join(err, temporary.Close()); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), path)
}
