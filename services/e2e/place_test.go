package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// TestLocalDays: the day of an event is that of its timezone, else of its numeric offset, else of the site, else of the
// study; day numbers are differences of calendar days; the zone that dated day 0 dates the cut-off.
//
// With g = 14, whoever used on day L is too early to tell at C ≤ 14, and an event at L from C = L + 15 on.
func TestLocalDays(t *testing.T) {
	t.Parallel()
	const z, newYork, kiritimati, pagoPago = "", `"timezone": "America/New_York"`, `"timezone": "Pacific/Kiritimati"`, `"timezone": "Pacific/Pago_Pago"`
	type said struct{ time, more string }
	cases := []struct {
		name     string
		site     string
		assigned said
		used     []said
		at       []string // pairs of a cut-off and of non-usage at it
		uptake   string
	}{
		{
			// The registry is in Los Angeles and writes Z: 03:00Z is the evening of the 5th there, which is day 0. In UTC the
			// use would lie before it. C: the 19th is day 14.
			name: "registry-west", assigned: said{"2026-01-06T03:00:00Z", z}, used: []said{{"2026-01-05T21:00:00-08:00", z}},
			at: []string{"2026-01-20T07:59:59Z", "too early", "2026-01-20T08:00:00Z", "event 0"}, uptake: "1/1",
		},
		{
			// -00:00 names no place either.
			name: "registry-nowhere", assigned: said{"2026-01-06T03:00:00-00:00", z}, used: []said{{"2026-01-05T21:00:00-08:00", z}},
			at: []string{"2026-01-20T07:59:59Z", "too early", "2026-01-20T08:00:00Z", "event 0"}, uptake: "1/1",
		},
		{
			// +00:00 is a place: day 0 is the 6th, and the use of the evening of the 5th lies before it.
			name: "offset", assigned: said{"2026-01-06T03:00:00+00:00", z}, used: []said{{"2026-01-05T21:00:00-08:00", z}},
			at: []string{"2026-01-20T23:59:59Z", "too early", "2026-01-21T00:00:00Z", "event 0"}, uptake: "0/1",
		},
		{
			// The timezone comes before the offset: day 0 is the 5th in New York.
			name: "timezone", assigned: said{"2026-01-06T03:00:00+00:00", newYork}, used: []said{{"2026-01-05T23:00:00-05:00", z}},
			at: []string{"2026-01-20T04:59:59Z", "too early", "2026-01-20T05:00:00Z", "event 0"}, uptake: "1/1",
		},
		{
			// Z at the site of Tokyo: 16:00Z is the 6th there. The use at 23:30 on the 5th lies before day 0, that of 00:30 on
			// the 7th is day 1.
			name: "site", site: "tokyo", assigned: said{"2026-01-05T16:00:00Z", z},
			used: []said{{"2026-01-05T23:30:00+09:00", z}, {"2026-01-06T15:30:00Z", z}},
			at:   []string{"2026-01-20T14:59:59Z", "too early", "2026-01-21T15:00:00Z", "event 1"}, uptake: "1/1",
		},
		{
			// Clocks go forward on 8 March 2026: 04:30Z is 00:30 of the 9th, day 2, though 47 and a half hours after day 0 began.
			name: "spring", assigned: said{"2026-03-07T05:00:00Z", newYork}, used: []said{{"2026-03-09T04:30:00Z", newYork}},
			at: []string{"2026-03-24T03:59:59Z", "censored 1", "2026-03-24T04:00:00Z", "event 2"}, uptake: "1/1",
		},
		{
			// Clocks go back on 2 November 2025: 04:30Z is 23:30 of the 2nd, day 1, though 48 and a half hours after day 0 began.
			name: "autumn", assigned: said{"2025-11-01T04:00:00Z", newYork}, used: []said{{"2025-11-03T04:30:00Z", newYork}},
			at: []string{"2025-11-17T04:59:59Z", "censored 0", "2025-11-17T05:00:00Z", "event 1"}, uptake: "1/1",
		},
		{
			// UTC+14: 10:30Z is 00:30 of the 6th. The 21st begins at 10:00Z of the 20th.
			name: "kiritimati", assigned: said{"2026-01-05T10:30:00Z", kiritimati}, used: []said{{"2026-01-05T10:10:00Z", kiritimati}},
			at: []string{"2026-01-20T09:59:59Z", "too early", "2026-01-20T10:00:00Z", "event 0"}, uptake: "1/1",
		},
		{
			// UTC-11: 10:30Z is 23:30 of the 4th. The 19th begins at 11:00Z.
			name: "pago-pago", assigned: said{"2026-01-05T10:30:00Z", pagoPago}, used: []said{{"2026-01-05T11:10:00Z", pagoPago}},
			at: []string{"2026-01-19T10:59:59Z", "too early", "2026-01-20T11:00:00Z", "event 1"}, uptake: "1/1",
		},
		{
			// The zone of day 0 dates the cut-off, wherever the participant has gone: day 0 in Kiritimati, use in Pago Pago at
			// the same moment of the next day there.
			name: "traveller", assigned: said{"2026-01-05T10:30:00Z", kiritimati}, used: []said{{"2026-01-07T12:00:00Z", pagoPago}},
			at: []string{"2026-01-21T09:59:59Z", "censored 0", "2026-01-21T10:00:00Z", "event 1"}, uptake: "1/1",
		},
	}
	var arms, events []string
	for _, c := range cases {
		arms = append(arms, fmt.Sprintf(`{"id": %q, "role": "experimental", "components": ["app"]}`, c.name))
	}
	tr := newTrial(t, "local-days", strings.Replace(twelveWeeks, `"UTC"`, `"America/Los_Angeles"`, 1)+
		`, "sites": [{"id": "tokyo", "timezone": "Asia/Tokyo"}], "arms": [`+strings.Join(arms, ", ")+`]`)
	more := func(s said) []string { return strings.Fields(strings.ReplaceAll(s.more, " ", "")) }
	for _, c := range cases {
		if c.site != "" {
			events = append(events, tr.event("participant.enrolled", c.name, c.assigned.time, fmt.Sprintf(`"site": %q`, c.site)))
		}
		events = append(events, tr.event("participant.randomised", c.name, c.assigned.time, fmt.Sprintf(`"arm": %q`, c.name), more(c.assigned)...))
		for _, u := range c.used {
			events = append(events, tr.event("exercise.completed", c.name, u.time, "", more(u)...))
		}
	}
	tr.send(events...)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			tr := tr.with(t)
			for i := 0; i+1 < len(c.at); i += 2 {
				got := tr.attrition("kind=non_usage", "cutoff="+c.at[i]).arm(c.name)
				equal(t, "at "+c.at[i], got.fate(), c.at[i+1])
				equal(t, "uptake", got.Uptake.String(), c.uptake)
			}
		})
	}
}

// TestWearDay: a wear day belongs to the local day on which what it covers began, not to that of the sync.
func TestWearDay(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, "wear-day", `"timezone": "UTC", "components": [{"id": "tracker", "channel": "fitness_tracker"}],
		"intervention": {"duration_days": 28, "period_days": 7}, "engagement": {"rules": {"tracker": {"types": ["wear_day.recorded"]}}},
		"arms": [{"id": "one", "role": "experimental", "components": ["tracker"]}]`)
	// Synced on day 7, worn from midnight of day 6, in period 1.
	l := life{name: "one", c: 40, diary: then(at(7, "wear_day.recorded",
		fmt.Sprintf(`"minutes_worn": 600, "covered_from": "%sT00:00:00+00:00"`, cutoffDay.AddDate(0, 0, 6-40).Format("2006-01-02"))))}
	tr.send(tr.life(l)...)
	equal(t, "periods", tr.engagement("cutoff="+cutoff).arm("one").periods(), "+---")
}
