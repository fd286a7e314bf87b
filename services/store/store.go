// Package store keeps the facts: one ClickHouse table per stream of the log, with one row per line of every message.
//
// Four tables of one schema ([Row]): events, allocations, studies, quarantine. They are ordered by study, participant,
// seq and idx, carry a minmax index on seq and a projection by identity. Only the projector writes them, by
// [Store.Insert]; the checkpoint of projection is the largest seq in a table. Everybody may read, by [Store.Facts] and
// its fellows, or by SQL of their own through [Store.Conn].
//
// The embedded engine and a ClickHouse server are spoken to in the same way: clickhouse-go over HTTP, blocks in Native
// format.
package store

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// DefaultDatabase holds the tables unless [Options] say otherwise.
const DefaultDatabase = "throughline"

// noDeadline is how long an answer is waited for: an INSERT must never be cut off.
const noDeadline = 24 * time.Hour

// Options say which ClickHouse to use and how.
type Options struct {
	DSN        string              // e.g. http://user:password@host:8123; the HTTP port, not the native one
	ClickHouse *clickhouse.Options // instead of DSN, as the embedded engine gives them; not changed
	Database   string              // [DefaultDatabase] if empty

	Migrate bool   // make the database and the fact tables, or bring them up to date
	Engine  string // of the tables, "MergeTree" if empty; "ReplicatedMergeTree" on a cluster
	Cluster string // name for ON CLUSTER; none if empty
}

var nameRule = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`)

// Validate returns all that is wrong with the options.
func (o Options) Validate() error {
	var errs []error
	if (o.DSN == "") == (o.ClickHouse == nil) {
		errs = append(errs, errors.New("exactly one of DSN and ClickHouse must be given"))
	}
	if o.Database != "" && !nameRule.MatchString(o.Database) {
		errs = append(errs, fmt.Errorf("database %q: want letters, digits and _", o.Database))
	}
	if o.Engine != "" && !strings.HasSuffix(o.Engine, "MergeTree") {
		errs = append(errs, fmt.Errorf("engine %q: must be MergeTree or ReplicatedMergeTree", o.Engine))
	}
	if o.Cluster != "" && !nameRule.MatchString(o.Cluster) {
		errs = append(errs, fmt.Errorf("cluster %q: want letters, digits and _", o.Cluster))
	}
	return errors.Join(errs...)
}

// Store reads and writes the facts. It is safe for concurrent use.
type Store struct {
	conn     driver.Conn
	database string
	ddl      *strings.Replacer
	revision int // of the protocol in which results come; 0 from the embedded engine
}

// Open connects, and with [Options.Migrate] brings the tables up to date. It refuses tables that a newer version of the
// program has made ([ErrNewerSchema]). The caller closes the store.
func Open(ctx context.Context, o Options) (*Store, error) {
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("check store options: %w", err)
	}
	if o.Database == "" {
		o.Database = DefaultDatabase
	}
	options, err := o.client()
	if err != nil {
		return nil, err
	}
	conn, err := clickhouse.Open(options)
	if err != nil {
		return nil, fmt.Errorf("open ClickHouse: %w", err)
	}
	s := &Store{conn: conn, database: o.Database, ddl: o.replacer()}
	if err := s.prepare(ctx, o.Migrate); err != nil {
		conn.Close()
		return nil, err
	}
	return s, nil
}

// client returns clickhouse-go options without a current database: it may not exist yet, and all statements name it.
func (o Options) client() (*clickhouse.Options, error) {
	var options clickhouse.Options
	if o.ClickHouse != nil {
		options = *o.ClickHouse
	} else {
		parsed, err := clickhouse.ParseDSN(o.DSN)
		if err != nil {
			return nil, errors.New("parse ClickHouse DSN: want http://user:password@host:8123")
		}
		options = *parsed
	}
	if options.Protocol != clickhouse.HTTP {
		return nil, errors.New("open ClickHouse: the DSN must be http:// or https:// with the HTTP port (8123 or 8443); the native port is not used")
	}
	options.Auth.Database = ""
	options.ReadTimeout = noDeadline
	settings := clickhouse.Settings{"async_insert": 0}
	for k, v := range options.Settings {
		settings[k] = v
	}
	options.Settings = settings
	return &options, nil
}

func (o Options) replacer() *strings.Replacer {
	engine, cluster := o.Engine, ""
	if engine == "" {
		engine = "MergeTree"
	}
	if o.Cluster != "" {
		cluster = "ON CLUSTER " + o.Cluster
	}
	return strings.NewReplacer("{db}", o.Database, "{replicated}", strings.TrimSuffix(engine, "MergeTree"), "{on_cluster}", cluster)
}

func (s *Store) prepare(ctx context.Context, migrate bool) error {
	server, err := s.conn.ServerVersion()
	if err != nil {
		return fmt.Errorf("reach ClickHouse: %w", err)
	}
	s.revision = min(int(server.Revision), clickhouse.ClientTCPProtocolVersion)
	if !migrate {
		return s.checkVersion(ctx, component, migrations())
	}
	if err := s.exec(ctx, "CREATE DATABASE IF NOT EXISTS {db} {on_cluster}"); err != nil {
		return fmt.Errorf("make database %s: %w", s.database, err)
	}
	return s.Migrate(ctx, component, migrations())
}

// Close ends the connections.
func (s *Store) Close() error { return s.conn.Close() }

// Conn is the client, for statements of other packages. It has no current database: see [Store.SQL].
func (s *Store) Conn() driver.Conn { return s.conn }

// Database is the name of the database of the tables.
func (s *Store) Database() string { return s.database }

// SQL fills the place holders of a statement: {db} is the database, {on_cluster} and {replicated} belong in CREATE, as
// in "CREATE TABLE {db}.t {on_cluster} (…) ENGINE = {replicated}MergeTree".
func (s *Store) SQL(statement string) string { return s.ddl.Replace(statement) }

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.conn.Ping(ctx); err != nil {
		return fmt.Errorf("reach ClickHouse: %w", err)
	}
	return nil
}

func (s *Store) exec(ctx context.Context, statement string, args ...any) error {
	return s.conn.Exec(ctx, s.SQL(statement), args...)
}

// checkTable refuses names that are no fact table, so that no other text gets into a statement.
func checkTable(table string) error {
	for _, t := range Tables() {
		if table == t || table == Next(t) {
			return nil
		}
	}
	return fmt.Errorf("no fact table %q", table)
}
