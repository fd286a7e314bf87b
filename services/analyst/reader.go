package analyst

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/throughline-trials/throughline/services/log"
	"github.com/throughline-trials/throughline/services/store"
)

// Reader answers questions. It is safe for concurrent use. Questions as of now are answered from the service's records;
// those of the past, or under another definition, from the facts.
type Reader struct {
	engine *engine
	past   *past
}

func newReader(e *engine, cached int) *Reader {
	return &Reader{engine: e, past: newPast(cached)}
}

// ahead is how far a client's clock may go before the server's.
const ahead = 2 * time.Second

// WaitFor returns when everything up to a position is in the results, or with the error of ctx.
func (r *Reader) WaitFor(ctx context.Context, after log.Position) error {
	return r.until(ctx, func(c cut) bool { return c.position.Covers(after) })
}

func (r *Reader) until(ctx context.Context, enough func(cut) bool) error {
	for {
		at, changed := r.engine.watch()
		if enough(at) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for results: %w", ctx.Err())
		}
	}
}

// Position returns up to where and until when results reflect the log; zero before anything is known.
func (r *Reader) Position() (log.Position, time.Time) {
	at, _ := r.engine.at()
	return at.position, at.through
}

// view is what a question about one study is answered from.
type view struct {
	frame    *Frame
	records  []*Record
	position log.Position
}

// pin is what one question sees, however many studies it is about: later changes do not reach it.
type pin struct {
	clock   Clock
	cut     cut
	cohorts map[string]*cohort
}

// live reports whether the question is as of the cut.
func (p *pin) live() bool { return p.clock.AsOf.Equal(p.cut.through) }

// pin resolves the two clocks of a question, waiting for a moment that has just passed.
func (r *Reader) pin(ctx context.Context, q *Query) (*pin, error) {
	latest := time.Now().Add(ahead)
	asOf, cutoff := q.AsOf.Truncate(time.Microsecond), q.Cutoff.Truncate(time.Microsecond)
	switch {
	case asOf.After(latest):
		return nil, refuse("as_of", "lies in the future: nothing is received yet that late")
	case !asOf.IsZero() && cutoff.After(asOf):
		return nil, refuse("cutoff", "is later than as_of: what happens later cannot have been received yet")
	case cutoff.After(latest):
		return nil, refuse("cutoff", "is later than as_of, which is now")
	}
	err := r.until(ctx, func(c cut) bool { return !c.through.IsZero() && !c.through.Before(asOf) && !c.through.Before(cutoff) })
	if err != nil {
		return nil, err
	}
	at, cohorts := r.engine.at()
	r.past.of(at.epoch)
	if asOf.IsZero() {
		asOf = at.through
	}
	if cutoff.IsZero() {
		cutoff = asOf
	}
	return &pin{Clock{Cutoff: cutoff, AsOf: asOf}, at, cohorts}, nil
}

// view returns what a question about one study is answered from.
func (r *Reader) view(ctx context.Context, id string, q *Query) (view, error) {
	p, err := r.pin(ctx, q)
	if err != nil {
		return view{}, err
	}
	return r.study(ctx, p, id, q.Definition)
}

// study returns the view of a study under a definition, the one that stands if it has no name.
func (r *Reader) study(ctx context.Context, p *pin, id, definition string) (view, error) {
	if !p.live() {
		return r.past.view(ctx, r.engine.source, id, definition, p.clock)
	}
	c := p.cohorts[id]
	if c == nil || c.edition == nil {
		return view{}, ErrUnknownStudy
	}
	plan, err := c.edition.named(definition, p.clock.AsOf)
	if err != nil {
		return view{}, err
	}
	records, err := r.held(ctx, c, plan, id, p.clock)
	if err != nil {
		return view{}, err
	}
	return view{newFrame(plan, c.edition.rows, p.clock), records, p.cut.position}, nil
}

// held returns the records of a cohort under a plan at a cut-off: those that do not hold for it are derived from facts.
func (r *Reader) held(ctx context.Context, c *cohort, p *plan, id string, clock Clock) ([]*Record, error) {
	clock.AsOf = c.since // nothing was received since, so the answer can be kept until something is
	var others []string
	for _, record := range c.records {
		if !record.holds(clock.Cutoff) {
			others = append(others, record.Participant)
		}
	}
	if p != c.plan || len(others) > 100 && len(others) > len(c.records)/2 {
		return r.past.records(ctx, r.engine.source, p, id, clock)
	}
	if len(others) == 0 {
		return c.records, nil
	}
	records := slices.Clone(c.records)
	err := r.engine.source.records(ctx, c.plan, id, others, clock, func(fresh *Record, _ []store.Row) {
		records[c.place[fresh.Participant]] = fresh
	})
	return records, err
}

// each calls fn for every study as of the question, ascending by id.
func (r *Reader) each(ctx context.Context, q *Query, fn func(view) error) (Clock, log.Position, error) {
	p, err := r.pin(ctx, q)
	if err != nil {
		return Clock{}, log.Position{}, err
	}
	position := p.cut.position
	if !p.live() {
		if position, err = r.engine.source.positionAt(ctx, p.clock.AsOf); err != nil {
			return Clock{}, log.Position{}, err
		}
	}
	for _, id := range slices.Sorted(maps.Keys(p.cohorts)) {
		v, err := r.study(ctx, p, id, "")
		if errors.Is(err, ErrUnknownStudy) {
			continue
		}
		if err == nil {
			err = fn(v)
		}
		if err != nil {
			return Clock{}, log.Position{}, err
		}
	}
	return p.clock, position, nil
}

