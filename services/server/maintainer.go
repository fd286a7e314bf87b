package server

import (
	"context"
	"encoding/json"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/importer"
	"github.com/throughline-trials/throughline/services/projector"
	"github.com/throughline-trials/throughline/services/store"
	"github.com/throughline-trials/throughline/services/verify"
)

// maintainer carries out what administrators ask for.
type maintainer struct{ *server }

// Verify implements [api.Maintainer].
func (m *maintainer) Verify(ctx context.Context) (verify.Report, error) {
	return verify.Verify(ctx, m.log, m.store, nil)
}

// Rebuild implements [api.Maintainer].
func (m *maintainer) Rebuild(ctx context.Context) error {
	if m.projector == nil {
		return projector.RequestRebuild(ctx, m.log, nil)
	}
	return m.projector.Rebuild(ctx, nil)
}

// Definition implements [api.Maintainer].
func (m *maintainer) Definition(ctx context.Context, study string) (json.RawMessage, bool, error) {
	message, found, err := m.log.LastDefinition(ctx, study)
	if err != nil || !found {
		return nil, false, err
	}
	for _, entry := range message.Entries() {
		if v, ok := entry.Event.Data.Get(event.DefinitionAttribute); ok {
			return v.Object, true, nil
		}
	}
	return nil, false, nil
}

// History implements [api.Maintainer].
func (m *maintainer) History(ctx context.Context, q importer.HistoryQuery) (importer.Records, error) {
	end, err := m.log.End(ctx)
	if err != nil {
		return nil, err
	}
	if err := m.reader.WaitFor(ctx, end); err != nil {
		return nil, err
	}
	collector := importer.Collect(q)
	query := store.Query{
		Tables: []string{string(event.StreamEvents), string(event.StreamAllocations)}, Study: q.Study, Kinds: []store.Kind{store.KindEvent},
	}
	seen := map[string]bool{}
	for _, key := range q.Keys {
		if !seen[key.Subject] {
			seen[key.Subject] = true
			query.Participants = append(query.Participants, key.Subject)
		}
	}
	err = m.store.Facts(ctx, query, func(r *store.Row) error {
		collector.Add(&r.Event)
		return nil
	})
	return collector.Records(), err
}
