package analyst

import (
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/stats"
)

// DeliveryTypes is the answer of /delivery-types: how ways of delivering peer support compare across studies. A study
// counts under the delivery type of the arm that stands for it.
type DeliveryTypes struct {
	Cutoff        time.Time      `json:"cutoff"`
	AsOf          time.Time      `json:"as_of"`
	Position      string         `json:"position,omitempty"`
	Population    Population     `json:"population"`
	Citation      string         `json:"citation"` // of the reference ranges
	Note          string         `json:"note"`
	StudyTiers    TierCounts     `json:"study_tiers"`
	Blinded       int            `json:"blinded"` // studies whose arms the asker may not see: in no tier, forest or pool
	DeliveryTypes []DeliveryType `json:"delivery_types"`
}

// DeliveryType is one delivery type.
type DeliveryType struct {
	DeliveryType event.DeliveryType `json:"delivery_type"`
	Studies      int                `json:"studies"`
	Arms         int                `json:"arms"`         // of these studies
	Participants int                `json:"participants"` // of these studies
	StudyTiers   TierCounts         `json:"study_tiers"`
	Pooled       PooledRates        `json:"pooled"`
	Completion   Completion         `json:"completion"` // over all arms of these studies
	Dose         []WeeklyDose       `json:"dose"`       // of the participants of the rows of the forest together
	Reference    []Reference        `json:"reference"`
	Forest       []ForestRow        `json:"forest"`
}

// PooledRates are the pooled estimates of the rows of the forest.
type PooledRates struct {
	Dropout       stats.Pooled `json:"dropout"`
	NonUsage      stats.Pooled `json:"non_usage"`
	Participation stats.Pooled `json:"participation"`
}

// ForestRow is one study: the arm that stands for it. Rates are those at the planned end.
type ForestRow struct {
	Study             string              `json:"study"`
	Title             string              `json:"title"`
	Arm               string              `json:"arm"`
	Definition        string              `json:"definition"`
	DefinitionVersion int                 `json:"definition_version"`
	Participants      int                 `json:"participants"`
	Tier              stats.Tier          `json:"tier"`
	Dropout           stats.Rate          `json:"dropout"`
	NonUsage          stats.Rate          `json:"non_usage"`
	Participation     stats.ClusteredRate `json:"participation"`
}

const acrossNote = "comparisons across studies are not randomised"

// StudySummary is what one study brings to the comparison across studies.
type StudySummary struct {
	ID           string
	Type         event.DeliveryType
	Arms         int
	Participants int
	Hidden       bool // the asker may not see its arms
	Row          *ForestRow
	Tier         stats.Tier
	completed    completed
	perWeek      [doseKinds][]float64
}

// Summary returns what the study brings to the comparison across studies.
func (f *Frame) Summary(records []*Record, privileged bool) (StudySummary, error) {
	def := f.plan.def
	s := StudySummary{ID: def.ID, Type: event.DeliveryNone, Arms: len(def.Arms), Hidden: blinded(def) && !privileged, Tier: stats.TierNotReported}
	people, _ := f.people(records, Randomised)
	s.Participants = len(people)
	for i := range people {
		s.completed.add(&people[i], def.DurationDays())
	}
	arm, ok := def.HeadlineArm()
	if !ok {
		return s, nil
	}
	s.Type = arm.DeliveryType
	place := def.ArmIndex(arm.ID)
	engagement, err := f.Engagement(records, EngagementQuery{})
	if err != nil {
		return s, err
	}
	dropout, err := f.rateAtEnd(people, place, Dropout)
	if err != nil {
		return s, err
	}
	nonUsage, err := f.rateAtEnd(people, place, NonUsage)
	if err != nil {
		return s, err
	}
	s.perWeek = f.sum(ofArm(people, place), f.plan.arms[place].components).perWeek
	s.Tier = engagement.StudyTier
	s.Row = &ForestRow{
		Study: def.ID, Title: def.Title, Arm: arm.ID, Definition: def.DefinitionID(), DefinitionVersion: f.plan.version,
		Participants: engagement.Arms[place].Participants, Tier: s.Tier,
		Dropout: dropout, NonUsage: nonUsage, Participation: engagement.Arms[place].Participation.ClusteredRate,
	}
	return s, nil
}

// rateAtEnd returns the rate of one arm among those whose end has passed.
func (f *Frame) rateAtEnd(people []person, arm int, kind Kind) (stats.Rate, error) {
	q := AttritionQuery{Kind: kind}
	if err := q.complete(f.plan.def); err != nil {
		return stats.Rate{}, err
	}
	s := f.whole()
	if kind == NonUsage && len(s.byArm[arm]) == 0 {
		return stats.UndefinedRate(ReasonNotInArm), nil
	}
	var x, n int
	for _, one := range f.fates(people, s, q) {
		if one.arm == arm && one.ended && !one.tooEarly {
			n++
			if one.event {
				x++
			}
		}
	}
	return rateAtEnd(x, n), nil
}

// CompareDeliveryTypes puts the studies together, in their order.
func CompareDeliveryTypes(studies []StudySummary, clock Clock) *DeliveryTypes {
	out := &DeliveryTypes{
		Cutoff: clock.cutoff().UTC(), AsOf: clock.AsOf.UTC(), Population: Randomised, Citation: reviewCitation, Note: acrossNote,
	}
	for _, t := range event.DeliveryTypes() {
		one := deliveryType(t, studies)
		if t != event.DeliveryNone || one.Studies > 0 {
			out.DeliveryTypes = append(out.DeliveryTypes, one)
		}
	}
	for _, s := range studies {
		if s.Hidden {
			out.Blinded++
			continue
		}
		out.StudyTiers.add(s.Tier)
	}
	return out
}

func deliveryType(t event.DeliveryType, studies []StudySummary) DeliveryType {
	out := DeliveryType{DeliveryType: t, Reference: references(t), Forest: []ForestRow{}}
	var done completed
	var dropout, nonUsage, participation []stats.Study
	var perWeek [doseKinds][]float64
	for _, s := range studies {
		if s.Type != t {
			continue
		}
		out.Studies++
		out.Arms += s.Arms
		out.Participants += s.Participants
		done.plus(s.completed)
		if s.Hidden {
			continue
		}
		out.StudyTiers.add(s.Tier)
		if s.Row == nil {
			continue
		}
		out.Forest = append(out.Forest, *s.Row)
		for kind := range perWeek {
			perWeek[kind] = append(perWeek[kind], s.perWeek[kind]...)
		}
		dropout = append(dropout, stats.Study{X: s.Row.Dropout.X, N: s.Row.Dropout.N})
		nonUsage = append(nonUsage, stats.Study{X: s.Row.NonUsage.X, N: s.Row.NonUsage.N})
		participation = append(participation, stats.Study{X: s.Row.Participation.X, N: s.Row.Participation.N})
	}
	out.Completion, out.Dose = done.rates(), weekly(perWeek)
	out.Pooled = PooledRates{stats.Pool(dropout), stats.Pool(nonUsage), stats.Pool(participation)}
	return out
}
