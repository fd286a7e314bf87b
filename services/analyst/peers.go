package analyst

import (
	"maps"
	"slices"
	"time"

	"github.com/throughline-trials/throughline/services/stats"
)

// Peers is what peers did in one arm.
type Peers struct {
	Contacts    Contacts     `json:"contacts"`
	Response    ResponseTime `json:"response_seconds"`
	Caseload    Caseload     `json:"caseload"`
	Fidelity    Fidelity     `json:"fidelity"`
	Reciprocity stats.Rate   `json:"reciprocity"` // threads with a reply by another than who began them
}

// Contacts is two-way contacts with peers in evaluable elapsed periods.
type Contacts struct {
	Contacts           int          `json:"contacts"`            // how many
	ParticipantPeriods int          `json:"participant_periods"` // evaluable and elapsed, of all participants
	PerPeriod          stats.Value  `json:"per_period"`          // contacts of a participant in a period, on average
	Reason             stats.Reason `json:"reason,omitempty"`
}

// ResponseTime is how long it took to respond, in seconds; machines are left out.
type ResponseTime struct {
	Wait
	ByPeer        Wait `json:"by_peer"`        // peers to participants
	ByParticipant Wait `json:"by_participant"` // participants to peers
}

// Wait describes times of response, in seconds.
type Wait struct {
	N      int          `json:"n"`
	Median stats.Value  `json:"median"`
	P90    stats.Value  `json:"p90"` // nine of ten were at most this long
	Reason stats.Reason `json:"reason,omitempty"`
}

// Caseload is how many participants of the arm peers have, by who was assigned last.
type Caseload struct {
	Peers      int `json:"peers"`      // who have any
	Unassigned int `json:"unassigned"` // participants without a peer
	stats.Summary
}

// Fidelity is the scores of ratings of how true to the programme peers worked.
type Fidelity struct {
	Participants int `json:"participants"` // whose peers' work was rated
	stats.Summary
}

// begun is who began a thread, and when.
type begun struct {
	by      *Record
	at      time.Time
	replied *Record // one of those who replied
	several bool    // others did too
}

// threads puts together what all subjects wrote.
func (f *Frame) threads(records []*Record) map[string]*begun {
	out := map[string]*begun{}
	for _, r := range records {
		for i := range r.Peering.Threads {
			f.write(out, r, &r.Peering.Threads[i])
		}
	}
	return out
}

// write adds what one subject wrote in one thread. Of those who began at the same time the first pseudonym did.
func (f *Frame) write(threads map[string]*begun, r *Record, t *Thread) {
	b := threads[t.ID]
	if b == nil {
		b = &begun{}
		threads[t.ID] = b
	}
	if t.Reply {
		b.several = b.several || b.replied != nil
		b.replied = r
	}
	if t.Post.IsZero() {
		return
	}
	if b.by == nil || t.Post.Before(b.at) || t.Post.Equal(b.at) && r.Participant < b.by.Participant {
		b.by, b.at = r, t.Post
	}
}

// answered reports whether another than who began the thread replied.
func (b *begun) answered() bool {
	return b.several || b.replied != nil && b.replied != b.by
}

// peers returns what peers did for people of one arm. whole says that contacts that belong to no component count too.
func (f *Frame) peers(people []person, components []int, whole bool, missing stats.Reason, threads map[string]*begun) *Peers {
	out := &Peers{Contacts: f.contacts(people, components, whole, missing)}
	var byPeer, byParticipant, scores []float64
	load := map[string]int{}
	began := map[*Record]bool{}
	for i := range people {
		p := &people[i].Peering
		byPeer, byParticipant = append(byPeer, p.ByPeer...), append(byParticipant, p.ByParticipant...)
		if len(p.Fidelity) > 0 {
			out.Fidelity.Participants++
			scores = append(scores, p.Fidelity...)
		}
		if p.Current == "" {
			out.Caseload.Unassigned++
		} else {
			load[p.Current]++
		}
		began[people[i].Record] = true
	}
	either := func(reason stats.Reason) stats.Reason {
		if missing != "" {
			return missing
		}
		return reason
	}
	out.Response = ResponseTime{
		Wait: waitOf(append(slices.Clone(byPeer), byParticipant...), either(ReasonNoResponses)), ByPeer: waitOf(byPeer, either(ReasonNoResponses)),
		ByParticipant: waitOf(byParticipant, either(ReasonNoResponses)),
	}
	out.Caseload.Peers, out.Caseload.Summary = len(load), stats.Summarise(loads(load))
	if len(load) == 0 {
		out.Caseload.Reason = either(ReasonNoPeers)
	}
	if out.Fidelity.Summary = stats.Summarise(scores); len(scores) == 0 {
		out.Fidelity.Reason = either(ReasonNoRatings)
	}
	out.Reciprocity = reciprocity(threads, began, either(ReasonNoThreads))
	return out
}

func loads(load map[string]int) []float64 {
	var out []float64
	for _, peer := range slices.Sorted(maps.Keys(load)) {
		out = append(out, float64(load[peer]))
	}
	return out
}

func waitOf(seconds []float64, reason stats.Reason) Wait {
	s := stats.Summarise(seconds)
	out := Wait{N: s.N, Median: s.Median, P90: s.P90, Reason: s.Reason}
	if s.N == 0 {
		out.Reason = reason
	}
	return out
}

func reciprocity(threads map[string]*begun, began map[*Record]bool, reason stats.Reason) stats.Rate {
	x, n := 0, 0
	for _, t := range threads {
		if t.by == nil || !began[t.by] {
			continue
		}
		n++
		if t.answered() {
			x++
		}
	}
	if n == 0 {
		return stats.UndefinedRate(reason)
	}
	return stats.NewRate(x, n)
}

// contacts counts the two-way contacts of people in their evaluable elapsed periods.
func (f *Frame) contacts(people []person, components []int, whole bool, missing stats.Reason) Contacts {
	out := Contacts{}
	for i := range people {
		p := &people[i]
		states := f.periods(p, components)
		_, n := tally(states)
		out.ParticipantPeriods += n
		for _, d := range p.Doses {
			if d.Period < len(states) && states[d.Period] != notEvaluable && (has(components, d.Component) || whole && d.Component == none) {
				out.Contacts += int(d.Amounts[doseContacts])
			}
		}
	}
	switch {
	case missing != "":
		out.Reason = missing
	case len(components) == 0:
		out.Reason = ReasonNotInArm
	case out.ParticipantPeriods == 0:
		out.Reason = ReasonNothingElapsed
	default:
		out.PerPeriod = stats.Defined(float64(out.Contacts) / float64(out.ParticipantPeriods))
		return out
	}
	out.PerPeriod = stats.Undefined(out.Reason)
	return out
}
