package store

import "fmt"

const component = "facts"

func migrations() []Migration {
	first := Migration{Name: "fact tables"}
	for _, t := range Tables() {
		first.Statements = append(first.Statements, factTable(t))
	}
	return []Migration{first}
}

// Next is the name of the table that a rebuild fills before it takes the place of a fact table.
func Next(table string) string { return table + "_next" }

// factTable is the DDL of one fact table. Empty strings, and the epoch in times, mean absent.
//
// A part is a checkpoint, so an INSERT returns only after its part is on disk (fsync_*), a merge likewise, and parts that
// a merge has replaced stay for 8 minutes, longer than the kernel keeps anything unwritten. Parts up to 128 MiB are
// compact: with their columns in one file there is one file to sync.
func factTable(table string) string {
	return fmt.Sprintf(`CREATE TABLE IF NOT EXISTS {db}.%s {on_cluster}
(
    seq UInt64,
    idx UInt32,
    kind Enum8('event' = 1, 'duplicate' = 2, 'refused' = 3, 'empty' = 4),
    code LowCardinality(String),
    field LowCardinality(String),
    detail LowCardinality(String),
    identity FixedString(16),
    content FixedString(16),
    study LowCardinality(String),
    participant String,
    type LowCardinality(String),
    version UInt16,
    source LowCardinality(String),
    id String,
    time DateTime64(6, 'UTC'),
    time_local UInt8,
    time_offset Int16,
    offset Nullable(Int16),
    sent Nullable(DateTime64(6, 'UTC')),
    timezone LowCardinality(String),
    component LowCardinality(String),
    channel LowCardinality(String),
    actorrole LowCardinality(String),
    modality LowCardinality(String),
    appversion LowCardinality(String),
    sdkversion LowCardinality(String),
    istest Bool,
    data String,
    length UInt32,
    credential LowCardinality(String),
    received DateTime64(6, 'UTC'),
    log_created DateTime64(6, 'UTC'),
    INDEX by_seq seq TYPE minmax GRANULARITY 1,
    PROJECTION by_identity (SELECT identity, kind, seq, idx, content, code ORDER BY identity) WITH SETTINGS (index_granularity = 512)
)
ENGINE = {replicated}MergeTree ORDER BY (study, participant, seq, idx)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, old_parts_lifetime = 480,
    min_bytes_for_wide_part = 134217728, non_replicated_deduplication_window = 0`, table)
}
