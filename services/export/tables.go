package export

import (
	"slices"
	"strconv"
	"time"

	"github.com/throughline-trials/throughline/services/analyst"
)

// Tables returns all tables of a dataset, participants first.
func Tables(d *analyst.Dataset) []Table {
	return []Table{participants(d), periods(d), eventDays(d), outcomes(d), arms(d), parameters(d)}
}

// field is a column of a table with the way to its cells.
type field[R any] struct {
	Column
	cell func(*R) any
}

// tableOf makes a table of rows.
func tableOf[R any](name, description string, rows []R, fields []field[R]) Table {
	t := Table{Name: name, Description: description}
	for _, f := range fields {
		t.Columns = append(t.Columns, f.Column)
	}
	t.Rows = func(yield func([]any) error) error {
		cells := make([]any, len(fields))
		for i := range rows {
			for k := range fields {
				cells[k] = fields[k].cell(&rows[i])
			}
			if err := yield(cells); err != nil {
				return err
			}
		}
		return nil
	}
	return t
}

type person = analyst.ParticipantRow

// assigned leaves a cell empty for whoever is in no arm.
func assigned(cell func(*person) any) func(*person) any {
	return func(p *person) any {
		if !p.Assigned {
			return nil
		}
		return cell(p)
	}
}

func participants(d *analyst.Dataset) Table {
	fields := slices.Concat(identity(d), follow(), []field[person]{
		{Column{"dropout_time", Integer, "days", "Day of the loss to the study, or of censoring."}, assigned(func(p *person) any { return p.Dropout.Day })},
		{Column{"dropout_event", Flag, "", "Lost to the study (withdrew from all, withdrew consent, or lost to follow-up); 0: censored on dropout_time."}, assigned(func(p *person) any { return p.Dropout.Event })},
		{Column{"dropout_ended", Flag, "", "The planned follow-up has passed at the cut-off: in rate_at_end."}, assigned(func(p *person) any { return p.Dropout.Ended })},
	},
		silent("non_usage", "Non-usage by the last use", func(p *person) *analyst.Outcome { return &p.NonUsage }),
		silent("first_lapse", "Non-usage by the first lapse", func(p *person) *analyst.Outcome { return &p.FirstLapse }),
		use(), exits())
	return tableOf("participants", "One participant who was enrolled or assigned.", d.Participants, fields)
}

func identity(d *analyst.Dataset) []field[person] {
	fields := []field[person]{
		{Column{"participant", Text, "", "Pseudonym."}, func(p *person) any { return p.Participant }},
		{Column{"arm", Text, "", "Arm assigned to; empty: none yet, and then most other cells are empty too."}, func(p *person) any { return named(p.Arm) }},
		{Column{"site", Text, "", "Site of enrolment; empty: not told."}, func(p *person) any { return named(p.Site) }},
		{Column{"peer", Text, "", "Peer assigned first; empty: none."}, func(p *person) any { return named(p.Peer) }},
	}
	for i, factor := range d.Design.Strata {
		fields = append(fields, field[person]{
			Column{"stratum_" + factor.Name, Text, "", "Level of the factor " + factor.Name + " at enrolment; empty: not told."},
			func(p *person) any {
				if i < len(p.Strata) {
					return named(p.Strata[i])
				}
				return nil
			},
		})
	}
	return append(fields,
		field[person]{Column{"enrolled", Flag, "", "Was enrolled."}, func(p *person) any { return p.Enrolled }},
		field[person]{Column{"randomised", Flag, "", "Was randomised or otherwise assigned."}, func(p *person) any { return p.Randomised }},
	)
}

func follow() []field[person] {
	return []field[person]{
		{Column{"day0", Date, "", "Local date of assignment; of enrolment where one arm is not assigned. All days are counted from it."}, assigned(func(p *person) any { return p.Day0 })},
		{Column{"timezone", Text, "", "Zone that dated day 0 and dates the cut-off: an IANA name, or an offset."}, assigned(func(p *person) any { return named(p.Zone) })},
		{Column{"days", Integer, "days", "From day 0 to the local date of the cut-off: C."}, assigned(func(p *person) any { return p.Days })},
		{Column{"started", Flag, "", "In the population started: any qualifying activity, or intervention.started."}, assigned(func(p *person) any { return p.Started })},
		{Column{"per_protocol", Flag, "", "In the population per_protocol; empty: the definition declares none."}, assigned(func(p *person) any { return optional(p.PerProtocol) })},
		{Column{"has_components", Flag, "", "The arm has something to use; without, there is no non-usage."}, assigned(func(p *person) any { return p.HasComponents })},
	}
}

