package study

import (
	"strconv"
)

const maxBranches = 16

func (r *reader) engagement(o *object, d *Definition) {
	e := r.object(o.get("engagement"), "engagement")
	d.Engagement = Engagement{
		ID:            e.name("id", defaultRules),
		Combine:       choice(e, "combine", []Combine{CombineAny, CombineAll}, CombineAny),
		Throughout:    r.share(e, "throughout"),
		Headline:      choice(e, "headline", []Headline{HeadlineParticipation, HeadlineThroughout}, HeadlineParticipation),
		Justification: e.text("justification", ""),
		Rules:         map[string]Rule{},
	}
	for _, c := range d.Components {
		d.Engagement.Rules[c.ID] = DefaultRule(c.Channel, d.Intervention.PeriodDays)
	}
	path := e.at("rules")
	for _, f := range r.mapping(e.get("rules"), path) {
		at := join(path, f.name)
		known := r.knownComponent(d, f, at)
		if f.value.kind == kindNull {
			continue
		}
		if rule := r.rule(f.value, at, d, true); known {
			d.Engagement.Rules[f.name] = rule
		}
	}
	e.close()
}

func (r *reader) share(o *object, name string) Share {
	v := o.get(name)
	if v == nil {
		return Whole
	}
	if v.kind != kindNumber {
		r.wrongKind(v, o.at(name), "a number")
		return Whole
	}
	share, err := ParseShare(v.text)
	if err != nil {
		r.fault(v, o.at(name), "must be a plain decimal above 0 and at most 1 with up to 9 decimals, such as 0.75")
		return Whole
	}
	return share
}

// rule reads one rule; only the outer one may have any_of.
func (r *reader) rule(v *value, path string, d *Definition, outer bool) Rule {
	o := r.object(v, path)
	rule := Rule{Types: r.types(o), Where: r.where(o)}
	rule.MinEvents = o.wholeOr("min_events", span{1, 10_000}, 1)
	rule.MinDays = o.wholeOr("min_days", span{1, d.Intervention.PeriodDays}, 1)
	var branches *value
	if outer {
		branches = o.get("any_of")
		rule.AnyOf = r.branches(branches, o, d)
	}
	if o.valid {
		r.shape(o, rule, branches)
	}
	o.close()
	return rule
}

func (r *reader) branches(v *value, o *object, d *Definition) []Rule {
	path := o.at("any_of")
	items := r.list(v, path)
	if len(items) > maxBranches {
		r.fault(v, path, "has more than "+strconv.Itoa(maxBranches)+" rules: put types with the same conditions together")
		return nil
	}
	var rules []Rule
	for i, item := range items {
		rules = append(rules, r.rule(item, index(path, i), d, false))
	}
	return rules
}

// shape checks which fields stand together, and that the conditions fit the types.
func (r *reader) shape(o *object, rule Rule, branches *value) {
	types, where := o.v.field("types"), o.v.field("where")
	switch {
	case branches != nil && (types != nil || where != nil):
		r.fault(branches, o.at("any_of"), "stands beside types or where: write those as one more rule in its list")
	case branches != nil && branches.kind == kindList && len(branches.items) == 0:
		r.fault(branches, o.at("any_of"), "is empty: list at least one rule")
	case branches == nil && (types == nil || types.value.kind == kindNull):
		o.fault("types", "is missing: list the event types that count, such as [session.started]")
	case types != nil && types.value.kind == kindList && len(types.value.items) == 0:
		o.fault("types", "is empty: list the event types that count, such as [session.started]")
	}
	if where != nil && where.value.kind == kindMap {
		r.fit(where.value, o.at("where"), rule)
	}
}

func (r *reader) types(o *object) []string {
	path := o.at("types")
	seen := map[string]int{}
	var types []string
	for i, item := range r.list(o.get("types"), path) {
		if item.kind != kindText {
			r.wrongKind(item, index(path, i), "text")
			continue
		}
		r.once(seen, item, index(path, i), "", item.text)
		if r.usable(item, index(path, i)) {
			types = append(types, item.text)
		}
	}
	return types
}

// where reads conditions on attributes; whether the types have these is checked by fit.
func (r *reader) where(o *object) map[string]Condition {
	path := o.at("where")
	fields := r.mapping(o.get("where"), path)
	if len(fields) == 0 {
		return nil
	}
	conditions := make(map[string]Condition, len(fields))
	for _, f := range fields {
		conditions[f.name] = r.condition(f.value, join(path, f.name))
	}
	return conditions
}

func (r *reader) condition(v *value, path string) Condition {
	if v.kind == kindNull {
		r.fault(v, path, "says nothing: give min, max or equals")
		return Condition{}
	}
	o := r.object(v, path)
	c := Condition{Min: r.bound(o, "min"), Max: r.bound(o, "max")}
	equals := o.get("equals")
	if equals != nil {
		c.Equals = r.scalar(equals, o.at("equals"))
	}
	switch {
	case o.valid && c.Min == nil && c.Max == nil && equals == nil && len(v.fields) == 0:
		r.fault(v, path, "says nothing: give min, max or equals")
	case equals != nil && (c.Min != nil || c.Max != nil):
		r.fault(v, path, "has equals beside min or max: give one or the other")
	case c.Min != nil && c.Max != nil && *c.Min > *c.Max:
		r.fault(v, path, "can never hold: min is above max")
	}
	o.close()
	return c
}

func (r *reader) bound(o *object, name string) *float64 {
	v := o.get(name)
	if v == nil {
		return nil
	}
	if n, ok := r.number(v, o.at(name)); ok {
		return &n
	}
	return nil
}

func (r *reader) number(v *value, path string) (float64, bool) {
	if v.kind != kindNumber {
		r.wrongKind(v, path, "a number")
		return 0, false
	}
	n, err := strconv.ParseFloat(v.text, 64)
	if err != nil || !numberPattern.MatchString(v.text) {
		r.fault(v, path, "must be a number in plain digits, such as 60 or 0.5")
		return 0, false
	}
	return n, true
}

func (r *reader) scalar(v *value, path string) any {
	switch v.kind {
	case kindNumber:
		if n, ok := r.number(v, path); ok {
			return n
		}
	case kindFlag:
		return isTrue(v)
	case kindText:
		return r.text(v, path)
	default:
		r.wrongKind(v, path, "text, a number, true or false")
	}
	return nil
}
