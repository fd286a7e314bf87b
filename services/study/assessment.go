package study

import (
	"slices"
	"strconv"
)

// Domains returns the domains of measures.
func Domains() []string {
	return []string{
		"psychiatric_symptoms", "hope", "empowerment", "quality_of_life", "self_management", "recovery", "social_support",
		"physical_health", "other",
	}
}

// OutcomeKinds returns the kinds of outcome.
func OutcomeKinds() []string { return []string{"biomedical", "psychosocial"} }

func (r *reader) assessments(o *object, d *Definition) {
	seen := map[string]int{}
	for i, item := range r.list(o.get("assessments"), "assessments") {
		path := index("assessments", i)
		a := r.assessment(item, path)
		r.once(seen, item, path, "instrument", a.Instrument)
		d.Assessments = append(d.Assessments, a)
	}
}

func (r *reader) assessment(v *value, path string) Assessment {
	o := r.object(v, path)
	a := Assessment{
		Instrument:  o.needName("instrument", "name the instrument, as measures carry it"),
		Domain:      choice(o, "domain", Domains(), "other"),
		OutcomeKind: choice(o, "outcome_kind", OutcomeKinds(), "psychosocial"),
		Better:      choice(o, "better", []string{"higher", "lower"}, "higher"),
		Primary:     o.flag("primary", false),
	}
	at := o.at("timepoints")
	timepoints := o.need("timepoints", "say when it is due, such as [{id: baseline, day: 0}]")
	items := r.list(timepoints, at)
	if timepoints != nil && timepoints.kind == kindList && len(items) == 0 {
		r.fault(timepoints, at, "is empty: say when it is due, such as [{id: baseline, day: 0}]")
	}
	seen, days := map[string]int{}, map[string]int{}
	for i, item := range items {
		t := r.timepoint(item, index(at, i))
		r.once(seen, item, index(at, i), "id", t.ID)
		if item.field("day") != nil {
			r.once(days, item, index(at, i), "day", strconv.Itoa(t.Day))
		}
		a.Timepoints = append(a.Timepoints, t)
	}
	o.close()
	return a
}

func (r *reader) timepoint(v *value, path string) Timepoint {
	o := r.object(v, path)
	t := Timepoint{ID: o.needName("id", "give the timepoint an id such as week12")}
	o.need("day", "say on which day it is due, counted from day 0")
	t.Day, _ = o.whole("day", span{0, maxDays})
	t.WindowDays = o.wholeOr("window_days", span{0, aYear}, 0)
	o.close()
	return t
}

// governance reads who may see what: recruitment, blinding, disclosure and erasure.
func (r *reader) governance(o *object, d *Definition) {
	if v := o.get("recruitment"); v != nil {
		recruitment := r.object(v, "recruitment")
		recruitment.need("target", "say how many participants are wanted")
		if target, ok := recruitment.whole("target", span{1, 10_000_000}); ok {
			d.Recruitment = &Recruitment{Target: target}
		}
		recruitment.close()
	}
	sight := SightOpen
	if d.Design == DesignRandomised {
		sight = SightCoded
	}
	blinding := r.object(o.get("blinding"), "blinding")
	d.Blinding.Analysts = choice(blinding, "analysts", []Sight{SightPooled, SightCoded, SightOpen}, sight)
	blinding.close()
	r.disclosure(o, d)
	erasure := r.object(o.get("erasure"), "erasure")
	d.Erasure.LegalBasis = "consent"
	if v := erasure.get("legal_basis"); v != nil {
		d.Erasure.LegalBasis = r.pattern(v, erasure.at("legal_basis"), codePattern, "must be lower-case letters, digits and _, such as consent")
	}
	erasure.close()
}

// Presets returns the suppression policies that have a name.
func Presets() []Disclosure {
	return []Disclosure{
		{Policy: "cms11", K: 11, ZeroIsSafe: true},
		{Policy: "nhs5", K: 5, RoundBase: 5},
		{Policy: "nhs8", K: 8, ZeroIsSafe: true, RoundBase: 5},
	}
}

// disclosure reads disclosure: {policy: cms11}, {policy: {k: …}} or {k: …}.
func (r *reader) disclosure(o *object, d *Definition) {
	v := o.get("disclosure")
	if v == nil {
		return
	}
	outer := r.object(v, "disclosure")
	policy := outer.get("policy")
	switch {
	case policy != nil && policy.kind == kindMap:
		inner := r.object(policy, "disclosure.policy")
		d.Disclosure = inner.policy()
		inner.close()
	case policy != nil:
		d.Disclosure = outer.preset()
	case outer.valid && len(v.fields) > 0:
		d.Disclosure = outer.policy()
	case outer.valid:
		outer.need("policy", "name cms11, nhs5 or nhs8, or leave disclosure out: then nothing is released")
	}
	outer.close()
}

func (o *object) preset() *Disclosure {
	presets := Presets()
	words := make([]string, len(presets))
	for i, p := range presets {
		words[i] = p.Policy
	}
	name := choice(o, "policy", words, "")
	i := slices.Index(words, name)
	if i < 0 {
		return nil
	}
	return &presets[i]
}

func (o *object) policy() *Disclosure {
	o.need("k", "say below which count a cell is hidden")
	k, _ := o.whole("k", span{2, 1000})
	return &Disclosure{
		K:              k,
		ZeroIsSafe:     o.flag("zero_is_safe", false),
		RoundBase:      o.wholeOr("round_base", span{0, 1000}, 0),
		MinDenominator: o.wholeOr("min_denominator", span{0, 1_000_000}, 0),
	}
}
