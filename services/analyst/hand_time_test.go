package analyst

import (
	"fmt"
	"testing"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/study"
)

// clockAt is a cut-off at a moment, with everything received.
func clockAt(t *testing.T, cutoff string) Clock {
	t.Helper()
	at, err := time.Parse(time.RFC3339, cutoff)
	if err != nil {
		t.Fatal(err)
	}
	return Clock{Cutoff: at, AsOf: on(1000, 0)}
}

// cutoffDay returns C of the one participant.
func (tr *trial) cutoffDay(clock Clock) int {
	frame, records := tr.read(clock)
	p := frame.read(records[0])
	return p.c
}

// Whoever never used is too early at C = 7 and an event at C = 8: that tells C through the answer.
func TestDayOfTheCutoff(t *testing.T) {
	newYork := "timezone: America/New_York"
	site := "sites: [{id: west, timezone: America/Los_Angeles}]"
	for name, c := range map[string]struct {
		def        *study.Definition
		at         string // randomised
		attributes []string
		enrolled   []string
		day0       string
		seven      string // last second of C = 7
	}{
		"Z in a study in UTC":             {definition(t), "2026-01-05T02:00:00Z", nil, nil, "2026-01-05", "2026-01-12T23:59:59Z"},
		"Z in a study west of UTC":        {definition(t, newYork), "2026-01-05T02:00:00Z", nil, nil, "2026-01-04", "2026-01-12T04:59:59Z"},
		"-00:00 names no place":           {definition(t, newYork), "2026-01-05T02:00:00-00:00", nil, nil, "2026-01-04", "2026-01-12T04:59:59Z"},
		"Z at a site further west":        {definition(t, newYork, site), "2026-01-05T07:30:00Z", nil, []string{"site=west"}, "2026-01-04", "2026-01-12T07:59:59Z"},
		"a numeric offset goes before":    {definition(t, newYork, site), "2026-01-05T02:00:00+01:00", nil, []string{"site=west"}, "2026-01-05", "2026-01-12T22:59:59Z"},
		"a zone goes before an offset":    {definition(t, newYork), "2026-01-05T02:00:00+01:00", []string{"timezone=Asia/Tokyo"}, nil, "2026-01-05", "2026-01-12T14:59:59Z"},
		"UTC+14":                          {definition(t), "2026-01-05T12:00:00Z", []string{"timezone=Pacific/Kiritimati"}, nil, "2026-01-06", "2026-01-13T09:59:59Z"},
		"UTC-11":                          {definition(t), "2026-01-05T10:00:00Z", []string{"timezone=Pacific/Pago_Pago"}, nil, "2026-01-04", "2026-01-12T10:59:59Z"},
		"across the start of summer time": {definition(t), "2026-03-05T12:00:00-05:00", []string{"timezone=America/New_York"}, nil, "2026-03-05", "2026-03-13T03:59:59Z"},
		"across the end of summer time":   {definition(t), "2026-10-29T12:00:00-04:00", []string{"timezone=America/New_York"}, nil, "2026-10-29", "2026-11-06T04:59:59Z"},
		"a fixed offset has no summer":    {definition(t), "2026-03-05T12:00:00-05:00", nil, nil, "2026-03-05", "2026-03-13T04:59:59Z"},
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTrial(t, c.def)
			tr.say("p", "participant.enrolled", "2026-01-01T00:00:00Z", c.enrolled...)
			tr.say("p", "participant.randomised", c.at, append(c.attributes, "arm=a")...)
			clock := clockAt(t, c.seven)
			_, records := tr.read(clock)
			tr.want("day 0", dateOf(records[0].Day0), c.day0)
			tr.want("last second of C = 7", outcome(tr.attrition(clock, AttritionQuery{Kind: NonUsage})), "too early")
			clock.Cutoff = clock.Cutoff.Add(time.Second)
			tr.want("a second later", outcome(tr.attrition(clock, AttritionQuery{Kind: NonUsage})), "event 0")
		})
	}
}

