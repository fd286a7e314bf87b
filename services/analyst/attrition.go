package analyst

import (
	"cmp"
	"slices"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/stats"
)

// Attrition is the answer of /attrition.
type Attrition struct {
	Stamp
	Kind        Kind             `json:"kind"`
	Portion     event.Portion    `json:"portion"`
	Component   string           `json:"component,omitempty"`
	Variant     Variant          `json:"variant,omitempty"`      // of non-usage
	SilenceDays int              `json:"silence_days,omitempty"` // g of non-usage
	Conf        stats.Conf       `json:"conf"`
	Weights     stats.Weight     `json:"weights"`
	Provisional bool             `json:"provisional"` // of any arm
	Erased      int              `json:"erased"`
	Arms        []ArmAttrition   `json:"arms"`
	Tests       *Tests           `json:"tests"` // null with fewer than two arms
	TestsReason stats.Reason     `json:"tests_reason,omitempty"`
	By          string           `json:"by,omitempty"`
	Groups      []GroupAttrition `json:"groups,omitempty"`
}

// GroupAttrition is the attrition of one component, site or level.
type GroupAttrition struct {
	Group       string         `json:"group"`
	Missing     bool           `json:"missing,omitempty"` // those of no known site or level
	SilenceDays int            `json:"silence_days,omitempty"`
	Arms        []ArmAttrition `json:"arms"`
	Tests       *Tests         `json:"tests"`
	TestsReason stats.Reason   `json:"tests_reason,omitempty"`
}

// ArmAttrition is the attrition of one arm. Days are counted from day 0.
type ArmAttrition struct {
	Arm          string       `json:"arm"`
	Label        string       `json:"label"`
	Participants int          `json:"participants"` // of the population, too early ones included
	N            int          `json:"n"`
	Events       int          `json:"events"`
	Reason       stats.Reason `json:"reason,omitempty"` // why n is 0

	Rate        stats.Rate           `json:"rate"`                     // so far
	RateAtEnd   stats.Rate           `json:"rate_at_end"`              // of those whose end has passed
	Clustered   *stats.ClusteredRate `json:"rate_clustered,omitempty"` // where peers have several participants: with peers as clusters
	Uptake      stats.Rate           `json:"uptake"`                   // any qualifying activity
	UptakeAtEnd stats.Rate           `json:"uptake_at_end"`
	TooEarly    int                  `json:"too_early"`
	Provisional bool                 `json:"provisional"`

	Median   stats.SurvivalQuantile `json:"median"` // of non-usage: the usage half-life
	RMST     stats.RestrictedMean   `json:"rmst"`
	FollowUp stats.SurvivalQuantile `json:"follow_up"` // median potential follow-up
	Curve    []stats.Row            `json:"curve"`
	Declared []stats.DayRow         `json:"declared"` // at the declared days

	Reactivations *Reactivations `json:"reactivations,omitempty"` // of non-usage
	Sensitivity   []SilenceCount `json:"sensitivity,omitempty"`   // of non-usage
	Incidence     *Incidence     `json:"incidence,omitempty"`     // of non-usage, with dropout and death competing
	UseTable      *UseTable      `json:"use_table,omitempty"`     // of non-usage
}

// Reactivations tells of those who came back after a lapse.
type Reactivations struct {
	Participants int `json:"participants"`
	Number       int `json:"number"`
	Active       int `json:"active"` // of the participants: not in a lapse at the cut-off
	LateStarts   int `json:"late_starts"`
}

// SilenceCount is non-usage under another length of silence.
type SilenceCount struct {
	SilenceDays int        `json:"silence_days"`
	N           int        `json:"n"`
	Events      int        `json:"events"`
	TooEarly    int        `json:"too_early"`
	Rate        stats.Rate `json:"rate"`
}

// fate is what attrition says of one participant.
type fate struct {
	*Record
	arm      int
	tooEarly bool
	event    bool
	day      int
	stratum  int
	ended    bool // the planned end has passed
	open     bool // the answer still depends on the cut-off
	used     bool
	settled  bool // C > g
	use      nonUse
	strip    [stripLength]nonUse
	ending   ending
	table    useRow
}

// strip is the lengths of silence that are shown beside the declared one.
func strip() [stripLength]int { return [...]int{7, 14, 21, 28} }

const stripLength = 4

