package analyst

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/throughline-trials/throughline/services/log"
	"github.com/throughline-trials/throughline/services/store"
)

// recordFormat is the version of what records hold and of how they are derived: records of another one are derived anew.
const recordFormat = 2

const tableComponent = "participants"

// migrations are those of the table of records: one row per participant, the one of the last generation counts. The row
// without study says how far the others reflect the facts.
func migrations() []store.Migration {
	return []store.Migration{{Name: "table of participants", Statements: []string{
		`CREATE TABLE IF NOT EXISTS {db}.participants {on_cluster}
(
    study LowCardinality(String),
    participant String,
    generation UInt64,
    definition_version UInt32,
    arm LowCardinality(String),
    site LowCardinality(String),
    day0 Nullable(Date32),
    randomised Bool,
    enrolled Bool,
    exit LowCardinality(String),
    exit_day Nullable(Int32),
    use_components Array(LowCardinality(String)),
    use_days Array(Int32),
    use_counts Array(UInt32),
    record String
)
ENGINE = {replicated}ReplacingMergeTree(generation) ORDER BY (study, participant)`,
	}}}
}

// reach is how far records reflect the facts.
type reach struct {
	Format   int          `json:"format"`
	Position log.Position `json:"position"` // every row up to it is in the records
	Through  time.Time    `json:"through"`  // and every row received up to then, and none after
	Created  []time.Time  `json:"created"`  // of the streams: others are another log
}

// table keeps records beside the facts, for dashboards and for starting quickly.
type table struct{ store *store.Store }

// load hands every record to fn and returns how far they reach; a zero reach if there are none to rely on.
func (t table) load(ctx context.Context, fn func(*Record)) (reach, error) {
	var out reach
	rows, err := t.store.Conn().Query(ctx, t.store.SQL("SELECT toString(study), record FROM {db}.participants FINAL ORDER BY study, participant"))
	if err != nil {
		return out, fmt.Errorf("read records: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var study, text string
		if err := rows.Scan(&study, &text); err != nil {
			return out, fmt.Errorf("read records: %w", err)
		}
		if study == "" {
			if err := json.Unmarshal([]byte(text), &out); err != nil || out.Format != recordFormat {
				return reach{}, nil
			}
			continue
		}
		if out.Format == 0 {
			return reach{}, nil // the row without study comes first
		}
		r, err := decodeRecord([]byte(text))
		if err != nil {
			return reach{}, nil
		}
		fn(r)
	}
	if err := rows.Err(); err != nil {
		return reach{}, fmt.Errorf("read records: %w", err)
	}
	return out, nil
}

// change is a record with the plan that it was made by.
type change struct {
	record *Record
	plan   *plan
}

// save writes records and how far all records reach now, in one INSERT.
func (t table) save(ctx context.Context, changes []change, to reach, generation uint64) error {
	batch, err := t.store.Conn().PrepareBatch(ctx, t.store.SQL("INSERT INTO {db}.participants"))
	if err != nil {
		return fmt.Errorf("write records: %w", err)
	}
	defer batch.Abort()
	for _, c := range changes {
		if err := batch.Append(columns(c, generation)...); err != nil {
			return fmt.Errorf("write records: %w", err)
		}
	}
	text, err := json.Marshal(to)
	if err != nil {
		return fmt.Errorf("write records: %w", err)
	}
	none := []any{"", "", generation, uint32(0), "", "", (*time.Time)(nil), false, false, "", (*int32)(nil), []string{}, []int32{}, []uint32{}, string(text)}
	if err := batch.Append(none...); err != nil {
		return fmt.Errorf("write records: %w", err)
	}
	if err := batch.Send(); err != nil {
		return fmt.Errorf("write records: %w", err)
	}
	return nil
}

func columns(c change, generation uint64) []any {
	r := c.record
	var arm string
	var day0 *time.Time
	var exitDay *int32
	if r.assigned() {
		arm = c.plan.def.Arms[r.Arm].ID
		date := time.Unix(int64(r.Day0)*secondsPerDay, 0).UTC()
		day0 = &date
	}
	if r.Exit.Kind != ExitNone {
		day := int32(r.Exit.Day)
		exitDay = &day
	}
	components, days, counts := make([]string, len(r.Uses)), make([]int32, len(r.Uses)), make([]uint32, len(r.Uses))
	for i, u := range r.Uses {
		components[i], days[i], counts[i] = c.plan.components[u.Component].id, int32(u.Day), uint32(u.Count)
	}
	text, err := r.encode()
	if err != nil {
		text = nil // a record holds nothing that JSON cannot: an empty one is derived anew
	}
	return []any{
		r.Study, r.Participant, generation, uint32(r.Version), arm, r.Site, day0, r.Randomised, r.Enrolled,
		string(r.Exit.Kind), exitDay, components, days, counts, string(text),
	}
}

// clear removes all records.
func (t table) clear(ctx context.Context) error {
	if err := t.store.Conn().Exec(ctx, t.store.SQL("TRUNCATE TABLE {db}.participants {on_cluster}")); err != nil {
		return fmt.Errorf("clear records: %w", err)
	}
	return nil
}
