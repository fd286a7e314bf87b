package analyst

import (
	"github.com/throughline-trials/throughline/services/stats"
)

// Cause is what may end the use of a participant.
type Cause string

// The causes, in the order in which they are told.
const (
	CauseNonUsage Cause = "non_usage"
	CauseDropout  Cause = "dropout"
	CauseDeath    Cause = "death"
)

// causes returns every cause; cause k of package stats stands at k - 1.
func causes() []Cause { return []Cause{CauseNonUsage, CauseDropout, CauseDeath} }

// Incidence is how many stopped using, left the study and died, each while none of the others had happened yet.
type Incidence struct {
	N        int              `json:"n"`
	TooEarly int              `json:"too_early"`
	Causes   []CauseIncidence `json:"causes"` // non_usage, dropout and death, in this order
	Note     string           `json:"note"`
	Reason   stats.Reason     `json:"reason,omitempty"`
}

// CauseIncidence is the cumulative incidence of one cause.
type CauseIncidence struct {
	Cause  Cause            `json:"cause"` // what ended use
	Events int              `json:"events"`
	Curve  []IncidencePoint `json:"curve"`
}

// IncidencePoint is the cumulative incidence on one day, at every day on which something happened; before the first it
// is 0.
type IncidencePoint struct {
	Day       float64      `json:"day"`
	AtRisk    int          `json:"at_risk"` // with a time of at least this day
	Events    int          `json:"events"`  // of the cause, on the day
	Censored  int          `json:"censored"`
	Incidence float64      `json:"incidence"` // up to the day, itself included
	SE        float64      `json:"se"`
	Lower     stats.Value  `json:"lower"`
	Upper     stats.Value  `json:"upper"`
	Reason    stats.Reason `json:"reason,omitempty"` // why there are no limits
}

// ending is how the use of one participant ended, among several causes.
type ending struct {
	tooEarly bool
	stats.Ending
}

// compete finds what came first. Unlike for non-usage alone, death does not shorten the time in which it may be found.
func (f *Frame) compete(p *person, components []int, g int, variant Variant) ending {
	days := f.calendar(p, components, min(p.c, f.plan.def.AccessDays(), p.by(p.Discontinued)))
	a := days.answerable(g)
	if a <= 0 {
		return ending{tooEarly: true}
	}
	horizon := min(f.plan.def.DurationDays(), a)
	day, cause := f.first(p, &days, g, variant, horizon)
	if day < horizon {
		return ending{Ending: stats.Ending{Time: float64(day), Cause: cause}}
	}
	return ending{Ending: stats.Ending{Time: float64(horizon - 1)}}
}

// first returns the first of death, dropout and non-use, never if there is none, and 0 for completion before them: whoever
// completed the intervention before the silence was long enough did not stop using it.
func (f *Frame) first(p *person, days *calendar, g int, variant Variant, horizon int) (day, cause int) {
	died, left := p.by(p.Death), never
	if p.Exit.dropout() {
		left = p.by(p.Exit.Day)
	}
	day, cause = died, 3
	if left < died || left == died && left != never {
		day, cause = left, 2 // of one day: had death come first, it would be the exit
	}
	last := days.last()
	if variant == FirstLapse {
		last = days.firstLapse(g)
	}
	if last >= horizon {
		return day, cause
	}
	silent, completed := days.silenceEnd(last, g), p.by(p.Completed)
	switch {
	case completed != never && completed <= silent && completed < day:
		return completed, 0
	case silent < day:
		return last, 1
	}
	return day, cause
}

// incidence estimates the incidences of an arm.
func incidence(fates []fate) *Incidence {
	out := &Incidence{Note: incidenceNote}
	var endings []stats.Ending
	for i := range fates {
		if fates[i].ending.tooEarly {
			out.TooEarly++
			continue
		}
		endings = append(endings, fates[i].ending.Ending)
	}
	out.N = len(endings)
	estimate := stats.AalenJohansen(endings, len(causes()))
	out.Reason = estimate.Reason
	for k, cause := range causes() {
		one := CauseIncidence{Cause: cause, Curve: []IncidencePoint{}}
		for _, r := range estimate.Rows {
			c := r.Causes[k]
			one.Events += c.Events
			one.Curve = append(one.Curve, IncidencePoint{
				Day: r.Day, AtRisk: r.AtRisk, Events: c.Events, Censored: r.Censored,
				Incidence: c.Incidence, SE: c.SE, Lower: c.Lower, Upper: c.Upper, Reason: c.Lower.Reason(),
			})
		}
		out.Causes = append(out.Causes, one)
	}
	return out
}
