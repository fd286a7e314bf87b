package simulate

import (
	"math"
	"slices"
)

// deal decides the fates of the participants of one arm. Who stops, leaves and completes goes by rank and is exact; when,
// goes by chance.
type deal struct {
	study  *blueprint
	arm    *armPlan
	people []*person
	chance chance
	has    [portions]bool
	stops  [portions]int // how many stop using, by portion
	both   int           // how many stop using everything
}

func newDeal(study *blueprint, arm *armPlan, people []*person, c chance) *deal {
	d := &deal{study: study, arm: arm, people: people, chance: c, both: len(people)}
	for _, id := range arm.parts {
		d.has[study.part(id).portion()] = true
	}
	for portion := range portions {
		if d.has[portion] {
			d.stops[portion] = share(arm.stops[portion], len(people))
			d.both = min(d.both, d.stops[portion])
		}
	}
	if !d.has[technology] && !d.has[inPerson] {
		d.both = 0
	}
	return d
}

func share(p float64, n int) int { return int(math.Round(p * float64(n))) }

// fates fills in everything about the arm's participants that is not yet known.
func (d *deal) fates() {
	for i, rank := range d.chance.spread(len(d.people)) {
		d.people[i].rank = rank
	}
	for _, p := range d.people {
		p.leaves, p.quits, p.halted, p.dies, p.found, p.pauses, p.resumes, p.completes = never, never, never, never, never, never, never, never
		p.stop, p.last = [portions]int{never, never}, [portions]int{never, never}
	}
	d.stopUse()
	d.leave()
	if !d.study.exact {
		d.accidents()
	}
	d.complete()
	d.engage()
}

// byRank returns the participants from the first to leave to the last.
func (d *deal) byRank() []*person {
	people := slices.Clone(d.people)
	slices.SortFunc(people, func(a, b *person) int { return a.rank - b.rank })
	return people
}

// stopUse deals out the last days of use: early ones are more frequent than late ones.
func (d *deal) stopUse() {
	settled := d.study.settled()
	most := max(d.stops[technology], d.stops[inPerson])
	order := d.chance.Perm(most)
	began := share(d.arm.never, d.both)
	for _, p := range d.byRank() {
		for portion := range portions {
			switch {
			case !d.has[portion]:
			case p.rank < d.stops[portion]:
				quantile := (float64(order[p.rank]) + d.chance.Float64()) / float64(most)
				if portion == inPerson && d.has[technology] && p.rank < d.both {
					quantile *= 0.6 + 0.4*d.chance.Float64()
				}
				day := int(float64(settled-3) * math.Pow(quantile, 1.6))
				p.stop[portion] = d.openDay(p, portion, max(day, 0), never)
				p.last[portion] = p.stop[portion]
			default:
				p.stop[portion] = d.study.duration - 1
				day := d.chance.between(min(settled+2, d.study.duration-1), d.study.duration-1)
				p.last[portion] = d.openDay(p, portion, day, settled)
			}
		}
		if settled <= 3 && p.rank < d.both || p.rank < d.both && order[p.rank] < began {
			p.stop, p.last = [portions]int{never, never}, [portions]int{never, never}
		}
	}
}

// openDay returns the day, for in-person portions the nearest open day before it that is after floor, else the next.
func (d *deal) openDay(p *person, portion, day, floor int) int {
	if portion != inPerson {
		return day
	}
	for at := day; at > floor && at >= 0; at-- {
		if officePace[(p.day0+date(at)).weekday()] >= 0.5 {
			return at
		}
	}
	for at := day; at < d.study.duration; at++ {
		if officePace[(p.day0+date(at)).weekday()] >= 0.5 {
			return at
		}
	}
	return day
}

