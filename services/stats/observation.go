package stats

import (
	"cmp"
	"math"
	"slices"
)

// NoStratum marks a participant whose stratum is not known; stratified tests
// leave them out and count them.
const NoStratum = -1

// Observation is the follow-up of one participant.
type Observation struct {
	// Time is the day of the event or of censoring, from day 0.
	Time float64
	// Event is true for an event, false for censoring.
	Event bool
	// Arm is the place of the arm in the definition, from 0. Functions that
	// look at one arm ignore it.
	Arm int
	// Stratum is any number from 0; negative means not known. Only stratified
	// tests look at it.
	Stratum int
}

// ByArm splits observations by arm, in the order of arms; those of no arm in
// [0, arms) are left out.
func ByArm(obs []Observation, arms int) [][]Observation {
	out := make([][]Observation, max(0, arms))
	for _, o := range obs {
		if o.Arm >= 0 && o.Arm < arms {
			out[o.Arm] = append(out[o.Arm], o)
		}
	}
	return out
}

// moment is one distinct time: who was at risk just before it, and what
// happened on it, in all and by arm.
type moment struct {
	time                     float64
	atRisk, events, censored int
	armAtRisk, armEvents     []int
}

// tabulate counts observations by distinct time, ascending; events come before
// censorings of the same time. arms = 0 counts no arms. False if a time is
// negative or not finite, or an arm does not exist.
func tabulate(obs []Observation, arms int) ([]moment, bool) {
	for _, o := range obs {
		if !(o.Time >= 0) || math.IsInf(o.Time, 0) {
			return nil, false
		}
		if arms > 0 && (o.Arm < 0 || o.Arm >= arms) {
			return nil, false
		}
	}
	sorted := slices.Clone(obs)
	slices.SortFunc(sorted, func(a, b Observation) int { return cmp.Compare(a.Time, b.Time) })
	return countMoments(sorted, arms), true
}

func countMoments(sorted []Observation, arms int) []moment {
	times := distinctTimes(sorted)
	moments := make([]moment, 0, times)
	counts := make([]int, 2*arms*times)
	risk := make([]int, arms)
	for _, o := range sorted {
		if arms > 0 {
			risk[o.Arm]++
		}
	}
	for i := 0; i < len(sorted); {
		m := moment{time: sorted[i].Time, atRisk: len(sorted) - i}
		m.armAtRisk, m.armEvents, counts = counts[:arms:arms], counts[arms:2*arms:2*arms], counts[2*arms:]
		copy(m.armAtRisk, risk)
		for ; i < len(sorted) && sorted[i].Time == m.time; i++ {
			m.count(sorted[i], risk)
		}
		moments = append(moments, m)
	}
	return moments
}

// count books one observation of this time and takes it out of the risk set.
func (m *moment) count(o Observation, risk []int) {
	if o.Event {
		m.events++
	} else {
		m.censored++
	}
	if len(risk) == 0 {
		return
	}
	risk[o.Arm]--
	if o.Event {
		m.armEvents[o.Arm]++
	}
}

func distinctTimes(sorted []Observation) int {
	n := 0
	for i := range sorted {
		if i == 0 || sorted[i].Time != sorted[i-1].Time {
			n++
		}
	}
	return n
}

// tabulateStrata makes one table per stratum, in the order of their numbers.
// Unstratified, there is one table. missing counts those without a stratum.
func tabulateStrata(obs []Observation, arms int, stratified bool) (tables [][]moment, missing int, ok bool) {
	if !stratified {
		table, ok := tabulate(obs, arms)
		return [][]moment{table}, 0, ok
	}
	groups := map[int][]Observation{}
	for _, o := range obs {
		if o.Stratum < 0 {
			missing++
			continue
		}
		groups[o.Stratum] = append(groups[o.Stratum], o)
	}
	keys := make([]int, 0, len(groups))
	for key := range groups {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		table, ok := tabulate(groups[key], arms)
		if !ok {
			return nil, missing, false
		}
		tables = append(tables, table)
	}
	return tables, missing, true
}
