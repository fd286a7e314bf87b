package analyst

import (
	"errors"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/stats"
)

// Dose is the answer of /dose: how much of the intervention participants had, and what peers did.
type Dose struct {
	Stamp
	Portion    event.Portion `json:"portion"`
	Component  string        `json:"component,omitempty"`
	PeriodDays int           `json:"period_days"`
	Erased     int           `json:"erased"`
	Arms       []ArmDose     `json:"arms"`
	By         string        `json:"by,omitempty"`
	Groups     []GroupDose   `json:"groups,omitempty"`
}

// GroupDose is the dose of one component.
type GroupDose struct {
	Group string    `json:"group"`
	Arms  []ArmDose `json:"arms"`
}

// ArmDose is the dose of one arm.
type ArmDose struct {
	Arm          string       `json:"arm"`
	Label        string       `json:"label"`
	Participants int          `json:"participants"`
	Evaluable    int          `json:"evaluable"` // with at least one evaluable elapsed period
	Reason       stats.Reason `json:"reason,omitempty"`
	Kinds        []KindDose   `json:"kinds"`
	Peers        *Peers       `json:"peers,omitempty"` // not within groups
}

// KindDose is the dose of one kind.
type KindDose struct {
	Kind    DoseKind     `json:"kind"`     // what is counted; active_minutes are minutes
	Total   stats.Value  `json:"total"`    // over evaluable periods
	PerWeek Amounts      `json:"per_week"` // of each participant: all evaluable periods by their weeks
	Periods []PeriodDose `json:"periods"`  // elapsed for anyone
	Reason  stats.Reason `json:"reason,omitempty"`
}

// PeriodDose is the dose of one period, over participants evaluable in it.
type PeriodDose struct {
	Period int `json:"period"` // from 1
	Amounts
}

// Amounts describes what several participants had, zeros included; quantiles are of type 7.
type Amounts struct {
	stats.Summary
	Zeros stats.Rate `json:"zeros"` // share of those who had nothing
}

// WeeklyDose is the dose of one kind over participants of several studies.
type WeeklyDose struct {
	Kind    DoseKind `json:"kind"`     // what is counted; active_minutes are minutes
	PerWeek Amounts  `json:"per_week"` // of each participant: all evaluable periods by their weeks
}

func weekly(perWeek [doseKinds][]float64) []WeeklyDose {
	out := make([]WeeklyDose, 0, doseKinds)
	for kind, name := range DoseKinds() {
		out = append(out, WeeklyDose{name, amountsOf(perWeek[kind], ReasonNothingElapsed)})
	}
	return out
}

// ofArm returns those of people who are in an arm.
func ofArm(people []person, arm int) []person {
	var out []person
	for _, p := range people {
		if p.Arm == arm {
			out = append(out, p)
		}
	}
	return out
}

// DoseQuery asks for the dose.
type DoseQuery struct {
	Query
	By string // component: adds groups
}

func (q *DoseQuery) complete(f *Frame) error {
	err := q.Query.complete(f.plan.def)
	if q.By != "" && q.By != "component" {
		err = errors.Join(err, refuse("by", "must be component"))
	}
	return err
}

func amountsOf(values []float64, reason stats.Reason) Amounts {
	out := Amounts{Summary: stats.Summarise(values)}
	out.Zeros = stats.NewRate(out.Summary.Zeros, len(values))
	if len(values) == 0 && reason != "" {
		out.Reason, out.Zeros = reason, stats.UndefinedRate(reason)
	}
	return out
}

