package simulate

import (
	"fmt"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
)

// safety writes what harm there was and what worried somebody.
func (d *diary) safety() {
	c := d.chance
	if c.hit(0.04) {
		if day := c.between(5, d.study.followUp-1); d.who.present(day) {
			d.write(fromClinic, d.day(day, minutesOffice), event.Event{
				Type: "adverse_event.reported", ActorRole: event.RoleStaff, Data: data(text("severity", one(c, "mild", "mild", "moderate", "severe"))),
			})
		}
	}
	if c.hit(0.03) {
		if day := c.between(1, d.study.duration-1); d.who.present(day) {
			d.write(fromClinic, d.day(day, minutesOffice), event.Event{
				Type: "risk.flagged", ActorRole: event.RolePeer, Data: data(text("severity", one(c, "mild", "moderate"))),
			})
		}
	}
}

// stray writes what should not be there: use of another arm's component, messages that belong to no component.
func (d *diary) stray() {
	c, p := d.chance, d.who
	if d.study.quirks.contamination && len(p.arm.parts) == 0 && c.hit(0.08) {
		other := d.study.part(d.study.arms[0].parts[0])
		for range c.between(1, 4) {
			if day := c.between(1, d.study.duration-1); p.present(day) {
				d.act(other, d.day(day, habitOf(other.channel).minutes))
			}
		}
	}
	if d.study.quirks.strayMessages && c.hit(0.15) {
		if day := c.between(0, d.study.duration-1); p.present(day) {
			d.write(fromServer, d.day(day, minutesEveryday), event.Event{
				Type: "message.sent", Channel: event.ChannelTextMessage, ActorRole: event.RoleStaff, Data: data(outgoing, byHand),
			})
		}
	}
}

// tryOut writes the test traffic of an app team before the study.
func (d *diary) tryOut(o other) {
	d.test = true
	for i := range 6 {
		for _, p := range d.study.parts {
			at := (o.day + date(i)).at(d.zone, 10*60+7*i, 0)
			if p.channel == event.ChannelApp || p.channel == event.ChannelWeb {
				id := text("session_id", fmt.Sprintf("%s-s%d", d.subject, i))
				d.write(fromDevice(p), at, event.Event{Type: "session.started", Component: p.id, Data: data(id)})
				d.write(fromDevice(p), at.Add(5*time.Minute), event.Event{Type: "session.ended", Component: p.id, Data: data(id, number("active_seconds", 290), text("ended_by", "user"))})
			}
		}
	}
}

// studyEvents returns what is said about the study as a whole: outages and a planned unblinding.
func (r *roster) studyEvents() []entry {
	d := newDiary(r, "", r.location())
	d.prefix = "study"
	for _, o := range r.study.outages {
		from := (r.first + date(o.from)).at(r.location(), 5*60+20, 0)
		until := from.Add(time.Duration(o.days)*24*time.Hour + 3*time.Hour)
		d.write(fromRegistry, until.Add(2*time.Hour), event.Event{Type: event.TypeOutage, Data: data(
			text("component", o.part), text("from", from.UTC().Format(time.RFC3339)), text("to", until.UTC().Format(time.RFC3339)),
			text("reason", "server_fault"))})
	}
	if r.study.quirks.unblinded {
		at := (r.first + date(r.study.recruit+r.study.followUp+30)).at(r.location(), 11*60, 0)
		d.write(fromRegistry, at, event.Event{Type: event.TypeUnblinding, Data: data(
			text("scope", "study"), text("reason", "final_analysis"), flag("planned", true), text("by", "trial_statistician"))})
	}
	return d.finish()
}

// location returns the study's zone.
func (r *roster) location() *time.Location {
	zone, err := time.LoadLocation(r.study.zone)
	if err != nil {
		return time.UTC // plan has loaded it before
	}
	return zone
}
