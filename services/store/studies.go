package store

import (
	"context"
	"fmt"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/log"
)

// Studies returns the ids of all studies that have a definition, ascending.
func (s *Store) Studies(ctx context.Context) ([]string, error) {
	var ids []string
	rows, err := s.conn.Query(ctx, s.SQL("SELECT DISTINCT toString(study) AS id FROM {db}.studies WHERE type = 'definition.published' AND kind = 'event' ORDER BY id"))
	if err != nil {
		return nil, fmt.Errorf("read studies: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("read studies: %w", err)
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read studies: %w", err)
	}
	return ids, nil
}

// Definitions returns the definitions of a study that were received at a time or before (zero: all), the oldest first.
func (s *Store) Definitions(ctx context.Context, study string, receivedUpTo time.Time) ([]Row, error) {
	var found []Row
	q := Query{
		Tables: []string{TableStudies}, Study: study, ReceivedUpTo: receivedUpTo,
		Kinds: []Kind{KindEvent}, Types: []string{event.TypeDefinition}, BySequence: true,
	}
	err := s.Facts(ctx, q, func(r *Row) error {
		found = append(found, *r)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read definitions of a study: %w", err)
	}
	return found, nil
}

// Participant names a participant of a study. An empty Participant stands for what is said about the study as a whole.
type Participant struct {
	Study, Participant string
}

// Touched returns, ascending, the participants that have rows in (after, upTo], and each study with such rows that have
// no participant. Rows of quarantine do not touch anybody.
func (s *Store) Touched(ctx context.Context, after, upTo log.Position) ([]Participant, error) {
	const one = "SELECT DISTINCT toString(study) AS study, participant FROM {db}.%s WHERE seq > %d AND seq <= %d"
	statement := fmt.Sprintf("SELECT DISTINCT study, participant FROM ("+one+" UNION ALL "+one+" UNION ALL "+one+") ORDER BY study, participant",
		TableEvents, after.Events, upTo.Events, TableAllocations, after.Allocations, upTo.Allocations, TableStudies, after.Studies, upTo.Studies)
	rows, err := s.conn.Query(ctx, s.SQL(statement))
	if err != nil {
		return nil, fmt.Errorf("read touched participants: %w", err)
	}
	defer rows.Close()
	var touched []Participant
	for rows.Next() {
		var p Participant
		if err := rows.Scan(&p.Study, &p.Participant); err != nil {
			return nil, fmt.Errorf("read touched participants: %w", err)
		}
		touched = append(touched, p)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read touched participants: %w", err)
	}
	return touched, nil
}
