package study

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
)

// Summary writes the definition for people, defaults and all, as `throughline study show` prints it. It ends in a newline.
func (d *Definition) Summary() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 4, 2, ' ', 0)
	line(w, "Study", d.ID)
	line(w, "Title", d.Title)
	line(w, "Design", words(d.Design))
	line(w, "Time zone", d.Timezone)
	d.summariseArms(w)
	d.summariseTime(w)
	d.summariseUse(w)
	d.summariseOutcomes(w)
	d.summarisePolicy(w)
	_ = w.Flush() // a strings.Builder takes everything
	return b.String()
}

func (d *Definition) summariseArms(w *tabwriter.Writer) {
	for i, arm := range d.Arms {
		with := "no components"
		if len(arm.Components) > 0 {
			with = strings.Join(arm.Components, ", ")
		}
		line(w, once(i, "Arms"), fmt.Sprintf("%s: %s; %s, delivery type %s; %s", arm.ID, arm.Label, words(arm.Role), words(arm.DeliveryType), with))
	}
	for i, c := range d.Components {
		text := fmt.Sprintf("%s: %s, %s portion", c.ID, words(c.Channel), words(c.Portion))
		if c.DeliveryType != "" {
			text += ", delivery type " + words(c.DeliveryType)
		}
		line(w, once(i, "Components"), text)
	}
}

func (d *Definition) summariseTime(w *tabwriter.Writer) {
	i := d.Intervention
	line(w, "Intervention", fmt.Sprintf("%d days in %d periods of %d; use possible for %d days", i.DurationDays, d.Periods(), i.PeriodDays, i.AccessDays))
	line(w, "Follow-up", fmt.Sprintf("%d days", d.FollowUpDays))
}

func (d *Definition) summariseUse(w *tabwriter.Writer) {
	e := d.Engagement
	line(w, "Engagement", fmt.Sprintf("definition %s; a period needs %s component; headline %s; throughout means %s of the periods", e.ID, e.Combine, e.Headline, e.Throughout))
	for _, c := range d.Components {
		rule := d.RuleFor(c.ID)
		line(w, "", c.ID+": "+rule.String())
	}
	if e.Justification != "" {
		line(w, "", "because "+e.Justification)
	}
	silence := fmt.Sprintf("%d complete days without use", d.NonUsage.SilenceDays)
	for _, c := range d.Components {
		if g, ok := d.NonUsage.ByComponent[c.ID]; ok {
			silence += fmt.Sprintf("; %s %d", c.ID, g)
		}
	}
	line(w, "Non-usage", silence)
	line(w, "Completion", d.completionWords())
	if d.PerProtocol != nil {
		line(w, "Per protocol", fmt.Sprintf("at least %d engaged periods", d.PerProtocol.EngagedPeriods))
	}
}

func (d *Definition) completionWords() string {
	if d.Completion == nil {
		return "intervention.completed"
	}
	var parts []string
	for _, c := range []struct {
		n    int
		noun string
	}{{d.Completion.Modules, "modules"}, {d.Completion.Sessions, "sessions"}, {d.Completion.Calls, "calls"}} {
		if c.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.n, c.noun))
		}
	}
	return "intervention.completed, or " + strings.Join(parts, " and ")
}

func (d *Definition) summariseOutcomes(w *tabwriter.Writer) {
	for i, factor := range d.Strata {
		line(w, once(i, "Strata"), factor.Name+": "+strings.Join(factor.Levels, ", "))
	}
	for i, site := range d.Sites {
		line(w, once(i, "Sites"), fmt.Sprintf("%s: %s, %s", site.ID, site.Label, site.Timezone))
	}
	for i, a := range d.Assessments {
		text := fmt.Sprintf("%s: %s, %s, %s is better", a.Instrument, words(a.Domain), a.OutcomeKind, a.Better)
		if a.Primary {
			text += ", primary"
		}
		for _, t := range a.Timepoints {
			text += fmt.Sprintf("; %s on day %d", t.ID, t.Day)
			if t.WindowDays > 0 {
				text += fmt.Sprintf(" ± %d", t.WindowDays)
			}
		}
		line(w, once(i, "Assessments"), text)
	}
}

func (d *Definition) summarisePolicy(w *tabwriter.Writer) {
	if d.Recruitment != nil {
		line(w, "Recruitment", fmt.Sprintf("%d participants wanted", d.Recruitment.Target))
	}
	line(w, "Blinding", "analysts see arms "+string(d.Blinding.Analysts))
	line(w, "Disclosure", d.disclosureWords())
	line(w, "Erasure", "legal basis "+words(d.Erasure.LegalBasis))
}

func (d *Definition) disclosureWords() string {
	p := d.Disclosure
	if p == nil {
		return "no policy: nothing is released"
	}
	text := fmt.Sprintf("cells below %d are hidden", p.K)
	if p.ZeroIsSafe {
		text += ", zero is shown"
	}
	if p.RoundBase > 1 {
		text += fmt.Sprintf(", counts are rounded to %d", p.RoundBase)
	}
	if p.MinDenominator > 0 {
		text += fmt.Sprintf(", nothing over fewer than %d", p.MinDenominator)
	}
	if p.Policy != "" {
		text = p.Policy + ": " + text
	}
	return text
}

// String writes the rule for people.
func (r Rule) String() string {
	var parts []string
	for _, b := range r.Branches() {
		parts = append(parts, b.branchWords(len(r.AnyOf) > 0))
	}
	text := strings.Join(parts, "; or ")
	if r.MinEvents > 1 {
		text += fmt.Sprintf("; at least %d in a period", r.MinEvents)
	}
	if r.MinDays > 1 {
		text += fmt.Sprintf("; on at least %d days of a period", r.MinDays)
	}
	if r.Default {
		text += " (the channel's default)"
	}
	return text
}

func (r Rule) branchWords(within bool) string {
	text := strings.Join(r.Types, ", ")
	attributes := make([]string, 0, len(r.Where))
	for name := range r.Where {
		attributes = append(attributes, name)
	}
	slices.Sort(attributes)
	for i, name := range attributes {
		text += []string{" with ", " and "}[min(i, 1)] + name + " " + r.Where[name].String()
	}
	if within && r.MinEvents > 1 {
		text += fmt.Sprintf(", %d times", r.MinEvents)
	}
	if within && r.MinDays > 1 {
		text += fmt.Sprintf(", on %d days", r.MinDays)
	}
	return text
}

// String writes the condition for people.
func (c Condition) String() string {
	switch {
	case c.Equals != nil:
		return fmt.Sprintf("= %v", c.Equals)
	case c.Min != nil && c.Max != nil:
		return fmt.Sprintf("from %g to %g", *c.Min, *c.Max)
	case c.Min != nil:
		return fmt.Sprintf("≥ %g", *c.Min)
	case c.Max != nil:
		return fmt.Sprintf("≤ %g", *c.Max)
	}
	return "given"
}

// line writes one row; white space inside the text is made single blanks, so that no text breaks the table.
func line(w *tabwriter.Writer, head, text string) {
	fmt.Fprintf(w, "%s\t%s\n", head, strings.Join(strings.Fields(text), " "))
}

func once(i int, head string) string {
	if i == 0 {
		return head
	}
	return ""
}

// words writes an identifier of the vocabulary with blanks.
func words[T ~string](id T) string { return strings.ReplaceAll(string(id), "_", " ") }
