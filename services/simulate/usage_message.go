package simulate

import (
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
)

var (
	outgoing  = text("direction", "to_participant")
	incoming  = text("direction", "from_participant")
	automated = flag("automated", true)
	byHand    = flag("automated", false)
)

// answerText writes a text message from a peer or the system, and the participant's reply; a peer often writes back.
func (d *diary) answerText(p part, at time.Time) {
	c := d.chance
	wait := c.between(30, 4000)
	role, kind := event.RoleSystem, automated
	if d.who.peer > 0 && c.hit(0.5) {
		role, kind = event.RolePeer, byHand
	}
	sent := at.Add(-time.Duration(wait) * time.Second)
	d.write(fromServer, sent, event.Event{Type: "message.sent", Component: p.id, ActorRole: role, Data: data(outgoing, kind)})
	d.write(fromServer, sent.Add(4*time.Second), event.Event{Type: "message.delivered", Component: p.id, ActorRole: event.RoleSystem, Data: data(outgoing)})
	d.write(fromDevice(p), at, event.Event{Type: "message.replied", Component: p.id, Data: data(incoming, byHand, number("response_seconds", wait))})
	if d.who.peer > 0 && c.hit(0.6) {
		d.writeBack(p, at)
	}
}

// writeBack writes a peer's answer to the participant, with the time it took.
func (d *diary) writeBack(p part, at time.Time) {
	wait := d.chance.between(120, 9*3600)
	d.write(fromServer, at.Add(time.Duration(wait)*time.Second), event.Event{
		Type: "message.sent", Component: p.id, ActorRole: event.RolePeer, Data: data(outgoing, byHand, number("response_seconds", wait)),
	})
}

func (d *diary) ignoreText(p part, at time.Time) {
	d.write(fromServer, at, event.Event{Type: "message.sent", Component: p.id, ActorRole: event.RoleSystem, Data: data(outgoing, automated)})
	outcome := "message.delivered"
	if d.chance.hit(0.06) {
		outcome = "message.failed"
	}
	d.write(fromServer, at.Add(5*time.Second), event.Event{Type: outcome, Component: p.id, ActorRole: event.RoleSystem, Data: data(outgoing)})
}

// readMail writes an e-mail that is opened and followed by a click or a reply.
func (d *diary) readMail(p part, at time.Time) {
	sent := at.Add(-time.Duration(d.chance.between(20, 2000)) * time.Minute)
	if d.dayOf(sent) < 0 {
		sent = at.Add(-10 * time.Minute)
	}
	d.write(fromServer, sent, event.Event{Type: "message.sent", Component: p.id, ActorRole: event.RoleSystem, Data: data(outgoing, automated)})
	d.write(fromServer, sent.Add(9*time.Second), event.Event{Type: "message.delivered", Component: p.id, ActorRole: event.RoleSystem, Data: data(outgoing)})
	d.write(fromServer, at, event.Event{Type: "email.opened", Component: p.id})
	if d.chance.hit(0.8) {
		d.write(fromServer, at.Add(time.Minute), event.Event{Type: "email.link_clicked", Component: p.id})
		return
	}
	d.write(fromServer, at.Add(6*time.Minute), event.Event{Type: "message.replied", Component: p.id, Data: data(incoming, byHand)})
}

func (d *diary) ignoreMail(p part, at time.Time) {
	d.write(fromServer, at, event.Event{Type: "message.sent", Component: p.id, ActorRole: event.RoleSystem, Data: data(outgoing, automated)})
	d.write(fromServer, at.Add(9*time.Second), event.Event{Type: "message.delivered", Component: p.id, ActorRole: event.RoleSystem, Data: data(outgoing)})
	if d.chance.hit(0.4) {
		d.write(fromServer, at.Add(40*time.Minute), event.Event{Type: "email.opened", Component: p.id})
	}
}
