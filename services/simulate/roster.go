package simulate

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// roster is a planned study: its dates and everyone in it.
type roster struct {
	study  *blueprint
	seed   uint64
	anchor date // the day up to which history is imported
	first  date // the first assignment
	people []*person
	others []other
}

// other is someone whose record ends before any arm.
type other struct {
	subject string
	kind    otherKind
	site    site
	zone    *time.Location
	day     date
}

type otherKind uint8

const (
	otherIneligible otherKind = iota
	otherDeclined
	otherUnallocated
	otherTester
)

// plan works out the fates of everyone in a study. The zones of the blueprint must exist.
func plan(study *blueprint, seed uint64, anchor date) (*roster, error) {
	r := &roster{study: study, seed: seed, anchor: anchor}
	zones, err := r.zones()
	if err != nil {
		return nil, err
	}
	r.first = r.firstDay()
	r.recruit(zones)
	for i := range study.arms {
		var people []*person
		for _, p := range r.people {
			if p.arm == &study.arms[i] {
				people = append(people, p)
			}
		}
		newDeal(study, &study.arms[i], people, r.chance("fates", study.arms[i].id)).fates()
	}
	r.screenOut(zones)
	return r, nil
}

func (r *roster) chance(names ...string) chance {
	return newChance(r.seed, append([]string{r.study.id}, names...)...)
}

func (r *roster) zones() (map[string]*time.Location, error) {
	zones := map[string]*time.Location{}
	for _, s := range append([]site{{zone: r.study.zone}}, r.study.sites...) {
		zone, err := time.LoadLocation(s.zone)
		if err != nil {
			return nil, fmt.Errorf("load zone of study %s: %w", r.study.id, err)
		}
		zones[s.zone] = zone
	}
	return zones, nil
}

// firstDay places the study before the anchor, so that everyone has been followed up, or across it.
func (r *roster) firstDay() date {
	if r.study.first != 0 {
		return r.study.first.working()
	}
	if r.study.running() {
		return (r.anchor - date(r.study.opened)).working()
	}
	length := r.study.recruit + max(r.study.followUp, r.study.duration) + 40
	return (r.anchor - date(r.study.ended+length)).working()
}

// recruit makes the participants, arms mixed evenly over the days of recruitment.
func (r *roster) recruit(zones map[string]*time.Location) {
	type slot struct {
		arm   int
		place float64
	}
	var slots []slot
	c := r.chance("recruitment")
	for i, arm := range r.study.arms {
		for k := range arm.n {
			slots = append(slots, slot{i, (float64(k) + c.Float64()) / float64(arm.n)})
		}
	}
	slices.SortFunc(slots, func(a, b slot) int { return cmp.Compare(a.place, b.place) })
	for n, s := range slots {
		day := r.first + date(float64(r.study.recruit)*recruited(r.study, s.place))
		if n == 0 {
			day = r.first
		}
		p := &person{arm: &r.study.arms[s.arm], number: n, day0: day.working(), subject: r.pseudonym(n)}
		p.site = r.site(c)
		p.zone = zones[p.site.zone]
		p.device = r.device(c)
		r.holdBack(p)
		if p.arm.peers > 0 {
			p.peer = 1 + c.IntN(p.arm.peers)
		}
		r.people = append(r.people, p)
	}
}

// recruited maps the share of participants to the share of time: slow at first, then steady.
func recruited(study *blueprint, place float64) float64 {
	if study.running() {
		return place
	}
	return math.Pow(place, 0.85)
}

func (r *roster) site(c chance) site {
	if len(r.study.sites) == 0 {
		return site{zone: r.study.zone}
	}
	return one(c, r.study.sites...)
}

func (r *roster) device(c chance) device {
	d := device{namesZone: c.hit(0.8), offlineFrom: never, offlineUntil: never, version: c.IntN(3)}
	if c.hit(0.03) {
		d.skew = time.Duration(c.between(-50, 75)) * time.Minute
	} else {
		d.skew = time.Duration(c.between(-20, 20)) * time.Second
	}
	if c.hit(0.07) {
		d.offlineFrom = c.between(2, r.study.duration)
		d.offlineUntil = d.offlineFrom + one(c, 1, 2, 3, 5, 9, 16, 30)
	}
	return d
}

// holdBack keeps some phones of a running study off the network until the day of the anchor, so that its first hour brings
// late uploads.
func (r *roster) holdBack(p *person) {
	if today := int(r.anchor - p.day0); r.study.running() && p.number%6 == 3 && today > 0 {
		p.device.offlineFrom, p.device.offlineUntil = today-[...]int{2, 4, 10}[p.number/6%3], today
	}
}

// screenOut makes those who were screened and never came into an arm, and the tester.
func (r *roster) screenOut(zones map[string]*time.Location) {
	c := r.chance("screening")
	add := func(kind otherKind, count int) {
		for range count {
			o := other{subject: r.pseudonym(len(r.people) + len(r.others)), kind: kind, site: r.site(c)}
			o.zone = zones[o.site.zone]
			o.day = (r.first + date(c.between(-10, max(r.study.recruit, 1)))).working()
			r.others = append(r.others, o)
		}
	}
	add(otherIneligible, r.study.ineligible)
	add(otherDeclined, r.study.declined)
	add(otherUnallocated, r.study.unallocated)
	if r.study.quirks.testTraffic {
		add(otherTester, 1)
		r.others[len(r.others)-1].day = r.first - 20
	}
}

const pseudonymLetters = "bcdfghjkmnpqrstvwxz23456789"

// pseudonym returns the name of the n-th subject of the study: random letters that end in the number, so that no two
// are the same.
func (r *roster) pseudonym(n int) string {
	c := r.chance("pseudonym", fmt.Sprint(n))
	var b strings.Builder
	for range 4 {
		b.WriteByte(pseudonymLetters[c.IntN(len(pseudonymLetters))])
	}
	fmt.Fprintf(&b, "-%03d", n+1)
	return b.String()
}
