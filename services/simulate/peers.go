package simulate

import (
	"fmt"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
)

// assignPeer writes which peer looks after the participant, and a change where one leaves.
func (d *diary) assignPeer() {
	if d.who.peer == 0 {
		return
	}
	d.write(fromClinic, d.who.day0.at(d.zone, 17*60, 0), event.Event{Type: "peer.assigned", Data: data(d.peerName())})
	if day := d.study.duration / 2; d.chance.hit(0.05) && d.who.present(day) {
		d.who.peer = d.who.peer%max(d.who.arm.peers, 1) + 1
		d.write(fromClinic, d.day(day, minutesOffice), event.Event{Type: "peer.changed", Data: data(d.peerName())})
	}
}

func (d *diary) peerName() event.Attribute {
	return text("peer", fmt.Sprintf("%s-peer-%02d", d.who.arm.id, d.who.peer))
}

// contact writes what the peer does in an engaged period, by the component that the arm's peers use.
func (d *diary) contact(k int, parts []part, chosen [][]int) {
	if d.who.peer == 0 {
		return
	}
	mode := d.who.arm.mode
	if mode == "" {
		mode = d.who.arm.parts[0]
	}
	for i, p := range parts {
		if p.id != mode || len(chosen[i]) == 0 || !d.chance.hit(0.7) {
			continue
		}
		day := chosen[i][d.chance.IntN(len(chosen[i]))]
		d.meetPeer(p, d.day(day, minutesOffice))
	}
	if d.chance.hit(0.08) {
		d.supervise(k)
	}
}

func (d *diary) meetPeer(p part, at time.Time) {
	c := d.chance
	d.write(fromClinic, at, event.Event{Type: "peer_contact.completed", Component: p.id, ActorRole: event.RolePeer, Data: data(
		d.peerName(), text("mode", string(p.channel)), number("minutes", c.between(8, 55)), flag("two_way", true))})
	if c.hit(0.25) {
		d.write(fromClinic, at.Add(25*time.Hour), event.Event{Type: "peer_contact.completed", Component: p.id, ActorRole: event.RolePeer, Data: data(
			d.peerName(), text("mode", string(p.channel)), number("minutes", 1), flag("two_way", false))})
	}
	if p.portion() == technology && c.hit(0.35) {
		d.writeBack(p, at)
	}
}

// supervise writes that the work with the participant is talked over and rated.
func (d *diary) supervise(k int) {
	day := min((k+1)*d.study.period, d.study.duration-1)
	if !d.who.present(day) {
		return
	}
	at := d.day(day, minutesOffice)
	d.write(fromClinic, at, event.Event{Type: "supervision.held", ActorRole: event.RoleStaff, Data: data(d.peerName(), number("minutes", d.chance.between(20, 60)))})
	d.write(fromClinic, at.Add(time.Hour), event.Event{Type: "fidelity.rated", ActorRole: event.RoleStaff, Data: data(d.peerName(), number("score", d.chance.between(55, 98)))})
}
