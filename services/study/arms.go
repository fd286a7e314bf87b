package study

import (
	"slices"
	"strings"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/study/document"
)

// arms reads the arms; whether their components exist is checked by components, which is read after.
func (r *reader) arms(o *document.Object, d *Definition) {
	v := o.Need("arms", "give at least one arm")
	items := r.List(v, "arms")
	if v != nil && v.Kind == document.KindList && len(items) == 0 {
		r.Fault(v, "arms", "is empty: give at least one arm")
	}
	seen := map[string]int{}
	for i, item := range items {
		arm := r.arm(item, document.Index("arms", i))
		r.Once(seen, item, document.Index("arms", i), "id", arm.ID)
		d.Arms = append(d.Arms, arm)
	}
}

func (r *reader) arm(v *document.Value, path string) Arm {
	o := r.Object(v, path)
	arm := Arm{ID: o.NeedName("id", "give the arm an id such as peer-app")}
	arm.Label = o.Text("label", arm.ID)
	arm.Role = document.Choice(o, "role", Roles(), "")
	arm.DeliveryType = document.Choice(o, "delivery_type", event.DeliveryTypes(), "")
	arm.Components = []string{}
	at := o.At("components")
	seen := map[string]int{}
	for i, item := range r.List(o.Get("components"), at) {
		id := r.Pattern(item, document.Index(at, i), document.NamePattern, document.NameWords)
		r.Once(seen, item, document.Index(at, i), "", id)
		arm.Components = append(arm.Components, id)
	}
	if arm.Role == "" {
		arm.Role = RoleControl
		if len(arm.Components) > 0 {
			arm.Role = RoleExperimental
		}
	}
	o.Close()
	return arm
}

func (r *reader) components(o *document.Object, d *Definition) {
	seen := map[string]int{}
	d.Components = []Component{}
	for i, item := range r.List(o.Get("components"), "components") {
		component := r.component(item, document.Index("components", i))
		r.Once(seen, item, document.Index("components", i), "id", component.ID)
		d.Components = append(d.Components, component)
	}
	for i := range d.Arms {
		r.armComponents(o, d, i)
	}
}

func (r *reader) component(v *document.Value, path string) Component {
	o := r.Object(v, path)
	c := Component{ID: o.NeedName("id", "give the component an id such as app")}
	c.Label = o.Text("label", c.ID)
	o.Need("channel", "say by which channel participants are reached, such as app or phone_call")
	c.Channel = document.Choice(o, "channel", event.Channels(), "")
	c.DeliveryType = document.Choice(o, "delivery_type", event.DeliveryTypes(), "")
	c.Portion = document.Choice(o, "portion", portions(), c.Channel.Portion())
	o.Close()
	return c
}

// armComponents checks that the components of an arm are declared, and settles the arm's delivery type by them.
func (r *reader) armComponents(o *document.Object, d *Definition, i int) {
	arm := &d.Arms[i]
	list := o.Value.Field("arms").Value.Items[i].Field("components")
	for k, id := range arm.Components {
		if _, ok := d.Component(id); !ok && id != "" {
			r.Fault(list.Value.Items[k], document.Index(document.Index("arms", i)+".components", k), undeclared(id, d))
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

func (r *reader) sites(o *document.Object, d *Definition) {
	seen := map[string]int{}
	for i, item := range r.List(o.Get("sites"), "sites") {
		path := document.Index("sites", i)
		s := r.Object(item, path)
		site := Site{ID: s.NeedName("id", "give the site an id such as boston")}
		site.Label = s.Text("label", site.ID)
		var location *time.Location
		site.Timezone, location = s.Zone("timezone", d.Timezone)
		s.Close()
		r.Once(seen, item, path, "id", site.ID)
		if d.sites == nil {
			d.sites = map[string]*time.Location{}
		}
		d.sites[site.ID] = location
		d.Sites = append(d.Sites, site)
	}
}

func (r *reader) strata(o *document.Object, d *Definition) {
	for _, f := range r.Mapping(o.Get("strata"), "strata") {
		path := document.Join("strata", f.Name)
		if !document.NamePattern.MatchString(f.Name) {
			r.Problems = append(r.Problems, Problem{Line: f.Line, Column: f.Column, Field: path, Detail: document.NameWords})
		}
		factor := Factor{Name: f.Name}
		if f.Value.Kind == document.KindList && len(f.Value.Items) == 0 || f.Value.Kind == document.KindNull {
			r.Fault(f.Value, path, "has no levels: list them, such as [female, male]")
			continue
		}
		seen := map[string]int{}
		for i, item := range r.List(f.Value, path) {
			level := r.Text(item, document.Index(path, i))
			if len(level) > maxLevel {
				r.Fault(item, document.Index(path, i), "is longer than 128 bytes: shorten it")
			}
			r.Once(seen, item, document.Index(path, i), "", level)
			factor.Levels = append(factor.Levels, level)
		}
		d.Strata = append(d.Strata, factor)
	}
	slices.SortFunc(d.Strata, func(a, b Factor) int { return strings.Compare(a.Name, b.Name) })
}
