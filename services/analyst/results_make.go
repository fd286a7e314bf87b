package analyst

import (
	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/study"
)

// shareValue returns a share as a number for charts.
func shareValue(s study.Share) float64 { return float64(s) / float64(study.Whole) }

// results returns every number of the study at the frame's cut-off: of the whole, of each portion and component, of each
// site and level of a factor, and of the populations that follow from use.
func (f *Frame) results(records []*Record) ([]Result, error) {
	var rows []Result
	attrition := func(q AttritionQuery) error {
		a, err := f.Attrition(records, q)
		if err == nil {
			rows = append(rows, attritionRows(a)...)
		}
		return err
	}
	for _, q := range f.questions() {
		if err := attrition(q); err != nil {
			return nil, err
		}
	}
	for _, q := range f.scopes() {
		e, err := f.Engagement(records, EngagementQuery{q})
		if err != nil {
			return nil, err
		}
		rows = append(rows, engagementRows(e)...)
	}
	return f.moreResults(records, rows)
}

// moreResults adds flow, dose, outcomes and differential attrition.
func (f *Frame) moreResults(records []*Record, rows []Result) ([]Result, error) {
	rows = append(rows, flowRows(f.Flow(records))...)
	dose, err := f.Dose(records, DoseQuery{By: "component"})
	if err != nil {
		return nil, err
	}
	outcomes, err := f.Outcomes(records, Query{})
	if err != nil {
		return nil, err
	}
	differential, err := f.Differential(records, DifferentialQuery{})
	if err != nil {
		return nil, err
	}
	rows = append(append(rows, doseRows(dose)...), outcomeRows(outcomes)...)
	return append(rows, differentialRows(differential)...), nil
}

// scopes returns the parts of the intervention, and the populations of the whole, that results are made of.
func (f *Frame) scopes() []Query {
	out := []Query{{}, {Population: Started}}
	if f.plan.def.PerProtocol != nil {
		out = append(out, Query{Population: PerProtocol})
	}
	for _, portion := range []event.Portion{event.PortionTechnology, event.PortionInPerson} {
		for i := range f.plan.components {
			if f.plan.components[i].portion == portion {
				out = append(out, Query{Portion: portion})
				break
			}
		}
	}
	for i := range f.plan.components {
		out = append(out, Query{Component: f.plan.components[i].id})
	}
	return out
}

// questions returns the attritions that results are made of.
func (f *Frame) questions() []AttritionQuery {
	var out []AttritionQuery
	for _, q := range f.scopes() {
		if q.Component == "" && (q.Portion == "" || q.Portion == event.PortionAll) {
			out = append(out, AttritionQuery{Query: q, Kind: Dropout})
		}
		out = append(out, AttritionQuery{Query: q, Kind: NonUsage, Variant: LastUse}, AttritionQuery{Query: q, Kind: NonUsage, Variant: FirstLapse})
	}
	var splits []string
	if len(f.plan.def.Sites) > 1 {
		splits = append(splits, "site")
	}
	for _, factor := range f.plan.def.Strata {
		splits = append(splits, factor.Name)
	}
	for _, by := range splits {
		out = append(out, AttritionQuery{Kind: Dropout, By: by}, AttritionQuery{Kind: NonUsage, By: by})
	}
	return out
}

// stamped returns the results of a study at a cut; with people, those of each participant too.
func (f *Frame) stamped(records []*Record, cut string, people bool) (*stamped, error) {
	rows, err := f.results(records)
	if err != nil {
		return nil, err
	}
	out := &stamped{Stamp: f.stamp(Randomised), cut: cut, blinded: blinded(f.plan.def), rows: rows, arms: f.Study(nil, true).ArmList}
	if !people {
		return out, nil
	}
	for _, r := range records {
		if !r.assigned() {
			continue
		}
		p := f.read(r)
		row, states := f.participant(&p)
		out.people, out.periods = append(out.people, row), append(out.periods, states)
	}
	return out, nil
}
