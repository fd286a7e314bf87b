package stats

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat/distuv"
)

// CoverageConfig describes the made trials of [Coverage].
type CoverageConfig struct {
	// Seed makes the run reproducible.
	Seed uint64
	// Trials is how many are made for each correlation; at least 1.
	Trials int
	// Participants is the size of each; at least 2.
	Participants int
	// Periods is the most periods that a participant has, recruited over time:
	// each has between half of them and all; at least 2.
	Periods int
	// Participation is the true share of engaged periods, in (0, 1).
	Participation float64
	// Correlations are the true correlations of two periods of a participant,
	// each in (0, 1).
	Correlations []float64
	// FollowUp is the planned follow-up in days; at least 1.
	FollowUp int
	// Retained is the true share still in the study at its end, in (0, 1).
	Retained float64
	// EarlyEnd is the share whose potential follow-up ends before the plan,
	// evenly over its days, in [0, 1).
	EarlyEnd float64
}

// DefaultCoverage is 120 participants, 12 weekly periods, participation of 0.6,
// 84 days with 0.7 retained, a third censored early, correlations 0.3 to 0.7 and
// 4,000 trials of each.
func DefaultCoverage() CoverageConfig {
	return CoverageConfig{
		Seed: 1, Trials: 4000, Participants: 120, Periods: 12, Participation: 0.6,
		Correlations: []float64{0.3, 0.4, 0.5, 0.6, 0.7}, FollowUp: 84, Retained: 0.7, EarlyEnd: 1.0 / 3,
	}
}

// Validate returns all problems of the configuration, joined.
func (c CoverageConfig) Validate() error {
	var problems []error
	check := func(ok bool, field string, value any, rule string) {
		if !ok {
			problems = append(problems, fmt.Errorf("coverage %s is %v: must be %s", field, value, rule))
		}
	}
	inside := func(v float64) bool { return v > 0 && v < 1 }
	check(c.Trials >= 1, "trials", c.Trials, "at least 1")
	check(c.Participants >= 2, "participants", c.Participants, "at least 2")
	check(c.Periods >= 2, "periods", c.Periods, "at least 2")
	check(c.FollowUp >= 1, "follow-up", c.FollowUp, "at least 1 day")
	check(inside(c.Participation), "participation", c.Participation, "between 0 and 1")
	check(inside(c.Retained), "retained", c.Retained, "between 0 and 1")
	check(c.EarlyEnd >= 0 && c.EarlyEnd < 1, "early end", c.EarlyEnd, "from 0 to below 1")
	check(len(c.Correlations) > 0, "correlations", c.Correlations, "one or more")
	for _, rho := range c.Correlations {
		check(inside(rho), "correlation", rho, "between 0 and 1")
	}
	return errors.Join(problems...)
}

// CoverageRow says how often an interval held the truth.
type CoverageRow struct {
	// Interval is participation, dropout or survival.
	Interval string `json:"interval"`
	// Correlation is that of two periods of a participant.
	Correlation float64 `json:"correlation"`
	// Truth is the share that the trials were made with.
	Truth float64 `json:"truth"`
	// Held counts the trials whose interval held it, of those with an interval,
	// with the Wilson interval of the simulation itself.
	Held Rate `json:"held"`
	// Undefined counts the trials without an interval.
	Undefined int `json:"undefined"`
}

