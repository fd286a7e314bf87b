package analyst

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/throughline-trials/throughline/services/store"
)

const resultsComponent = "results"

// resultsFormat is the version of what rows of results hold: those of another one are written anew.
const resultsFormat = 2

// resultMigrations make the tables of results and the views by which they are read. What belongs together (a study at a
// cut) is written under a new generation and becomes visible at once, when results_written names it; readers of the views
// never see half of it.
func resultMigrations() []store.Migration {
	newest := "SELECT study, cut, max(generation) FROM {db}.results_written GROUP BY study, cut"
	return []store.Migration{{Name: "tables of results", Statements: []string{
		`CREATE TABLE IF NOT EXISTS {db}.results_written {on_cluster}
(
    study LowCardinality(String),
    cut LowCardinality(String),
    generation UInt64,
    rows UInt32,
    definition LowCardinality(String),
    definition_version UInt32,
    cutoff DateTime64(6, 'UTC'),
    as_of DateTime64(6, 'UTC'),
    position String,
    written DateTime64(6, 'UTC')
)
ENGINE = {replicated}ReplacingMergeTree(generation) ORDER BY (study, cut)
SETTINGS old_parts_lifetime = 30`,
		`CREATE TABLE IF NOT EXISTS {db}.results_rows {on_cluster}
(
    study LowCardinality(String),
    cut LowCardinality(String),
    generation UInt64,
    kind LowCardinality(String),
    variant LowCardinality(String),
    population LowCardinality(String),
    portion LowCardinality(String),
    component LowCardinality(String),
    split LowCardinality(String),
    level LowCardinality(String),
    arm LowCardinality(String),
    arm_label LowCardinality(String),
    arm_place UInt8,
    measure LowCardinality(String),
    day Nullable(Float64),
    x Nullable(Int64),
    n Nullable(Int64),
    beside Nullable(Int64),
    value Nullable(Float64),
    lower Nullable(Float64),
    upper Nullable(Float64),
    se Nullable(Float64),
    p Nullable(Float64),
    label LowCardinality(String),
    reason LowCardinality(String),
    provisional Bool,
    blinded Bool,
    definition LowCardinality(String),
    definition_version UInt32,
    cutoff DateTime64(6, 'UTC'),
    as_of DateTime64(6, 'UTC')
)
ENGINE = {replicated}MergeTree ORDER BY (study, cut, generation, kind, measure)
SETTINGS old_parts_lifetime = 30`,
		`CREATE TABLE IF NOT EXISTS {db}.results_people {on_cluster}
(
    study LowCardinality(String),
    cut LowCardinality(String),
    generation UInt64,
    participant String,
    arm LowCardinality(String),
    arm_label LowCardinality(String),
    arm_place UInt8,
    site LowCardinality(String),
    day0 Date32,
    days Int32,
    dropout_day Int32,
    dropout Bool,
    non_usage_too_early Bool,
    non_usage_day Nullable(Int32),
    non_usage Nullable(Bool),
    engaged UInt32,
    evaluable UInt32,
    tier LowCardinality(String),
    activities UInt32,
    active_days UInt32,
    last_use_day Nullable(Int32),
    silent_days Nullable(Int32),
    completed Bool,
    exit LowCardinality(String),
    exit_day Nullable(Int32),
    periods Array(Int8),
    blinded Bool,
    cutoff DateTime64(6, 'UTC')
)
ENGINE = {replicated}MergeTree ORDER BY (study, cut, generation, participant)
SETTINGS old_parts_lifetime = 30`,
		`CREATE VIEW IF NOT EXISTS {db}.results {on_cluster} AS
SELECT * FROM {db}.results_rows WHERE (study, cut, generation) IN (` + newest + `)`,
		`CREATE VIEW IF NOT EXISTS {db}.result_participants {on_cluster} AS
SELECT * FROM {db}.results_people WHERE (study, cut, generation) IN (` + newest + `)`,
		`CREATE VIEW IF NOT EXISTS {db}.result_cuts {on_cluster} AS
SELECT * FROM {db}.results_written FINAL WHERE rows > 0`,
	}}, {Name: "format of results", Statements: []string{
		"ALTER TABLE {db}.results_written {on_cluster} ADD COLUMN IF NOT EXISTS format UInt16",
	}}}
}

// cutKey names a study at a cut.
type cutKey struct{ study, cut string }

// cutState is what is written of a study at a cut.
type cutState struct {
	generation uint64
	rows       int
	asOf       time.Time
	version    int
	format     int
}

// resultTable writes results.
type resultTable struct{ store *store.Store }