// Attrition returns the attrition of the records, which are those of all participants of the study. The question must be
// complete; errors are [QueryError].
func (f *Frame) Attrition(records []*Record, q AttritionQuery) (*Attrition, error) {
	if err := q.complete(f.plan.def); err != nil {
		return nil, err
	}
	out := &Attrition{
		Stamp: f.stamp(q.Population), Kind: q.Kind, Portion: q.Portion, Component: q.Component, Conf: q.Conf, Weights: q.Weights, By: q.By,
	}
	people, missing := f.people(records, q.Population)
	scope := f.scope(q.Portion, q.Component)
	if q.Kind == NonUsage {
		out.Variant, out.SilenceDays = q.Variant, scope.silence
	}
	fates := f.fates(people, scope, q)
	p := panel{frame: f, query: q, scope: scope, missing: missing}
	out.Arms, out.Tests, out.TestsReason = p.draw(fates)
	for _, arm := range out.Arms {
		out.Provisional = out.Provisional || arm.Provisional
	}
	out.Groups = f.groups(people, fates, p)
	return out, nil
}

// fates works out the attrition of each participant whose arm has something of the scope.
func (f *Frame) fates(people []person, s scope, q AttritionQuery) []fate {
	fates := make([]fate, 0, len(people))
	for i := range people {
		p := &people[i]
		x := fate{Record: p.Record, arm: p.Arm, stratum: f.stratum(p.Record, q.Strata)}
		components := s.byArm[p.Arm]
		x.used, x.settled = p.used(components), p.c > s.silence
		if q.Kind == Dropout {
			f.dropout(p, &x)
		} else if len(components) > 0 {
			f.stopped(p, components, s.silence, q.Variant, &x)
		}
		fates = append(fates, x)
	}
	return fates
}

// dropout dates the loss to the study, or censors it.
func (f *Frame) dropout(p *person, x *fate) {
	end := f.plan.def.FollowUpDays
	limit, day := min(p.c, end), p.by(p.Exit.Day)
	x.event = p.Exit.dropout() && day <= limit
	x.day = min(limit, day)
	x.ended = p.c >= end
	x.open = !x.ended
}

// stopped dates the end of use.
func (f *Frame) stopped(p *person, components []int, g int, variant Variant, x *fate) {
	days := f.calendar(p, components, f.end(p))
	x.use = f.silence(p, &days, g, variant)
	x.tooEarly, x.event, x.day = x.use.tooEarly, x.use.event, x.use.day
	x.ended = p.c >= f.plan.def.AccessDays()
	x.open = f.open(p)
	x.ending = f.compete(p, components, g, variant)
	x.table = f.useRow(p, components, &days, g)
	for i, other := range strip() {
		if other < f.plan.def.DurationDays() {
			x.strip[i] = f.silence(p, &days, other, variant)
		}
	}
}

// groups returns the same by component, by site or by the levels of a factor.
func (f *Frame) groups(people []person, fates []fate, p panel) []GroupAttrition {
	switch p.query.By {
	case "":
		return nil
	case "component":
		return f.byComponent(people, p)
	case "site":
		return p.split(fates, f.sites(fates), func(x *fate) string { return x.Site })
	}
	levels, _ := f.plan.def.Strata.Levels(p.query.By)
	return p.split(fates, levels, func(x *fate) string {
		if k := f.level(x.Record, p.query.By); k >= 0 {
			return levels[k]
		}
		return ""
	})
}

func (f *Frame) byComponent(people []person, p panel) []GroupAttrition {
	var out []GroupAttrition
	for _, c := range f.plan.components {
		one := p
		one.query.Component, one.query.Portion = c.id, event.PortionAll
		one.scope = f.scope(event.PortionAll, c.id)
		group := GroupAttrition{Group: c.id}
		if p.query.Kind == NonUsage {
			group.SilenceDays = one.scope.silence
		}
		group.Arms, group.Tests, group.TestsReason = one.draw(f.fates(people, one.scope, one.query))
		out = append(out, group)
	}
	return out
}

// sites returns the declared sites, then any others that participants are of, ascending.
func (f *Frame) sites(fates []fate) []string {
	var ids, others []string
	for _, s := range f.plan.def.Sites {
		ids = append(ids, s.ID)
	}
	for i := range fates {
		if site := fates[i].Site; site != "" && !slices.Contains(ids, site) && !slices.Contains(others, site) {
			others = append(others, site)
		}
	}
	slices.SortFunc(others, cmp.Compare[string])
	return append(ids, others...)
}
