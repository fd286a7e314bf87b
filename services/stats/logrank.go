package stats

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// Weight names how a log-rank test weighs the times of events.
type Weight string

// The weights: 1; the number at risk n_i; √n_i; Π_{j≤i}(1 - d_j/(n_j+1)); and
// Fleming and Harrington's S(t_i-)^ρ. All look at the arms together, within the
// stratum.
const (
	Unweighted        Weight = "none"
	GehanBreslow      Weight = "gehan_breslow"
	TaroneWare        Weight = "tarone_ware"
	Peto              Weight = "peto"
	FlemingHarrington Weight = "fh"
)

// ParseWeight reads the name of a weight; the empty name is [Unweighted].
func ParseWeight(name string) (Weight, error) {
	switch w := Weight(name); w {
	case "":
		return Unweighted, nil
	case Unweighted, GehanBreslow, TaroneWare, Peto, FlemingHarrington:
		return w, nil
	}
	return "", fmt.Errorf("read log-rank weight %.20q: must be none, gehan_breslow, tarone_ware, peto or fh", name)
}

// LogRankOptions choose a log-rank test.
type LogRankOptions struct {
	// Arms is how many arms the definition has.
	Arms int
	// Stratified sums over strata; those without one are left out and counted.
	Stratified bool
	// Weight is none if empty or unknown.
	Weight Weight
	// Rho is the power of FlemingHarrington; 0 is the log-rank test.
	Rho float64
}

// LogRank is a test of equal hazards in all arms.
type LogRank struct {
	// Observed and Expected events by arm, weighted where the test is.
	Observed []float64 `json:"observed"`
	Expected []float64 `json:"expected"`
	ChiSq    Value     `json:"chisq"`
	// DF is the number of arms with expected events, less one.
	DF int   `json:"df"`
	P  Value `json:"p"`
	// MissingStratum counts those whom a stratified test left out.
	MissingStratum int    `json:"missing_stratum"`
	Reason         Reason `json:"reason,omitempty"`
}

// NewLogRank compares the arms by observed less expected events:
//
//	E_a = Σ w_i d_i n_ai/n_i
//	V_ab = Σ w_i² d_i (n_i - d_i)/(n_i - 1) · n_ai/n_i · (δ_ab - n_bi/n_i)
//	χ² = (O - E)ᵀ V⁻ (O - E)  on (arms with E > 0) - 1 degrees of freedom
//
// with terms of V at n_i = 1 taken as 0; stratified, O, E and V are summed over
// strata. Sources: Mantel, Cancer Chemother Rep 1966;50:163-170; Peto and Peto,
// J R Stat Soc A 1972;135:185-207; Tarone and Ware, Biometrika 1977;64:156-160;
// Harrington and Fleming, Biometrika 1982;69:553-566. Undefined with fewer than
// two arms ([ReasonOneArm]), no events, or arms that were never at risk together
// ([ReasonSingular]).
func NewLogRank(obs []Observation, opts LogRankOptions) LogRank {
	tables, missing, ok := tabulateStrata(obs, opts.Arms, opts.Stratified)
	if !ok || opts.Arms < 0 || math.IsNaN(opts.Rho) || math.IsInf(opts.Rho, 0) {
		return undefinedLogRank(ReasonInvalid, missing)
	}
	if reason := comparable(tables, opts.Arms); reason != "" {
		return undefinedLogRank(reason, missing)
	}
	s := newScore(opts.Arms)
	for _, table := range tables {
		s.add(table, opts)
	}
	test := LogRank{Observed: s.observed, Expected: s.expected, MissingStratum: missing}
	test.ChiSq, test.DF, test.Reason = s.chiSquared()
	test.P = Undefined(test.Reason)
	if x, ok := test.ChiSq.Get(); ok {
		test.P = chiSquaredP(x, test.DF)
	}
	return test
}

func undefinedLogRank(r Reason, missing int) LogRank {
	return LogRank{ChiSq: Undefined(r), P: Undefined(r), MissingStratum: missing, Reason: r}
}

// comparable says why arms cannot be compared, or "".
func comparable(tables [][]moment, arms int) Reason {
	participants, events := countArms(tables, arms)
	total, present := 0, 0
	for arm, n := range participants {
		total += events[arm]
		if n > 0 {
			present++
		}
	}
	switch {
	case present == 0:
		return ReasonNoParticipants
	case present == 1:
		return ReasonOneArm
	case total == 0:
		return ReasonNoEvents
	}
	return ""
}

