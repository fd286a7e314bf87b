package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/auth"
	"github.com/throughline-trials/throughline/services/simulate"
	"github.com/throughline-trials/throughline/services/store"
)

// liveRate is how many acts of use a second the demo's running studies show.
const liveRate = 1

// demoGrant is the credential under which the demo's events stand in the log.
func demoGrant() auth.Grant {
	return auth.Grant{ID: "demo", Study: auth.AllStudies, Scopes: []event.Scope{event.ScopeAdmin}, App: "demo"}
}

// demo loads the portfolio, or what is missing of it, and keeps its running studies going until the context ends.
func (s *server) demo(ctx context.Context) error {
	now := time.Now()
	studies, anchor, err := s.portfolio(ctx, now)
	if err != nil {
		return err
	}
	begun, shown := time.Now(), time.Time{}
	done, err := simulate.Load(ctx, studies, simulate.Loading{
		Until:  now,
		Submit: s.submit,
		Have:   s.haveStudy,
		Progress: func(p simulate.Progress) {
			if time.Since(shown) > 2*time.Second {
				shown = time.Now()
				s.config.Notify("demo: %3.0f %%, %d of %d studies, %d events", 100*p.Fraction(), p.Done, p.Studies, p.Events)
			}
		},
	})
	if err != nil {
		return fmt.Errorf("load demo: %w", err)
	}
	if err := s.awaitResults(ctx); err != nil {
		return err
	}
	s.config.Notify("demo: %d studies are there (%d events sent in %s)", done.Studies, done.Events, time.Since(begun).Round(100*time.Millisecond))
	live, err := simulate.NewLive(studies, liveRate)
	if err != nil {
		return err
	}
	if _, err := live.CatchUp(ctx, anchor, now, s.known, s.submit); err != nil {
		return fmt.Errorf("catch up with the demo: %w", err)
	}
	return live.Run(ctx, now, s.submit)
}

// awaitResults waits until the results hold everything that the log holds now.
func (s *server) awaitResults(ctx context.Context) error {
	end, err := s.log.End(ctx)
	if err != nil || s.reader == nil {
		return err
	}
	return s.reader.WaitFor(ctx, end)
}

// portfolio returns the demo as it was first loaded into this log, so that loading it again changes nothing, and the day
// up to which its history reaches.
func (s *server) portfolio(ctx context.Context, now time.Time) ([]simulate.Study, time.Time, error) {
	seed, anchor := uint64(simulate.Seed), simulate.Anchor(now)
	studies, err := simulate.Portfolio(seed, anchor)
	if err != nil {
		return nil, anchor, err
	}
	message, found, err := s.log.LastDefinition(ctx, studies[0].ID)
	if err != nil || !found {
		return studies, anchor, err
	}
	for _, entry := range message.Entries() {
		if formerSeed, formerAnchor, ok := simulate.Recall(entry.Event); ok {
			seed, anchor = formerSeed, formerAnchor
		}
	}
	studies, err = simulate.Portfolio(seed, anchor)
	return studies, anchor, err
}

// haveStudy reports whether the last event of a study's history is in the facts.
func (s *server) haveStudy(ctx context.Context, study *simulate.Study) (bool, error) {
	known, err := s.known(ctx, []event.Event{study.Last()})
	return err == nil && known[0], err
}

// known reports which events are in the facts.
func (s *server) known(ctx context.Context, events []event.Event) ([]bool, error) {
	known := make([]bool, len(events))
	identities := make([]event.Identity, len(events))
	for i := range events {
		identities[i] = events[i].Identity()
	}
	for _, table := range store.Tables() {
		found, err := s.store.Lookup(ctx, table, identities)
		if err != nil {
			return nil, err
		}
		for i, id := range identities {
			if _, ok := found[id]; ok {
				known[i] = true
			}
		}
	}
	return known, nil
}

// submit gives events to the gateway, and tries again for a while when it cannot take them now.
func (s *server) submit(ctx context.Context, events []event.Event) error {
	for attempt := 0; ; attempt++ {
		_, err := s.gateway.Submit(ctx, demoGrant(), events)
		if err == nil || ctx.Err() != nil || attempt == 20 {
			return errors.Join(err, ctx.Err())
		}
		timer := time.NewTimer(250 * time.Millisecond)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
}