// Coverage makes trials with known truth and counts how often three intervals
// hold it: participation with the participant as cluster, the proportion that
// dropped out by the planned end, and S(t) at two thirds of the follow-up with
// log-log limits. Within-person correlation ρ comes from each participant's own
// propensity, drawn from a beta distribution with parameters p(1-ρ)/ρ and
// (1-p)(1-ρ)/ρ; times of dropout have a constant hazard and lean on the same
// propensity (the keener stay longer). Rows come by correlation, in that order
// of intervals. An invalid configuration is an error.
func Coverage(c CoverageConfig) ([]CoverageRow, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("simulate coverage: %w", err)
	}
	day := max(1, 2*c.FollowUp/3)
	rows := make([]CoverageRow, 0, 3*len(c.Correlations))
	for i, rho := range c.Correlations {
		tallies := [3]tally{
			{name: "participation", truth: c.Participation},
			{name: "dropout", truth: 1 - c.Retained},
			{name: "survival", truth: math.Pow(c.Retained, float64(day)/float64(c.FollowUp))},
		}
		maker := newTrialMaker(c, rho, uint64(i))
		for range c.Trials {
			clusters, complete, censored := maker.trial()
			participation := NewClusteredRate(clusters)
			tallies[0].count(participation.Lower, participation.Upper)
			tallies[1].count(complete.Lower, complete.Upper)
			at := KaplanMeier(censored, LogLog).At(float64(day))
			tallies[2].count(at.Lower, at.Upper)
		}
		for _, t := range tallies {
			rows = append(rows, t.row(rho))
		}
	}
	return rows, nil
}

// tally counts the intervals that held the truth.
type tally struct {
	name                    string
	truth                   float64
	held, trials, undefined int
}

func (t *tally) count(lower, upper Value) {
	low, ok := lower.Get()
	high, also := upper.Get()
	if !ok || !also {
		t.undefined++
		return
	}
	t.trials++
	if low <= t.truth && t.truth <= high {
		t.held++
	}
}

func (t *tally) row(rho float64) CoverageRow {
	return CoverageRow{t.name, rho, t.truth, NewRate(t.held, t.trials), t.undefined}
}

// trialMaker draws trials of one correlation.
type trialMaker struct {
	config     CoverageConfig
	random     *rand.Rand
	propensity distuv.Beta
	hazard     float64
}

// lean is the correlation, on the normal scale, of keenness and staying.
const lean = 0.5

func newTrialMaker(c CoverageConfig, rho float64, stream uint64) *trialMaker {
	source := rand.NewPCG(c.Seed, stream)
	spread := (1 - rho) / rho
	return &trialMaker{
		config: c, random: rand.New(source), hazard: -math.Log(c.Retained) / float64(c.FollowUp),
		propensity: distuv.Beta{Alpha: c.Participation * spread, Beta: (1 - c.Participation) * spread, Src: source},
	}
}

// trial draws one: engaged periods by participant, the dropout of those whose
// planned end has passed (everyone, at the end), and follow-up as seen earlier,
// when some were censored before.
func (m *trialMaker) trial() (clusters []Cluster, dropout Rate, censored []Observation) {
	c := m.config
	clusters, censored = make([]Cluster, c.Participants), make([]Observation, c.Participants)
	dropped := 0
	for i := range c.Participants {
		p := m.propensity.Rand()
		clusters[i] = m.engage(p)
		time := m.timeOfDropout(p)
		if time <= float64(c.FollowUp) {
			dropped++
		}
		end := float64(c.FollowUp)
		if m.random.Float64() < c.EarlyEnd {
			end *= m.random.Float64()
		}
		censored[i] = Observation{Time: math.Min(time, end), Event: time <= end}
	}
	return clusters, NewRate(dropped, c.Participants), censored
}

func (m *trialMaker) engage(p float64) Cluster {
	least := m.config.Periods / 2
	out := Cluster{N: least + m.random.IntN(m.config.Periods-least+1)}
	for range out.N {
		if m.random.Float64() < p {
			out.X++
		}
	}
	return out
}

// timeOfDropout draws an exponential time whose rank leans on the propensity
// through a normal copula, so that its distribution stays exactly known.
func (m *trialMaker) timeOfDropout(p float64) float64 {
	keen := distuv.UnitNormal.Quantile(min(1-1e-12, max(1e-12, m.propensity.CDF(p))))
	z := lean*keen + math.Sqrt(1-lean*lean)*m.random.NormFloat64()
	stays := math.Erfc(-z/math.Sqrt2) / 2
	return -math.Log(max(1e-300, 1-stays)) / m.hazard
}
