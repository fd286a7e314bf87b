package study

import (
	"slices"
	"strconv"

	"github.com/throughline-trials/throughline/services/study/document"
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

func (r *reader) assessments(o *document.Object, d *Definition) {
	seen := map[string]int{}
	for i, item := range r.List(o.Get("assessments"), "assessments") {
		path := document.Index("assessments", i)
		a := r.assessment(item, path)
		r.Once(seen, item, path, "instrument", a.Instrument)
		d.Assessments = append(d.Assessments, a)
	}
}

func (r *reader) assessment(v *document.Value, path string) Assessment {
	o := r.Object(v, path)
	a := Assessment{
		Instrument:  o.NeedName("instrument", "name the instrument, as measures carry it"),
		Domain:      document.Choice(o, "domain", Domains(), "other"),
		OutcomeKind: document.Choice(o, "outcome_kind", OutcomeKinds(), "psychosocial"),
		Better:      document.Choice(o, "better", []string{"higher", "lower"}, "higher"),
		Primary:     o.Flag("primary", false),
	}
	at := o.At("timepoints")
	timepoints := o.Need("timepoints", "say when it is due, such as [{id: baseline, day: 0}]")
	items := r.List(timepoints, at)
	if timepoints != nil && timepoints.Kind == document.KindList && len(items) == 0 {
		r.Fault(timepoints, at, "is empty: say when it is due, such as [{id: baseline, day: 0}]")
	}
	seen, days := map[string]int{}, map[string]int{}
	for i, item := range items {
		t := r.timepoint(item, document.Index(at, i))
		r.Once(seen, item, document.Index(at, i), "id", t.ID)
		if item.Field("day") != nil {
			r.Once(days, item, document.Index(at, i), "day", strconv.Itoa(t.Day))
		}
		a.Timepoints = append(a.Timepoints, t)
	}
	o.Close()
	return a
}

func (r *reader) timepoint(v *document.Value, path string) Timepoint {
	o := r.Object(v, path)
	t := Timepoint{ID: o.NeedName("id", "give the timepoint an id such as week12")}
	o.Need("day", "say on which day it is due, counted from day 0")
	t.Day, _ = o.Whole("day", document.Between(0, maxDays))
	t.WindowDays = o.WholeOr("window_days", document.Between(0, aYear), 0)
	o.Close()
	return t
}

// governance reads who may see what: recruitment, blinding, disclosure and erasure.
func (r *reader) governance(o *document.Object, d *Definition) {
	if v := o.Get("recruitment"); v != nil {
		recruitment := r.Object(v, "recruitment")
		recruitment.Need("target", "say how many participants are wanted")
		if target, ok := recruitment.Whole("target", document.Between(1, 10_000_000)); ok {
			d.Recruitment = &Recruitment{Target: target}
		}
		recruitment.Close()
	}
	sight := SightOpen
	if d.Design == DesignRandomised {
		sight = SightCoded
	}
	blinding := r.Object(o.Get("blinding"), "blinding")
	d.Blinding.Analysts = document.Choice(blinding, "analysts", []Sight{SightPooled, SightCoded, SightOpen}, sight)
	blinding.Close()
	r.disclosure(o, d)
	erasure := r.Object(o.Get("erasure"), "erasure")
	d.Erasure.LegalBasis = "consent"
	if v := erasure.Get("legal_basis"); v != nil {
		d.Erasure.LegalBasis = r.Pattern(v, erasure.At("legal_basis"), codePattern, "must be lower-case letters, digits and _, such as consent")
	}
	erasure.Close()
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
func (r *reader) disclosure(o *document.Object, d *Definition) {
	v := o.Get("disclosure")
	if v == nil {
		return
	}
	outer := r.Object(v, "disclosure")
	given := outer.Get("policy")
	switch {
	case given != nil && given.Kind == document.KindMap:
		inner := r.Object(given, "disclosure.policy")
		d.Disclosure = policy(inner)
		inner.Close()
	case given != nil:
		d.Disclosure = preset(outer)
	case outer.Valid && len(v.Fields) > 0:
		d.Disclosure = policy(outer)
	case outer.Valid:
		outer.Need("policy", "name cms11, nhs5 or nhs8, or leave disclosure out: then nothing is released")
	}
	outer.Close()
}

func preset(o *document.Object) *Disclosure {
	presets := Presets()
	words := make([]string, len(presets))
	for i, p := range presets {
		words[i] = p.Policy
	}
	name := document.Choice(o, "policy", words, "")
	i := slices.Index(words, name)
	if i < 0 {
		return nil
	}
	return &presets[i]
}

func policy(o *document.Object) *Disclosure {
	o.Need("k", "say below which count a cell is hidden")
	k, _ := o.Whole("k", document.Between(2, 1000))
	return &Disclosure{
		K:              k,
		ZeroIsSafe:     o.Flag("zero_is_safe", false),
		RoundBase:      o.WholeOr("round_base", document.Between(0, 1000), 0),
		MinDenominator: o.WholeOr("min_denominator", document.Between(0, 1_000_000), 0),
	}
}