// load returns what is written.
func (t resultTable) load(ctx context.Context) (map[cutKey]cutState, error) {
	out := map[cutKey]cutState{}
	rows, err := t.store.Conn().Query(ctx, t.store.SQL("SELECT toString(study), toString(cut), generation, rows, as_of, definition_version, format FROM {db}.results_written FINAL"))
	if err != nil {
		return nil, fmt.Errorf("read what results there are: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var key cutKey
		var state cutState
		var n, version uint32
		var format uint16
		if err := rows.Scan(&key.study, &key.cut, &state.generation, &n, &state.asOf, &version, &format); err != nil {
			return nil, fmt.Errorf("read what results there are: %w", err)
		}
		state.rows, state.version, state.format = int(n), int(version), int(format)
		out[key] = state
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read what results there are: %w", err)
	}
	return out, nil
}

// save writes results and, when all of them are there, makes them visible. Those without rows hide what was there.
func (t resultTable) save(ctx context.Context, list []*stamped) error {
	err := t.insert(ctx, "results_rows", list, func(s *stamped, add func(...any) error) error {
		for i := range s.rows {
			if err := add(s.row(&s.rows[i])...); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = t.insert(ctx, "results_people", list, func(s *stamped, add func(...any) error) error {
			for i := range s.people {
				if err := add(s.person(i)...); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err == nil {
		err = t.insert(ctx, "results_written", list, func(s *stamped, add func(...any) error) error {
			return add(s.Study, s.cut, s.generation, uint32(len(s.rows)), s.Definition, uint32(s.DefinitionVersion), s.Cutoff, s.AsOf, s.Position, s.written, uint16(resultsFormat))
		})
	}
	return err
}

// insert writes the rows of all results into one table, in one INSERT; none if there are none.
func (t resultTable) insert(ctx context.Context, table string, list []*stamped, rows func(*stamped, func(...any) error) error) error {
	batch, err := t.store.Conn().PrepareBatch(ctx, t.store.SQL("INSERT INTO {db}."+table))
	if err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	defer batch.Abort()
	for _, s := range list {
		if err := rows(s, batch.Append); err != nil {
			return fmt.Errorf("write results into %s: %w", table, err)
		}
	}
	if batch.Rows() == 0 {
		return nil
	}
	if err := batch.Send(); err != nil {
		return fmt.Errorf("write results into %s: %w", table, err)
	}
	return nil
}

func (s *stamped) row(r *Result) []any {
	arm, label, place := "", "", uint8(0)
	if r.Arm != none {
		arm, label, place = s.arms[r.Arm].ID, s.arms[r.Arm].Label, uint8(min(r.Arm+1, 255))
	}
	return []any{
		s.Study, s.cut, s.generation, r.Kind, r.Variant, r.Population, r.Portion, r.Component, r.Split, r.Level, arm, label, place,
		r.Measure, r.Day, wide(r.X), wide(r.N), wide(r.Beside), r.Value, r.Lower, r.Upper, r.SE, r.P, r.Label, r.Reason, r.Open,
		s.blinded, s.Definition, uint32(s.DefinitionVersion), s.Cutoff, s.AsOf,
	}
}

func (s *stamped) person(i int) []any {
	p := &s.people[i]
	place := slices.IndexFunc(s.arms, func(a StudyArm) bool { return a.ID == p.Arm })
	periods := make([]int8, len(s.periods[i]))
	for k, state := range s.periods[i] {
		periods[k] = int8(state) - 1 // -1 not evaluable, 0 not engaged, 1 engaged
	}
	var stopDay, silent *int32
	var stopped *bool
	if p.HasComponents {
		days := int32(p.Days)
		if p.LastUse != nil {
			days -= int32(*p.LastUse) + 1
		}
		days = max(0, days)
		silent = &days
		if !p.NonUsage.TooEarly {
			day := int32(p.NonUsage.Day)
			stopDay, stopped = &day, &p.NonUsage.Event
		}
	}
	return []any{
		s.Study, s.cut, s.generation, p.Participant, p.Arm, s.arms[place].Label, uint8(min(place+1, 255)), p.Site,
		time.Unix(int64(p.Day0)*secondsPerDay, 0).UTC(), int32(p.Days), int32(p.Dropout.Day), p.Dropout.Event, p.NonUsage.TooEarly, stopDay, stopped,
		uint32(p.Engaged), uint32(p.Evaluable), string(p.Tier), uint32(p.Activities), uint32(p.ActiveDays), narrow(p.LastUse), silent,
		p.Completed != nil, string(p.Exit), narrow(p.ExitDay), periods, s.blinded, s.Cutoff,
	}
}

func wide(v *int) *int64 {
	if v == nil {
		return nil
	}
	n := int64(*v)
	return &n
}

func narrow(v *int) *int32 {
	if v == nil {
		return nil
	}
	n := int32(*v)
	return &n
}

// sweep removes the rows of older generations of some cuts.
func (t resultTable) sweep(ctx context.Context, keys map[cutKey]uint64) error {
	conditions := make([]string, 0, len(keys))
	for key, generation := range keys {
		conditions = append(conditions, fmt.Sprintf("(study = %s AND cut = %s AND generation < %d)", quoted(key.study), quoted(key.cut), generation))
	}
	slices.Sort(conditions)
	for part := range slices.Chunk(conditions, 100) {
		for _, table := range []string{"results_rows", "results_people"} {
			if err := t.store.Conn().Exec(ctx, t.store.SQL("DELETE FROM {db}."+table+" {on_cluster} WHERE "+strings.Join(part, " OR "))); err != nil {
				return fmt.Errorf("remove results that were replaced: %w", err)
			}
		}
	}
	return nil
}
