package stats

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// Ties names how Cox's partial likelihood treats events of the same day.
type Ties string

// The treatments of ties; Efron is the default.
const (
	Efron   Ties = "efron"
	Breslow Ties = "breslow"
)

// ParseTies reads the name of a treatment; the empty name is [Efron].
func ParseTies(name string) (Ties, error) {
	switch t := Ties(name); t {
	case "":
		return Efron, nil
	case Efron, Breslow:
		return t, nil
	}
	return "", fmt.Errorf("read treatment of ties %.20q: must be efron or breslow", name)
}

// CoxOptions choose a Cox regression on arm.
type CoxOptions struct {
	// Arms is how many arms the definition has; the first is the reference.
	Arms int
	// Ties is Efron if empty or unknown.
	Ties Ties
	// Stratified gives each stratum its own baseline; those without a stratum
	// are left out.
	Stratified bool
}

// CoxContrast is one arm against the reference.
type CoxContrast struct {
	// Arm is the place of the arm in the definition; the reference is 0.
	Arm int `json:"-"`
	// Coef is the log hazard ratio, SE its standard error.
	Coef Value `json:"coef"`
	SE   Value `json:"se"`
	// HR is the hazard ratio with its Wald limits.
	HR    Value `json:"hr"`
	Lower Value `json:"lower"`
	Upper Value `json:"upper"`
	// P is the two-sided p value of Wald's test.
	P      Value  `json:"p"`
	Reason Reason `json:"reason,omitempty"`
}

// Cox regresses the hazard on indicators of arm, by Newton's method on the
// partial likelihood, and returns arms - 1 contrasts in the order of arms. With
// w_a = exp(β_a), n_ai at risk and d_ai events in arm a on day i:
//
//	Breslow  log L = Σ_i [Σ_a d_ai β_a - d_i log Σ_a n_ai w_a]
//	Efron    log L = Σ_i [Σ_a d_ai β_a - Σ_{l<d_i} log Σ_a (n_ai - l/d_i·d_ai) w_a]
//
// Sources: Cox, J R Stat Soc B 1972;34:187-220; Breslow, Biometrics
// 1974;30:89-99; Efron, J Am Stat Assoc 1977;72:557-565. An arm without events
// has [ReasonNoEvents], all arms [ReasonNoReferenceEvents] if the reference has
// none. An arm whose ratio to the reference would be infinite although both have
// events (one is never struck while the other is at risk) has
// [ReasonNotEstimable]; it leaves the contrasts of the others as they are.
func Cox(obs []Observation, opts CoxOptions) []CoxContrast {
	contrasts := make([]CoxContrast, max(0, opts.Arms-1))
	tables, _, ok := tabulateStrata(obs, opts.Arms, opts.Stratified)
	if !ok {
		return refuse(contrasts, ReasonInvalid)
	}
	if reason := comparable(tables, opts.Arms); reason != "" {
		return refuse(contrasts, reason)
	}
	reasons := estimable(tables, opts.Arms)
	if reasons[0] != "" {
		return refuse(contrasts, reasons[0])
	}
	model := newCoxModel(tables, reasons, opts.Ties == Breslow)
	reason := model.fit()
	for i := range contrasts {
		contrasts[i] = model.contrast(i+1, reasons[i+1], reason)
	}
	return contrasts
}

func refuse(contrasts []CoxContrast, r Reason) []CoxContrast {
	for i := range contrasts {
		contrasts[i] = undefinedContrast(i+1, r)
	}
	return contrasts
}

func undefinedContrast(arm int, r Reason) CoxContrast {
	u := Undefined(r)
	return CoxContrast{Arm: arm, Coef: u, SE: u, HR: u, Lower: u, Upper: u, P: u, Reason: r}
}

// coxModel is the partial likelihood over the arms with a finite coefficient.
type coxModel struct {
	tables  [][]moment
	arms    []int // the arms in the model, the reference first
	breslow bool
	beta    []float64 // by place in arms; beta[0] is 0
	// logLik, gradient and information at beta; the last two leave out the
	// reference.
	logLik      float64
	gradient    *mat.VecDense
	information *mat.SymDense
	covariance  *mat.SymDense
	weight      []float64
}

