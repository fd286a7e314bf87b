package analyst

import (
	"slices"

	"github.com/throughline-trials/throughline/services/stats"
)

// Tests compare the arms that have participants; the first of them is the reference.
type Tests struct {
	LogRank    *stats.LogRank   `json:"logrank"`
	Stratified *stats.LogRank   `json:"logrank_stratified"` // null unless strata are asked for
	Cox        []Contrast       `json:"cox"`
	RMST       []MeanDifference `json:"rmst"`
	Note       string           `json:"note,omitempty"`
}

// Contrast is Cox's regression of one arm against the reference.
type Contrast struct {
	Arm       string `json:"arm"`
	Reference string `json:"reference"`
	stats.CoxContrast
}

// MeanDifference is the restricted mean of one arm less that of the reference.
type MeanDifference struct {
	Arm       string `json:"arm"`
	Reference string `json:"reference"`
	stats.MeanDifference
}

func observations(fates []fate, arm int) []stats.Observation {
	out := make([]stats.Observation, 0, len(fates))
	for i := range fates {
		if x := &fates[i]; !x.tooEarly {
			out = append(out, stats.Observation{Time: float64(x.day), Event: x.event, Arm: arm, Stratum: x.stratum})
		}
	}
	return out
}

// curve fills in the survival curve of an arm.
func (p *panel) curve(a *ArmAttrition, fates []fate) stats.Curve {
	obs := observations(fates, 0)
	curve := stats.KaplanMeier(obs, p.query.Conf)
	a.Median, a.FollowUp = curve.Median(), stats.FollowUp(obs)
	if curve.Rows != nil {
		a.Curve = curve.Rows
	}
	for _, day := range p.declared() {
		a.Declared = append(a.Declared, curve.At(float64(day)))
	}
	return curve
}

// declared returns the days at which curves are read: those on which something is due, the ends of use and follow-up.
func (p *panel) declared() []int {
	def := p.frame.plan.def
	days := []int{p.end()}
	for _, a := range def.Assessments {
		for _, t := range a.Timepoints {
			if t.Day > 0 && t.Day < p.end() {
				days = append(days, t.Day)
			}
		}
	}
	slices.Sort(days)
	return slices.Compact(days)
}

// end is the declared horizon.
func (p *panel) end() int {
	def := p.frame.plan.def
	if p.query.Kind == Dropout {
		return def.FollowUpDays
	}
	return max(0, min(def.DurationDays(), def.AccessDays()-p.scope.silence)-1)
}

// means fills in the restricted means of the arms, all to one horizon, and returns them.
func (p *panel) means(arms []ArmAttrition, curves []stats.Curve) []stats.RestrictedMean {
	horizon := p.query.Horizon
	if horizon == 0 {
		horizon, _ = stats.DefaultHorizon(float64(p.end()), curves).Get()
	}
	means := make([]stats.RestrictedMean, len(arms))
	for i := range arms {
		means[i] = curves[i].RestrictedMean(horizon)
		arms[i].RMST = means[i]
	}
	return means
}

// tests compares the arms present.
func (p *panel) tests(byArm [][]fate, present []int, means []stats.RestrictedMean) (*Tests, stats.Reason) {
	switch {
	case p.missing != "":
		return nil, p.missing
	case p.query.Population != Randomised:
		return nil, ReasonConditionedOnUse
	case len(present) < 2:
		return nil, stats.ReasonOneArm
	}
	var obs []stats.Observation
	interim := false
	for place, arm := range present {
		obs = append(obs, observations(byArm[arm], place)...)
		interim = interim || slices.ContainsFunc(byArm[arm], func(x fate) bool { return !x.ended })
	}
	options := stats.LogRankOptions{Arms: len(present), Weight: p.query.Weights, Rho: p.query.Rho}
	logrank := stats.NewLogRank(obs, options)
	out := &Tests{LogRank: &logrank, Cox: []Contrast{}, RMST: []MeanDifference{}}
	if len(p.query.Strata) > 0 {
		options.Stratified = true
		stratified := stats.NewLogRank(obs, options)
		out.Stratified = &stratified
	}
	if interim {
		out.Note = interimNote
	}
	def := p.frame.plan.def
	reference := present[0]
	for place, contrast := range stats.Cox(obs, stats.CoxOptions{Arms: len(present), Ties: p.query.Ties}) {
		arm := present[place+1]
		out.Cox = append(out.Cox, Contrast{def.Arms[arm].ID, def.Arms[reference].ID, contrast})
		out.RMST = append(out.RMST, MeanDifference{def.Arms[arm].ID, def.Arms[reference].ID, means[arm].Less(means[reference])})
	}
	return out, ""
}
