package analyst

import (
	"time"

	"github.com/throughline-trials/throughline/services/stats"
)

// Reasons of the analyst, beside those of package stats, for what is null.
const (
	ReasonNotInArm         stats.Reason = "not_in_arm"              // the arm has nothing of the portion or component
	ReasonDropoutIsWhole   stats.Reason = "dropout_is_of_the_study" // dropout has no portions
	ReasonNoPerProtocol    stats.Reason = "per_protocol_not_declared"
	ReasonNobodyAtEnd      stats.Reason = "nobody_at_end" // the end has passed for nobody yet
	ReasonSilenceTooLong   stats.Reason = "silence_not_below_duration"
	ReasonConditionedOnUse stats.Reason = "population_follows_assignment" // arms are not tested in it
	ReasonSeeComponents    stats.Reason = "see_groups"
	ReasonBlinded          stats.Reason = "blinded" // the asker may not see arms
	ReasonNoComponents     stats.Reason = "no_components"
	ReasonNoPrimary        stats.Reason = "no_primary_outcome"
	ReasonNoBaseline       stats.Reason = "no_baseline_timepoint"
	ReasonIsBaseline       stats.Reason = "is_baseline"
	ReasonNothingElapsed   stats.Reason = "no_evaluable_period"
	ReasonNobodyDue        stats.Reason = "nobody_due"
	ReasonNoPeers          stats.Reason = "no_peers"
	ReasonNoRatings        stats.Reason = "no_ratings"
	ReasonNoResponses      stats.Reason = "no_responses"
	ReasonNoThreads        stats.Reason = "no_threads"
	interimNote                         = "interim look, not adjusted"
	incidenceNote                       = "death censors the Kaplan-Meier curve, so one less survival is not the sum of the incidences"
)

// Stamp says from what a result was made.
type Stamp struct {
	Study             string     `json:"study"`
	Definition        string     `json:"definition"` // id of the engagement definition
	DefinitionVersion int        `json:"definition_version"`
	Population        Population `json:"population"`
	Cutoff            time.Time  `json:"cutoff"`
	AsOf              time.Time  `json:"as_of"`
	Position          string     `json:"position,omitempty"`
}

func (f *Frame) stamp(population Population) Stamp {
	return Stamp{
		Study: f.plan.def.ID, Definition: f.plan.def.DefinitionID(), DefinitionVersion: f.plan.version, Population: population,
		Cutoff: f.clock.cutoff().UTC(), AsOf: f.clock.AsOf.UTC(),
	}
}

// rateAtEnd is x of n of those whose end has passed.
func rateAtEnd(x, n int) stats.Rate {
	if n == 0 {
		return stats.UndefinedRate(ReasonNobodyAtEnd)
	}
	return stats.NewRate(x, n)
}
