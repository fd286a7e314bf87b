package analyst

import (
	"github.com/throughline-trials/throughline/services/stats"
)

// UseTable is who was in the study and who was using the intervention at its planned end, of those for whom that and the
// end of access have passed (CONSORT-EHEALTH 13b and 16; Eysenbach 2005). Use is that of the last-use variant.
type UseTable struct {
	Day      int          `json:"day"` // planned end
	N        int          `json:"n"`   // participants for whom it has passed
	Reason   stats.Reason `json:"reason,omitempty"`
	TooEarly int          `json:"too_early"` // of the n: paused or discontinued so much that use cannot be told, in no other cell

	InStudyUsing    int `json:"in_study_using"`     // or completed the intervention before
	InStudyNotUsing int `json:"in_study_not_using"` // Eysenbach's non-usage attrition
	LeftUsing       int `json:"left_using"`         // the study, while using
	LeftStopped     int `json:"left_stopped"`       // the study, after stopping or without ever having used
	Died            int `json:"died"`               // before the planned end

	Denominators []UseDenominator `json:"denominators"` // of several rates of use
	Periods      []ActivePeriod   `json:"periods"`      // elapsed for anyone
}

// UseDenominator is one of several groups that rates of use may be of.
type UseDenominator struct {
	Denominator Denominator `json:"denominator"`       // which group
	Periods     int         `json:"periods,omitempty"` // with any qualifying activity: at least so many
	Share       stats.Rate  `json:"share"`             // of those for whom the end has passed
	Using       stats.Rate  `json:"using"`             // of the group: in study and using
}

// Denominator names a group.
type Denominator string

// The denominators.
const (
	OfRandomised   Denominator = "randomised"
	OfEverUsed     Denominator = "ever_used"
	OfTwoPeriods   Denominator = "used_2_periods"
	OfFourPeriods  Denominator = "used_4_periods"
	OfHalfPeriods  Denominator = "used_half_of_periods"
	OfAllPeriods   Denominator = "used_all_periods"
	OfUsedLastTime Denominator = "used_last_period"
)

// ActivePeriod is who was active in one period: at least one qualifying activity, whatever the rule's minimum.
type ActivePeriod struct {
	Period int        `json:"period"` // from 1
	Active stats.Rate `json:"active"` // of those evaluable in it
}

// useState is a cell of the use table.
type useState uint8

const (
	useOpen useState = iota // the end has not passed
	useUnknown
	useStaying
	useStopped
	useLeft
	useLeftStopped
	useDied
)

// useRow is what one participant brings to the use table.
type useRow struct {
	state  useState
	used   bool
	active []periodState // of elapsed periods; engaged: any qualifying activity
}

// useRow returns what a participant brings. days are those of use up to E.
func (f *Frame) useRow(p *person, components []int, days *calendar, g int) useRow {
	def := f.plan.def
	length := def.PeriodDays()
	row := useRow{active: f.periods(p, components)}
	for k, state := range row.active {
		if state == notEvaluable {
			continue
		}
		row.active[k] = notEngaged
		for _, c := range components {
			if len(between(p.Uses, c, k*length, (k+1)*length)) > 0 {
				row.active[k] = engaged
			}
		}
	}
	for _, used := range days.used {
		row.used = row.used || used
	}
	if p.c >= max(def.DurationDays(), def.AccessDays()) {
		row.state = f.useState(p, days, g, row.used)
	}
	return row
}

func (f *Frame) useState(p *person, days *calendar, g int, ever bool) useState {
	end, left := f.plan.def.DurationDays(), never
	if p.Exit.dropout() && p.Exit.Day <= end {
		left = p.Exit.Day
	}
	if p.Death <= end && p.Death <= left && p.Exit.Kind != ExitLost && p.Exit.Kind != ExitWithdrew {
		return useDied
	}
	stop := f.silence(p, days, g, LastUse)
	switch {
	case left != never && (!ever || stop.event && days.silenceEnd(stop.day, g) < left):
		return useLeftStopped
	case left != never:
		return useLeft
	case stop.tooEarly:
		return useUnknown
	case stop.event:
		return useStopped
	}
	return useStaying
}

// useTable puts the rows of an arm together.
func (p *panel) useTable(fates []fate) *UseTable {
	def := p.frame.plan.def
	out := &UseTable{Day: def.DurationDays(), Periods: []ActivePeriod{}}
	groups := denominators(def.Periods())
	var active, evaluable []int
	for i := range fates {
		row := &fates[i].table
		for k, state := range row.active {
			if k == len(active) {
				active, evaluable = append(active, 0), append(evaluable, 0)
			}
			if state != notEvaluable {
				evaluable[k]++
			}
			if state == engaged {
				active[k]++
			}
		}
		if row.state == useOpen {
			continue
		}
		out.cell(row.state)
		for k := range groups {
			groups[k].add(row, def.Periods())
		}
	}
	for k := range active {
		out.Periods = append(out.Periods, ActivePeriod{k + 1, stats.NewRate(active[k], evaluable[k])})
	}
	for _, g := range groups {
		g.Share, g.Using = rateAtEnd(g.n, out.N), stats.NewRate(g.using, g.n)
		if out.N == 0 {
			g.Using = stats.UndefinedRate(ReasonNobodyAtEnd)
		}
		out.Denominators = append(out.Denominators, g.UseDenominator)
	}
	if out.N == 0 {
		out.Reason = ReasonNobodyAtEnd
	}
	return out
}

// cell counts one participant.
func (t *UseTable) cell(state useState) {
	t.N++
	switch state {
	case useUnknown:
		t.TooEarly++
	case useStaying:
		t.InStudyUsing++
	case useStopped:
		t.InStudyNotUsing++
	case useLeft:
		t.LeftUsing++
	case useLeftStopped:
		t.LeftStopped++
	case useDied:
		t.Died++
	}
}

// group counts a denominator.
type group struct {
	UseDenominator
	n, using int
}

func denominators(periods int) []group {
	out := []group{}
	for _, d := range []UseDenominator{
		{Denominator: OfRandomised}, {Denominator: OfEverUsed}, {Denominator: OfTwoPeriods, Periods: 2}, {Denominator: OfFourPeriods, Periods: 4},
		{Denominator: OfHalfPeriods, Periods: (periods + 1) / 2}, {Denominator: OfAllPeriods, Periods: periods}, {Denominator: OfUsedLastTime},
	} {
		out = append(out, group{UseDenominator: d})
	}
	return out
}

// add counts a participant that belongs to the group. periods is how many are planned.
func (g *group) add(row *useRow, periods int) {
	used, last := 0, false
	for k, state := range row.active {
		if state == engaged {
			used++
			last = last || k == periods-1
		}
	}
	switch g.Denominator {
	case OfRandomised:
	case OfEverUsed:
		if !row.used {
			return
		}
	case OfUsedLastTime:
		if !last {
			return
		}
	default:
		if used < g.Periods {
			return
		}
	}
	g.n++
	if row.state == useStaying {
		g.using++
	}
}
