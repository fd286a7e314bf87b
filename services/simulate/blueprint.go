package simulate

import "github.com/throughline-trials/throughline/pkg/event"

// blueprint is everything that is decided about a study before chance comes in.
// The designs of studies.
const (
	designRandomised  = "randomised_controlled_trial"
	designQuasi       = "quasi_experimental"
	designPrePost     = "pre_post"
	designQualitative = "qualitative"
)

type blueprint struct {
	id, title string
	design    string
	tier      string // the engagement tier that is meant
	zone      string
	sites     []site
	arms      []armPlan
	parts     []part
	source    string // prefix of the events' sources

	duration, period, followUp int  // days
	silence                    int  // days; 0: the default
	recruit                    int  // days of recruitment
	ended                      int  // finished studies: days from the last follow-up to the anchor
	opened                     int  // running studies: days from the first assignment to the anchor; 0: finished
	first                      date // first assignment, where it is given; 0: by the above

	modules     int // modules that complete the intervention; 0: staff say who completed
	headline    string
	throughout  string
	perProtocol int
	strata      bool
	assessments []assessment
	outages     []outage
	note        string // said beside the definition of engagement

	ineligible, declined, unallocated int  // screened, but never in an arm
	exact                             bool // no pauses, deaths or discontinuations: published rates are met to the participant
	quirks                            quirks
}

// quirks are the mistakes and repairs that a study's record holds.
type quirks struct {
	reallocated   bool // one assignment to the wrong arm, voided and made again
	foundAgain    bool // one loss to follow-up that proved wrong
	contamination bool // controls who used what was not theirs
	unblinded     bool // planned unblinding at the end
	testTraffic   bool
	strayMessages bool // usage of no component
}

type site struct{ id, zone string }

// part is one component of the intervention.
type part struct {
	id       string
	channel  event.Channel
	training bool // web: cognitive training sessions
}

// armPlan is what becomes of the participants of one arm.
type armPlan struct {
	id, label, role string
	delivery        event.DeliveryType
	parts           []string
	n               int

	dropout       float64    // share lost to the study by the end of follow-up
	stops         [2]float64 // share that stops using, by portion
	never         float64    // of those who stop, share that never began
	participation float64    // share of participant-periods that are engaged
	completed     int        // participants who complete the intervention
	deaths        int
	peers         int    // peers who look after the participants of the arm
	mode          string // component by which peers reach them; empty: the first
	effect        float64
}

// Portions, as indexes.
const (
	technology = iota
	inPerson
	portions
)

func (p part) portion() int {
	if p.channel.Portion() == event.PortionInPerson {
		return inPerson
	}
	return technology
}

type assessment struct {
	instrument, domain, kind, better string
	primary                          bool
	mean, sd                         float64
}

// outage is a time in which a component does not work, in days from the first assignment.
type outage struct {
	part       string
	from, days int
}

func (b *blueprint) part(id string) part {
	for _, p := range b.parts {
		if p.id == id {
			return p
		}
	}
	return part{}
}

func (b *blueprint) running() bool { return b.opened > 0 }

func (b *blueprint) participants() int {
	n := 0
	for _, a := range b.arms {
		n += a.n
	}
	return n
}

func (b *blueprint) periods() int { return b.duration / b.period }

// silenceDays returns g of the study.
func (b *blueprint) silenceDays() int {
	if b.silence > 0 {
		return b.silence
	}
	return min(max(14, 2*b.period), b.duration-1)
}

// settled returns A of a participant who is observed to the end: use on or after this day is no event of non-usage.
func (b *blueprint) settled() int { return b.duration - b.silenceDays() }

func (b *blueprint) assigns() bool { return len(b.arms) > 1 }
