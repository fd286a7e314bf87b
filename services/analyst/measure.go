package analyst

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/throughline-trials/throughline/services/study"
)

const typeMeasure = "measure.submitted"

// Measure is one submission of a declared instrument for a declared timepoint.
type Measure struct {
	Assessment int // place in the definition
	Timepoint  int // place in the assessment
	Day        int // may be below 0
	Score      *float64
}

// MarshalJSON writes a measure as three numbers and a score or null.
func (m Measure) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, 24)
	for i, n := range [...]int{m.Assessment, m.Timepoint, m.Day} {
		b = strconv.AppendInt(append(b, "[,,"[i]), int64(n), 10)
	}
	if m.Score == nil {
		return append(b, ",null]"...), nil
	}
	score, err := json.Marshal(*m.Score)
	return append(append(append(b, ','), score...), ']'), err
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (m *Measure) UnmarshalJSON(b []byte) error {
	var four [4]*float64
	if err := json.Unmarshal(b, &four); err != nil {
		return err
	}
	for i, into := range []*int{&m.Assessment, &m.Timepoint, &m.Day} {
		if four[i] != nil {
			*into = int(*four[i])
		}
	}
	m.Score = four[3]
	return nil
}

// measures reads the submissions, by time. They count from before day 0, and no longer after the participant left the
// study altogether.
func (f *folder) measures() {
	if !f.record.assigned() || len(f.plan.def.Assessments) == 0 {
		return
	}
	var left time.Time
	for i := range f.entries {
		e := &f.entries[i]
		switch {
		case exitOf(e) == ExitWithdrew && left.IsZero():
			left = e.event.Time.Time
		case e.event.Type != typeMeasure || !left.IsZero() && e.event.Time.After(left):
		default:
			f.measure(e)
		}
	}
}

func (f *folder) measure(e *entry) {
	a, t, ok := timepointOf(f.plan.def, e.event.Data.Text("instrument"), e.event.Data.Text("timepoint"))
	if !ok {
		return
	}
	m := Measure{Assessment: a, Timepoint: t, Day: f.day(e)}
	if score, told := e.event.Data.Number("score"); told {
		m.Score = &score
	}
	f.record.Measures = append(f.record.Measures, m)
}

// timepointOf returns the places of an assessment and of one of its timepoints.
func timepointOf(def *study.Definition, instrument, timepoint string) (a, t int, ok bool) {
	for a := range def.Assessments {
		if def.Assessments[a].Instrument != instrument {
			continue
		}
		for t := range def.Assessments[a].Timepoints {
			if def.Assessments[a].Timepoints[t].ID == timepoint {
				return a, t, true
			}
		}
	}
	return 0, 0, false
}

// answer is what a participant gave at one timepoint.
type answer struct {
	submitted bool
	score     *float64 // nil: none was given, or nothing was submitted
	due       bool     // the window has passed, and the participant lived through it
}

// answer returns what the participant gave at a timepoint: the submission nearest its day within the window, of two as
// near the earlier; at baseline the latest until the window ends. One with a score goes before one without.
func (p *person) answer(def *study.Definition, assessment, timepoint int) answer {
	at := def.Assessments[assessment].Timepoints[timepoint]
	last := at.Day + at.WindowDays
	out := answer{due: last < p.c && p.Death > last}
	nearest := never
	for i := range p.Measures {
		m := &p.Measures[i]
		if m.Assessment != assessment || m.Timepoint != timepoint || m.Day > last {
			continue
		}
		distance := max(m.Day-at.Day, at.Day-m.Day)
		if at.Day > 0 && distance > at.WindowDays {
			continue
		}
		out.submitted = true
		if m.Score != nil && (at.Day == 0 || distance < nearest) {
			out.score, nearest = m.Score, distance
		}
	}
	out.due = out.due || last < p.c && out.submitted
	return out
}
