package simulate

import (
	"slices"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
)

// habit is how a channel is used.
type habit struct {
	pace    pace
	minutes [2]int
	active  float64 // share of engaged periods in which it is used, where others are used too
	most    int     // uses in an engaged week, at most
	idle    float64 // share of other weeks that leave a trace that does not count
}

func habitOf(channel event.Channel) habit {
	switch channel {
	case event.ChannelInPerson:
		return habit{officePace, minutesOffice, 0.85, 1, 0.35}
	case event.ChannelPhoneCall, event.ChannelVideoCall:
		return habit{officePace, minutesOffice, 0.85, 1, 0.6}
	case event.ChannelKiosk, event.ChannelTablet:
		return habit{officePace, minutesOffice, 0.7, 1, 0.05}
	case event.ChannelFitnessTracker:
		return habit{everydayPace, minutesEveryday, 0.75, 7, 0.5}
	case event.ChannelTextMessage:
		return habit{everydayPace, minutesEveryday, 0.8, 3, 0.9}
	case event.ChannelEmail:
		return habit{leisurePace, minutesLeisure, 0.8, 2, 0.8}
	case event.ChannelVideo:
		return habit{leisurePace, minutesLeisure, 0.6, 2, 0.2}
	}
	return habit{leisurePace, minutesLeisure, 0.85, 4, 0.45}
}

// use writes everything that the participant does with the intervention, period by period.
func (d *diary) use() {
	for k, engaged := range d.who.engaged {
		if engaged {
			d.engagedPeriod(k)
		} else {
			d.idlePeriod(k)
		}
	}
	d.farewell()
}

// open returns the days of a period on which a component works and the participant may use it.
func (d *diary) open(p part, k int) []int {
	var days []int
	for day := k * d.study.period; day < (k+1)*d.study.period; day++ {
		if d.who.uses(p.portion(), day) && d.works(p, day) {
			days = append(days, day)
		}
	}
	return days
}

// works reports whether no outage of the component touches the day.
func (d *diary) works(p part, day int) bool {
	since := int(d.who.day0-d.roster.first) + day
	for _, o := range d.study.outages {
		if o.part == p.id && since >= o.from-1 && since <= o.from+o.days {
			return false
		}
	}
	return true
}

// parts returns the components of the participant's arm.
func (d *diary) parts() []part {
	parts := make([]part, 0, len(d.who.arm.parts))
	for _, id := range d.who.arm.parts {
		parts = append(parts, d.study.part(id))
	}
	return parts
}

// leads returns whether a component is the one that carries its portion: the first of the arm that one use is enough for.
func (d *diary) leads(p part) bool {
	for _, other := range d.parts() {
		if other.portion() == p.portion() && other.channel != event.ChannelFitnessTracker {
			return other.id == p.id
		}
	}
	return true
}

func (d *diary) engagedPeriod(k int) {
	parts := d.parts()
	chosen := make([][]int, len(parts)) // days of use, by component
	counts := false
	for i, p := range parts {
		chosen[i] = d.chooseDays(p, k)
		counts = counts || len(chosen[i]) > 0 && p.channel != event.ChannelFitnessTracker
	}
	for i, p := range parts {
		if !counts && d.leads(p) {
			if days := d.pickDays(p, d.open(p, k), 1); len(days) > 0 {
				chosen[i], counts = days, true
			}
		}
	}
	for i, p := range parts {
		for _, day := range chosen[i] {
			d.act(p, d.day(day, habitOf(p.channel).minutes))
		}
		if len(chosen[i]) == 0 {
			d.idle(p, k)
		}
	}
	if counts {
		d.contact(k, parts, chosen)
	}
}

// chooseDays returns the days of an engaged period on which a component is used: none if it is left out, and the day of
// certain use in any case.
func (d *diary) chooseDays(p part, k int) []int {
	open, habit := d.open(p, k), habitOf(p.channel)
	var days []int
	if d.chance.hit(habit.active) {
		days = d.pickDays(p, open, d.uses(p, k))
	}
	if p.channel == event.ChannelFitnessTracker && len(days) < (4*d.study.period+6)/7 {
		days = nil
	}
	if day := d.who.last[p.portion()]; day >= 0 && day/d.study.period == k && d.leads(p) && !slices.Contains(days, day) {
		days = append(days, day)
	}
	slices.Sort(days)
	return days
}

