package simulate

import (
	"fmt"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
)

// talk writes a call in which both were there for at least five minutes, now and then after an attempt in vain.
func (d *diary) talk(p part, at time.Time) {
	c := d.chance
	d.calls++
	id := text("call_id", fmt.Sprintf("%s-c%d", d.subject, d.serial))
	session := number("session_number", d.calls)
	call := func(after time.Duration, typ string, attributes ...event.Attribute) {
		d.write(fromTelephony, at.Add(after), event.Event{Type: typ, Component: p.id, ActorRole: event.RolePeer, Data: data(append(attributes, id)...)})
	}
	call(-26*time.Hour, "call.scheduled", session)
	if c.hit(0.2) {
		call(-20*time.Minute, "call.attempted", session)
	}
	call(0, "call.attempted", session)
	call(15*time.Second, "call.connected", session)
	seconds := c.between(330, 2700)
	call(time.Duration(15+seconds)*time.Second, "call.ended", session, number("connected_seconds", seconds), flag("both_present", true))
}

// missCall writes a call that did not come about.
func (d *diary) missCall(p part, at time.Time) {
	c := d.chance
	id := text("call_id", fmt.Sprintf("%s-c%d", d.subject, d.serial))
	call := func(after time.Duration, typ string, attributes ...event.Attribute) {
		d.write(fromTelephony, at.Add(after), event.Event{Type: typ, Component: p.id, ActorRole: event.RolePeer, Data: data(append(attributes, id)...)})
	}
	switch {
	case c.hit(0.25):
		call(0, "call.cancelled", text("cancelled_by", one(c, "participant", "peer")))
	case c.hit(0.3):
		call(0, "call.attempted")
		call(10*time.Second, "call.connected")
		seconds := c.between(20, 200)
		call(time.Duration(10+seconds)*time.Second, "call.ended", number("connected_seconds", seconds), flag("both_present", c.hit(0.5)))
	default:
		call(0, "call.attempted")
		call(40*time.Second, "call.missed")
	}
}