// countArms returns participants and events by arm, over all strata.
func countArms(tables [][]moment, arms int) (participants, events []int) {
	participants, events = make([]int, max(0, arms)), make([]int, max(0, arms))
	for _, table := range tables {
		for i, m := range table {
			for arm := range arms {
				if i == 0 {
					participants[arm] += m.armAtRisk[arm]
				}
				events[arm] += m.armEvents[arm]
			}
		}
	}
	return participants, events
}

// score holds observed and expected events and their covariance, arms × arms.
type score struct {
	observed, expected []float64
	covariance         [][]float64
}

func newScore(arms int) *score {
	s := &score{observed: make([]float64, arms), expected: make([]float64, arms), covariance: make([][]float64, arms)}
	for arm := range arms {
		s.covariance[arm] = make([]float64, arms)
	}
	return s
}

// add books one stratum.
func (s *score) add(table []moment, opts LogRankOptions) {
	survival, peto := 1.0, 1.0
	for _, m := range table {
		if m.events == 0 {
			continue
		}
		n, d := float64(m.atRisk), float64(m.events)
		peto *= 1 - d/(n+1)
		s.addMoment(m, opts.weigh(n, survival, peto))
		survival *= (n - d) / n
	}
}

// weigh returns the weight of a time with n at risk, survival just before it
// and Peto's product up to it.
func (o LogRankOptions) weigh(n, survival, peto float64) float64 {
	switch o.Weight {
	case GehanBreslow:
		return n
	case TaroneWare:
		return math.Sqrt(n)
	case Peto:
		return peto
	case FlemingHarrington:
		return math.Pow(survival, o.Rho)
	default:
		return 1
	}
}

func (s *score) addMoment(m moment, w float64) {
	n, d := float64(m.atRisk), float64(m.events)
	spread := 0.0
	if m.atRisk > 1 {
		spread = w * w * d * (n - d) / (n - 1)
	}
	for a, atRisk := range m.armAtRisk {
		share := float64(atRisk) / n
		s.observed[a] += w * float64(m.armEvents[a])
		s.expected[a] += w * d * share
		for b, other := range m.armAtRisk {
			s.covariance[a][b] -= spread * share * float64(other) / n
		}
		s.covariance[a][a] += spread * share
	}
}

// chiSquared is the quadratic form over the arms with expected events, the
// first of them left out.
func (s *score) chiSquared() (chisq Value, df int, reason Reason) {
	var arms []int
	for arm, e := range s.expected {
		if e > 0 {
			arms = append(arms, arm)
		}
	}
	if len(arms) < 2 {
		return Undefined(ReasonSingular), 0, ReasonSingular
	}
	arms = arms[1:]
	diff := mat.NewVecDense(len(arms), nil)
	v := mat.NewSymDense(len(arms), nil)
	for i, a := range arms {
		diff.SetVec(i, s.observed[a]-s.expected[a])
		for j, b := range arms[:i+1] {
			v.SetSym(i, j, s.covariance[a][b])
		}
	}
	inverse, ok := invert(v)
	if !ok {
		return Undefined(ReasonSingular), 0, ReasonSingular
	}
	chisq = Defined(max(0, mat.Inner(diff, inverse, diff)))
	if !chisq.OK() {
		return chisq, 0, chisq.Reason()
	}
	return chisq, len(arms), ""
}

// invert returns the inverse of a covariance or information matrix; false if it
// is singular to the precision of its entries.
func invert(v *mat.SymDense) (*mat.SymDense, bool) {
	k := v.SymmetricDim()
	scale := make([]float64, k)
	for i := range k {
		if !(v.At(i, i) > 0) {
			return nil, false
		}
		scale[i] = 1 / math.Sqrt(v.At(i, i))
	}
	unit := mat.NewSymDense(k, nil)
	for i := range k {
		for j := range i + 1 {
			unit.SetSym(i, j, v.At(i, j)*scale[i]*scale[j])
		}
	}
	var chol mat.Cholesky
	if !chol.Factorize(unit) || chol.Cond() > maxCondition {
		return nil, false
	}
	var inverse mat.SymDense
	if err := chol.InverseTo(&inverse); err != nil {
		return nil, false
	}
	for i := range k {
		for j := range i + 1 {
			inverse.SetSym(i, j, inverse.At(i, j)*scale[i]*scale[j])
		}
	}
	return &inverse, true
}

// maxCondition is the condition number from which a matrix counts as singular.
const maxCondition = 1e13
