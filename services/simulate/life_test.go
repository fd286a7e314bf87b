package simulate

import (
	"testing"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
)

// TestPortfolioLooksLikeLife looks for what makes real records difficult: in the portfolio as a whole, all of it is there.
func TestPortfolioLooksLikeLife(t *testing.T) {
	found := map[string]int{}
	var weekdays [7]int
	early, middle := 0, 0 // use in the first and in the seventh week
	for _, s := range portfolio(t, noon) {
		starts := map[string]date{}
		for _, p := range s.roster.people {
			starts[p.subject] = p.day0
		}
		for e := range s.Events(noon) {
			note(found, &e)
			if e.Type != "session.ended" && e.Type != "post.created" && e.Type != "reply.created" {
				continue
			}
			weekdays[e.Time.Weekday()]++
			switch week := int(dateOf(e.Time.Time)-starts[e.Subject]) / 7; week {
			case 0:
				early++
			case 6:
				middle++
			}
		}
	}
	for _, what := range []string{
		"stop_all", "erase", "stop_intervention", "stop_intervention_keep_followup", "consent.withdrawn", "participant.lost_to_follow_up",
		"participant.died", "participation.paused", "outage.declared", "event.voided", "event.corrected", "test",
		"zone named", "zone by offset", "no place", "uploaded late", "visit.no_show", "call.missed", "investigator", "not eligible", "declined",
	} {
		if found[what] == 0 {
			t.Errorf("no %s", what)
		}
	}
	weekend := float64(weekdays[time.Saturday]+weekdays[time.Sunday]) / 2
	week := float64(weekdays[time.Tuesday]+weekdays[time.Wednesday]+weekdays[time.Thursday]) / 3
	if weekend > 0.9*week || weekend < 0.4*week {
		t.Errorf("use on a weekend day is %.0f, on a weekday %.0f", weekend, week)
	}
	if early < middle*5/4 {
		t.Errorf("%d uses in the first week, %d in the seventh: nobody is curious", early, middle)
	}
	t.Logf("found %v, weekdays %v, first week %d, seventh %d", found, weekdays, early, middle)
}

func note(found map[string]int, e *event.Event) {
	found[e.Type]++
	switch e.Type {
	case "participant.withdrew":
		found[e.Data.Text("scope")]++
	case "intervention.discontinued":
		found[e.Data.Text("decided_by")]++
	case "participant.screened":
		if eligible, _ := e.Data.Flag("eligible"); !eligible {
			found["not eligible"]++
		} else if e.Data.Text("reason") != "" {
			found["declined"]++
		}
	}
	switch {
	case e.IsTest:
		found["test"]++
	case e.Timezone != "":
		found["zone named"]++
	case e.Time.Local:
		found["zone by offset"]++
	default:
		found["no place"]++
	}
	if e.Modality == event.ModalityImported {
		return
	}
	found["sensed"]++
	if e.Sent.IsZero() {
		return
	}
	if e.Sent.Sub(e.Time.Time) > 24*time.Hour {
		found["uploaded late"]++
	}
}

// TestClocksAreWrongOnSomePhones looks at the plan, because imported history does not tell when it was sent.
func TestClocksAreWrongOnSomePhones(t *testing.T) {
	fast, slow, offline, people := 0, 0, 0, 0
	for _, s := range portfolio(t, noon) {
		for _, p := range s.roster.people {
			people++
			switch {
			case p.device.skew > 5*time.Minute:
				fast++
			case p.device.skew < -5*time.Minute:
				slow++
			}
			if p.device.offlineFrom != never {
				offline++
			}
		}
	}
	if fast == 0 || slow == 0 || fast+slow > people/10 || offline < people/30 {
		t.Errorf("of %d clocks %d are fast and %d slow; %d phones are offline for days", people, fast, slow, offline)
	}
}
