package stats

import (
	"cmp"
	"math"
	"slices"
	"sort"
)

// Ending is how the follow-up of one participant ended, among several causes.
type Ending struct {
	// Time is the day of it, from day 0.
	Time float64
	// Cause is 0 for censoring, else 1 … number of causes.
	Cause int
}

// CauseRow is one cause at one distinct time.
type CauseRow struct {
	// Events counts those of exactly this day.
	Events int `json:"events"`
	// Incidence is F(t), events of the day included.
	Incidence float64 `json:"incidence"`
	SE        float64 `json:"se"`
	// Lower and Upper are undefined where Incidence is 0 or 1.
	Lower Value `json:"lower"`
	Upper Value `json:"upper"`
}

// IncidenceRow is one distinct time of cumulative incidences.
type IncidenceRow struct {
	Day      float64 `json:"day"`
	AtRisk   int     `json:"at_risk"`
	Censored int     `json:"censored"`
	// Causes holds cause 1 first.
	Causes []CauseRow `json:"causes"`
}

// Incidence is the cumulative incidence of each of several causes.
type Incidence struct {
	N      int
	Causes int
	// Rows holds every distinct time, of events and of censorings, ascending.
	Rows   []IncidenceRow
	Reason Reason
}

// AalenJohansen estimates the share struck by each cause k while nothing else
// struck before:
//
//	F_k(t) = Σ S(t_i-) d_ki/n_i
//	var = Σ (F_k(t)-F_k(t_i))² d_i/(n_i(n_i-d_i)) + Σ S(t_i-)² d_ki(n_i-d_ki)/n_i³
//	      - 2 Σ (F_k(t)-F_k(t_i)) S(t_i-) d_ki/n_i²
//
// with the first term 0 where n_i = d_i, S the Kaplan-Meier estimate of all
// causes together, d_i events of any cause; limits F^exp(±z·se/(F ln F)).
// Sources: Aalen and Johansen, Scand J Stat 1978;5:141-150; Marubini and
// Valsecchi 1995, chapter 10, for the variance. A time or a cause outside its
// range gives [ReasonInvalid], nobody [ReasonNoParticipants].
func AalenJohansen(endings []Ending, causes int) Incidence {
	out := Incidence{N: len(endings), Causes: causes}
	for _, e := range endings {
		if !(e.Time >= 0) || math.IsInf(e.Time, 0) || e.Cause < 0 || e.Cause > causes {
			out.Reason = ReasonInvalid
			return out
		}
	}
	if len(endings) == 0 {
		out.Reason = ReasonNoParticipants
		return out
	}
	sorted := slices.Clone(endings)
	slices.SortFunc(sorted, func(a, b Ending) int { return cmp.Compare(a.Time, b.Time) })
	survival, states := 1.0, make([]causeState, causes)
	for i := 0; i < len(sorted); {
		row := IncidenceRow{Day: sorted[i].Time, AtRisk: len(sorted) - i, Causes: make([]CauseRow, causes)}
		events := 0
		for ; i < len(sorted) && sorted[i].Time == row.Day; i++ {
			if cause := sorted[i].Cause; cause > 0 {
				row.Causes[cause-1].Events++
				events++
			} else {
				row.Censored++
			}
		}
		for k := range states {
			states[k].add(&row.Causes[k], survival, float64(row.AtRisk), float64(events))
		}
		survival *= float64(row.AtRisk-events) / float64(row.AtRisk)
		out.Rows = append(out.Rows, row)
	}
	return out
}

// causeState carries the sums of the variance from one time to the next. With
// a_i = d_i/(n_i(n_i-d_i)) and c_i = S(t_i-)d_ki/n_i², the distances F(t)-F(t_i)
// grow by the same step for all i, so the sums are updated and not recomputed.
type causeState struct {
	incidence float64
	a         float64 // Σ a_i
	a1        float64 // Σ (F-F_i) a_i
	a2        float64 // Σ (F-F_i)² a_i
	b         float64 // Σ S² d_k(n-d_k)/n³
	c         float64 // Σ c_i
	c1        float64 // Σ (F-F_i) c_i
	past      []causeTime
}

// causeTime is one time with events: S just before it, F after it, the number at
// risk, events of any cause and of the cause.
type causeTime struct {
	survival, incidence, n, d, own float64
}

// add books one time with n at risk and d events of any cause, of which row
// holds the cause's own, and fills in the row.
func (s *causeState) add(row *CauseRow, survival, n, d float64) {
	own := float64(row.Events)
	step := survival * own / n
	s.a2 += 2*step*s.a1 + step*step*s.a
	s.a1 += step * s.a
	s.c1 += step * s.c
	s.incidence += step
	if d < n {
		s.a += d / (n * (n - d))
	}
	s.b += survival * survival * own * (n - own) / (n * n * n)
	s.c += survival * own / (n * n)
	if d > 0 {
		s.past = append(s.past, causeTime{survival, s.incidence, n, d, own})
	}
	row.Incidence = s.incidence
	row.SE = math.Sqrt(s.variance())
	row.limit()
}

// cancels is the share of its parts below which the variance has lost digits.
const cancels = 1e-4

func (s *causeState) variance() float64 {
	if v := s.a2 + s.b - 2*s.c1; v > cancels*(s.a2+s.b) {
		return v
	}
	sum := 0.0
	for _, at := range s.past {
		sum += at.variance(s.incidence)
	}
	return sum
}

// variance is the time's term of the variance of F(t), without a difference of
// large parts: the variance of (d_k/n, other d/n), which is multinomial, under
// the weights that a death of either kind has in F(t).
func (at causeTime) variance(incidence float64) float64 {
	own, other, none := at.own/at.n, (at.d-at.own)/at.n, (at.n-at.d)/at.n
	lost := 0.0
	if none > 0 {
		lost = (incidence - at.incidence) / none
	}
	gain := at.survival - lost
	mean := own*gain - other*lost
	return (own*(gain-mean)*(gain-mean) + other*(lost+mean)*(lost+mean) + none*mean*mean) / at.n
}

func (r *CauseRow) limit() {
	f := r.Incidence
	switch {
	case f <= 0:
		r.Lower, r.Upper = bothUndefined(ReasonIncidenceZero)
	case f >= 1-1e-12:
		r.Lower, r.Upper = bothUndefined(ReasonIncidenceOne)
	default:
		w := Z * r.SE / (f * math.Log(f))
		r.Lower, r.Upper = Defined(clamp01(math.Pow(f, math.Exp(-w)))), Defined(clamp01(math.Pow(f, math.Exp(w))))
	}
}

// At returns the incidences as of a day, in the order of causes, and why there
// are none: nobody, or a day after the last follow-up while somebody was still
// at risk of an event. Before the first time all are 0.
func (c Incidence) At(day float64) ([]CauseRow, Reason) {
	if c.Reason != "" {
		return nil, c.Reason
	}
	if !(day >= 0) {
		return nil, ReasonInvalid
	}
	last := c.Rows[len(c.Rows)-1]
	if day > last.Day && last.Censored > 0 {
		return nil, ReasonBeyondFollowUp
	}
	i := sort.Search(len(c.Rows), func(i int) bool { return c.Rows[i].Day > day })
	if i > 0 {
		return slices.Clone(c.Rows[i-1].Causes), ""
	}
	rows := make([]CauseRow, c.Causes)
	for k := range rows {
		rows[k].limit()
	}
	return rows, ""
}
