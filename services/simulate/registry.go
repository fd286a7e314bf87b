package simulate

import (
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
)

// enter writes how the participant came into the study.
func (d *diary) enter() {
	c, p := d.chance, d.who
	consent := -c.between(1, 9)
	enrolled := 0
	if d.study.assigns() {
		enrolled = -c.between(0, 4)
		consent = enrolled - c.between(0, 6)
	}
	d.registry(consent-c.between(0, 10), "participant.screened", flag("eligible", true))
	d.registry(consent, "consent.given", text("consent_version", "1.0"))
	d.write(fromRegistry, (p.day0+date(enrolled)).at(d.zone, c.between(9*60, 10*60), 0), event.Event{
		Type: "participant.enrolled", Data: d.enrolment(p.site),
	})
	if d.study.assigns() {
		d.allocate()
	}
}

func (d *diary) enrolment(at site) event.Data {
	var attributes []event.Attribute
	if at.id != "" {
		attributes = append(attributes, text("site", at.id))
	}
	if d.study.strata {
		levels := map[string]string{"sex": one(d.chance, "female", "male"), "diagnosis": one(d.chance, "schizophrenia_spectrum", "bipolar")}
		attributes = append(attributes, event.Attribute{Name: "strata", Value: event.Value{Kind: event.KindMap, Map: levels}})
	}
	return data(attributes...)
}

// allocate writes the assignment; in one study somebody is first put into the wrong arm.
func (d *diary) allocate() {
	at := d.who.day0.at(d.zone, d.chance.between(10*60+1, 10*60+40), 0)
	if d.study.quirks.reallocated && d.who.number == 7 {
		d.write(fromAllocation, at, d.assignment(d.wrongArm()))
		wrong := d.entries[len(d.entries)-1].event
		at = at.Add(12 * time.Minute)
		d.write(fromAllocation, at, event.Event{Type: "event.voided", Data: target(wrong, "wrong_arm_selected")})
		at = at.Add(8 * time.Minute)
	}
	d.write(fromAllocation, at, d.assignment(d.who.arm.id))
}

func (d *diary) assignment(arm string) event.Event {
	attributes := []event.Attribute{text("arm", arm)}
	if d.study.design == designRandomised {
		attributes = append(attributes, text("block", "b"+string(rune('a'+d.who.number/8%26))))
	}
	return event.Event{Type: "participant.randomised", Data: data(attributes...)}
}

func (d *diary) wrongArm() string {
	for _, arm := range d.study.arms {
		if arm.id != d.who.arm.id {
			return arm.id
		}
	}
	return d.who.arm.id
}

// target names the event that a void or a correction is about.
func target(e event.Event, reason string) event.Data {
	return data(text("target_source", e.Source), text("target_id", e.ID), text("reason", reason))
}

// registry writes an entry of the trial staff on a day.
func (d *diary) registry(day int, typ string, attributes ...event.Attribute) {
	d.write(fromRegistry, d.day(day, minutesOffice), event.Event{Type: typ, Data: data(attributes...)})
}

// status writes the beginning, interruptions and end of the intervention and of participation.
func (d *diary) status() {
	p := d.who
	switch {
	case len(p.arm.parts) == 0:
	case p.began():
		d.registry(0, "intervention.started")
	case p.leaves == never && p.present(7):
		d.registry(7, "intervention.discontinued", text("reason", one(d.chance, "never_started", "no_device", "changed_mind")), text("decided_by", "participant"))
	}
	if p.pauses != never {
		d.registry(p.pauses, "participation.paused", text("reason", one(d.chance, "hospitalised", "travel", "illness")))
		d.registry(p.resumes, "participation.resumed", text("reason", "back"))
	}
	if p.quits != never && p.began() {
		d.quit()
	}
	if p.halted != never {
		d.registry(p.halted, "intervention.discontinued", text("reason", "clinical_decision"), text("decided_by", "investigator"))
	}
	if p.completes != never && d.study.modules == 0 {
		d.write(fromRegistry, (p.day0+date(p.completes)).at(d.zone, 22*60, 0), event.Event{
			Type: "intervention.completed", Data: data(text("reason", "all_sessions_done")),
		})
	}
	if d.study.followUp > 300 && p.present(200) && d.chance.hit(0.3) {
		d.registry(200, "consent.renewed", text("consent_version", "1.1"))
	}
	d.foundAgain()
	d.leave()
}

func (d *diary) quit() {
	switch d.who.rank % 3 {
	case 0:
		d.registry(d.who.quits, "participant.withdrew", text("scope", "stop_intervention"), text("reason", one(d.chance, "no_time", "not_helpful")))
	case 1:
		d.registry(d.who.quits, "participant.withdrew", text("scope", "stop_intervention_keep_followup"), text("reason", one(d.chance, "no_time", "privacy_worries")))
	default:
		d.registry(d.who.quits, "intervention.discontinued", text("reason", one(d.chance, "no_time", "feels_better")), text("decided_by", "participant"))
	}
}

// foundAgain writes a loss that proves wrong and is voided.
func (d *diary) foundAgain() {
	if d.who.found == never {
		return
	}
	d.registry(d.who.found, "participant.lost_to_follow_up", text("reason", "no_answer"))
	lost := d.entries[len(d.entries)-1].event
	d.write(fromRegistry, d.day(d.who.found+11, minutesOffice), event.Event{Type: "event.voided", Data: target(lost, "found_again")})
}

// leave writes the end of participation.
func (d *diary) leave() {
	p := d.who
	switch {
	case p.dies != never:
		d.registry(p.dies, "participant.died", text("reason", "not_related"))
	case p.leaves == never:
		d.registry(d.study.followUp+d.chance.between(0, 6), "participant.completed", text("reason", "end_of_follow_up"))
	case p.leaving == leavingLost:
		d.registry(p.leaves, "participant.lost_to_follow_up", text("reason", one(d.chance, "no_answer", "moved", "number_out_of_service")))
	case p.leaving == leavingConsent:
		d.registry(p.leaves, "consent.withdrawn", text("consent_version", "1.0"))
	default:
		d.registry(p.leaves, "participant.withdrew", text("scope", string(p.leaving)), text("reason", one(d.chance, "no_time", "burden", "not_helpful", "family_reasons")))
	}
}

// writeOther writes the record of someone who never came into an arm.
func (d *diary) writeOther(o other) {
	at := func(day, minute int) time.Time { return (o.day + date(day)).at(d.zone, minute, 0) }
	screened := func(eligible bool, reason string) {
		attributes := []event.Attribute{flag("eligible", eligible)}
		if reason != "" {
			attributes = append(attributes, text("reason", reason))
		}
		d.write(fromRegistry, at(0, d.chance.between(9*60, 16*60)), event.Event{Type: "participant.screened", Data: data(attributes...)})
	}
	switch o.kind {
	case otherIneligible:
		screened(false, one(d.chance, "no_smartphone", "diagnosis_not_confirmed", "in_hospital", "other_trial", "under_age"))
	case otherDeclined:
		screened(true, one(d.chance, "declined", "declined", "not_reached", "no_time"))
	case otherUnallocated:
		screened(true, "")
		d.write(fromRegistry, at(2, 9*60), event.Event{Type: "consent.given", Data: data(text("consent_version", "1.0"))})
		d.write(fromRegistry, at(2, 9*60+20), event.Event{Type: "participant.enrolled", Data: d.enrolment(o.site)})
	case otherTester:
		d.tryOut(o)
	}
}
