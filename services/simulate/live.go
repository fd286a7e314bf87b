package simulate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
)

// Live keeps the running studies of a portfolio going: what is due in them, and a trickle of use beside it, so that there
// is always something to see. What it sends depends on the clock and the seed alone, never on how often it looks. It is
// not safe for concurrent use.
type Live struct {
	studies []Study
	rate    float64
	queue   []entry // due events of the running studies, by arrival
	from    time.Time
	filled  time.Time // the queue holds what arrives after from, up to here
}

// LiveInterval is how often [Live.Run] sends.
const LiveInterval = 2 * time.Second

// maxCatchUp bounds the trickle after a pause; what is due in the studies is always made up for.
const maxCatchUp = time.Minute

// NewLive returns a trickle for the running ones among the studies, with so many acts of use a second (0: only what is
// due; an act is about three events).
func NewLive(studies []Study, rate float64) (*Live, error) {
	if rate < 0 || rate > 1000 {
		return nil, fmt.Errorf("make live events: rate %v must be between 0 and 1000 a second", rate)
	}
	l := &Live{rate: rate}
	for _, s := range studies {
		if s.Running {
			l.studies = append(l.studies, s)
		}
	}
	return l, nil
}

// CatchUp sends what was due in the running studies between two times and is not known to the server yet, for a server
// that was away: from the anchor, until the time from which [Live.Run] goes on. known reports which of the events are
// there. It returns how many were sent.
func (l *Live) CatchUp(ctx context.Context, after, until time.Time, known func(context.Context, []event.Event) ([]bool, error), submit func(context.Context, []event.Event) error) (int, error) {
	sent := 0
	for batch := range slices.Chunk(l.due(after, until), event.MaxBatchEvents) {
		there, err := known(ctx, batch)
		if err != nil {
			return sent, fmt.Errorf("look for due events: %w", err)
		}
		var missing []event.Event
		for i, e := range batch {
			if i >= len(there) || !there[i] {
				missing = append(missing, e)
			}
		}
		if len(missing) == 0 {
			continue
		}
		if err := submit(ctx, missing); err != nil {
			return sent, fmt.Errorf("send due events: %w", err)
		}
		sent += len(missing)
	}
	return sent, nil
}

// Run sends what happens from since on, every [LiveInterval], until the context ends; since is the time up to which the
// studies were loaded or caught up with. What cannot be sent is tried again.
func (l *Live) Run(ctx context.Context, since time.Time, submit func(context.Context, []event.Event) error) error {
	if len(l.studies) == 0 {
		<-ctx.Done()
		return ctx.Err()
	}
	ticker := time.NewTicker(LiveInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case now := <-ticker.C:
			err := l.send(ctx, since, now, submit)
			switch {
			case err == nil:
				since = now
			case !errors.Is(err, context.Canceled):
				slog.WarnContext(ctx, "demo events could not be sent, they will be tried again", "error", err)
			}
		}
	}
}

func (l *Live) send(ctx context.Context, since, now time.Time, submit func(context.Context, []event.Event) error) error {
	for batch := range slices.Chunk(l.Between(since, now), event.MaxBatchEvents) {
		if err := submit(ctx, batch); err != nil {
			return fmt.Errorf("send live events: %w", err)
		}
	}
	return nil
}

// Between returns the events that arrive after one time and not after another: what is due, then the trickle.
func (l *Live) Between(after, until time.Time) []event.Event {
	events := l.due(after, until)
	if l.rate <= 0 {
		return events
	}
	if from := until.Add(-maxCatchUp); after.Before(from) {
		after = from
	}
	for slot := l.slot(after) + 1; slot <= l.slot(until); slot++ {
		events = append(events, l.act(slot)...)
	}
	return events
}

// due returns what the plans of the studies hold for the time; the plans are written out a day ahead.
func (l *Live) due(after, until time.Time) []event.Event {
	if l.queue == nil || after.Before(l.from) || until.After(l.filled) {
		l.fill(after, until.Add(24*time.Hour))
	}
	return between(l.queue, after, until)
}

func (l *Live) fill(after, until time.Time) {
	l.queue, l.from, l.filled = []entry{}, after, until
	for i := range l.studies {
		s := &l.studies[i]
		for n := range s.Subjects() {
			for _, e := range s.roster.subject(n) {
				if e.arrives.After(after) && !e.arrives.After(until) {
					l.queue = append(l.queue, e)
				}
			}
		}
	}
	slices.SortStableFunc(l.queue, func(a, b entry) int { return a.arrives.Compare(b.arrives) })
}

func (l *Live) slot(at time.Time) int64 {
	return int64(float64(at.Unix())*l.rate) + int64(float64(at.Nanosecond())*l.rate/1e9)
}

// act returns one act of use that ends in a slot of time.
func (l *Live) act(slot int64) []event.Event {
	at := time.UnixMilli(int64(float64(slot) * 1000 / l.rate)).UTC()
	study := &l.studies[int(slot%int64(len(l.studies)))]
	c := newChance(study.seed, study.ID, "live", strconv.FormatInt(slot, 10))
	who, awake := study.roster.someone(c, at)
	if who == nil {
		return nil
	}
	person := *who
	d := newDiary(study.roster, person.subject, person.zone)
	d.who, d.chance, d.zulu = &person, c, false
	d.prefix = person.subject + "-live-" + strconv.FormatInt(slot, 10)
	d.installed, d.linked, d.modulesDone = true, true, c.between(0, 9)
	began := at.Add(-25 * time.Minute)
	late := c.hit(0.04) || !awake && c.hit(0.5)
	if late {
		began = at.Add(-time.Duration(c.between(2, 60)) * time.Hour)
	}
	p := one(c, d.parts()...)
	d.joined[p.id] = true
	if day := d.dayOf(began); day < 0 || !person.uses(p.portion(), day) {
		return nil
	}
	d.act(p, began)
	return d.live(at, late)
}

// live returns what an act has left by a time; a late one has waited on the device and arrives only then.
func (d *diary) live(at time.Time, late bool) []event.Event {
	var events []event.Event
	for _, e := range d.entries {
		if e.event.Time.After(at.Add(d.who.device.skew)) {
			continue
		}
		if e.device && late {
			e.event.Sent = instant(at.Add(d.who.device.skew), d.zone)
		}
		e.event.Modality = e.staff
		events = append(events, e.event)
	}
	slices.SortStableFunc(events, func(a, b event.Event) int { return cmp.Compare(a.Time.Unix(), b.Time.Unix()) })
	if len(events) > 0 && d.chance.hit(0.015) {
		events = append(events, events[0])
	}
	return events
}

// someone returns a participant who uses the intervention at a time, and whether it is day where they are; nil if nobody
// is found.
func (r *roster) someone(c chance, at time.Time) (found *person, awake bool) {
	for range 24 {
		if len(r.people) == 0 {
			return nil, false
		}
		p := r.people[c.IntN(len(r.people))]
		local := at.In(p.zone)
		day := int(dateOf(local) - p.day0)
		if len(p.arm.parts) == 0 || day < 1 || p.rank < p.stoppers() || !p.uses(technology, day) {
			continue
		}
		found = p
		if hour := local.Hour(); hour >= 7 && hour < 23 {
			return p, true
		}
	}
	return found, false
}

// stoppers returns how many of the participant's arm stop using the technology.
func (p *person) stoppers() int { return share(p.arm.stops[technology], p.arm.n) }