// leave deals out dropout: most of those who leave had stopped using before, the rest leave during follow-up.
func (d *deal) leave() {
	drops := share(d.arm.dropout, len(d.people))
	early := min(d.both, int(math.Ceil(0.7*float64(drops))))
	if d.study.followUp <= d.study.duration+7 && len(d.arm.parts) > 0 {
		early = min(d.both, drops)
	}
	late := drops - early
	order := d.chance.Perm(max(late, 1))
	for _, p := range d.byRank() {
		p.leaving = [...]leaving{leavingLost, leavingStopAll, leavingLost, leavingConsent, leavingStopAll, leavingLost}[p.rank%6]
		switch {
		case p.rank < early:
			d.leaveEarly(p)
		case p.rank < d.both:
			d.quit(p)
		case p.rank < d.both+late:
			d.leaveLate(p, (float64(order[p.rank-d.both])+d.chance.Float64())/float64(late))
		}
	}
	if !d.study.exact {
		d.erase()
	}
}

func (d *deal) leaveEarly(p *person) {
	delay := d.chance.between(1, 9)
	if p.leaving == leavingLost {
		delay = d.chance.between(18, 45)
	}
	p.leaves = min(max(p.lastUse(), 0)+delay, d.study.followUp)
}

// quit lets some of those who stop say so.
func (d *deal) quit(p *person) {
	if d.chance.hit(0.45) {
		p.quits = min(max(p.lastUse(), 0)+d.chance.between(2, 12), d.study.duration-1)
	}
}

func (d *deal) leaveLate(p *person, quantile float64) {
	from := min(d.study.settled()+4, d.study.followUp)
	if len(d.arm.parts) == 0 {
		from = 3
		quantile = math.Pow(quantile, 1.4)
	} else if d.study.followUp > d.study.duration+7 {
		from = d.study.duration
	}
	p.leaves = from + int(quantile*float64(d.study.followUp-from))
	d.endUse(p, p.leaves)
}

// endUse ends all use of a participant who used to the end on the day before a day.
func (d *deal) endUse(p *person, day int) {
	for portion := range portions {
		if p.stop[portion] >= day {
			p.stop[portion] = day - 1
		}
		if p.last[portion] >= day {
			p.last[portion] = d.openDay(p, portion, day-1, max(day-d.study.silenceDays()+2, 0))
			p.last[portion] = min(p.last[portion], day-1)
		}
	}
}

// erase turns one of the withdrawals into a request to erase.
func (d *deal) erase() {
	for _, p := range d.byRank() {
		if p.leaves != never && p.leaving == leavingConsent {
			p.leaving = leavingErase
			return
		}
	}
}

// accidents are what no protocol plans: deaths, pauses, interventions that an investigator ends.
func (d *deal) accidents() {
	people := d.byRank()
	slices.Reverse(people)
	deaths := d.arm.deaths
	for i, p := range people {
		switch {
		case p.leaves != never || p.rank < d.both:
		case i%3 == 1 && deaths > 0:
			deaths--
			p.dies = d.chance.between(max(30, d.study.duration/3), max(31, d.study.followUp-14))
			d.endUse(p, p.dies)
		case i%11 == 4 && d.study.settled() > 40:
			p.pauses = d.chance.between(d.study.settled()/4, d.study.settled()-28)
			p.resumes = p.pauses + d.chance.between(6, 20)
		case i == 9 && d.study.settled() > d.study.silenceDays()+8 && len(d.arm.parts) > 0:
			p.halted = d.chance.between(d.study.silenceDays()+8, d.study.settled())
			d.endUse(p, p.halted)
		}
	}
	if d.study.quirks.foundAgain {
		d.findAgain(people)
	}
}

func (d *deal) findAgain(people []*person) {
	for _, p := range people {
		if p.leaves == never && p.dies == never && p.pauses == never && p.halted == never && p.rank >= d.both {
			p.found = max(d.study.settled()/2, 1)
			return
		}
	}
}

func (d *deal) complete() {
	for _, p := range d.people {
		if p.rank < len(d.people)-d.arm.completed || p.halted != never || !p.present(d.study.duration) {
			continue
		}
		p.completes = max(p.last[technology], p.last[inPerson])
	}
}
