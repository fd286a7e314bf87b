package stats

import (
	"fmt"
	"math"
)

// Conf names the scale of a pointwise interval for survival.
type Conf string

// The scales. LogLog is the default: its limits stay within [0, 1] and hold
// their level in small arms.
const (
	LogLog Conf = "log-log"
	Log    Conf = "log"
	Plain  Conf = "plain"
)

// ParseConf reads the name of a scale; the empty name is [LogLog].
func ParseConf(name string) (Conf, error) {
	switch c := Conf(name); c {
	case "":
		return LogLog, nil
	case LogLog, Log, Plain:
		return c, nil
	}
	return "", fmt.Errorf("read interval scale %.20q: must be log-log, log or plain", name)
}

// Row is one distinct time of a survival curve.
type Row struct {
	Day float64 `json:"day"`
	// AtRisk counts those with a time of at least Day.
	AtRisk int `json:"at_risk"`
	// Events and Censored count those of exactly this day; events come first.
	Events   int `json:"events"`
	Censored int `json:"censored"`
	// Survival is S(Day), events of the day included.
	Survival float64 `json:"survival"`
	// SE is the standard error of Survival; undefined where it is 0.
	SE Value `json:"se"`
	// Lower and Upper are undefined where Survival is 0 or 1.
	Lower Value `json:"lower"`
	Upper Value `json:"upper"`
}

// Curve is a Kaplan-Meier estimate with pointwise 95 % intervals.
type Curve struct {
	// N counts participants, Events those with an event.
	N, Events int
	// Conf is the scale of the intervals.
	Conf Conf
	// Rows holds every distinct time, of events and of censorings, ascending;
	// at risk less events less censored is at risk in the next.
	Rows []Row
	// Reason is set where there is no curve: nobody, or invalid times.
	Reason Reason
}

// KaplanMeier estimates the share still without an event:
//
//	S(t) = Π (1 - d_i/n_i)     se = S·σ,  σ² = Σ d_i/(n_i(n_i - d_i))
//
// over event times t_i ≤ t. Limits: log-log S^exp(∓zσ/ln S); log S·exp(±zσ), at
// most 1; plain S ± z·se within [0, 1]. An empty or unknown conf is [LogLog].
// Sources: Kaplan and Meier, J Am Stat Assoc 1958;53:457-481; Greenwood 1926 for
// the variance; Kalbfleisch and Prentice 1980 for the log-log scale. Nobody
// gives a curve without rows and [ReasonNoParticipants].
func KaplanMeier(obs []Observation, conf Conf) Curve {
	if conf != Log && conf != Plain {
		conf = LogLog
	}
	curve := Curve{N: len(obs), Conf: conf}
	if len(obs) == 0 {
		curve.Reason = ReasonNoParticipants
		return curve
	}
	table, ok := tabulate(obs, 0)
	if !ok {
		curve.Reason = ReasonInvalid
		return curve
	}
	curve.Rows = make([]Row, 0, len(table))
	survival, variance := 1.0, 0.0
	for _, m := range table {
		n, d := float64(m.atRisk), float64(m.events)
		survival *= (n - d) / n
		if m.events < m.atRisk {
			variance += d / (n * (n - d))
		}
		curve.Events += m.events
		row := Row{Day: m.time, AtRisk: m.atRisk, Events: m.events, Censored: m.censored, Survival: survival}
		row.limit(conf, math.Sqrt(variance))
		curve.Rows = append(curve.Rows, row)
	}
	return curve
}

// limit fills in standard error and limits from σ, the square root of
// Greenwood's sum.
func (r *Row) limit(conf Conf, sigma float64) {
	s := r.Survival
	if s <= 0 {
		r.SE = Undefined(ReasonSurvivalZero)
		r.Lower, r.Upper = bothUndefined(ReasonSurvivalZero)
		return
	}
	r.SE = Defined(s * sigma)
	if s >= 1 {
		r.Lower, r.Upper = bothUndefined(ReasonSurvivalOne)
		return
	}
	var low, high float64
	switch conf {
	case Log:
		low, high = s*math.Exp(-Z*sigma), s*math.Exp(Z*sigma)
	case Plain:
		low, high = s-Z*s*sigma, s+Z*s*sigma
	default:
		w := Z * sigma / math.Log(s)
		low, high = math.Pow(s, math.Exp(-w)), math.Pow(s, math.Exp(w))
	}
	r.Lower, r.Upper = Defined(clamp01(low)), Defined(clamp01(high))
}

// EventRows returns the rows with events; Censored then counts the censorings
// from the row's day to before the next row's, as R's summary does.
func (c Curve) EventRows() []Row {
	var rows []Row
	for _, r := range c.Rows {
		if r.Events > 0 {
			rows = append(rows, r)
		} else if len(rows) > 0 {
			rows[len(rows)-1].Censored += r.Censored
		}
	}
	return rows
}

// LastFollowUp returns the longest time observed, event or not.
func (c Curve) LastFollowUp() Value {
	if len(c.Rows) == 0 {
		return Undefined(c.Reason)
	}
	return Defined(c.Rows[len(c.Rows)-1].Day)
}

// reachedZero reports whether the curve has fallen to 0, from where it is
// known for ever.
func (c Curve) reachedZero() bool {
	return len(c.Rows) > 0 && c.Rows[len(c.Rows)-1].Survival == 0
}

// knownAt says why the curve is not known at a day, or "".
func (c Curve) knownAt(day float64) Reason {
	last, ok := c.LastFollowUp().Get()
	switch {
	case !ok:
		return c.Reason
	case math.IsNaN(day) || day < 0:
		return ReasonInvalid
	case day > last && !c.reachedZero():
		return ReasonBeyondFollowUp
	}
	return ""
}