func newCoxModel(tables [][]moment, reasons []Reason, breslow bool) *coxModel {
	m := &coxModel{tables: tables, breslow: breslow}
	for arm, reason := range reasons {
		if reason == "" {
			m.arms = append(m.arms, arm)
		}
	}
	m.beta, m.weight = make([]float64, len(m.arms)), make([]float64, len(m.arms))
	return m
}

const (
	coxSteps  = 100
	coxSettle = 1e-11
)

// fit climbs the likelihood, which is concave, with Newton steps, halved where
// one overshoots; it returns why it did not settle, or "".
func (m *coxModel) fit() Reason {
	if len(m.arms) < 2 {
		return ""
	}
	m.evaluate()
	for range coxSteps {
		covariance, ok := invert(m.information)
		if !ok {
			return ReasonNotEstimable
		}
		m.covariance = covariance
		var step mat.VecDense
		step.MulVec(covariance, m.gradient)
		if mat.Norm(&step, math.Inf(1)) < coxSettle {
			return ""
		}
		m.climb(&step)
	}
	return ReasonNotConverged
}

// climb takes the step, or the part of it that does not lose likelihood.
func (m *coxModel) climb(step *mat.VecDense) {
	before, start := m.logLik, append([]float64(nil), m.beta...)
	part := 1.0
	for range 30 {
		for i := 1; i < len(m.beta); i++ {
			m.beta[i] = start[i] + part*step.AtVec(i-1)
		}
		m.evaluate()
		if m.logLik >= before-1e-9*math.Abs(before) {
			return
		}
		part /= 2
	}
}

// evaluate computes likelihood, gradient and information at beta.
func (m *coxModel) evaluate() {
	k := len(m.arms) - 1
	m.logLik, m.gradient, m.information = 0, mat.NewVecDense(k, nil), mat.NewSymDense(k, nil)
	for _, table := range m.tables {
		for i := range table {
			m.addMoment(&table[i])
		}
	}
}

func (m *coxModel) addMoment(at *moment) {
	events := 0
	for i, arm := range m.arms {
		d := at.armEvents[arm]
		events += d
		if d == 0 {
			continue
		}
		m.logLik += float64(d) * m.beta[i]
		if i > 0 {
			m.gradient.SetVec(i-1, m.gradient.AtVec(i-1)+float64(d))
		}
	}
	if m.breslow && events > 0 {
		m.addTerm(at, 0, float64(events))
		return
	}
	for l := range events {
		m.addTerm(at, float64(l)/float64(events), 1)
	}
}

// addTerm books one denominator, from which the given part of the day's events
// is taken out, with a multiplicity.
func (m *coxModel) addTerm(at *moment, part, times float64) {
	total := 0.0
	for i, arm := range m.arms {
		m.weight[i] = (float64(at.armAtRisk[arm]) - part*float64(at.armEvents[arm])) * math.Exp(m.beta[i])
		total += m.weight[i]
	}
	m.logLik -= times * math.Log(total)
	for i := 1; i < len(m.arms); i++ {
		p := m.weight[i] / total
		m.gradient.SetVec(i-1, m.gradient.AtVec(i-1)-times*p)
		for j := 1; j < i; j++ {
			m.information.SetSym(i-1, j-1, m.information.At(i-1, j-1)-times*p*m.weight[j]/total)
		}
		m.information.SetSym(i-1, i-1, m.information.At(i-1, i-1)+times*p*(total-m.weight[i])/total)
	}
}

// contrast returns an arm of the definition against the reference; reason is
// the arm's own, failed the fit's.
func (m *coxModel) contrast(arm int, reason, failed Reason) CoxContrast {
	if reason == "" {
		reason = failed
	}
	if reason != "" {
		return undefinedContrast(arm, reason)
	}
	place := 0
	for i, a := range m.arms {
		if a == arm {
			place = i
		}
	}
	coef, se := m.beta[place], math.Sqrt(m.covariance.At(place-1, place-1))
	return CoxContrast{
		Arm: arm, Coef: Defined(coef), SE: Defined(se), HR: Defined(math.Exp(coef)),
		Lower: Defined(math.Exp(coef - Z*se)), Upper: Defined(math.Exp(coef + Z*se)), P: normalP(coef / se),
	}
}