// uses returns on how many days of an engaged period a component is used: more while it is new.
func (d *diary) uses(p part, k int) int {
	weeks := float64(d.study.period) / 7
	if p.channel == event.ChannelFitnessTracker {
		return d.chance.between((4*d.study.period+6)/7, d.study.period)
	}
	most := float64(habitOf(p.channel).most)*weeks*0.75 + curiosity(k)
	return max(1, d.chance.between(1, int(most+0.5)))
}

// pickDays draws so many of the open days, each once, by the rhythm of the channel.
func (d *diary) pickDays(p part, open []int, count int) []int {
	weights := make([]float64, len(open))
	for i, day := range open {
		weights[i] = habitOf(p.channel).pace.on(d.who.day0 + date(day))
	}
	var days []int
	for len(days) < count {
		i := d.chance.weighted(weights)
		if i < 0 {
			break
		}
		days = append(days, open[i])
		weights[i] = 0
	}
	if len(days) == 0 && len(open) > 0 {
		days = append(days, open[0])
	}
	return days
}

// idlePeriod writes what a period leaves behind that is not engaged.
func (d *diary) idlePeriod(k int) {
	if !d.who.present((k + 1) * d.study.period) {
		return
	}
	for _, p := range d.parts() {
		d.idle(p, k)
	}
}

// idle writes the traces of a component that nobody used: messages that came, calls that nobody took.
func (d *diary) idle(p part, k int) {
	habit := habitOf(p.channel)
	if !d.chance.hit(habit.idle) {
		return
	}
	day := k*d.study.period + d.chance.IntN(d.study.period)
	if habit.pace == officePace {
		day = int((d.who.day0 + date(day)).working() - d.who.day0)
	}
	if d.who.present(day) && d.works(p, day) {
		d.pass(p, d.day(day, habit.minutes))
	}
}

// act writes one use of a component that counts.
func (d *diary) act(p part, at time.Time) {
	switch p.channel {
	case event.ChannelApp, event.ChannelWeb:
		d.visitApp(p, at)
	case event.ChannelListserv, event.ChannelBulletinBoard, event.ChannelSocialNetwork, event.ChannelSharedDocument:
		d.takePart(p, at)
	case event.ChannelTextMessage:
		d.answerText(p, at)
	case event.ChannelEmail:
		d.readMail(p, at)
	case event.ChannelPhoneCall, event.ChannelVideoCall:
		d.talk(p, at)
	case event.ChannelVideo:
		d.watch(p, at)
	case event.ChannelFitnessTracker:
		d.wear(p, at, d.chance.between(490, 960))
	case event.ChannelKiosk:
		d.visitKiosk(p, at)
	case event.ChannelTablet:
		d.useTablet(p, at)
	case event.ChannelInPerson:
		d.meet(p, at)
	}
}

// pass writes what a component leaves behind when it is not used.
func (d *diary) pass(p part, at time.Time) {
	switch p.channel {
	case event.ChannelApp, event.ChannelWeb:
		d.ignorePrompt(p, at)
	case event.ChannelListserv, event.ChannelBulletinBoard, event.ChannelSocialNetwork, event.ChannelSharedDocument:
		d.lurk(p, at)
	case event.ChannelTextMessage:
		d.ignoreText(p, at)
	case event.ChannelEmail:
		d.ignoreMail(p, at)
	case event.ChannelPhoneCall, event.ChannelVideoCall:
		d.missCall(p, at)
	case event.ChannelVideo:
		d.glance(p, at)
	case event.ChannelFitnessTracker:
		d.wear(p, at, d.chance.between(20, 400))
	case event.ChannelKiosk:
		d.passKiosk(p, at)
	case event.ChannelInPerson:
		d.missVisit(p, at)
	}
}