// silent is the columns of one variant of non-usage.
func silent(name, what string, of func(*person) *analyst.Outcome) []field[person] {
	answered := func(cell func(*analyst.Outcome) any) func(*person) any {
		return func(p *person) any {
			if o := of(p); p.Assigned && p.HasComponents && !o.TooEarly {
				return cell(o)
			}
			return nil
		}
	}
	return []field[person]{
		{Column{name + "_too_early", Flag, "", what + ": too early to tell, in no n; empty: the arm has nothing to use."}, func(p *person) any {
			if !p.Assigned || !p.HasComponents {
				return nil
			}
			return of(p).TooEarly
		}},
		{Column{name + "_time", Integer, "days", what + ": day of the event, or of censoring; empty: too early, or nothing to use."}, answered(func(o *analyst.Outcome) any { return o.Day })},
		{Column{name + "_event", Flag, "", what + ": stopped using the intervention; 0: censored."}, answered(func(o *analyst.Outcome) any { return o.Event })},
		{Column{name + "_ended", Flag, "", what + ": access has ended at the cut-off, so it is in rate_at_end."}, answered(func(o *analyst.Outcome) any { return o.Ended })},
	}
}

func use() []field[person] {
	usable := func(cell func(*person) any) func(*person) any {
		return func(p *person) any {
			if !p.Assigned || !p.HasComponents {
				return nil
			}
			return cell(p)
		}
	}
	return []field[person]{
		{Column{"uptake", Flag, "", "Any qualifying activity; empty: the arm has nothing to use."}, usable(func(p *person) any { return p.Uptake })},
		{Column{"uptake_ended", Flag, "", "More days than the declared silence have passed: in the uptake at the end."}, usable(func(p *person) any { return p.Settled })},
		{Column{"completed", Flag, "", "Completed the intervention by the cut-off."}, assigned(func(p *person) any { return p.Completed != nil })},
		{Column{"completed_day", Integer, "days", "Day on which the intervention was completed; empty: it was not."}, assigned(func(p *person) any { return optional(p.Completed) })},
		{Column{"completion_ended", Flag, "", "The planned duration has passed at the cut-off: in the completion at the end."}, assigned(func(p *person) any { return p.DurationEnd })},
		{Column{"periods_engaged", Integer, "periods", "x: elapsed evaluable periods with engagement."}, usable(func(p *person) any { return p.Engaged })},
		{Column{"periods_evaluable", Integer, "periods", "n: elapsed evaluable periods."}, usable(func(p *person) any { return p.Evaluable })},
		{Column{"tier", Text, "", "high if 4x >= 3n, medium if 2x >= n, else low; not_reported if n is 0."}, usable(func(p *person) any { return string(p.Tier) })},
		{Column{"activities", Integer, "activities", "Qualifying activities."}, usable(func(p *person) any { return p.Activities })},
		{Column{"active_days", Integer, "days", "Days with a qualifying activity."}, usable(func(p *person) any { return p.ActiveDays })},
		{Column{"last_use_day", Integer, "days", "Last day with a qualifying activity; empty: none."}, usable(func(p *person) any { return optional(p.LastUse) })},
		{Column{"reactivations", Integer, "days", "Qualifying days that ended a lapse."}, usable(func(p *person) any { return p.Reactivations })},
	}
}

