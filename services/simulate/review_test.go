package simulate

import (
	"testing"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/study"
)

// days are dates on which calendars go wrong.
func days(t *testing.T) map[string]time.Time {
	t.Helper()
	sydney, err := time.LoadLocation("Australia/Sydney")
	if err != nil {
		t.Fatal(err)
	}
	return map[string]time.Time{
		"autumn":             noon,
		"leap day":           time.Date(2028, 2, 29, 23, 59, 0, 0, time.UTC),
		"clocks forward":     time.Date(2027, 3, 14, 7, 0, 0, 0, time.UTC),
		"new year in Sydney": time.Date(2027, 1, 1, 0, 0, 1, 0, sydney),
	}
}

func TestPortfolioIsTheReview(t *testing.T) {
	for name, now := range days(t) {
		t.Run(name, func(t *testing.T) { checkReview(t, portfolio(t, now), now, name == "autumn") })
	}
	t.Run("another seed in summer", func(t *testing.T) {
		now := time.Date(2031, 7, 31, 19, 0, 0, 0, time.UTC)
		studies, err := Portfolio(1, now)
		if err != nil {
			t.Fatal(err)
		}
		checkReview(t, studies, now, false)
	})
}

// TestPortfolioStaysTheReview looks again after the demo has run for so many days.
func TestPortfolioStaysTheReview(t *testing.T) {
	studies := portfolio(t, noon)
	checkReview(t, studies, noon.AddDate(0, 0, 40), false)
	for i := range studies {
		if s := &studies[i]; s.Running {
			r := read(t, s, noon.AddDate(1, 1, 0))
			if got, share := r.tier(); got != s.Tier {
				t.Errorf("%s is %s (%.3f) after a year", s.ID, got, share)
			}
		}
	}
}

func checkReview(t *testing.T, studies []Study, now time.Time, table bool) {
	t.Helper()
	tiers, designs, deliveries := map[string]int{}, map[string]int{}, map[event.DeliveryType]int{}
	for i := range studies {
		s := &studies[i]
		r := read(t, s, now)
		got, share := r.tier()
		if got != s.Tier {
			t.Errorf("%s is %s (%.3f), meant to be %s", s.ID, got, share, s.Tier)
		}
		if low, high := margins(got); got != "not_reported" && (share < low || share > high) {
			t.Errorf("%s is %s by a hair: %.3f", s.ID, got, share)
		}
		tiers[got]++
		designs[string(r.def.Design)]++
		deliveries[s.DeliveryType]++
		if arm, _ := r.def.HeadlineArm(); arm.DeliveryType != s.DeliveryType {
			t.Errorf("%s says %s, its first experimental arm %s", s.ID, s.DeliveryType, arm.DeliveryType)
		}
		checkAttrition(t, s, r)
		f := r.flow
		waiting := f.screened - f.ineligible - f.declined - f.enrolled // eligible, and not yet enrolled
		if waiting < 0 || waiting > 0 && !s.Running || len(r.def.Arms) > 1 && f.assigned != len(r.lives) || f.enrolled < len(r.lives) {
			t.Errorf("flow of %s does not balance: %+v, %d in arms", s.ID, f, len(r.lives))
		}
		if table {
			logStudy(t, s, r, share)
		}
	}
	want := []any{tiers["high"], 14, tiers["medium"], 7, tiers["low"], 5, tiers["not_reported"], 4,
		designs["randomised_controlled_trial"], 11, designs["quasi_experimental"], 2, designs["pre_post"], 15, designs["qualitative"], 2,
		deliveries[event.DeliveryPeerToPeer], 14, deliveries[event.DeliveryPeerDelivered], 11, deliveries[event.DeliverySynchronous], 2, deliveries[event.DeliveryAsynchronous], 3}
	for i := 0; i < len(want); i += 2 {
		if want[i] != want[i+1] {
			t.Errorf("tiers %v, designs %v, delivery types %v", tiers, designs, deliveries)
			break
		}
	}
}

// margins returns where the share of a tier has to lie so that no small change turns it.
func margins(tier string) (low, high float64) {
	switch tier {
	case "high":
		return 0.79, 1
	case "medium":
		return 0.55, 0.70
	}
	return 0.05, 0.45
}

// checkAttrition holds every study against what the review has published on its kind.
func checkAttrition(t *testing.T, s *Study, r *reading) {
	t.Helper()
	if s.ID == "demo-phone-kiosk" {
		if x, n := r.completions(); x != 86 || n != 276 {
			t.Errorf("%d of %d complete the synchronous trial", x, n)
		}
	}
	for _, arm := range r.def.Arms {
		if arm.DeliveryType == event.DeliveryNone {
			continue
		}
		drop, dropN := r.dropouts(arm.ID)
		whole, wholeN := r.nonUsage(arm.ID, event.PortionAll)
		person, personN := r.nonUsage(arm.ID, event.PortionInPerson)
		within := func(what string, x, n int, low, high float64) {
			if value := float64(x) / float64(max(n, 1)); n > 0 && (value < low || value > high) {
				t.Errorf("%s, %s: %s is %s, published %v to %v", s.ID, arm.ID, what, ratio(x, n), low, high)
			}
		}
		switch arm.DeliveryType {
		case event.DeliveryPeerToPeer:
			checkNetwork(t, s, r, arm)
			within("in-person non-usage", person, personN, 0, 0.78)
			within("dropout", drop, dropN, 0, 0.5)
		case event.DeliveryPeerDelivered:
			within("dropout", drop, dropN, 0, 0.77)
			within("non-usage", whole, wholeN, 0, 0.77)
		case event.DeliveryAsynchronous:
			x, n, _, _ := r.participation(arm.ID)
			within("engagement", x, n, 0.8, 1)
		}
	}
}

// checkNetwork looks at the technology portion by channel: exactly 24 % stop in social networks, at most 5 % on boards.
func checkNetwork(t *testing.T, s *Study, r *reading, arm study.Arm) {
	t.Helper()
	x, n := r.nonUsage(arm.ID, event.PortionTechnology)
	for _, id := range arm.Components {
		switch c, _ := r.def.Component(id); {
		case c.Channel == event.ChannelSocialNetwork && (n == 0 || 100*x != 24*n):
			t.Errorf("%s: %s stop using the social network", s.ID, ratio(x, n))
		case c.Channel == event.ChannelBulletinBoard && (n == 0 || 100*x > 5*n):
			t.Errorf("%s: %s stop using the board", s.ID, ratio(x, n))
		}
	}
}

func logStudy(t *testing.T, s *Study, r *reading, share float64) {
	t.Helper()
	cx, cn := r.completions()
	for i, arm := range r.def.Arms {
		dx, dn := r.dropouts(arm.ID)
		ux, un := r.nonUsage(arm.ID, event.PortionAll)
		tx, tn := r.nonUsage(arm.ID, event.PortionTechnology)
		px, pn := r.nonUsage(arm.ID, event.PortionInPerson)
		ex, en, _, _ := r.participation(arm.ID)
		name := ""
		if i == 0 {
			name = s.ID + " [" + s.Tier + "]"
		}
		t.Logf("%-46s %-11s n=%3d dropout %-14s non-usage %-14s tech %-14s in person %-14s engaged %-18s", name, arm.ID, dn, ratio(dx, dn), ratio(ux, un), ratio(tx, tn), ratio(px, pn), ratio(ex, en))
	}
	t.Logf("    share %.3f, completed %s, flow %+v", share, ratio(cx, cn), r.flow)
}