// Attrition answers /attrition. Errors are [ErrUnknownStudy], [ErrBlinded], [QueryError] or of reading.
func (r *Reader) Attrition(ctx context.Context, study string, q AttritionQuery) (*Attrition, error) {
	v, err := r.armView(ctx, study, &q.Query)
	if err != nil {
		return nil, err
	}
	out, err := v.frame.Attrition(v.records, q)
	if err != nil {
		return nil, err
	}
	out.Position = v.position.String()
	return out, nil
}

// Engagement answers /engagement. Errors are as those of [Reader.Attrition].
func (r *Reader) Engagement(ctx context.Context, study string, q EngagementQuery) (*Engagement, error) {
	v, err := r.armView(ctx, study, &q.Query)
	if err != nil {
		return nil, err
	}
	out, err := v.frame.Engagement(v.records, q)
	if err != nil {
		return nil, err
	}
	out.Position = v.position.String()
	return out, nil
}

// Flow answers /flow. Errors are as those of [Reader.Attrition].
func (r *Reader) Flow(ctx context.Context, study string, q Query) (*Flow, error) {
	v, err := r.armView(ctx, study, &q)
	if err != nil {
		return nil, err
	}
	out := v.frame.Flow(v.records)
	out.Position = v.position.String()
	return out, nil
}

// Dose answers /dose. Errors are as those of [Reader.Attrition].
func (r *Reader) Dose(ctx context.Context, study string, q DoseQuery) (*Dose, error) {
	v, err := r.armView(ctx, study, &q.Query)
	if err != nil {
		return nil, err
	}
	out, err := v.frame.Dose(v.records, q)
	if err != nil {
		return nil, err
	}
	out.Position = v.position.String()
	return out, nil
}

// Outcomes answers /outcomes. Errors are as those of [Reader.Attrition].
func (r *Reader) Outcomes(ctx context.Context, study string, q Query) (*Outcomes, error) {
	v, err := r.armView(ctx, study, &q)
	if err != nil {
		return nil, err
	}
	out, err := v.frame.Outcomes(v.records, q)
	if err != nil {
		return nil, err
	}
	out.Position = v.position.String()
	return out, nil
}

// Differential answers /differential. Errors are as those of [Reader.Attrition].
func (r *Reader) Differential(ctx context.Context, study string, q DifferentialQuery) (*Differential, error) {
	v, err := r.armView(ctx, study, &q.Query)
	if err != nil {
		return nil, err
	}
	out, err := v.frame.Differential(v.records, q)
	if err != nil {
		return nil, err
	}
	out.Position = v.position.String()
	return out, nil
}

// armView is view for answers by arm.
func (r *Reader) armView(ctx context.Context, study string, q *Query) (view, error) {
	v, err := r.view(ctx, study, q)
	if err == nil && !q.Privileged && blinded(v.frame.plan.def) {
		return view{}, ErrBlinded
	}
	return v, err
}

// Quality answers /quality. Errors are [ErrUnknownStudy], [QueryError] or of reading.
func (r *Reader) Quality(ctx context.Context, study string, q Query) (*Quality, error) {
	v, err := r.view(ctx, study, &q)
	if err != nil {
		return nil, err
	}
	refused, err := r.engine.source.refusals(ctx, study, v.frame.clock.AsOf)
	if err != nil {
		return nil, err
	}
	out := v.frame.Quality(v.records, refused)
	if !q.Privileged && blinded(v.frame.plan.def) {
		out.blind()
	}
	out.Position = v.position.String()
	return out, nil
}

// DeliveryTypes answers /delivery-types. Without privilege, studies whose arms are blinded are counted and not shown.
func (r *Reader) DeliveryTypes(ctx context.Context, q Query) (*DeliveryTypes, error) {
	var studies []StudySummary
	clock, position, err := r.each(ctx, &q, func(v view) error {
		s, err := v.frame.Summary(v.records, q.Privileged)
		studies = append(studies, s)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := CompareDeliveryTypes(studies, clock)
	out.Position = position.String()
	return out, nil
}

// Studies answers /studies.
func (r *Reader) Studies(ctx context.Context, q Query) (*StudyList, error) {
	out := &StudyList{Studies: []StudyLine{}}
	clock, position, err := r.each(ctx, &q, func(v view) error {
		out.Studies = append(out.Studies, v.frame.Line(v.records))
		return nil
	})
	if err != nil {
		return nil, err
	}
	out.AsOf, out.Position = clock.AsOf.UTC(), position.String()
	return out, nil
}

// Study answers /studies/{id}. Errors are as those of [Reader.Quality].
func (r *Reader) Study(ctx context.Context, id string, q Query) (*Study, error) {
	v, err := r.view(ctx, id, &q)
	if err != nil {
		return nil, err
	}
	out := v.frame.Study(v.records, q.Privileged)
	out.Position = v.position.String()
	return out, nil
}