// Dose returns the dose of the records, which are those of all subjects of the study. Errors are [QueryError].
func (f *Frame) Dose(records []*Record, q DoseQuery) (*Dose, error) {
	if err := q.complete(f); err != nil {
		return nil, err
	}
	out := &Dose{Stamp: f.stamp(q.Population), Portion: q.Portion, Component: q.Component, PeriodDays: f.plan.def.PeriodDays(), By: q.By}
	byArm, missing := f.byArm(records, q.Population)
	scope := f.scope(q.Portion, q.Component)
	out.Arms = f.doses(byArm, scope, missing)
	threads := f.threads(records)
	for i := range out.Arms {
		whole := q.Component == "" && q.Portion == event.PortionAll
		out.Arms[i].Peers = f.peers(byArm[i], scope.byArm[i], whole, missing, threads)
	}
	if q.By == "" {
		return out, nil
	}
	for _, c := range f.plan.components {
		out.Groups = append(out.Groups, GroupDose{Group: c.id, Arms: f.doses(byArm, f.scope(event.PortionAll, c.id), missing)})
	}
	return out, nil
}

func (f *Frame) doses(byArm [][]person, s scope, missing stats.Reason) []ArmDose {
	var out []ArmDose
	for i, arm := range f.plan.def.Arms {
		sums := f.sum(byArm[i], s.byArm[i])
		one := ArmDose{Arm: arm.ID, Label: arm.Label, Participants: len(byArm[i]), Evaluable: sums.evaluable}
		switch {
		case missing != "":
			one.Reason = missing
		case len(s.byArm[i]) == 0:
			one.Reason = ReasonNotInArm
		case sums.evaluable == 0:
			one.Reason = ReasonNothingElapsed
		}
		for kind, name := range DoseKinds() {
			one.Kinds = append(one.Kinds, sums.kind(doseKind(kind), name, one.Reason))
		}
		out = append(out, one)
	}
	return out
}

// doseSums is what the people of an arm had of some components.
type doseSums struct {
	evaluable int
	totals    [doseKinds]int64
	perWeek   [doseKinds][]float64
	periods   [][doseKinds][]float64 // by elapsed period
}

// sum adds up the evaluable periods of people.
func (f *Frame) sum(people []person, components []int) *doseSums {
	out := &doseSums{}
	if len(components) == 0 {
		return out
	}
	amounts := make([][doseKinds]int64, f.plan.def.Periods())
	for i := range people {
		p := &people[i]
		states := f.periods(p, components)
		for len(out.periods) < len(states) {
			out.periods = append(out.periods, [doseKinds][]float64{})
		}
		clear(amounts)
		for _, d := range p.Doses {
			if has(components, d.Component) {
				for kind, n := range d.Amounts {
					amounts[d.Period][kind] += n
				}
			}
		}
		out.add(states, amounts, f.plan.def.PeriodDays())
	}
	return out
}

func has(components []int, component int) bool {
	for _, c := range components {
		if c == component {
			return true
		}
	}
	return false
}

// add adds one participant: the state of each elapsed period, and the amounts of each planned one.
func (s *doseSums) add(states []periodState, amounts [][doseKinds]int64, length int) {
	var totals [doseKinds]int64
	n := 0
	for k, state := range states {
		if state == notEvaluable {
			continue
		}
		n++
		for kind := range totals {
			amount := amounts[k][kind]
			totals[kind] += amount
			s.periods[k][kind] = append(s.periods[k][kind], doseKind(kind).amount(amount))
		}
	}
	if n == 0 {
		return
	}
	s.evaluable++
	weeks := float64(n*length) / 7
	for kind, total := range totals {
		s.totals[kind] += total
		s.perWeek[kind] = append(s.perWeek[kind], doseKind(kind).amount(total)/weeks)
	}
}

func (s *doseSums) kind(kind doseKind, name DoseKind, reason stats.Reason) KindDose {
	out := KindDose{Kind: name, PerWeek: amountsOf(s.perWeek[kind], reason), Periods: []PeriodDose{}, Reason: reason}
	out.Total = stats.Undefined(reason)
	if reason == "" {
		out.Total = stats.Defined(kind.amount(s.totals[kind]))
	}
	for k := range s.periods {
		out.Periods = append(out.Periods, PeriodDose{Period: k + 1, Amounts: amountsOf(s.periods[k][kind], ReasonNothingElapsed)})
	}
	return out
}
