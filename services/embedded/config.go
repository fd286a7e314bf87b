package embedded

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"time"
)

// Config says where the engines keep their data and where they listen. The zero value of every field but DataDir is
// usable.
type Config struct {
	// DataDir holds everything: it is made if it is not there, and locked while the engines run.
	DataDir string
	// LibraryPath names libchdb.so; empty: see [FindLibrary].
	LibraryPath string
	// NATSListen is a loopback host:port; port 0 takes a free one. Default 127.0.0.1:4222.
	NATSListen string
	// ClickHouseListen is a loopback host:port; port 0 takes a free one. Default 127.0.0.1:8123.
	ClickHouseListen string
	// BackupDir is the only folder that BACKUP and RESTORE may use. Default DataDir/backups.
	BackupDir string

	// Readers may read over the ClickHouse port, each in its own databases.
	Readers []Reader
	// NATSUsers are users of the NATS port beside the services' own; see also [Engines.SetNATSUsers].
	NATSUsers []NATSUser

	// Sessions bounds the ClickHouse statements that run at once. Default 8.
	Sessions int
	// EngineMemory bounds what ClickHouse may allocate, in bytes. Default 2 GiB.
	EngineMemory int64
	// QueryMemory bounds what one statement may allocate, in bytes. Default 1 GiB.
	QueryMemory int64
	// StopPatience bounds how long Close waits for running statements. Default 20 s.
	StopPatience time.Duration

	// Log takes the engines' log. Default: slog.Default.
	Log *slog.Logger
}

// Reader is an account of the ClickHouse port that may only read. Its password is made at the first start.
type Reader struct {
	Name      string
	Databases []string // the first is its default
}

// Validate returns all problems of a configuration joined, each naming field and value.
func (c Config) Validate() error {
	var problems []error
	if c.DataDir == "" {
		problems = append(problems, errors.New("DataDir is empty: name the data folder with --data"))
	}
	c = c.withDefaults()
	for _, l := range []struct{ flag, address string }{{"--nats", c.NATSListen}, {"--clickhouse", c.ClickHouseListen}} {
		if _, _, err := splitListen(l.flag, l.address); err != nil {
			problems = append(problems, err)
		}
	}
	if c.Sessions < 2 || c.Sessions > 64 {
		problems = append(problems, fmt.Errorf("Sessions is %d: want 2 to 64", c.Sessions))
	}
	if c.EngineMemory < minEngineMemory || c.QueryMemory > c.EngineMemory {
		problems = append(problems, fmt.Errorf("EngineMemory is %d and QueryMemory %d bytes: want at least %d for the engine and no more than that for a statement",
			c.EngineMemory, c.QueryMemory, minEngineMemory))
	}
	seen := map[string]bool{clickHouseServiceUser: true}
	for _, r := range c.Readers {
		if !accountName.MatchString(r.Name) || seen[r.Name] {
			problems = append(problems, fmt.Errorf("reader %q: want distinct names of letters, digits, - and _", r.Name))
		}
		seen[r.Name] = true
		if len(r.Databases) == 0 {
			problems = append(problems, fmt.Errorf("reader %q has no databases", r.Name))
		}
	}
	for _, u := range c.NATSUsers {
		problems = append(problems, u.validate())
	}
	return errors.Join(problems...)
}

func (u NATSUser) validate() error {
	if !accountName.MatchString(u.Name) || u.Name == natsServiceUser || u.Password == "" {
		return fmt.Errorf("NATS user %q: want a name of letters, digits, - and _ other than %q, and a password", u.Name, natsServiceUser)
	}
	return nil
}

var accountName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

const minEngineMemory = 256 << 20

func (c Config) withDefaults() Config {
	if c.NATSListen == "" {
		c.NATSListen = "127.0.0.1:4222"
	}
	if c.ClickHouseListen == "" {
		c.ClickHouseListen = "127.0.0.1:8123"
	}
	if c.Sessions == 0 {
		c.Sessions = 8
	}
	if c.EngineMemory == 0 {
		c.EngineMemory = 2 << 30
	}
	if c.QueryMemory == 0 {
		c.QueryMemory = min(1<<30, c.EngineMemory)
	}
	if c.StopPatience == 0 {
		c.StopPatience = 20 * time.Second
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c
}
