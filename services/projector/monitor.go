package projector

import (
	"context"
	"time"

	"github.com/throughline-trials/throughline/services/log"
)

// How often the end of the log is asked for: after something was projected, while there is something to do, and else.
const (
	leastLook = 20 * time.Millisecond
	busyLook  = 100 * time.Millisecond
	idleLook  = 500 * time.Millisecond
)

// monitor compares what is projected with the log and publishes the state, until ctx ends.
func (p *Projector) monitor(ctx context.Context, l *lease) {
	publisher := newPublisher(p.config.Log.JetStream(), p.config.Logger)
	var goal *log.Position
	var last view
	for ctx.Err() == nil {
		looked := time.Now()
		view, err := p.look(ctx)
		if err != nil {
			if ctx.Err() == nil {
				p.config.Logger.Warn("the end of the log cannot be read", "error", err)
			}
			pause(ctx, idleLook)
			continue
		}
		if goal == nil {
			goal = &view.end
		}
		if view.known && !view.projected.Covers(p.progress.State().Projected) {
			p.progress.reset() // other tables than those that were told of
			continue
		}
		p.progress.advance(view.state(p))
		if l.held() {
			publisher.publish(ctx, p.progress.State())
		}
		if view.known && view.projected.Covers(*goal) {
			p.readying.Do(func() { close(p.ready) })
		}
		p.metrics.look(view)
		p.passPurged(ctx, last, view)
		last = view
		p.await(ctx, looked, view)
	}
}

// await waits until it is time to look again.
func (p *Projector) await(ctx context.Context, looked time.Time, v view) {
	wait := idleLook
	if !v.caughtUp() {
		wait = busyLook
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-p.woken:
		pause(ctx, time.Until(looked.Add(leastLook)))
	case <-timer.C:
	case <-ctx.Done():
	}
}

// view is one look: what was projected, then at what time where the log ended.
type view struct {
	projected log.Position
	known     bool // all tables were looked at
	at        time.Time
	end       log.Position
	ends      []mark // of projection, by stream as in [Streams]
	epoch     uint64
}

func (p *Projector) look(ctx context.Context) (view, error) {
	v := view{known: true, epoch: p.progress.State().Epoch}
	for i, stream := range Streams() {
		last, known := p.followers[i].track.end()
		v.ends = append(v.ends, last)
		v.known = v.known && known
		v.projected = v.projected.With(stream, last.seq)
	}
	v.at = time.Now().UTC().Truncate(time.Microsecond)
	end, err := p.config.Log.End(ctx)
	v.end = end
	return v, err
}

// passPurged passes over the end of a stream from which the messages were purged, as erasure does: a stream that has not
// moved since the last look is asked whether anything is to come.
func (p *Projector) passPurged(ctx context.Context, last, now view) {
	if !now.known || !last.known {
		return
	}
	for i, stream := range Streams() {
		at, end := now.projected.At(stream), last.end.At(stream)
		if at != last.projected.At(stream) || at >= end {
			continue
		}
		_, found, err := p.config.Log.NextOn(ctx, stream, ">", at+1)
		if err == nil && !found {
			p.followers[i].track.pass(end)
			p.wake()
		}
	}
}

func (v view) caughtUp() bool { return v.known && v.projected.Covers(v.end) }

// maxAhead is by how much the clock of the log may run ahead of this one unnoticed.
const maxAhead = 5 * time.Second

// through is the time up to which everything is projected: for a stream that is at its end the time of the look, for
// another that of its last message. After the log's clock was put back, times of receipt stay ahead for a while; then it
// is the last of these, so that what is projected is seen.
func (v view) through() time.Time {
	through := v.at
	if v.caughtUp() {
		for _, end := range v.ends {
			if end.received.Sub(v.at) > maxAhead {
				through = later(through, end.received)
			}
		}
		return through
	}
	for i, stream := range Streams() {
		if v.projected.At(stream) < v.end.At(stream) && v.ends[i].received.Before(through) {
			through = v.ends[i].received
		}
	}
	return through
}

func (v view) state(p *Projector) State {
	s := State{Epoch: v.epoch}
	if !v.known {
		return s
	}
	s.Projected, s.CaughtUp, s.Through = v.projected, v.caughtUp(), v.through()
	for i, stream := range Streams() {
		seq := min(p.followers[i].track.upTo(s.Through), v.projected.At(stream))
		s.Position = s.Position.With(stream, seq)
	}
	return s
}
