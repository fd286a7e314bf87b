package study

import (
	"slices"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
)

// Arm returns the arm with the id.
func (d *Definition) Arm(id string) (Arm, bool) {
	i := d.ArmIndex(id)
	if i < 0 {
		return Arm{}, false
	}
	return d.Arms[i], true
}

// ArmIndex returns the place of an arm in the definition's order, -1 if there is none.
func (d *Definition) ArmIndex(id string) int {
	return slices.IndexFunc(d.Arms, func(a Arm) bool { return a.ID == id })
}

// Component returns the component with the id.
func (d *Definition) Component(id string) (Component, bool) {
	i := slices.IndexFunc(d.Components, func(c Component) bool { return c.ID == id })
	if i < 0 {
		return Component{}, false
	}
	return d.Components[i], true
}

// Site returns the site with the id.
func (d *Definition) Site(id string) (Site, bool) {
	i := slices.IndexFunc(d.Sites, func(s Site) bool { return s.ID == id })
	if i < 0 {
		return Site{}, false
	}
	return d.Sites[i], true
}

// Location returns the study's zone.
func (d *Definition) Location() *time.Location {
	if d.location == nil {
		return time.UTC
	}
	return d.location
}

// SiteLocation returns the zone of a site, the study's if the site is unknown or has none of its own.
func (d *Definition) SiteLocation(site string) *time.Location {
	if location := d.sites[site]; location != nil {
		return location
	}
	return d.Location()
}

// RuleFor returns the engagement rule of a component; a rule that counts nothing if there is no such component.
func (d *Definition) RuleFor(component string) Rule {
	rule, ok := d.Engagement.Rules[component]
	if !ok {
		return Rule{MinEvents: 1, MinDays: 1}
	}
	return rule
}

// SilenceDays returns g of a component, or of the whole for the empty id.
func (d *Definition) SilenceDays(component string) int {
	if days, ok := d.NonUsage.ByComponent[component]; ok {
		return days
	}
	return d.NonUsage.SilenceDays
}

// AccessDays returns U, the day from which the intervention is not offered any more.
func (d *Definition) AccessDays() int { return d.Intervention.AccessDays }

// DurationDays returns τ, the planned days of the intervention.
func (d *Definition) DurationDays() int { return d.Intervention.DurationDays }

// PeriodDays returns the days of one period.
func (d *Definition) PeriodDays() int { return d.Intervention.PeriodDays }

// Periods returns how many whole periods are planned.
func (d *Definition) Periods() int { return d.Intervention.DurationDays / d.Intervention.PeriodDays }

// DefinitionID returns the id of the engagement definition, which every number carries.
func (d *Definition) DefinitionID() string { return d.Engagement.ID }

// PortionOf returns the portion of a component; empty if there is no such component.
func (d *Definition) PortionOf(component string) event.Portion {
	c, _ := d.Component(component)
	return c.Portion
}

// DeliveryTypeOf returns the delivery type of a component within an arm: its own, else the arm's.
func (d *Definition) DeliveryTypeOf(component, arm string) event.DeliveryType {
	if c, ok := d.Component(component); ok && c.DeliveryType != "" {
		return c.DeliveryType
	}
	a, _ := d.Arm(arm)
	return a.DeliveryType
}

// HeadlineArm returns the arm that stands for the study across studies: the first experimental one, else the first with
// components, else none.
func (d *Definition) HeadlineArm() (Arm, bool) {
	i := slices.IndexFunc(d.Arms, func(a Arm) bool { return a.Role == RoleExperimental })
	if i < 0 {
		i = slices.IndexFunc(d.Arms, func(a Arm) bool { return len(a.Components) > 0 })
	}
	if i < 0 {
		return Arm{}, false
	}
	return d.Arms[i], true
}

// ArmComponents returns the ids of an arm's components of a portion, in the arm's order; all for [event.PortionAll].
func (d *Definition) ArmComponents(arm string, portion event.Portion) []string {
	a, _ := d.Arm(arm)
	var ids []string
	for _, id := range a.Components {
		if portion == event.PortionAll || portion == "" || d.PortionOf(id) == portion {
			ids = append(ids, id)
		}
	}
	return ids
}

// JSON returns the definition as it was written, in canonical form: known fields in the order of the documentation, free
// names ascending, nothing filled in. It is what definition.published carries; Parse reads it back to an equal definition.
func (d *Definition) JSON() []byte { return slices.Clone(d.written) }
