package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// measures are the answers that a definition is seen by, and the figures in them.
type measures struct {
	stampOf
	answers map[string]json.RawMessage // by kind, as they came
	figures []figure
}

// stampOf is what an answer was made from.
type stampOf struct {
	Study             string    `json:"study"`
	Definition        string    `json:"definition"`
	DefinitionVersion int       `json:"definition_version"` // 0: not published
	Population        string    `json:"population"`
	Cutoff            time.Time `json:"cutoff"`
	AsOf              time.Time `json:"as_of"`
	Position          string    `json:"position"`
}

// figure is one number of one arm, or its tier.
type figure struct {
	Measure string   `json:"measure"`
	Arm     string   `json:"arm"`
	X       *int     `json:"x,omitempty"`
	N       *int     `json:"n,omitempty"`
	Value   *float64 `json:"value"`
	Lower   *float64 `json:"lower,omitempty"`
	Upper   *float64 `json:"upper,omitempty"`
	Unit    string   `json:"unit,omitempty"` // share, days or participants
	Tier    string   `json:"tier,omitempty"`
	Reason  string   `json:"reason,omitempty"`
}

// rateAnswer is a rate as the interface gives it.
type rateAnswer struct {
	X, N                int
	Value, Lower, Upper *float64
	Reason, Tier        string
}

func (r rateAnswer) figure(measure, arm string) figure {
	return figure{Measure: measure, Arm: arm, X: &r.X, N: &r.N, Value: r.Value, Lower: r.Lower, Upper: r.Upper, Unit: "share", Tier: r.Tier, Reason: r.Reason}
}

// daysAnswer is a number of days as the interface gives it.
type daysAnswer struct {
	Day, Value, Lower, Upper *float64
	Reason                   string
}

func (d daysAnswer) figure(measure, arm string) figure {
	value := d.Value
	if d.Day != nil {
		value = d.Day
	}
	return figure{Measure: measure, Arm: arm, Value: value, Lower: d.Lower, Upper: d.Upper, Unit: "days", Reason: d.Reason}
}

// armAnswer is one arm of either answer.
type armAnswer struct {
	Arm             string
	Participants    int
	TooEarly        int `json:"too_early"`
	Rate            rateAnswer
	RateAtEnd       rateAnswer `json:"rate_at_end"`
	Uptake          rateAnswer
	Median          daysAnswer
	RMST            daysAnswer
	Participation   rateAnswer
	Throughout      rateAnswer
	Completion      rateAnswer
	CompletionAtEnd rateAnswer `json:"completion_at_end"`
	Tier            string
}

// add takes an answer.
func (m *measures) add(kind string, raw json.RawMessage) error {
	var answer struct {
		stampOf
		Arms []armAnswer
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if m.answers == nil {
		m.answers, m.stampOf = map[string]json.RawMessage{}, answer.stampOf
	}
	m.answers[kind] = raw
	for _, arm := range answer.Arms {
		m.figures = append(m.figures, arm.figures(kind)...)
	}
	return nil
}

func (a *armAnswer) figures(kind string) []figure {
	if kind == "engagement" {
		return []figure{
			a.Participation.figure("participation", a.Arm), a.Throughout.figure("throughout", a.Arm),
			a.Completion.figure("completion", a.Arm), a.CompletionAtEnd.figure("completion at end", a.Arm),
			{Measure: "headline tier", Arm: a.Arm, Tier: a.Tier},
		}
	}
	name := map[string]string{"dropout": "dropout", "non_usage": "non-usage", "first_lapse": "first lapse"}[kind]
	out := []figure{
		a.Rate.figure(name+", so far", a.Arm), a.RateAtEnd.figure(name+" at end", a.Arm),
		a.Median.figure(name+", median day", a.Arm), a.RMST.figure(name+", restricted mean", a.Arm),
	}
	if kind == "non_usage" {
		early := float64(a.TooEarly)
		out = append(out, figure{Measure: "too early to tell", Arm: a.Arm, Value: &early, Unit: "participants"}, a.Uptake.figure("uptake", a.Arm))
	}
	if kind == "dropout" {
		n := float64(a.Participants)
		out = append([]figure{{Measure: "participants", Arm: a.Arm, Value: &n, Unit: "participants"}}, out...)
	}
	return out
}

// describe says in a line what the measures were made from.
func (m *measures) describe() string {
	version := "version " + strconv.Itoa(m.DefinitionVersion)
	if m.DefinitionVersion == 0 {
		version = "a trial, not published"
	}
	return fmt.Sprintf("study %s, definition %s (%s), cut-off %s, as of %s", m.Study, m.Definition, version,
		m.Cutoff.Format(time.RFC3339), m.AsOf.Format(time.RFC3339))
}

// counts writes x of n, – where there are none.
func (f *figure) counts() string {
	if f.X == nil {
		return ""
	}
	return fmt.Sprintf("%d of %d", *f.X, *f.N)
}

// text writes the value in its unit, or why there is none.
func (f *figure) text() string {
	switch {
	case f.Value == nil && f.Unit == "":
		return f.Tier
	case f.Value == nil:
		return "– (" + f.Reason + ")"
	}
	out := f.number(*f.Value)
	if f.Tier != "" {
		out += " " + f.Tier
	}
	return out
}

func (f *figure) interval() string {
	if f.Lower == nil && f.Upper == nil {
		return ""
	}
	side := func(v *float64) string {
		if v == nil {
			return "–"
		}
		return f.number(*v)
	}
	return side(f.Lower) + " to " + side(f.Upper)
}

func (f *figure) number(v float64) string {
	switch f.Unit {
	case "share":
		return fmt.Sprintf("%.1f %%", 100*v)
	case "days":
		return fmt.Sprintf("%.1f days", v)
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}
