package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// The cut-off of the hand calculations: noon, so that day C has begun and is not complete.
const cutoff = "2026-06-30T12:00:00Z"

var cutoffDay = time.Date(2026, 6, 30, 0, 0, 0, 0, time.UTC)

// act is one thing that happens to a participant, on a day counted from day 0.
type act struct {
	day   int
	clock string // hh:mm, UTC
	typ   string
	data  string
	more  []string
}

// at returns an act at nine in the morning.
func at(day int, typ, data string, more ...string) act { return act{day, "09:00", typ, data, more} }

// use returns one qualifying activity of the app on each of the days.
func use(days ...int) []act {
	var acts []act
	for _, day := range days {
		acts = append(acts, at(day, "exercise.completed", ""))
	}
	return acts
}

// daily returns one qualifying activity on each day from first to last.
func daily(first, last int) []act {
	var acts []act
	for day := first; day <= last; day++ {
		acts = append(acts, at(day, "exercise.completed", ""))
	}
	return acts
}

// then puts parts of a diary together.
func then(parts ...any) []act {
	var acts []act
	for _, p := range parts {
		switch p := p.(type) {
		case act:
			acts = append(acts, p)
		case []act:
			acts = append(acts, p...)
		}
	}
	return acts
}

// life is one participant, alone in an arm of the same name, and what the definitions say of them. Empty expectations
// are not looked at.
type life struct {
	name  string
	c     int // days to the cut-off
	diary []act

	nonUse     string // by last use: event DAY, censored DAY, too early
	lapse      string // by first lapse
	dropout    string
	uptake     string // x/n
	completion string // x/n
	periods    string // + engaged, - not, . not evaluable
}

// cohort publishes a study with one arm for each life and sends the diaries. Further arms are JSON objects.
func cohort(t testing.TB, study, settings string, lives []life, arms ...string) *trial {
	t.Helper()
	tr := newTrial(t, study, settings+`, "arms": [`+strings.Join(slices.Concat(armsOf(lives), arms), ", ")+`]`)
	var events []string
	for _, l := range lives {
		events = append(events, tr.life(l)...)
	}
	tr.send(events...)
	return tr
}

func armsOf(lives []life) []string {
	var arms []string
	for _, l := range lives {
		arms = append(arms, fmt.Sprintf(`{"id": %q, "role": "experimental", "delivery_type": "asynchronous", "components": ["app"]}`, l.name))
	}
	return arms
}

// life writes the events of one life: assigned on day 0 at 08:00, then the diary.
func (tr *trial) life(l life) []string {
	day0 := cutoffDay.AddDate(0, 0, -l.c)
	when := func(day int, clock string) string {
		return day0.AddDate(0, 0, day).Format(time.DateOnly) + "T" + clock + ":00+00:00"
	}
	events := []string{tr.event("participant.randomised", l.name, when(0, "08:00"), fmt.Sprintf(`"arm": %q`, l.name))}
	for _, a := range l.diary {
		events = append(events, tr.event(a.typ, l.name, when(a.day, a.clock), a.data, a.more...))
	}
	return events
}

// check holds the results at the cut-off against what the lives expect.
func (tr *trial) check(t *testing.T, lives []life) {
	t.Helper()
	tr = tr.with(t)
	last := tr.attrition("kind=non_usage", "cutoff="+cutoff)
	first := tr.attrition("kind=non_usage", "variant=first_lapse", "cutoff="+cutoff)
	dropout := tr.attrition("cutoff=" + cutoff)
	tiers := tr.engagement("cutoff=" + cutoff)
	for _, l := range lives {
		t.Run(l.name, func(t *testing.T) {
			equal(t, "non-usage by last use", last.arm(l.name).fate(), l.nonUse)
			equal(t, "non-usage by first lapse", first.arm(l.name).fate(), l.lapse)
			equal(t, "dropout", dropout.arm(l.name).fate(), l.dropout)
			equal(t, "uptake", last.arm(l.name).Uptake.String(), l.uptake)
			equal(t, "completion", tiers.arm(l.name).Completion.String(), l.completion)
			equal(t, "periods", tiers.arm(l.name).periods(), l.periods)
		})
	}
}

// equal complains if a result differs from what is expected of it; nothing is expected of an empty string.
func equal(t testing.TB, what, got, want string) {
	t.Helper()
	if want != "" && got != want {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}
