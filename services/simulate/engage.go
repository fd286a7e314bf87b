package simulate

import (
	"cmp"
	"math"
	"slices"
)

// engage deals out the engaged periods: as many over the whole arm as its participation says, more to those who stay and
// to the willing, more early than late, fewer in holidays.
func (d *deal) engage() {
	periods := d.study.periods()
	for _, p := range d.people {
		p.engaged = make([]bool, periods)
	}
	if len(d.arm.parts) == 0 || periods == 0 {
		return
	}
	goal := share(d.arm.participation, len(d.people)*periods)
	will := d.wills()
	counts := d.split(goal, will)
	for i, p := range d.people {
		d.choosePeriods(p, counts[i])
	}
}

// wills returns how willing each participant is, between 0 and 1: evenly spread, related to the rank.
func (d *deal) wills() []float64 {
	n := float64(len(d.people))
	order := d.chance.spread(len(d.people))
	wills := make([]float64, len(d.people))
	for i, p := range d.people {
		wills[i] = 0.35*(float64(p.rank)+0.5)/n + 0.65*(float64(order[i])+0.5)/n
	}
	return wills
}

// bounds returns how many periods a participant must and can be engaged in.
func (d *deal) bounds(p *person) (least, most int) {
	for k := range d.study.periods() {
		if d.certain(p, k) {
			least++
		}
		if d.possible(p, k) {
			most++
		}
	}
	return least, most
}

// certain reports whether a period holds a day of certain use.
func (d *deal) certain(p *person, k int) bool {
	for portion := range portions {
		if day := p.last[portion]; day >= 0 && day/d.study.period == k {
			return true
		}
	}
	return false
}

// possible reports whether a period holds a day on which anything may be used.
func (d *deal) possible(p *person, k int) bool {
	for day := k * d.study.period; day < (k+1)*d.study.period; day++ {
		if p.uses(technology, day) || p.uses(inPerson, day) {
			return true
		}
	}
	return false
}

// split returns how many periods each participant is engaged in, so that they sum to the goal as nearly as the bounds
// allow: a share of what is possible that rises with the will, by an exponent found by halving.
func (d *deal) split(goal int, wills []float64) []int {
	counts, least, most := make([]int, len(d.people)), make([]int, len(d.people)), make([]int, len(d.people))
	for i, p := range d.people {
		least[i], most[i] = d.bounds(p)
	}
	try := func(exponent float64) int {
		sum := 0
		for i := range d.people {
			counts[i] = min(max(int(math.Round(float64(most[i])*math.Pow(wills[i], exponent))), least[i]), most[i])
			sum += counts[i]
		}
		return sum
	}
	low, high := 0.0, 12.0
	for range 24 {
		middle := (low + high) / 2
		if try(middle) > goal {
			low = middle
		} else {
			high = middle
		}
	}
	try((low + high) / 2)
	return counts
}

// choosePeriods marks so many periods as engaged, the certain ones first.
func (d *deal) choosePeriods(p *person, count int) {
	type option struct {
		period int
		key    float64
	}
	var options []option
	for k := range p.engaged {
		switch {
		case d.certain(p, k):
			p.engaged[k] = true
			count--
		case d.possible(p, k):
			options = append(options, option{k, math.Pow(d.chance.Float64(), 1/d.appeal(p, k))})
		}
	}
	slices.SortFunc(options, func(a, b option) int { return cmp.Compare(b.key, a.key) })
	for _, o := range options[:min(max(count, 0), len(options))] {
		p.engaged[o.period] = true
	}
}

// appeal returns the weight of a period: curiosity at the beginning, wear later on, holidays.
func (d *deal) appeal(p *person, k int) float64 {
	middle := p.day0 + date(k*d.study.period+d.study.period/2)
	wear := 1 - 0.4*float64(k)/float64(len(p.engaged))
	return (wear + curiosity(k)) * middle.holiday()
}

// curiosity is what the first periods have in addition.
func curiosity(k int) float64 { return 1.2 * math.Exp(-float64(k)/1.5) }