func exits() []field[person] {
	return []field[person]{
		{Column{"exit", Text, "", "How the time in the study ended: died, withdrew, lost or completed; empty: in follow-up."}, assigned(func(p *person) any { return named(p.Exit) })},
		{Column{"exit_day", Integer, "days", "Day of the exit."}, assigned(func(p *person) any { return optional(p.ExitDay) })},
		{Column{"death_day", Integer, "days", "Day of death."}, assigned(func(p *person) any { return optional(p.Death) })},
		{Column{"withdrew_day", Integer, "days", "Day of the first withdrawal of any scope, or of consent."}, assigned(func(p *person) any { return optional(p.Withdrew) })},
		{Column{"discontinued_day", Integer, "days", "Day on which investigator or sponsor ended the intervention."}, assigned(func(p *person) any { return optional(p.Discontinued) })},
	}
}

func periods(d *analyst.Dataset) Table {
	type row = analyst.PeriodRow
	return tableOf("participant_periods", "One elapsed period of one participant, over the whole intervention and for each component of the arm.", d.Periods, []field[row]{
		{Column{"participant", Text, "", "Pseudonym."}, func(r *row) any { return r.Participant }},
		{Column{"arm", Text, "", "Arm assigned to."}, func(r *row) any { return r.Arm }},
		{Column{"scope", Text, "", "whole: all components, combined as the definition says; component: one of them."}, func(r *row) any {
			if r.Component == "" {
				return "whole"
			}
			return "component"
		}},
		{Column{"component", Text, "", "Component; empty for the whole."}, func(r *row) any { return named(r.Component) }},
		{Column{"portion", Text, "", "Portion of the component: technology or in_person; empty for the whole."}, func(r *row) any {
			if r.Component == "" {
				return nil
			}
			return string(d.PortionOf(r.Component))
		}},
		{Column{"period", Integer, "", "Number of the period, from 1."}, func(r *row) any { return r.Period }},
		{Column{"first_day", Integer, "days", "First day of the period."}, func(r *row) any { return r.First }},
		{Column{"last_day", Integer, "days", "Last day of the period."}, func(r *row) any { return r.Last }},
		{Column{"evaluable", Flag, "", "Counts in n: not wholly paused or in an outage, and before death."}, func(r *row) any { return r.Evaluable }},
		{Column{"engaged", Flag, "", "Has the qualifying activities that the rule asks for; empty where not evaluable."}, func(r *row) any {
			if !r.Evaluable {
				return nil
			}
			return r.Engaged
		}},
	})
}

func eventDays(d *analyst.Dataset) Table {
	type row = analyst.EventDay
	day0 := map[string]int{}
	for i := range d.Participants {
		day0[d.Participants[i].Participant] = d.Participants[i].Day0
	}
	return tableOf("event_days", "One day with qualifying activities of one participant with one component.", d.Days, []field[row]{
		{Column{"participant", Text, "", "Pseudonym."}, func(r *row) any { return r.Participant }},
		{Column{"arm", Text, "", "Arm assigned to."}, func(r *row) any { return r.Arm }},
		{Column{"component", Text, "", "Component of the arm."}, func(r *row) any { return r.Component }},
		{Column{"day", Integer, "days", "Day number, from day 0 on."}, func(r *row) any { return r.Day }},
		{Column{"date", Date, "", "The participant's local date."}, func(r *row) any { return day0[r.Participant] + r.Day }},
		{Column{"activities", Integer, "activities", "Qualifying activities on the day."}, func(r *row) any { return r.Activities }},
	})
}

func outcomes(d *analyst.Dataset) Table {
	type row = analyst.OutcomeRow
	return tableOf("outcomes", "One declared timepoint of one instrument, for one participant.", d.Outcomes, []field[row]{
		{Column{"participant", Text, "", "Pseudonym."}, func(r *row) any { return r.Participant }},
		{Column{"arm", Text, "", "Arm assigned to."}, func(r *row) any { return r.Arm }},
		{Column{"instrument", Text, "", "Instrument."}, func(r *row) any { return r.Instrument }},
		{Column{"timepoint", Text, "", "Timepoint."}, func(r *row) any { return r.Timepoint }},
		{Column{"due_day", Integer, "days", "Day on which it is due."}, func(r *row) any { return r.Day }},
		{Column{"window_days", Integer, "days", "How far off a submission may be."}, func(r *row) any { return r.Window }},
		{Column{"baseline", Flag, "", "Due on day 0: changes are from it."}, func(r *row) any { return r.Baseline }},
		{Column{"due", Flag, "", "The window has passed, and the participant lived through it or had submitted."}, func(r *row) any { return r.Due }},
		{Column{"submitted", Flag, "", "Submitted within the window."}, func(r *row) any { return r.Submitted }},
		{Column{"score", Number, "", "Score of the submission nearest the day (baseline: the latest); empty: none."}, func(r *row) any { return optional(r.Score) }},
	})
}

