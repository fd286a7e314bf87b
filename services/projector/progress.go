package projector

import (
	"context"
	"sync"
	"time"

	"github.com/throughline-trials/throughline/services/log"
)

// State is how far projection has come.
type State struct {
	Projected log.Position // last messages that are in the facts
	// Position and Through are a consistent cut: every message that the log received at Through or before is in the
	// facts, and every message up to Position was received at Through or before. Position never passes Projected.
	Position log.Position
	Through  time.Time
	CaughtUp bool   // Projected was the end of the log at Through
	Epoch    uint64 // another one when rows that were there before may be gone, or others
}

// Progress is a [State] that changes. It is safe for concurrent use.
type Progress struct {
	mu      sync.Mutex
	state   State
	changed chan struct{}
}

// NewProgress returns a progress of nothing.
func NewProgress() *Progress { return &Progress{changed: make(chan struct{})} }

// State returns the present state.
func (p *Progress) State() State {
	state, _ := p.Watch()
	return state
}

// Watch returns the present state and a channel that is closed when there is another.
func (p *Progress) Watch() (State, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state, p.changed
}

// Wait returns when the state's Position covers pos, or with ctx's error.
func (p *Progress) Wait(ctx context.Context, pos log.Position) error {
	for {
		state, changed := p.Watch()
		if state.Position.Covers(pos) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Set replaces the state. Within one epoch positions and Through never go back.
func (p *Progress) Set(s State) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.set(s)
}

// advance is Set unless the epoch of the state is over.
func (p *Progress) advance(s State) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.Epoch == p.state.Epoch {
		p.set(s)
	}
}

func (p *Progress) set(s State) {
	if s.Epoch == p.state.Epoch {
		s.Projected, s.Position = s.Projected.Max(p.state.Projected), s.Position.Max(p.state.Position)
		if s.Through.Before(p.state.Through) {
			s.Through = p.state.Through
		}
	}
	if s == p.state {
		return
	}
	p.state = s
	close(p.changed)
	p.changed = make(chan struct{})
}

// reset begins another epoch, in which nothing is projected yet as far as is known.
func (p *Progress) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.set(State{Epoch: p.state.Epoch + 1})
}

// renew begins another epoch of the same state: the rows are others.
func (p *Progress) renew() {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.state
	s.Epoch++
	p.set(s)
}
