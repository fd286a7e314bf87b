package analyst

import (
	"container/list"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/log"
	"github.com/throughline-trials/throughline/services/store"
)

// past derives records of other clocks or definitions from facts and keeps the last few.
type past struct {
	bound int // records

	mu    sync.Mutex
	epoch uint64 // of the facts that what is kept was derived from
	kept  map[moment]*list.Element
	order *list.List // of *memory, the last used first
	size  int
	busy  chan struct{} // one derivation at a time: each may hold a whole study
}

// moment names the records of a study at two clocks under one version.
type moment struct {
	study        string
	version      int
	trial        string // digest of a definition that is not published
	asOf, cutoff int64  // microseconds
}

// memory is the records of a moment.
type memory struct {
	moment  moment
	records []*Record
}

func newPast(bound int) *past {
	return &past{bound: bound, kept: map[moment]*list.Element{}, order: list.New(), busy: make(chan struct{}, 1)}
}

// view returns what a question about a study as of an earlier time is answered from.
func (p *past) view(ctx context.Context, s source, id, definition string, clock Clock) (view, error) {
	edition, err := s.edition(ctx, id, clock.AsOf, nil)
	if err != nil {
		return view{}, err
	}
	if len(edition.plans) == 0 {
		return view{}, ErrUnknownStudy
	}
	plan, err := edition.named(definition, clock.AsOf)
	if err != nil {
		return view{}, err
	}
	records, err := p.records(ctx, s, plan, id, clock)
	if err != nil {
		return view{}, err
	}
	position, err := s.positionAt(ctx, clock.AsOf)
	return view{newFrame(plan, edition.rows, clock), records, position}, err
}

// records returns the records of a study under a plan at a clock, derived from facts.
func (p *past) records(ctx context.Context, s source, plan *plan, id string, clock Clock) ([]*Record, error) {
	key := moment{id, plan.version, plan.trial, clock.AsOf.UnixMicro(), clock.Cutoff.UnixMicro()}
	m, err := p.get(ctx, key, func() (*memory, error) {
		made := &memory{moment: key}
		err := s.records(ctx, plan, id, nil, clock, func(r *Record, _ []store.Row) { made.records = append(made.records, r) })
		return made, err
	})
	if err != nil {
		return nil, err
	}
	return m.records, nil
}

// get returns what is kept under a key, or makes and keeps it.
func (p *past) get(ctx context.Context, key moment, make func() (*memory, error)) (*memory, error) {
	if m := p.find(key); m != nil {
		return m, nil
	}
	select {
	case p.busy <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for another derivation: %w", ctx.Err())
	}
	defer func() { <-p.busy }()
	if m := p.find(key); m != nil {
		return m, nil
	}
	m, err := make()
	if err != nil {
		return nil, err
	}
	p.keep(m)
	return m, nil
}

func (p *past) find(key moment) *memory {
	p.mu.Lock()
	defer p.mu.Unlock()
	element, ok := p.kept[key]
	if !ok {
		return nil
	}
	p.order.MoveToFront(element)
	return element.Value.(*memory)
}

// keep adds to what is kept and lets the longest unused go.
func (p *past) keep(m *memory) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kept[m.moment] = p.order.PushFront(m)
	p.size += len(m.records) + 1
	for p.size > p.bound && p.order.Len() > 1 {
		last := p.order.Remove(p.order.Back()).(*memory)
		delete(p.kept, last.moment)
		p.size -= len(last.records) + 1
	}
}

// positionAt returns the last sequence of each stream that was received by a time.
func (s source) positionAt(ctx context.Context, asOf time.Time) (log.Position, error) {
	var p log.Position
	for _, table := range store.Tables() {
		var seq uint64
		statement := fmt.Sprintf("SELECT max(seq) FROM {db}.%s WHERE received <= fromUnixTimestamp64Micro(%d, 'UTC')", table, asOf.UnixMicro())
		if err := s.store.Conn().QueryRow(ctx, s.store.SQL(statement)).Scan(&seq); err != nil {
			return p, fmt.Errorf("read position: %w", err)
		}
		p = p.With(event.Stream(table), seq)
	}
	return p, nil
}

// of lets everything go that was derived from other facts.
func (p *past) of(epoch uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.epoch != epoch {
		p.epoch, p.size = epoch, 0
		clear(p.kept)
		p.order.Init()
	}
}
