package study

import (
	"slices"
	"strings"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
)

// arms reads the arms; whether their components exist is checked by components, which is read after.
func (r *reader) arms(o *object, d *Definition) {
	v := o.need("arms", "give at least one arm")
	items := r.list(v, "arms")
	if v != nil && v.kind == kindList && len(items) == 0 {
		r.fault(v, "arms", "is empty: give at least one arm")
	}
	seen := map[string]int{}
	for i, item := range items {
		arm := r.arm(item, index("arms", i))
		r.once(seen, item, index("arms", i), "id", arm.ID)
		d.Arms = append(d.Arms, arm)
	}
}

func (r *reader) arm(v *value, path string) Arm {
	o := r.object(v, path)
	arm := Arm{ID: o.needName("id", "give the arm an id such as peer-app")}
	arm.Label = o.text("label", arm.ID)
	arm.Role = choice(o, "role", Roles(), "")
	arm.DeliveryType = choice(o, "delivery_type", event.DeliveryTypes(), "")
	arm.Components = []string{}
	at := o.at("components")
	seen := map[string]int{}
	for i, item := range r.list(o.get("components"), at) {
		id := r.pattern(item, index(at, i), namePattern, nameWords)
		r.once(seen, item, index(at, i), "", id)
		arm.Components = append(arm.Components, id)
	}
	if arm.Role == "" {
		arm.Role = RoleControl
		if len(arm.Components) > 0 {
			arm.Role = RoleExperimental
		}
	}
	o.close()
	return arm
}

func (r *reader) components(o *object, d *Definition) {
	seen := map[string]int{}
	d.Components = []Component{}
	for i, item := range r.list(o.get("components"), "components") {
		component := r.component(item, index("components", i))
		r.once(seen, item, index("components", i), "id", component.ID)
		d.Components = append(d.Components, component)
	}
	for i := range d.Arms {
		r.armComponents(o, d, i)
	}
}

func (r *reader) component(v *value, path string) Component {
	o := r.object(v, path)
	c := Component{ID: o.needName("id", "give the component an id such as app")}
	c.Label = o.text("label", c.ID)
	o.need("channel", "say by which channel participants are reached, such as app or phone_call")
	c.Channel = choice(o, "channel", event.Channels(), "")
	c.DeliveryType = choice(o, "delivery_type", event.DeliveryTypes(), "")
	c.Portion = choice(o, "portion", portions(), c.Channel.Portion())
	o.close()
	return c
}

// armComponents checks that the components of an arm are declared, and settles the arm's delivery type by them.
func (r *reader) armComponents(o *object, d *Definition, i int) {
	arm := &d.Arms[i]
	list := o.v.field("arms").value.items[i].field("components")
	for k, id := range arm.Components {
		if _, ok := d.Component(id); !ok && id != "" {
			r.fault(list.value.items[k], index(index("arms", i)+".components", k), undeclared(id, d))
		}
	}
	if arm.DeliveryType == "" {
		arm.DeliveryType = d.commonDeliveryType(arm.Components)
	}
}

// commonDeliveryType returns the delivery type that all of the components declare, none if there is no such.
func (d *Definition) commonDeliveryType(components []string) event.DeliveryType {
	var types []event.DeliveryType
	for _, id := range components {
		c, _ := d.Component(id)
		types = append(types, c.DeliveryType)
	}
	slices.Sort(types)
	if types = slices.Compact(types); len(types) == 1 && types[0] != "" {
		return types[0]
	}
	return event.DeliveryNone
}

func (r *reader) sites(o *object, d *Definition) {
	seen := map[string]int{}
	for i, item := range r.list(o.get("sites"), "sites") {
		path := index("sites", i)
		s := r.object(item, path)
		site := Site{ID: s.needName("id", "give the site an id such as boston")}
		site.Label = s.text("label", site.ID)
		var location *time.Location
		site.Timezone, location = s.zone("timezone", d.Timezone)
		s.close()
		r.once(seen, item, path, "id", site.ID)
		if d.sites == nil {
			d.sites = map[string]*time.Location{}
		}
		d.sites[site.ID] = location
		d.Sites = append(d.Sites, site)
	}
}

func (r *reader) strata(o *object, d *Definition) {
	for _, f := range r.mapping(o.get("strata"), "strata") {
		path := join("strata", f.name)
		if !namePattern.MatchString(f.name) {
			r.problems = append(r.problems, Problem{Line: f.line, Column: f.column, Field: path, Detail: nameWords})
		}
		factor := Factor{Name: f.name}
		if f.value.kind == kindList && len(f.value.items) == 0 || f.value.kind == kindNull {
			r.fault(f.value, path, "has no levels: list them, such as [female, male]")
			continue
		}
		seen := map[string]int{}
		for i, item := range r.list(f.value, path) {
			level := r.text(item, index(path, i))
			if len(level) > maxLevel {
				r.fault(item, index(path, i), "is longer than 128 bytes: shorten it")
			}
			r.once(seen, item, index(path, i), "", level)
			factor.Levels = append(factor.Levels, level)
		}
		d.Strata = append(d.Strata, factor)
	}
	slices.SortFunc(d.Strata, func(a, b Factor) int { return strings.Compare(a.Name, b.Name) })
}
