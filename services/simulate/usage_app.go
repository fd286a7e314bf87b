package simulate

import (
	"fmt"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
)

// visitApp writes a session in an app or on a website, with what is done in it.
func (d *diary) visitApp(p part, at time.Time) {
	c, device := d.chance, fromDevice(p)
	if p.channel == event.ChannelApp && !d.installed {
		d.installed = true
		d.write(device, at.Add(-4*time.Minute), event.Event{Type: "app.installed", Component: p.id})
	}
	prompted := c.hit(0.3)
	if prompted {
		d.prompt(p, at.Add(-3*time.Minute), "prompt.opened")
	}
	active := c.between(70, 900)
	id := fmt.Sprintf("%s-s%d", d.subject, d.serial)
	d.write(device, at, event.Event{Type: "session.started", Component: p.id, Data: data(text("session_id", id))})
	within := at.Add(20 * time.Second)
	if c.hit(0.35) {
		d.write(device, within, event.Event{Type: "screen.viewed", Component: p.id, Data: data(text("session_id", id))})
	}
	d.task(p, within.Add(time.Duration(active/2)*time.Second), id)
	end := data(text("session_id", id), number("active_seconds", active), text("ended_by", one(c, "user", "user", "timeout")))
	d.write(device, at.Add(time.Duration(active+25)*time.Second), event.Event{Type: "session.ended", Component: p.id, Data: end})
	d.fault(p, at.Add(time.Duration(active+40)*time.Second))
}

// task writes what a session is for: a module, an exercise, a training, a goal.
func (d *diary) task(p part, at time.Time, session string) {
	c, device := d.chance, fromDevice(p)
	switch {
	case p.training && c.hit(0.8):
		d.write(device, at, event.Event{Type: "training.session_completed", Component: p.id, Data: data(
			number("tasks", c.between(3, 9)), number("minutes", c.between(12, 45)), flag("peer_present", c.hit(0.6)))})
	case c.hit(0.4):
		d.module(p, at, session)
	case c.hit(0.4):
		d.write(device, at, event.Event{Type: "exercise.completed", Component: p.id, Data: data(text("session_id", session))})
	case c.hit(0.12):
		d.write(device, at, event.Event{Type: "goal.set", Component: p.id, Data: data(text("session_id", session))})
	}
}

// module writes the next module, begun and sometimes completed. Where modules complete the intervention, only those do all
// of them who are meant to.
func (d *diary) module(p part, at time.Time, session string) {
	next := d.modulesDone + 1
	name := text("module", fmt.Sprintf("m%02d", min(next, 40)))
	d.write(fromDevice(p), at.Add(-15*time.Second), event.Event{Type: "module.started", Component: p.id, Data: data(name, text("session_id", session))})
	if d.chance.hit(0.3) || d.study.modules > 0 && next > d.study.modules-2 {
		return
	}
	d.completeModule(p, at, next)
}

func (d *diary) completeModule(p part, at time.Time, next int) {
	d.modulesDone = next
	d.write(fromDevice(p), at, event.Event{Type: "module.completed", Component: p.id, Data: data(
		text("module", fmt.Sprintf("m%02d", min(next, 40))), number("percent", 100))})
}

// lastModules completes what is left to do on the day of completion.
func (d *diary) lastModules() {
	if d.who.completes == never || d.study.modules == 0 {
		return
	}
	for _, p := range d.parts() {
		if p.channel != event.ChannelApp && p.channel != event.ChannelWeb && p.channel != event.ChannelKiosk {
			continue
		}
		at := (d.who.day0 + date(d.who.completes)).at(d.zone, 18*60, 0)
		for next := d.modulesDone + 1; next <= d.study.modules; next++ {
			at = at.Add(9 * time.Minute)
			d.completeModule(p, at, next)
		}
		return
	}
}

// prompt writes a reminder and what became of it.
func (d *diary) prompt(p part, at time.Time, outcome string) {
	d.write(fromServer, at.Add(-90*time.Second), event.Event{Type: "prompt.sent", Component: p.id, ActorRole: event.RoleSystem})
	d.write(fromDevice(p), at.Add(-60*time.Second), event.Event{Type: "prompt.delivered", Component: p.id, ActorRole: event.RoleSystem})
	d.write(fromDevice(p), at, event.Event{Type: outcome, Component: p.id})
}

// ignorePrompt writes a reminder that is waved away, or a glance at the app that is too short to count.
func (d *diary) ignorePrompt(p part, at time.Time) {
	if d.chance.hit(0.7) || !d.who.uses(p.portion(), d.dayOf(at)) {
		d.prompt(p, at, "prompt.dismissed")
		return
	}
	id := text("session_id", fmt.Sprintf("%s-s%d", d.subject, d.serial))
	active := d.chance.between(3, 45)
	d.write(fromDevice(p), at, event.Event{Type: "session.started", Component: p.id, Data: data(id)})
	d.write(fromDevice(p), at.Add(time.Duration(active+2)*time.Second), event.Event{Type: "session.ended", Component: p.id, Data: data(
		id, number("active_seconds", active), text("ended_by", "user"))})
}

func (d *diary) dayOf(at time.Time) int { return int(dateOf(at.In(d.zone)) - d.who.day0) }

// fault writes a technical fault now and then, repaired within days, and an update of the app after it.
func (d *diary) fault(p part, at time.Time) {
	c := d.chance
	if !c.hit(0.006) {
		return
	}
	what := data(text("severity", one(c, "mild", "moderate")), flag("blocks_use", c.hit(0.3)), text("component", p.id))
	d.write(fromDevice(p), at, event.Event{Type: "technical_fault.reported", Component: p.id, Data: what})
	fixed := at.Add(time.Duration(c.between(4, 90)) * time.Hour)
	d.write(fromServer, fixed, event.Event{Type: "technical_fault.resolved", Component: p.id, ActorRole: event.RoleSystem, Data: data(text("component", p.id))})
	if p.channel == event.ChannelApp {
		d.write(fromDevice(p), fixed.Add(3*time.Hour), event.Event{Type: "app.updated", Component: p.id})
	}
}
