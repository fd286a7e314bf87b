package simulate

import (
	"fmt"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
)

// takePart writes one visit to a list, board, group or shared document in which the participant does something.
func (d *diary) takePart(p part, at time.Time) {
	c, device := d.chance, fromDevice(p)
	if !d.joined[p.id] {
		d.joined[p.id] = true
		d.write(device, at.Add(-5*time.Minute), event.Event{Type: "group.joined", Component: p.id})
	}
	thread := text("thread", d.thread(p, at))
	length := text("length_bucket", one(c, "short", "short", "medium", "long"))
	if p.channel != event.ChannelListserv {
		d.write(device, at, event.Event{Type: "thread.viewed", Component: p.id, Data: data(thread, number("view_seconds", c.between(35, 240)))})
	}
	at = at.Add(time.Duration(c.between(1, 6)) * time.Minute)
	switch {
	case p.channel == event.ChannelListserv && c.hit(0.45), c.hit(0.2):
		d.write(device, at, event.Event{Type: "post.created", Component: p.id, Data: data(thread, length)})
		d.moderate(p, at, thread)
	case p.channel == event.ChannelListserv, c.hit(0.45):
		d.write(device, at, event.Event{Type: "reply.created", Component: p.id, Data: data(thread, length)})
	case p.channel == event.ChannelSocialNetwork, c.hit(0.3):
		d.write(device, at, event.Event{Type: "reaction.added", Component: p.id, Data: data(thread)})
	}
}

// thread returns the conversation that is talked in on a day: a handful are open in any week.
func (d *diary) thread(p part, at time.Time) string {
	week := int(dateOf(at)-d.roster.first)/7 + 100
	return fmt.Sprintf("%s-%d-%d", p.id, week, d.chance.between(1, 5))
}

// moderate writes that a post is flagged by its readers and looked at by staff, which is rare.
func (d *diary) moderate(p part, at time.Time, thread event.Attribute) {
	if !d.chance.hit(0.01) {
		return
	}
	d.write(fromServer, at.Add(2*time.Hour), event.Event{Type: "content.flagged", Component: p.id, ActorRole: event.RolePeer, Data: data(thread)})
	d.write(fromClinic, at.Add(5*time.Hour), event.Event{Type: "content.moderated", Component: p.id, ActorRole: event.RoleStaff, Data: data(thread)})
}

// lurk writes what a group sends on its own, or a look that is too short to count.
func (d *diary) lurk(p part, at time.Time) {
	if p.channel == event.ChannelListserv || d.chance.hit(0.5) || !d.who.uses(p.portion(), d.dayOf(at)) {
		d.write(fromServer, at, event.Event{Type: "digest.sent", Component: p.id, ActorRole: event.RoleSystem})
		return
	}
	d.write(fromDevice(p), at, event.Event{Type: "thread.viewed", Component: p.id, Data: data(
		text("thread", d.thread(p, at)), number("view_seconds", d.chance.between(2, 25)))})
}

// farewell writes that somebody who stopped leaves the group or gives the tracker back.
func (d *diary) farewell() {
	for _, p := range d.parts() {
		stop := d.who.stop[p.portion()]
		if stop < 0 || stop >= d.study.settled() || !d.who.present(stop+3) || !d.chance.hit(0.25) {
			continue
		}
		at := d.day(stop+2, minutesLeisure)
		switch {
		case p.channel == event.ChannelFitnessTracker && d.linked:
			d.write(fromDevice(p), at, event.Event{Type: "tracker.unlinked", Component: p.id})
		case d.joined[p.id]:
			d.write(fromDevice(p), at, event.Event{Type: "group.left", Component: p.id})
		}
	}
}