func TestDayOfUse(t *testing.T) {
	for name, c := range map[string]struct {
		at         string
		attributes []string
		day        int // of the study in New York, where day 0 is 2026-03-07
	}{
		"summer time began on day 1": {"2026-03-09T04:30:00Z", []string{"timezone=America/New_York"}, 2},
		"before midnight":            {"2026-03-09T03:30:00Z", []string{"timezone=America/New_York"}, 1},
		"Z: the study's zone":        {"2026-03-09T04:30:00Z", nil, 2},
		"Z before midnight":          {"2026-03-09T03:30:00Z", nil, 1},
		"numeric offset":             {"2026-03-09T04:30:00+05:30", nil, 2},
		"travelling east":            {"2026-03-08T20:00:00Z", []string{"timezone=Pacific/Kiritimati"}, 2},
		"travelling west":            {"2026-03-09T10:30:00Z", []string{"timezone=Pacific/Pago_Pago"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTrial(t, definition(t, "timezone: America/New_York"))
			tr.say("p", "participant.randomised", "2026-03-07T12:00:00Z", "arm=a")
			tr.say("p", "session.started", c.at, append(c.attributes, "component=app", "active_seconds=60")...)
			_, records := tr.read(clockAt(t, "2026-05-01T12:00:00Z"))
			if got := records[0].Uses; len(got) != 1 || got[0].Day != c.day {
				t.Errorf("uses %v, want one on day %d", got, c.day)
			}
		})
	}
}

// A day number above C counts as C: the participant is a day ahead of the zone that dates the cut-off.
func TestDayAheadOfTheCutoff(t *testing.T) {
	tr := newTrial(t, definition(t))
	tr.join("p", "a")
	tr.say("p", "participant.lost_to_follow_up", "2026-01-10T11:00:00Z", "timezone=Pacific/Kiritimati") // January 11 there
	// The cut-off at noon of January 10 is C = 5.
	tr.want("dropout", tr.dropped(5), "event 5")
}

func TestUseBeforeDayZero(t *testing.T) {
	tr := newTrial(t, definition(t))
	tr.join("p", "a")
	tr.use("p", -1)
	arm := tr.attrition(at(28), AttritionQuery{Kind: NonUsage}).Arms[0]
	if xn(arm.Uptake) != "0/1" {
		t.Errorf("uptake %s, want 0/1", xn(arm.Uptake))
	}
	early := newTrial(t, tr.def)
	early.say("p", "participant.randomised", on(0, 18).Format(time.RFC3339), "arm=a")
	early.use("p", 0) // at noon of day 0, before the randomisation of that day
	if arm := early.attrition(at(28), AttritionQuery{Kind: NonUsage}).Arms[0]; xn(arm.Uptake) != "1/1" {
		t.Errorf("on day 0: uptake %s, want 1/1", xn(arm.Uptake))
	}
}

func TestWearDay(t *testing.T) {
	def := definition(t, "components: [{id: app, channel: fitness_tracker}]", "timezone: America/New_York")
	tr := newTrial(t, def)
	tr.say("p", "participant.randomised", "2026-03-02T12:00:00-05:00", "arm=a", "timezone=America/New_York")
	wear := func(at, from, minutes string, attributes ...string) {
		tr.say("p", "wear_day.recorded", at, append(attributes, "covered_from="+from, "minutes_worn="+minutes)...)
	}
	// Synced on day 8; worn on days 0, 1, 2 and 3, and on day 4 too little. Summer time begins on day 6.
	wear("2026-03-10T12:00:00Z", "2026-03-02T05:00:00Z", "480")                                   // Z: midnight in New York
	wear("2026-03-10T12:00:00-04:00", "2026-03-03T00:00:00-05:00", "480")                         // its own offset
	wear("2026-03-10T12:00:00-04:00", "2026-03-04T05:00:00Z", "480", "timezone=America/New_York") // the event's zone
	wear("2026-03-10T12:00:00-04:00", "2026-03-05T04:00:00Z", "480")                              // the offset of its time
	wear("2026-03-10T12:00:00Z", "2026-03-06T05:00:00Z", "479")
	wear("2026-03-10T12:00:00Z", "2026-03-05T09:00:00Z", "900") // the same day once more
	_, records := tr.read(clockAt(t, "2026-05-01T12:00:00Z"))
	if got, want := fmt.Sprint(records[0].Uses), "[{0 0 1 1} {0 1 1 1} {0 2 1 1} {0 3 1 2}]"; got != want {
		t.Errorf("uses %s, want %s", got, want)
	}
	// ⌈4·7/7⌉ = 4 distinct days make period 1 engaged.
	frame, records := tr.read(clockAt(t, "2026-03-09T12:00:00Z"))
	if e, err := frame.Engagement(records, EngagementQuery{}); err != nil || xn(e.Arms[0].Participation.Rate) != "0/1" {
		t.Errorf("before the sync: %s, %v", xn(e.Arms[0].Participation.Rate), err)
	}
	frame, records = tr.read(clockAt(t, "2026-03-11T12:00:00Z"))
	if e, err := frame.Engagement(records, EngagementQuery{}); err != nil || xn(e.Arms[0].Participation.Rate) != "1/1" {
		t.Errorf("after the sync: %s, %v", xn(e.Arms[0].Participation.Rate), err)
	}
}

