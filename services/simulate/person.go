package simulate

import "time"

// never is a day that does not come.
const never = -1

// person is one participant and what will become of them. Days are counted from day 0, the day of assignment.
type person struct {
	arm     *armPlan
	number  int // place in the study, by recruitment
	subject string
	site    site
	zone    *time.Location
	day0    date
	rank    int // among the arm: the lowest leave first, the highest complete

	stop [portions]int // last day on which the portion is used; never: not once
	last [portions]int // a day on which the portion is used for certain

	leaves  int // day of dropout
	leaving leaving
	quits   int // day of ending the intervention while staying in the study
	halted  int // day on which an investigator ends the intervention
	dies    int
	found   int // day on which a loss that proves wrong is noted
	pauses  int // first day of a pause
	resumes int // first day after it

	completes int // day of completing the intervention
	engaged   []bool

	peer   int
	device device
}

// leaving is a way of being lost to the study.
type leaving string

const (
	leavingStopAll leaving = "stop_all"
	leavingErase   leaving = "erase"
	leavingConsent leaving = "consent"
	leavingLost    leaving = "lost"
)

// device is how a participant's phone or computer behaves.
type device struct {
	skew         time.Duration // what its clock is ahead
	namesZone    bool          // it sends the name of the zone and not only the offset
	offlineFrom  int           // days without a network: what happens in them arrives afterwards
	offlineUntil int
	version      int
}

// present reports whether the participant is in the study on a day.
func (p *person) present(day int) bool {
	return (p.leaves == never || day < p.leaves) && (p.dies == never || day < p.dies)
}

// uses reports whether the participant may use a portion on a day.
func (p *person) uses(portion, day int) bool {
	if day < 0 || day > p.stop[portion] || !p.present(day) {
		return false
	}
	if p.halted != never && day >= p.halted {
		return false
	}
	return p.pauses == never || day < p.pauses || day >= p.resumes
}

// lastUse returns the last day on which anything may be used.
func (p *person) lastUse() int { return max(p.stop[technology], p.stop[inPerson]) }

// began reports whether the participant uses the intervention at all.
func (p *person) began() bool { return p.lastUse() >= 0 }
