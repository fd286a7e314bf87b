package study

import (
	"strconv"

	"github.com/throughline-trials/throughline/services/study/document"
)

const maxBranches = 16

func (r *reader) engagement(o *document.Object, d *Definition) {
	e := r.Object(o.Get("engagement"), "engagement")
	d.Engagement = Engagement{
		ID:            e.Name("id", defaultRules),
		Combine:       document.Choice(e, "combine", []Combine{CombineAny, CombineAll}, CombineAny),
		Throughout:    r.share(e, "throughout"),
		Headline:      document.Choice(e, "headline", []Headline{HeadlineParticipation, HeadlineThroughout}, HeadlineParticipation),
		Justification: e.Text("justification", ""),
		Rules:         map[string]Rule{},
	}
	for _, c := range d.Components {
		d.Engagement.Rules[c.ID] = DefaultRule(c.Channel, d.Intervention.PeriodDays)
	}
	path := e.At("rules")
	for _, f := range r.Mapping(e.Get("rules"), path) {
		at := document.Join(path, f.Name)
		known := r.knownComponent(d, f, at)
		if f.Value.Kind == document.KindNull {
			continue
		}
		if rule := r.rule(f.Value, at, d, true); known {
			d.Engagement.Rules[f.Name] = rule
		}
	}
	e.Close()
}

func (r *reader) share(o *document.Object, name string) Share {
	v := o.Get(name)
	if v == nil {
		return Whole
	}
	if v.Kind != document.KindNumber {
		r.WrongKind(v, o.At(name), "a number")
		return Whole
	}
	share, err := ParseShare(v.Text)
	if err != nil {
		r.Fault(v, o.At(name), "must be a plain decimal above 0 and at most 1 with up to 9 decimals, such as 0.75")
		return Whole
	}
	return share
}

// rule reads one rule; only the outer one may have any_of.
func (r *reader) rule(v *document.Value, path string, d *Definition, outer bool) Rule {
	o := r.Object(v, path)
	rule := Rule{Types: r.types(o), Where: r.where(o)}
	rule.MinEvents = o.WholeOr("min_events", document.Between(1, 10_000), 1)
	rule.MinDays = o.WholeOr("min_days", document.Between(1, d.Intervention.PeriodDays), 1)
	var branches *document.Value
	if outer {
		branches = o.Get("any_of")
		rule.AnyOf = r.branches(branches, o, d)
	}
	if o.Valid {
		r.shape(o, rule, branches)
	}
	o.Close()
	return rule
}

func (r *reader) branches(v *document.Value, o *document.Object, d *Definition) []Rule {
	path := o.At("any_of")
	items := r.List(v, path)
	if len(items) > maxBranches {
		r.Fault(v, path, "has more than "+strconv.Itoa(maxBranches)+" rules: put types with the same conditions together")
		return nil
	}
	var rules []Rule
	for i, item := range items {
		rules = append(rules, r.rule(item, document.Index(path, i), d, false))
	}
	return rules
}

// shape checks which fields stand together, and that the conditions fit the types.
func (r *reader) shape(o *document.Object, rule Rule, branches *document.Value) {
	types, where := o.Value.Field("types"), o.Value.Field("where")
	switch {
	case branches != nil && (types != nil || where != nil):
		r.Fault(branches, o.At("any_of"), "stands beside types or where: write those as one more rule in its list")
	case branches != nil && branches.Kind == document.KindList && len(branches.Items) == 0:
		r.Fault(branches, o.At("any_of"), "is empty: list at least one rule")
	case branches == nil && (types == nil || types.Value.Kind == document.KindNull):
		o.Fault("types", "is missing: list the event types that count, such as [session.started]")
	case types != nil && types.Value.Kind == document.KindList && len(types.Value.Items) == 0:
		o.Fault("types", "is empty: list the event types that count, such as [session.started]")
	}
	if where != nil && where.Value.Kind == document.KindMap {
		r.fit(where.Value, o.At("where"), rule)
	}
}

func (r *reader) types(o *document.Object) []string {
	path := o.At("types")
	seen := map[string]int{}
	var types []string
	for i, item := range r.List(o.Get("types"), path) {
		if item.Kind != document.KindText {
			r.WrongKind(item, document.Index(path, i), "text")
			continue
		}
		r.Once(seen, item, document.Index(path, i), "", item.Text)
		if r.usable(item, document.Index(path, i)) {
			types = append(types, item.Text)
		}
	}
	return types
}

// where reads conditions on attributes; whether the types have these is checked by fit.
func (r *reader) where(o *document.Object) map[string]Condition {
	path := o.At("where")
	fields := r.Mapping(o.Get("where"), path)
	if len(fields) == 0 {
		return nil
	}
	conditions := make(map[string]Condition, len(fields))
	for _, f := range fields {
		conditions[f.Name] = r.condition(f.Value, document.Join(path, f.Name))
	}
	return conditions
}

func (r *reader) condition(v *document.Value, path string) Condition {
	if v.Kind == document.KindNull {
		r.Fault(v, path, "says nothing: give min, max or equals")
		return Condition{}
	}
	o := r.Object(v, path)
	c := Condition{Min: r.bound(o, "min"), Max: r.bound(o, "max")}
	equals := o.Get("equals")
	if equals != nil {
		c.Equals = r.Scalar(equals, o.At("equals"))
	}
	switch {
	case o.Valid && c.Min == nil && c.Max == nil && equals == nil && len(v.Fields) == 0:
		r.Fault(v, path, "says nothing: give min, max or equals")
	case equals != nil && (c.Min != nil || c.Max != nil):
		r.Fault(v, path, "has equals beside min or max: give one or the other")
	case c.Min != nil && c.Max != nil && *c.Min > *c.Max:
		r.Fault(v, path, "can never hold: min is above max")
	}
	o.Close()
	return c
}

func (r *reader) bound(o *document.Object, name string) *float64 {
	v := o.Get(name)
	if v == nil {
		return nil
	}
	if n, ok := r.Number(v, o.At(name)); ok {
		return &n
	}
	return nil
}
