package study

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/study/document"
)

var (
	studyPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,62}$`)
	codePattern  = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)
)

const (
	maxDays      = 36_500 // a hundred years
	aYear        = 366
	maxLevel     = 128 // bytes
	defaultZone  = "UTC"
	defaultRules = "default-1"
)

// Parse reads a definition from YAML or JSON and fills in what it leaves out. A file name ending in .json, or a text that
// is one JSON object, is read as JSON, all else as YAML. The error is [Problems]: everything wrong with the definition, in
// the order of the text; filename only names the file in it and may be empty.
func Parse(doc []byte, filename string) (*Definition, error) {
	top, problems := document.Read(doc, filename)
	r := &reader{document.Reader{Problems: problems}}
	var definition *Definition
	if top != nil {
		definition = r.definition(top)
	}
	if len(r.Problems) > 0 {
		return nil, r.Problems.Finish(filename)
	}
	definition.written = document.Canonical(top)
	return definition, nil
}

func (r *reader) definition(top *document.Value) *Definition {
	o := r.Object(top, "")
	d := &Definition{}
	if v := o.Need("id", "give the study an id such as hope-2026"); v != nil {
		d.ID = r.Pattern(v, "id", studyPattern, "must be 2 to 63 lower-case letters, digits or -, beginning with a letter or digit")
	}
	if v := o.Need("title", "give the study a title"); v != nil {
		d.Title = r.Text(v, "title")
	}
	o.Need("design", "say which of "+strings.Join(names(Designs()), ", "))
	d.Design = document.Choice(o, "design", Designs(), "")
	d.Timezone, d.location = o.Zone("timezone", defaultZone)
	r.arms(o, d)
	r.components(o, d)
	r.intervention(o, d)
	d.FollowUpDays = o.WholeOr("follow_up_days", document.Between(1, maxDays), d.Intervention.DurationDays)
	r.engagement(o, d)
	r.nonUsage(o, d)
	r.completion(o, d)
	r.strata(o, d)
	r.sites(o, d)
	r.perProtocol(o, d)
	r.assessments(o, d)
	r.governance(o, d)
	o.Close()
	return d
}

// reader reads the sections of a definition; every method reports what is wrong and goes on.
type reader struct{ document.Reader }

// names returns words as plain strings.
func names[T ~string](words []T) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = string(w)
	}
	return out
}

func (r *reader) intervention(o *document.Object, d *Definition) {
	v := o.Need("intervention", "give at least intervention: {duration_days: 84}")
	i := r.Object(v, "intervention")
	i.Need("duration_days", "say for how many days the intervention is planned")
	duration, known := i.Whole("duration_days", document.Between(2, maxDays))
	if !known {
		duration = maxDays // so that nothing below is blamed for it
	}
	d.Intervention.DurationDays = duration
	period, given := i.Whole("period_days", document.Between(1, maxDays))
	switch {
	case !given:
		period = min(7, duration)
	case known && period > duration:
		i.Fault("period_days", fmt.Sprintf("is %d, longer than duration_days (%d): not one whole period would fit", period, duration))
		period = min(7, duration)
	}
	d.Intervention.PeriodDays = period
	d.Intervention.AccessDays = i.WholeOr("access_days", document.Between(2, maxDays), duration)
	i.Close()
}

func (r *reader) nonUsage(o *document.Object, d *Definition) {
	n := r.Object(o.Get("non_usage"), "non_usage")
	end := min(d.Intervention.DurationDays, d.Intervention.AccessDays)
	d.NonUsage.SilenceDays = min(max(14, 2*d.Intervention.PeriodDays), end-1)
	if v := n.Get("silence_days"); v != nil {
		if g, ok := r.silence(v, n.At("silence_days"), d); ok {
			d.NonUsage.SilenceDays = g
		}
	}
	path := n.At("by_component")
	for _, f := range r.Mapping(n.Get("by_component"), path) {
		at := document.Join(path, f.Name)
		if !r.knownComponent(d, f, at) || f.Value.Kind == document.KindNull {
			continue
		}
		if g, ok := r.silence(f.Value, at, d); ok {
			if d.NonUsage.ByComponent == nil {
				d.NonUsage.ByComponent = map[string]int{}
			}
			d.NonUsage.ByComponent[f.Name] = g
		}
	}
	n.Close()
}

// silence reads g: at least 1, and less than the intervention and the access to it last, or nobody could fall silent.
func (r *reader) silence(v *document.Value, path string, d *Definition) (int, bool) {
	g, ok := r.Whole(v, path, document.Between(1, maxDays))
	if !ok {
		return 0, false
	}
	if tau := d.Intervention.DurationDays; g >= tau {
		r.Fault(v, path, fmt.Sprintf("is %d: must be at least 1 and less than duration_days (%d)", g, tau))
		return 0, false
	}
	if u := d.Intervention.AccessDays; g >= u {
		r.Fault(v, path, fmt.Sprintf("is %d: must be less than access_days (%d), or nobody could be silent for so long", g, u))
		return 0, false
	}
	return g, true
}

func (r *reader) knownComponent(d *Definition, f document.Field, path string) bool {
	if _, ok := d.Component(f.Name); ok {
		return true
	}
	r.Problems = append(r.Problems, Problem{Line: f.Line, Column: f.Column, Field: path, Detail: undeclared(f.Name, d)})
	return false
}

func undeclared(id string, d *Definition) string {
	ids := make([]string, len(d.Components))
	for i, c := range d.Components {
		ids[i] = c.ID
	}
	if near := document.Nearest(id, ids); near != "" {
		return "component " + document.Quote(id) + " is not declared under components: did you mean " + near + "?"
	}
	return "component " + document.Quote(id) + " is not declared under components: declare it there or remove it here"
}

func (r *reader) completion(o *document.Object, d *Definition) {
	v := o.Get("completion")
	if v == nil {
		return
	}
	c := r.Object(v, "completion")
	counts := document.Between(1, 10_000)
	d.Completion = &Completion{
		Modules:  c.WholeOr("modules", counts, 0),
		Sessions: c.WholeOr("sessions", counts, 0),
		Calls:    c.WholeOr("calls", counts, 0),
	}
	if c.Valid && len(v.Fields) == 0 {
		r.Fault(v, "completion", "says nothing: give modules, sessions or calls, or leave it out")
	}
	c.Close()
}

func (r *reader) perProtocol(o *document.Object, d *Definition) {
	v := o.Get("per_protocol")
	if v == nil {
		return
	}
	p := r.Object(v, "per_protocol")
	p.Need("engaged_periods", "say from how many engaged periods a participant followed the protocol")
	if k, ok := p.Whole("engaged_periods", document.Between(1, d.Periods())); ok {
		d.PerProtocol = &PerProtocol{EngagedPeriods: k}
	}
	p.Close()
}

// portions returns those that a component can belong to.
func portions() []event.Portion {
	return []event.Portion{event.PortionTechnology, event.PortionInPerson}
}