// armRow is one arm in the definition's order.
type armRow struct {
	place, components, assigned int
	id, label, role, delivery   string
}

func arms(d *analyst.Dataset) Table {
	var rows []armRow
	for i, arm := range d.Design.Arms {
		row := armRow{place: i + 1, id: arm.ID, label: arm.Label, role: string(arm.Role), delivery: string(arm.DeliveryType), components: len(arm.Components)}
		for k := range d.Participants {
			if p := &d.Participants[k]; p.Assigned && p.Arm == arm.ID {
				row.assigned++
			}
		}
		rows = append(rows, row)
	}
	return tableOf("arms", "One arm, in the definition's order; the first is the reference.", rows, []field[armRow]{
		{Column{"place", Integer, "", "Place in the definition, from 1."}, func(r *armRow) any { return r.place }},
		{Column{"arm", Text, "", "Arm."}, func(r *armRow) any { return r.id }},
		{Column{"label", Text, "", "Name for people."}, func(r *armRow) any { return r.label }},
		{Column{"role", Text, "", "experimental, active_comparator or control."}, func(r *armRow) any { return r.role }},
		{Column{"delivery_type", Text, "", "Delivery type."}, func(r *armRow) any { return r.delivery }},
		{Column{"components", Integer, "components", "Components of the arm; 0: it has no usage to count."}, func(r *armRow) any { return r.components }},
		{Column{"participants", Integer, "participants", "Assigned to the arm."}, func(r *armRow) any { return r.assigned }},
	})
}

// parameter is one figure of the definition that the analysis needs.
type parameter struct{ name, value, meaning string }

func parameters(d *analyst.Dataset) Table {
	return tableOf("parameters", "One figure of the study definition, or of this export, that the analysis rests on.", parameterRows(d), []field[parameter]{
		{Column{"name", Text, "", "Name."}, func(r *parameter) any { return r.name }},
		{Column{"value", Text, "", "Value."}, func(r *parameter) any { return r.value }},
		{Column{"meaning", Text, "", "What it is."}, func(r *parameter) any { return r.meaning }},
	})
}

func parameterRows(d *analyst.Dataset) []parameter {
	def := d.Design
	silence := def.SilenceDays("")
	number := strconv.Itoa
	return []parameter{
		{"study", d.Study, "study"},
		{"definition", d.Definition, "id of the engagement definition"},
		{"definition_version", number(d.DefinitionVersion), "version of the study definition; 0: a trial definition that is not published"},
		{"cutoff", d.Cutoff.Format(time.RFC3339Nano), "what happened later is left out"},
		{"as_of", d.AsOf.Format(time.RFC3339Nano), "what was received later is left out"},
		{"duration_days", number(def.DurationDays()), "planned length of the intervention"},
		{"access_days", number(def.AccessDays()), "until when use is possible"},
		{"follow_up_days", number(def.FollowUpDays), "planned follow-up of dropout"},
		{"period_days", number(def.PeriodDays()), "length of a period of engagement"},
		{"silence_days", number(silence), "complete days without use that are a lapse, for the whole intervention"},
		{"dropout_horizon", number(def.FollowUpDays), "declared horizon of the restricted mean of dropout; used: the smallest last follow-up of the arms, if that is less"},
		{"non_usage_horizon", number(max(0, min(def.DurationDays(), def.AccessDays()-silence)-1)), "the same of non-usage"},
		{"throughout_share", def.Engagement.Throughout.String(), "share of periods that counts as engaged throughout"},
		{"combine", string(def.Engagement.Combine), "how components combine in a period"},
		{"headline", string(def.Engagement.Headline), "which definition of engagement classes an arm"},
	}
}
