package study

import (
	"fmt"
	"strings"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
)

const (
	maxDays      = 36_500 // a hundred years
	aYear        = 366
	defaultZone  = "UTC"
	defaultRules = "default-1"
)

// Parse reads a definition from YAML or JSON and fills in what it leaves out. A file name ending in .json, or a text that
// is one JSON object, is read as JSON, all else as YAML. The error is [Problems]: everything wrong with the definition, in
// the order of the text; filename only names the file in it and may be empty.
func Parse(doc []byte, filename string) (*Definition, error) {
	d := &document{}
	top := d.read(doc, filename)
	r := &reader{problems: d.problems}
	var definition *Definition
	if top != nil {
		definition = r.definition(top)
	}
	if len(r.problems) == 0 {
		definition.written = canonical(top)
		return definition, nil
	}
	return nil, r.problems.finish(filename)
}

func (r *reader) definition(top *value) *Definition {
	o := r.object(top, "")
	d := &Definition{}
	if v := o.need("id", "give the study an id such as hope-2026"); v != nil {
		d.ID = r.pattern(v, "id", studyPattern, "must be 2 to 63 lower-case letters, digits or -, beginning with a letter or digit")
	}
	if v := o.need("title", "give the study a title"); v != nil {
		d.Title = r.text(v, "title")
	}
	o.need("design", "say which of "+strings.Join(names(Designs()), ", "))
	d.Design = choice(o, "design", Designs(), "")
	d.Timezone, d.location = o.zone("timezone", defaultZone)
	r.arms(o, d)
	r.components(o, d)
	r.intervention(o, d)
	d.FollowUpDays = o.wholeOr("follow_up_days", span{1, maxDays}, d.Intervention.DurationDays)
	r.engagement(o, d)
	r.nonUsage(o, d)
	r.completion(o, d)
	r.strata(o, d)
	r.sites(o, d)
	r.perProtocol(o, d)
	r.assessments(o, d)
	r.governance(o, d)
	o.close()
	return d
}

// names returns words as plain strings.
func names[T ~string](words []T) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = string(w)
	}
	return out
}

// zone reads an IANA zone.
func (o *object) zone(name, otherwise string) (string, *time.Location) {
	text := otherwise
	if v := o.get(name); v != nil {
		text = v.text
		if v.kind != kindText {
			o.r.wrongKind(v, o.at(name), "text")
			return otherwise, nil
		}
	}
	location, err := time.LoadLocation(text)
	if err != nil || text == "" || text == "Local" || len(text) > 64 {
		o.fault(name, quote(text)+" is not a known time zone: write an IANA name such as America/New_York")
		return otherwise, nil
	}
	return text, location
}

func (r *reader) intervention(o *object, d *Definition) {
	v := o.need("intervention", "give at least intervention: {duration_days: 84}")
	i := r.object(v, "intervention")
	i.need("duration_days", "say for how many days the intervention is planned")
	duration, known := i.whole("duration_days", span{2, maxDays})
	if !known {
		duration = maxDays // so that nothing below is blamed for it
	}
	d.Intervention.DurationDays = duration
	period, given := i.whole("period_days", span{1, maxDays})
	switch {
	case !given:
		period = min(7, duration)
	case known && period > duration:
		i.fault("period_days", fmt.Sprintf("is %d, longer than duration_days (%d): not one whole period would fit", period, duration))
		period = min(7, duration)
	}
	d.Intervention.PeriodDays = period
	d.Intervention.AccessDays = i.wholeOr("access_days", span{2, maxDays}, duration)
	i.close()
}

func (r *reader) nonUsage(o *object, d *Definition) {
	n := r.object(o.get("non_usage"), "non_usage")
	end := min(d.Intervention.DurationDays, d.Intervention.AccessDays)
	d.NonUsage.SilenceDays = min(max(14, 2*d.Intervention.PeriodDays), end-1)
	if v := n.get("silence_days"); v != nil {
		if g, ok := r.silence(v, n.at("silence_days"), d); ok {
			d.NonUsage.SilenceDays = g
		}
	}
	path := n.at("by_component")
	for _, f := range r.mapping(n.get("by_component"), path) {
		at := join(path, f.name)
		if !r.knownComponent(d, f, at) || f.value.kind == kindNull {
			continue
		}
		if g, ok := r.silence(f.value, at, d); ok {
			if d.NonUsage.ByComponent == nil {
				d.NonUsage.ByComponent = map[string]int{}
			}
			d.NonUsage.ByComponent[f.name] = g
		}
	}
	n.close()
}

// silence reads g: at least 1, and less than the intervention and the access to it last, or nobody could fall silent.
func (r *reader) silence(v *value, path string, d *Definition) (int, bool) {
	g, ok := r.whole(v, path, span{1, maxDays})
	if !ok {
		return 0, false
	}
	if tau := d.Intervention.DurationDays; g >= tau {
		r.fault(v, path, fmt.Sprintf("is %d: must be at least 1 and less than duration_days (%d)", g, tau))
		return 0, false
	}
	if u := d.Intervention.AccessDays; g >= u {
		r.fault(v, path, fmt.Sprintf("is %d: must be less than access_days (%d), or nobody could be silent for so long", g, u))
		return 0, false
	}
	return g, true
}

func (r *reader) knownComponent(d *Definition, f field, path string) bool {
	if _, ok := d.Component(f.name); ok {
		return true
	}
	r.problems = append(r.problems, Problem{Line: f.line, Column: f.column, Field: path, Detail: undeclared(f.name, d)})
	return false
}

func undeclared(id string, d *Definition) string {
	ids := make([]string, len(d.Components))
	for i, c := range d.Components {
		ids[i] = c.ID
	}
	if near := nearest(id, ids); near != "" {
		return "component " + quote(id) + " is not declared under components: did you mean " + near + "?"
	}
	return "component " + quote(id) + " is not declared under components: declare it there or remove it here"
}

func (r *reader) completion(o *object, d *Definition) {
	v := o.get("completion")
	if v == nil {
		return
	}
	c := r.object(v, "completion")
	counts := span{1, 10_000}
	d.Completion = &Completion{
		Modules:  c.wholeOr("modules", counts, 0),
		Sessions: c.wholeOr("sessions", counts, 0),
		Calls:    c.wholeOr("calls", counts, 0),
	}
	if c.valid && len(v.fields) == 0 {
		r.fault(v, "completion", "says nothing: give modules, sessions or calls, or leave it out")
	}
	c.close()
}

func (r *reader) perProtocol(o *object, d *Definition) {
	v := o.get("per_protocol")
	if v == nil {
		return
	}
	p := r.object(v, "per_protocol")
	p.need("engaged_periods", "say from how many engaged periods a participant followed the protocol")
	if k, ok := p.whole("engaged_periods", span{1, d.Periods()}); ok {
		d.PerProtocol = &PerProtocol{EngagedPeriods: k}
	}
	p.close()
}

// portions returns those that a component can belong to.
func portions() []event.Portion {
	return []event.Portion{event.PortionTechnology, event.PortionInPerson}
}
