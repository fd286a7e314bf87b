package simulate

import (
	"fmt"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
)

// meet writes a visit or group meeting; a few are entered twice and the second entry is voided.
func (d *diary) meet(p part, at time.Time) {
	c := d.chance
	d.visits++
	visit := event.Event{Type: "visit.attended", Component: p.id, Data: data(text("location_type", one(c, "clinic", "community", "home")), number("group_size", one(c, 1, 1, 4, 6, 8)))}
	d.write(fromClinic, at, visit)
	switch {
	case c.hit(0.006):
		d.write(fromClinic, at.Add(time.Minute), visit)
		second := d.entries[len(d.entries)-1].event
		d.write(fromClinic, at.Add(50*time.Hour), event.Event{Type: "event.voided", Data: target(second, "entered_twice")})
	case c.hit(0.006):
		first := d.entries[len(d.entries)-1].event
		right := data(append(target(first, "wrong_time"), text("time", d.timeText(at.Add(-30*time.Minute))))...)
		d.write(fromClinic, at.Add(30*time.Hour), event.Event{Type: "event.corrected", Data: right})
	}
}

func (d *diary) timeText(at time.Time) string {
	if d.zulu {
		return at.UTC().Format(time.RFC3339)
	}
	return at.In(d.zone).Format("2006-01-02T15:04:05-07:00")
}

func (d *diary) missVisit(p part, at time.Time) {
	d.write(fromClinic, at, event.Event{Type: "visit.no_show", Component: p.id, ActorRole: event.RoleStaff, Data: data(text("location_type", "clinic"))})
}

// visitKiosk writes a visit to a kiosk of five minutes or more, mostly with a module.
func (d *diary) visitKiosk(p part, at time.Time) {
	minutes := d.chance.between(8, 35)
	place := text("location_type", "clinic")
	d.write(fromDevice(p), at, event.Event{Type: "kiosk.visit_started", Component: p.id, Data: data(place)})
	if d.chance.hit(0.7) {
		d.module(p, at.Add(time.Duration(minutes*30)*time.Second), fmt.Sprintf("%s-k%d", d.subject, d.serial))
	}
	d.write(fromDevice(p), at.Add(time.Duration(minutes)*time.Minute), event.Event{Type: "kiosk.visit_ended", Component: p.id, Data: data(place)})
}

// passKiosk writes a visit that is too short to count.
func (d *diary) passKiosk(p part, at time.Time) {
	if !d.who.uses(p.portion(), d.dayOf(at)) {
		return
	}
	d.write(fromDevice(p), at, event.Event{Type: "kiosk.visit_started", Component: p.id})
	d.write(fromDevice(p), at.Add(time.Duration(d.chance.between(30, 200))*time.Second), event.Event{Type: "kiosk.visit_ended", Component: p.id})
}

// useTablet writes that a worker hands over the tablet and something is looked at together.
func (d *diary) useTablet(p part, at time.Time) {
	d.write(fromClinic, at, event.Event{Type: "tablet.handed_over", Component: p.id, Data: data(text("location_type", "clinic"))})
	d.visitApp(p, at.Add(2*time.Minute))
}

// watch writes a recorded video seen nearly to its end.
func (d *diary) watch(p part, at time.Time) {
	c := d.chance
	video := text("video", fmt.Sprintf("v%02d", c.between(1, 24)))
	together := flag("with_worker", d.together())
	d.write(fromDevice(p), at, event.Event{Type: "video.started", Component: p.id, Data: data(video, together)})
	if c.hit(0.3) {
		d.write(fromDevice(p), at.Add(90*time.Second), event.Event{Type: "video.paused", Component: p.id, Data: data(video, number("unique_percent", c.between(20, 40)))})
	}
	if c.hit(0.4) {
		d.write(fromDevice(p), at.Add(3*time.Minute), event.Event{Type: "video.progressed", Component: p.id, Data: data(video, number("unique_percent", c.between(45, 60)))})
	}
	d.write(fromDevice(p), at.Add(6*time.Minute), event.Event{Type: "video.completed", Component: p.id, Data: data(video, together, number("unique_percent", c.between(82, 100)))})
}

// together reports whether videos are seen with a worker: where the arm has a tablet.
func (d *diary) together() bool {
	for _, p := range d.parts() {
		if p.channel == event.ChannelTablet {
			return true
		}
	}
	return false
}

// glance writes a video that is begun and left.
func (d *diary) glance(p part, at time.Time) {
	if !d.who.uses(p.portion(), d.dayOf(at)) {
		return
	}
	video := text("video", fmt.Sprintf("v%02d", d.chance.between(1, 24)))
	d.write(fromDevice(p), at, event.Event{Type: "video.started", Component: p.id, Data: data(video)})
	d.write(fromDevice(p), at.Add(time.Minute), event.Event{Type: "video.progressed", Component: p.id, Data: data(video, number("unique_percent", d.chance.between(5, 50)))})
}

// wear writes a day with the tracker and its transmission.
func (d *diary) wear(p part, at time.Time, minutes int) {
	if !d.linked {
		d.linked = true
		d.write(fromDevice(p), at.Add(-time.Hour), event.Event{Type: "tracker.linked", Component: p.id})
	}
	day := dateOf(at)
	from := day.at(d.zone, 6*60+30, 0)
	until := day.at(d.zone, 23*60, 0)
	evening := day.at(d.zone, 23*60+5, d.chance.IntN(60))
	d.write(fromDevice(p), evening, event.Event{Type: "wear_day.recorded", Component: p.id, Data: data(
		number("minutes_worn", minutes), number("steps", d.chance.between(8, 13)*minutes/2),
		text("covered_from", d.localText(from)), text("covered_to", d.localText(until)))})
	if d.chance.hit(0.25) {
		d.write(fromDevice(p), evening.Add(90*time.Second), event.Event{Type: "tracker.synced", Component: p.id})
	}
}

func (d *diary) localText(at time.Time) string {
	return at.In(d.zone).Format("2006-01-02T15:04:05-07:00")
}