// Three days of wear are too few, however often they are recorded.
func TestWearDaysAreDistinct(t *testing.T) {
	tr := newTrial(t, definition(t, "components: [{id: app, channel: fitness_tracker}]"))
	tr.join("p", "a")
	for _, day := range []int{0, 1, 1, 2, 2} {
		tr.on(day, 20, "p", "wear_day.recorded", "minutes_worn=600")
	}
	if got := xn(tr.engagement(at(7)).Arms[0].Participation.Rate); got != "0/1" {
		t.Errorf("participation %s, want 0/1", got)
	}
}

func TestLateUpload(t *testing.T) {
	tr := newTrial(t, definition(t))
	tr.join("p", "a")
	tr.hear(on(35, 12), "p", "session.started", on(5, 12).Format(time.RFC3339), "component=app", "active_seconds=60")
	q := AttritionQuery{Kind: NonUsage}
	// The use of day 5 was received on day 35. Cut-off day 10 throughout: A = 3.
	for name, c := range map[string]struct {
		asOf int
		want string
	}{"as it was seen then": {10, "event 0"}, "as it was seen on day 34": {34, "event 0"}, "as it is known since day 36": {36, "censored 2"}} {
		clock := Clock{Cutoff: on(10, 12), AsOf: on(c.asOf, 12)}
		tr.want(name, outcome(tr.attrition(clock, q)), c.want)
	}
	late := tr.quality(Clock{Cutoff: on(40, 0), AsOf: on(40, 0)})
	if late.Late1h != 1 || late.Late24h != 1 || late.Late7d != 1 || late.Events != 3 {
		t.Errorf("late %d, %d, %d of %d", late.Late1h, late.Late24h, late.Late7d, late.Events)
	}
}

// A cut-off before and after the moment of the event, an as-of time before and after its receipt.
func TestTwoClocks(t *testing.T) {
	tr := newTrial(t, definition(t))
	tr.join("p", "a")
	tr.hear(on(12, 0), "p", "participant.lost_to_follow_up", on(10, 0).Format(time.RFC3339))
	for name, c := range map[string]struct {
		cutoff, asOf time.Time
		want         string
	}{
		"before both":                     {on(9, 0), on(9, 0), "censored 9"},
		"happened, not received":          {on(11, 0), on(11, 0), "censored 11"},
		"received, cut-off before":        {on(9, 0), on(13, 0), "censored 9"},
		"received, cut-off at the moment": {on(10, 0), on(13, 0), "event 10"},
		"a second before the moment":      {on(10, 0).Add(-time.Second), on(13, 0), "censored 9"},
		"received at the as-of time":      {on(11, 0), on(12, 0), "event 10"},
		"both after":                      {on(13, 0), on(13, 0), "event 10"},
	} {
		tr.want(name, outcome(tr.attrition(Clock{Cutoff: c.cutoff, AsOf: c.asOf}, AttritionQuery{})), c.want)
	}
}

func TestVoids(t *testing.T) {
	tr := newTrial(t, definition(t))
	tr.join("p", "a")
	lost := tr.on(5, 0, "p", "participant.lost_to_follow_up")
	void := tr.void(on(20, 0), "p", lost)
	restore := tr.void(on(22, 0), "p", void)
	tr.void(on(24, 0), "p", restore)
	// Cut-off day 10 throughout; the voids are of later days and act from their receipt.
	for asOf, want := range map[int]string{19: "event 5", 21: "censored 10", 23: "event 5", 25: "censored 10"} {
		tr.want(fmt.Sprintf("as of day %d", asOf), outcome(tr.attrition(Clock{Cutoff: on(10, 12), AsOf: on(asOf, 0)}, AttritionQuery{})), want)
	}
}

func TestAwaitedTarget(t *testing.T) {
	tr := newTrial(t, definition(t))
	tr.join("p", "a")
	tr.void(on(3, 0), "p", fmt.Sprintf("e%d", tr.seq+3))
	tr.correct(on(3, 0), "p", fmt.Sprintf("e%d", tr.seq+3), "time=2026-01-12T09:00:00Z")
	tr.on(5, 0, "p", "participant.lost_to_follow_up") // voided before it came
	tr.on(6, 0, "p", "participant.lost_to_follow_up") // corrected before it came, to day 7
	tr.want("dropout", tr.dropped(20), "event 7")
}

