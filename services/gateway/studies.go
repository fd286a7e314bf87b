package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	tlog "github.com/throughline-trials/throughline/services/log"
	"github.com/throughline-trials/throughline/services/study"
)

const (
	missTTL    = time.Second // how long the log is not asked again for a definition
	maxMisses  = 4096        // studies of which that is remembered
	retryAfter = time.Second // after the stream of studies could not be followed
)

// version is one published definition.
type version struct {
	definition *study.Definition
	seq        uint64 // in the stream of studies
}

// studies knows the definition of every study: it follows the stream of studies and, before anything is refused for
// being unknown, asks the log itself.
type studies struct {
	log    *tlog.Log
	clock  func() time.Time
	logger *slog.Logger

	mu      sync.RWMutex
	current map[string]version
	known   map[event.Identity]event.Digest // every event of the stream
	asked   map[string]time.Time            // when the log was last asked for a study
	next    uint64                          // sequence to follow from
}

func newStudies(l *tlog.Log, clock func() time.Time, logger *slog.Logger) *studies {
	return &studies{
		log: l, clock: clock, logger: logger, next: 1,
		current: make(map[string]version), known: make(map[event.Identity]event.Digest), asked: make(map[string]time.Time),
	}
}

// load reads the stream to its present end.
func (s *studies) load(ctx context.Context) error {
	last, _, err := s.log.Last(ctx, event.StreamStudies)
	if err != nil {
		return err
	}
	if err := s.log.ReadTo(ctx, event.StreamStudies, 1, last, s.takeNext); err != nil {
		return fmt.Errorf("load studies: %w", err)
	}
	s.mu.Lock()
	s.next = last + 1
	s.mu.Unlock()
	return nil
}

func (s *studies) takeNext(m tlog.Message) error {
	s.take(m)
	s.mu.Lock()
	s.next = m.Seq + 1
	s.mu.Unlock()
	return nil
}

// follow takes in what is published until ctx ends.
func (s *studies) follow(ctx context.Context) {
	for {
		s.mu.RLock()
		from := s.next
		s.mu.RUnlock()
		err := s.log.Read(ctx, event.StreamStudies, from, s.takeNext)
		if ctx.Err() != nil {
			return
		}
		s.logger.Warn("cannot follow the stream of studies; trying again", "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(retryAfter):
		}
	}
}

// take enters what one message says. What cannot be read defines nothing.
func (s *studies) take(m tlog.Message) {
	for _, entry := range m.Entries() {
		if entry.Duplicate || len(entry.Problems) > 0 {
			continue
		}
		s.enter(&entry.Event, entry.Identity, m.Seq)
	}
}

func (s *studies) enter(e *event.Event, id event.Identity, seq uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, again := s.known[id]; again {
		return // the first of an identity counts
	}
	s.known[id] = e.Content()
	if e.Type != event.TypeDefinition || s.current[e.Study].seq >= seq {
		return
	}
	d, err := study.Parse(definitionOf(e), "")
	if err != nil {
		s.logger.Error("a published definition cannot be read; its study stays as it was", "study", e.Study, "seq", seq)
		return
	}
	s.current[e.Study] = version{definition: d, seq: seq}
	delete(s.asked, e.Study)
}

// get returns the definition of a study as last heard, and whether there is one.
func (s *studies) get(id string) (version, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	v, ok := s.current[id]
	return v, ok
}

// all returns the definitions as last heard.
func (s *studies) all() map[string]version {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := make(map[string]version, len(s.current))
	for id, v := range s.current {
		all[id] = v
	}
	return all
}

// seen returns the content of an event of the stream of studies, and whether there is one of that identity.
func (s *studies) seen(id event.Identity) (event.Digest, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	d, ok := s.known[id]
	return d, ok
}

// refresh asks the log for a study's last definition, unless it did within the last second, and returns what is known
// then.
func (s *studies) refresh(ctx context.Context, id string) (version, bool, error) {
	if !s.mayAsk(id) {
		v, ok := s.get(id)
		return v, ok, nil
	}
	return s.ask(ctx, id)
}

// ask is refresh without a limit to how often.
func (s *studies) ask(ctx context.Context, id string) (version, bool, error) {
	m, found, err := s.log.LastDefinition(ctx, id)
	if err != nil {
		return version{}, false, errors.Join(errUnavailable, err)
	}
	if found {
		s.take(m)
	}
	v, ok := s.get(id)
	return v, ok, nil
}

func (s *studies) mayAsk(id string) bool {
	now := s.clock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if at, ok := s.asked[id]; ok && now.Sub(at) < missTTL && now.After(at.Add(-missTTL)) {
		return false
	}
	if len(s.asked) >= maxMisses {
		clear(s.asked)
	}
	s.asked[id] = now
	return true
}

// definitionOf returns the definition that an event publishes.
func definitionOf(e *event.Event) []byte {
	v, _ := e.Data.Get(event.DefinitionAttribute)
	return v.Object
}

// last returns the sequence up to which the stream was followed.
func (s *studies) last() uint64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.next - 1
}
