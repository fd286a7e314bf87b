package analyst

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/throughline-trials/throughline/services/log"
	"github.com/throughline-trials/throughline/services/study"
)

// Trial is a study as it would look under a definition that is not published. Its definition_version is 0.
type Trial struct {
	Stamp
	Instead           string      `json:"instead_of"`         // id of the engagement definition that stands
	InsteadVersion    int         `json:"instead_of_version"` // version of the definition that stands
	DroppedComponents []string    `json:"dropped_components"` // of the definition that stands: their use counts nowhere here
	Attrition         *Attrition  `json:"attrition"`          // as /attrition answers, to the same parameters
	Engagement        *Engagement `json:"engagement"`         // as /engagement answers
}

// Trial answers under a definition that is not published, from the same facts and at the same clocks. The definition
// must be of the study and have every arm of the one that stands, which also decides who may see arms. Errors are as
// those of [Reader.Attrition].
func (r *Reader) Trial(ctx context.Context, id string, def *study.Definition, q AttritionQuery) (*Trial, error) {
	p, err := r.pin(ctx, &q.Query)
	if err != nil {
		return nil, err
	}
	edition, clock, position, err := r.editionAt(ctx, p, id)
	if err != nil {
		return nil, err
	}
	standing := edition.current(p.clock.AsOf)
	if standing == nil {
		return nil, ErrUnknownStudy
	}
	if !q.Privileged && blinded(standing.def) {
		return nil, ErrBlinded
	}
	if err := fits(def, standing.def); err != nil {
		return nil, err
	}
	plan := newPlan(def, 0)
	sum := sha256.Sum256(def.JSON())
	plan.trial = hex.EncodeToString(sum[:])
	records, err := r.past.records(ctx, r.engine.source, plan, id, clock)
	if err != nil {
		return nil, err
	}
	return tried(newFrame(plan, edition.rows, p.clock), records, standing, position, q)
}

// editionAt returns what is said about a study as of the question, the clock to derive records at, and the position.
func (r *Reader) editionAt(ctx context.Context, p *pin, id string) (*edition, Clock, log.Position, error) {
	if !p.live() {
		edition, err := r.engine.source.edition(ctx, id, p.clock.AsOf, nil)
		if err != nil {
			return nil, Clock{}, log.Position{}, err
		}
		position, err := r.engine.source.positionAt(ctx, p.clock.AsOf)
		return edition, p.clock, position, err
	}
	c := p.cohorts[id]
	if c == nil || c.edition == nil {
		return nil, Clock{}, log.Position{}, ErrUnknownStudy
	}
	return c.edition, Clock{Cutoff: p.clock.Cutoff, AsOf: c.since}, p.cut.position, nil // nothing was received since
}

// fits reports why a definition cannot stand in for the one that stands.
func fits(def, standing *study.Definition) error {
	if def.ID != standing.ID {
		return refuse("id", "of the trial definition must be that of the study, %s", standing.ID)
	}
	for _, arm := range standing.Arms {
		if _, ok := def.Arm(arm.ID); !ok {
			return refuse("arms", "of the trial definition lack %s, which participants may be in", arm.ID)
		}
	}
	return nil
}

func tried(f *Frame, records []*Record, standing *plan, position log.Position, q AttritionQuery) (*Trial, error) {
	attrition, err := f.Attrition(records, q)
	if err != nil {
		return nil, err
	}
	engagement, err := f.Engagement(records, EngagementQuery{q.Query})
	if err != nil {
		return nil, err
	}
	attrition.Position, engagement.Position = position.String(), position.String()
	out := &Trial{
		Stamp: attrition.Stamp, Instead: standing.def.DefinitionID(), InsteadVersion: standing.version, DroppedComponents: []string{},
		Attrition: attrition, Engagement: engagement,
	}
	for _, c := range standing.def.Components {
		if _, ok := f.plan.def.Component(c.ID); !ok {
			out.DroppedComponents = append(out.DroppedComponents, c.ID)
		}
	}
	slices.Sort(out.DroppedComponents)
	return out, nil
}
