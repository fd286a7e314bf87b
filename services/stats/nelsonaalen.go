package stats

import "math"

// HazardRow is one distinct time of a cumulative hazard.
type HazardRow struct {
	Day      float64 `json:"day"`
	AtRisk   int     `json:"at_risk"`
	Events   int     `json:"events"`
	Censored int     `json:"censored"`
	Hazard   float64 `json:"hazard"`
	SE       float64 `json:"se"`
}

// NelsonAalen estimates the cumulative hazard:
//
//	H(t) = Σ d_i/n_i     var = Σ d_i/n_i²
//
// over event times t_i ≤ t, one row per distinct time, of events and of
// censorings. Source: Aalen, Ann Stat 1978;6:701-726. Nobody, or invalid times,
// gives no rows.
func NelsonAalen(obs []Observation) []HazardRow {
	table, ok := tabulate(obs, 0)
	if !ok {
		return nil
	}
	rows := make([]HazardRow, 0, len(table))
	var hazard, variance float64
	for _, m := range table {
		n, d := float64(m.atRisk), float64(m.events)
		hazard += d / n
		variance += d / (n * n)
		rows = append(rows, HazardRow{m.time, m.atRisk, m.events, m.censored, hazard, math.Sqrt(variance)})
	}
	return rows
}
