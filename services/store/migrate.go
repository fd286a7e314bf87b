package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// ErrNewerSchema is returned when the tables were made by a newer version of the program.
var ErrNewerSchema = errors.New("the tables were made by a newer version of throughline: use that version, or rebuild from the log with an empty database")

// Migration is one step of a schema. Statements may use the place holders of [Store.SQL] and must not fail when they
// were run before (IF NOT EXISTS), because a step that was interrupted is run again.
type Migration struct {
	Name       string
	Statements []string
}

const migrationsTable = `CREATE TABLE IF NOT EXISTS {db}.schema_migrations {on_cluster}
(
    component LowCardinality(String),
    version UInt32,
    name String,
    applied DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = {replicated}MergeTree ORDER BY (component, version)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1`

// Migrate runs the steps of a component (a package that keeps tables of its own) that were not run yet, in order; their
// place in the list is their version, from 1. It returns [ErrNewerSchema] if more steps were run than there are.
func (s *Store) Migrate(ctx context.Context, component string, steps []Migration) error {
	if err := s.exec(ctx, migrationsTable); err != nil {
		return fmt.Errorf("make table of migrations: %w", err)
	}
	done, err := s.schemaVersion(ctx, component)
	if err != nil {
		return err
	}
	if done > len(steps) {
		return fmt.Errorf("migrate %s from version %d: %w", component, done, ErrNewerSchema)
	}
	for i := done; i < len(steps); i++ {
		if err := s.migrateOne(ctx, component, i+1, steps[i]); err != nil {
			return fmt.Errorf("migrate %s to version %d (%s): %w", component, i+1, steps[i].Name, err)
		}
	}
	return nil
}

func (s *Store) migrateOne(ctx context.Context, component string, version int, m Migration) error {
	for _, statement := range m.Statements {
		if err := s.exec(ctx, statement); err != nil {
			return err
		}
	}
	return s.exec(ctx, "INSERT INTO {db}.schema_migrations (component, version, name) SELECT {component:String}, {version:UInt32}, {name:String}",
		clickhouse.Named("component", component), clickhouse.Named("version", fmt.Sprint(version)), clickhouse.Named("name", m.Name))
}

func (s *Store) schemaVersion(ctx context.Context, component string) (int, error) {
	var version uint32
	err := s.conn.QueryRow(ctx, s.SQL("SELECT max(version) FROM {db}.schema_migrations WHERE component = {component:String}"),
		clickhouse.Named("component", component)).Scan(&version)
	if err != nil {
		return 0, fmt.Errorf("read schema version of %s: %w", component, err)
	}
	return int(version), nil
}

// checkVersion makes sure that the tables are there and of this version, without changing them.
func (s *Store) checkVersion(ctx context.Context, component string, steps []Migration) error {
	done, err := s.schemaVersion(ctx, component)
	switch {
	case err != nil:
		return err
	case done > len(steps):
		return fmt.Errorf("open tables of version %d: %w", done, ErrNewerSchema)
	case done < len(steps):
		return fmt.Errorf("open tables of version %d: version %d is needed; start the projector, which brings them up to date", done, len(steps))
	}
	return nil
}
