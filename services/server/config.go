// Package server composes the services: all of them on embedded engines in one process ([Run] with every [Role]), or
// some of them against a NATS and a ClickHouse server.
//
//	engines ─▶ log ─▶ store ─▶ projector ─▶ analyst ─▶ gateway, API, console ─▶ HTTP
//
// It starts from the storage upwards and stops from the input downwards.
package server

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"
)

// DefaultData is the data folder unless told otherwise.
const DefaultData = "data"

// Role is one of the services that a process may run.
type Role string

// The roles.
const (
	RoleGateway   Role = "gateway"   // POST /v1/events
	RoleProjector Role = "projector" // log → facts
	RoleAnalyst   Role = "analyst"   // facts → participants
	RoleConsole   Role = "console"   // GET API and pages
)

// AllRoles returns every role.
func AllRoles() []Role { return []Role{RoleGateway, RoleProjector, RoleAnalyst, RoleConsole} }

// Config says what to run. The zero value of a field means its default.
type Config struct {
	Data    string `yaml:"data"`    // data folder; default [DefaultData]
	Listen  string `yaml:"listen"`  // HTTP address; default 127.0.0.1:8080
	Reserve int64  `yaml:"reserve"` // bytes of free disk below which nothing is accepted; default 1 GiB
	Library string `yaml:"libchdb"` // path of libchdb.so; found by itself if empty

	NATS       NATSConfig       `yaml:"nats"`
	ClickHouse ClickHouseConfig `yaml:"clickhouse"`

	Demo  bool   `yaml:"-"` // load the demo portfolio and keep it moving
	Roles []Role `yaml:"-"` // nil: all; empty: the engines alone

	Trace string `yaml:"-"` // file that tells, byte by byte, what the projector is doing; for fault injection

	LocalToken string `yaml:"-"` // local credential of the data folder whose engines are used

	Logger *slog.Logger                     `yaml:"-"`
	Notify func(format string, args ...any) `yaml:"-"` // lines for the person at the terminal; default: none
}

// NATSConfig is the embedded NATS server's address, or the server to use instead.
type NATSConfig struct {
	Listen       string `yaml:"listen"` // embedded; default 127.0.0.1:4222
	URL          string `yaml:"url"`    // nats://host:4222[,…]; empty: embedded
	User         string `yaml:"user"`
	PasswordFile string `yaml:"password_file"`
	Password     string `yaml:"-"`        // instead of a file, from connection.json
	Replicas     int    `yaml:"replicas"` // of each stream; default 1
}

// ClickHouseConfig is the embedded engine's address, or the server to use instead.
type ClickHouseConfig struct {
	Listen       string `yaml:"listen"` // embedded; default 127.0.0.1:8123
	URL          string `yaml:"url"`    // http://host:8123 or https://host:8443; empty: embedded
	User         string `yaml:"user"`
	PasswordFile string `yaml:"password_file"`
	Password     string `yaml:"-"`        // instead of a file, from connection.json
	Database     string `yaml:"database"` // default throughline
	Cluster      string `yaml:"cluster"`  // name for ON CLUSTER; tables are then replicated
}

// ReadConfig reads a configuration file (YAML). Unknown keys are errors.
func ReadConfig(path string) (Config, error) {
	var c Config
	f, err := os.Open(path)
	if err != nil {
		return c, fmt.Errorf("read configuration: %w", err)
	}
	defer f.Close()
	dec := yaml.NewDecoder(f)
	dec.KnownFields(true)
	if err := dec.Decode(&c); err != nil {
		return c, fmt.Errorf("read configuration %s: %w", path, err)
	}
	return c, nil
}

// WithDefaults returns the configuration with every default filled in.
func (c Config) WithDefaults() Config {
	setDefault(&c.Data, DefaultData)
	setDefault(&c.Listen, "127.0.0.1:8080")
	setDefault(&c.NATS.Listen, "127.0.0.1:4222")
	setDefault(&c.NATS.Replicas, 1)
	setDefault(&c.ClickHouse.Listen, "127.0.0.1:8123")
	setDefault(&c.ClickHouse.Database, "throughline")
	setDefault(&c.Reserve, int64(1<<30))
	if c.Roles == nil {
		c.Roles = AllRoles()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Notify == nil {
		c.Notify = func(string, ...any) {}
	}
	return c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Validate returns every problem of the configuration, joined; each names its field and value.
func (c Config) Validate() error {
	var errs []error
	for _, a := range []struct{ name, value string }{{"listen", c.Listen}, {"nats.listen", c.NATS.Listen}, {"clickhouse.listen", c.ClickHouse.Listen}} {
		if _, _, err := net.SplitHostPort(a.value); err != nil {
			errs = append(errs, fmt.Errorf("%s: %q is not host:port", a.name, a.value))
		}
	}
	for _, a := range []struct{ name, value string }{{"nats.url", c.NATS.URL}, {"clickhouse.url", c.ClickHouse.URL}} {
		for u := range strings.SplitSeq(a.value, ",") {
			if p, err := url.Parse(u); a.value != "" && (err != nil || p.Host == "") {
				errs = append(errs, fmt.Errorf("%s: give scheme://host:port", a.name))
			}
		}
	}
	if (c.NATS.URL == "") != (c.ClickHouse.URL == "") {
		errs = append(errs, errors.New("nats.url and clickhouse.url: give both, or neither for embedded engines"))
	}
	if c.NATS.Replicas < 1 || c.NATS.Replicas > 5 {
		errs = append(errs, fmt.Errorf("nats.replicas: %d is not 1 to 5", c.NATS.Replicas))
	}
	if c.Reserve < 0 {
		errs = append(errs, fmt.Errorf("reserve: %d bytes is negative", c.Reserve))
	}
	return errors.Join(errs...)
}

// Embedded reports whether the engines run in this process.
func (c Config) Embedded() bool { return c.NATS.URL == "" && c.ClickHouse.URL == "" }

func (c Config) has(role Role) bool {
	for _, r := range c.Roles {
		if r == role {
			return true
		}
	}
	return false
}
