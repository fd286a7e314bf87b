package store

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Query says which facts to read. The zero value is every row of the tables events, allocations and studies.
type Query struct {
	Tables       []string  // of [Tables]; events, allocations and studies if empty
	Study        string    // of this study only, if not empty
	Participants []string  // of these participants only, if not nil; needs Study
	StudyLevel   bool      // only rows without a participant
	From, To     uint64    // sequences, both included; 0: no bound
	ReceivedUpTo time.Time // received at this time or before; zero: no bound
	Kinds        []Kind    // of these kinds only; all if empty
	Types        []string  // of these types only; all if empty
	BySequence   bool      // order by seq and idx instead; one table only
	Lean         bool      // only what numbers are made of: see [Row]
}

func (q Query) tables() []string {
	if len(q.Tables) == 0 {
		return []string{TableEvents, TableAllocations, TableStudies}
	}
	return q.Tables
}

func (q Query) validate() error {
	for _, t := range q.Tables {
		if err := checkTable(t); err != nil {
			return err
		}
	}
	if q.Participants != nil && q.Study == "" {
		return fmt.Errorf("participants are asked for without their study")
	}
	if q.BySequence && len(q.tables()) != 1 {
		return fmt.Errorf("the order of sequences is that of one table only")
	}
	return nil
}

// participantsPerStatement keeps statements well below the database's limit of their size (256 KiB).
const participantsPerStatement = 2000

// groups parts the participants, in their order, into as many as fit one statement; nil stands for no restriction.
func (q Query) groups() [][]string {
	if q.Participants == nil {
		return [][]string{nil}
	}
	sorted := slices.Compact(slices.Sorted(slices.Values(q.Participants)))
	return slices.Collect(slices.Chunk(sorted, participantsPerStatement))
}

// statement is the SELECT of one table and group of participants.
func (q Query) statement(table string, names, participants []string) string {
	var b strings.Builder
	b.WriteString("SELECT " + strings.Join(names, ", ") + " FROM {db}." + table)
	if where := q.conditions(participants); len(where) > 0 {
		b.WriteString(" WHERE " + strings.Join(where, " AND "))
	}
	if q.BySequence {
		b.WriteString(" ORDER BY seq, idx")
	} else {
		b.WriteString(" ORDER BY study, participant, seq, idx")
	}
	return b.String()
}

func (q Query) conditions(participants []string) []string {
	var where []string
	add := func(condition string) { where = append(where, condition) }
	if q.Study != "" {
		add("study = " + quote(q.Study))
	}
	if participants != nil {
		add("participant IN (" + quoteAll(participants) + ")")
	}
	if q.StudyLevel {
		add("participant = ''")
	}
	if q.From > 0 {
		add("seq >= " + strconv.FormatUint(q.From, 10))
	}
	if q.To > 0 {
		add("seq <= " + strconv.FormatUint(q.To, 10))
	}
	if !q.ReceivedUpTo.IsZero() {
		add("received <= fromUnixTimestamp64Micro(" + strconv.FormatInt(q.ReceivedUpTo.UnixMicro(), 10) + ", 'UTC')")
	}
	if len(q.Kinds) > 0 {
		names := make([]string, len(q.Kinds))
		for i, k := range q.Kinds {
			names[i] = k.String()
		}
		add("kind IN (" + quoteAll(names) + ")")
	}
	if len(q.Types) > 0 {
		add("type IN (" + quoteAll(q.Types) + ")")
	}
	return where
}

// quote writes a string literal.
func quote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

func quoteAll(values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = quote(v)
	}
	return strings.Join(quoted, ", ")
}