func TestRingOfVoids(t *testing.T) {
	tr := newTrial(t, definition(t))
	tr.join("p", "a")
	lost := tr.on(5, 0, "p", "participant.lost_to_follow_up")
	tr.void(on(6, 0), "p", fmt.Sprintf("e%d", tr.seq+1)) // itself: nothing
	tr.void(on(6, 0), "p", fmt.Sprintf("e%d", tr.seq+2)) // each other
	tr.void(on(6, 0), "p", fmt.Sprintf("e%d", tr.seq))
	_ = lost
	tr.want("dropout", tr.dropped(20), "event 5")
}

func TestTestVoidsNothing(t *testing.T) {
	tr := newTrial(t, definition(t))
	tr.join("p", "a")
	lost := tr.on(5, 0, "p", "participant.lost_to_follow_up")
	tr.hear(on(6, 0), "p", event.TypeVoided, on(6, 0).Format(time.RFC3339), "target_source=/test", "target_id="+lost, "istest=true")
	tr.want("dropout", tr.dropped(20), "event 5")
}

func TestCorrections(t *testing.T) {
	tr := newTrial(t, definition(t))
	tr.join("p", "a")
	lost := tr.on(5, 0, "p", "participant.lost_to_follow_up")
	first := tr.correct(on(10, 0), "p", lost, "time=2026-01-18T09:00:00Z")  // day 13
	second := tr.correct(on(12, 0), "p", lost, "time=2026-01-08T09:00:00Z") // day 3
	tr.correct(on(14, 0), "p", lost, "time=2026-01-20T09:00:00Z")           // day 15
	for name, c := range map[string]struct {
		cutoff, asOf int
		want         string
	}{
		"not corrected yet":                  {9, 9, "event 5"},
		"corrected to after the cut-off":     {12, 11, ""},
		"the latest received wins":           {20, 13, "event 3"},
		"the corrected time is what is seen": {14, 20, "censored 14"},
		"the last of all":                    {16, 20, "event 15"},
	} {
		if c.want == "" {
			continue
		}
		tr.want(name, outcome(tr.attrition(Clock{Cutoff: on(c.cutoff, 12), AsOf: on(c.asOf, 12)}, AttritionQuery{})), c.want)
	}
	clock := Clock{Cutoff: on(11, 0), AsOf: on(11, 0)}
	tr.want("corrected to after the cut-off", outcome(tr.attrition(clock, AttritionQuery{})), "censored 11")
	tr.void(on(30, 0), "p", fmt.Sprintf("e%d", tr.seq)) // the last correction
	tr.want("its void brings back the one before", tr.dropped(20), "event 3")
	tr.void(on(30, 0), "p", second)
	tr.want("and so on", tr.dropped(20), "event 13")
	tr.void(on(30, 0), "p", first)
	tr.want("to what was said first", tr.dropped(20), "event 5")
}

func TestCorrectedRandomisation(t *testing.T) {
	tr := newTrial(t, definition(t))
	tr.on(0, 0, "p", "participant.enrolled")
	first := tr.on(0, 1, "p", "participant.randomised", "arm=b")
	tr.on(2, 0, "p", "participant.randomised", "arm=a") // the first in the log stands
	sizes := func(asOf int) string {
		out := tr.attrition(Clock{Cutoff: on(5, 12), AsOf: on(asOf, 0)}, AttritionQuery{})
		return fmt.Sprint(out.Arms[0].N, out.Arms[1].N)
	}
	tr.want("the first stands", sizes(6), "0 1")
	tr.correct(on(7, 0), "p", first, "arm=a")
	tr.want("corrected", sizes(8), "1 0")
	tr.void(on(9, 0), "p", first)
	tr.want("voided: the second stands", sizes(10), "1 0")
	_, records := tr.read(Clock{Cutoff: on(5, 12), AsOf: on(10, 0)})
	if records[0].Day0 != civil(on(2, 0)) {
		t.Errorf("day 0 is %s", dateOf(records[0].Day0))
	}
}

func TestTestTraffic(t *testing.T) {
	tr := newTrial(t, definition(t))
	tr.join("p", "a")
	tr.on(5, 9, "p", "session.started", "component=app", "active_seconds=60", "istest=true")
	tr.on(5, 9, "p", "participant.lost_to_follow_up", "istest=true")
	tr.want("dropout", tr.dropped(10), "censored 10")
	tr.want("non-usage", tr.stopped(10), "event 0")
	if q := tr.quality(at(10)); q.Events != 4 || q.TestEvents != 2 {
		t.Errorf("events %d, of test %d; want 4, 2", q.Events, q.TestEvents)
	}
}
