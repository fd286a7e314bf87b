package simulate

import (
	"math"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
)

const instrumentVersion = "2"

// timepoint is one day on which the study's instruments are due.
type timepoint struct {
	id          string
	day, window int
}

// timepoints returns when a study's instruments are due: at the beginning, at the end of the intervention, and at the end
// of follow-up where that is later.
func (b *blueprint) timepoints() []timepoint {
	points := []timepoint{{"baseline", 0, 0}, {"post", b.duration, 14}}
	if b.followUp >= b.duration+28 {
		points = append(points, timepoint{"follow-up", b.followUp - 14, 14})
	}
	return points
}

// assess writes the participant's measures.
func (d *diary) assess() {
	for _, a := range d.study.assessments {
		level := d.chance.around(a.mean, a.sd)
		for i, point := range d.study.timepoints() {
			score := level + d.change(a, i) + d.chance.around(0, a.sd/3)
			d.measure(a, point, math.Round(10*max(score, 0))/10)
		}
	}
}

// change returns what the arm and the participant's own use have done by a timepoint.
func (d *diary) change(a assessment, point int) float64 {
	if point == 0 {
		return 0
	}
	used := 0
	for _, engaged := range d.who.engaged {
		if engaged {
			used++
		}
	}
	dose := 0.5
	if len(d.who.engaged) > 0 && len(d.who.arm.parts) > 0 {
		dose = 0.3 + 0.7*float64(used)/float64(len(d.who.engaged))
	}
	change := a.sd * (0.08 + d.who.arm.effect*dose)
	if a.better == "lower" {
		change = -change
	}
	return change
}

func (d *diary) measure(a assessment, point timepoint, score float64) {
	who := event.Event{Data: data(text("instrument", a.instrument), text("instrument_version", instrumentVersion), text("timepoint", point.id))}
	if point.day == 0 {
		day := -d.chance.between(0, 2)
		if !d.study.assigns() {
			day = 0
		}
		at := (d.who.day0 + date(day)).at(d.zone, 8*60+d.chance.between(0, 50), 0)
		if d.chance.hit(0.98) {
			d.submit(a, point, score, at)
		}
		return
	}
	if !d.who.present(point.day - 3) {
		return
	}
	due := d.day(point.day-3, minutesOffice)
	d.write(fromServer, due, event.Event{Type: "measure.due", ActorRole: event.RoleSystem, Data: who.Data})
	day := point.day + d.chance.between(-2, point.window-1)
	if !d.chance.hit(d.diligence()) || !d.who.present(day) {
		if d.who.present(point.day + point.window) {
			d.write(fromServer, d.day(point.day+point.window, minutesOffice), event.Event{Type: "measure.expired", ActorRole: event.RoleSystem, Data: who.Data})
		}
		return
	}
	at := d.day(day, minutesEveryday)
	d.write(fromSurvey, at, event.Event{Type: "measure.started", Data: who.Data})
	d.submit(a, point, score, at.Add(time.Duration(d.chance.between(3, 20))*time.Minute))
}

// diligence is how likely the participant is to fill in a measure: more so if they use the intervention.
func (d *diary) diligence() float64 {
	if len(d.who.arm.parts) > 0 && d.who.lastUse() < d.study.settled() {
		return 0.72
	}
	return 0.93
}

// submit writes a measure; a few are typed wrongly and corrected.
func (d *diary) submit(a assessment, point timepoint, score float64, at time.Time) {
	typed := score
	wrong := d.chance.hit(0.008)
	if wrong {
		typed = math.Round(100*score) / 10
	}
	d.write(fromSurvey, at, event.Event{Type: "measure.submitted", Data: data(
		text("instrument", a.instrument), text("instrument_version", instrumentVersion), text("timepoint", point.id),
		number("score", typed), text("domain", a.domain), text("outcome_kind", a.kind),
	)})
	if !wrong {
		return
	}
	attributes := append(target(d.entries[len(d.entries)-1].event, "typing_error"), number("score", score))
	d.write(fromSurvey, at.Add(26*time.Hour), event.Event{Type: "event.corrected", Data: data(attributes...)})
}
