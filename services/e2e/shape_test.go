package e2e

import (
	"fmt"
	"strings"
)

// stamp is what every result says of itself.
type stamp struct {
	Study             string `json:"study"`
	Definition        string `json:"definition"`
	DefinitionVersion int    `json:"definition_version"`
	Cutoff            string `json:"cutoff"`
	AsOf              string `json:"as_of"`
	Position          string `json:"position"`
}

type rate struct {
	X      int      `json:"x"`
	N      int      `json:"n"`
	Value  *float64 `json:"value"`
	Lower  *float64 `json:"lower"`
	Upper  *float64 `json:"upper"`
	Reason string   `json:"reason"`
}

func (r rate) String() string {
	if r.N == 0 {
		return "null: " + r.Reason
	}
	return fmt.Sprintf("%d/%d", r.X, r.N)
}

type attrition struct {
	stamp
	Kind    string         `json:"kind"`
	Portion string         `json:"portion"`
	Arms    []armAttrition `json:"arms"`
	Tests   *struct {
		Logrank struct {
			ChiSq float64 `json:"chisq"`
			DF    int     `json:"df"`
			P     float64 `json:"p"`
		} `json:"logrank"`
		Cox []struct {
			Arm       string   `json:"arm"`
			Reference string   `json:"reference"`
			Coef      *float64 `json:"coef"`
			SE        *float64 `json:"se"`
			HR        *float64 `json:"hr"`
			Lower     *float64 `json:"lower"`
			Upper     *float64 `json:"upper"`
		} `json:"cox"`
	} `json:"tests"`
	Groups []struct {
		Group string         `json:"group"`
		Arms  []armAttrition `json:"arms"`
	} `json:"groups"`
}

type armAttrition struct {
	Arm         string `json:"arm"`
	N           int    `json:"n"`
	Events      int    `json:"events"`
	Reason      string `json:"reason"`
	Rate        rate   `json:"rate"`
	RateAtEnd   rate   `json:"rate_at_end"`
	Uptake      rate   `json:"uptake"`
	TooEarly    int    `json:"too_early"`
	Provisional bool   `json:"provisional"`
	Median      struct {
		Day, Lower, Upper *float64
	} `json:"median"`
	RMST struct {
		Horizon float64 `json:"horizon"`
		Value   float64 `json:"value"`
		SE      float64 `json:"se"`
		Lower   float64 `json:"lower"`
		Upper   float64 `json:"upper"`
	} `json:"rmst"`
	Curve []struct {
		Day      float64  `json:"day"`
		AtRisk   int      `json:"at_risk"`
		Events   int      `json:"events"`
		Censored int      `json:"censored"`
		Survival float64  `json:"survival"`
		SE       *float64 `json:"se"`
		Lower    *float64 `json:"lower"`
		Upper    *float64 `json:"upper"`
	} `json:"curve"`
	Reactivations struct {
		Participants int `json:"participants"`
		Number       int `json:"number"`
		Active       int `json:"active"`
	} `json:"reactivations"`
}

// arm returns an arm's attrition.
func (a attrition) arm(id string) armAttrition {
	for _, arm := range a.Arms {
		if arm.Arm == id {
			return arm
		}
	}
	return armAttrition{Arm: id, Reason: "the arm is not in the answer"}
}

// fate tells what became of the one participant of an arm: "event 25", "censored 25", "too early" or a reason.
func (a armAttrition) fate() string {
	switch {
	case a.TooEarly == 1 && a.N == 0:
		return "too early"
	case a.N == 1 && len(a.Curve) == 1 && a.Curve[0].Events == 1 && a.Events == 1:
		return fmt.Sprintf("event %v", a.Curve[0].Day)
	case a.N == 1 && len(a.Curve) == 1 && a.Curve[0].Censored == 1 && a.Events == 0:
		return fmt.Sprintf("censored %v", a.Curve[0].Day)
	case a.N == 0 && a.Reason != "":
		return a.Reason
	}
	return fmt.Sprintf("not one participant: %+v", a)
}

type engagement struct {
	stamp
	Headline  string          `json:"headline"`
	Arms      []armEngagement `json:"arms"`
	StudyTier string          `json:"study_tier"`
}

type armEngagement struct {
	Arm           string `json:"arm"`
	Participants  int    `json:"participants"`
	Participation struct {
		rate
		ICC          *float64 `json:"icc"`
		DesignEffect *float64 `json:"design_effect"`
		Tier         string   `json:"tier"`
	} `json:"participation"`
	Throughout struct {
		rate
		Tier string `json:"tier"`
	} `json:"throughout"`
	Completion rate  `json:"completion"`
	Tiers      tiers `json:"tiers"`
	Periods    []struct {
		Period    int `json:"period"`
		Engaged   int `json:"engaged"`
		Evaluable int `json:"evaluable"`
	} `json:"periods"`
}

// tiers is counts by tier.
type tiers struct {
	High        int `json:"high"`
	Medium      int `json:"medium"`
	Low         int `json:"low"`
	NotReported int `json:"not_reported"`
}

func (e engagement) arm(id string) armEngagement {
	for _, arm := range e.Arms {
		if arm.Arm == id {
			return arm
		}
	}
	return armEngagement{Arm: id}
}

// periods draws the elapsed periods of the one participant of an arm: + engaged, - not engaged, . not evaluable.
func (a armEngagement) periods() string {
	var b strings.Builder
	for _, p := range a.Periods {
		switch {
		case p.Engaged == 1 && p.Evaluable == 1:
			b.WriteByte('+')
		case p.Engaged == 0 && p.Evaluable == 1:
			b.WriteByte('-')
		case p.Engaged == 0 && p.Evaluable == 0:
			b.WriteByte('.')
		default:
			fmt.Fprintf(&b, "(%d of %d)", p.Engaged, p.Evaluable)
		}
	}
	return b.String()
}

type quality struct {
	stamp
	Events        int            `json:"events"`
	TestEvents    int            `json:"test_events"`
	Unassigned    int            `json:"unassigned"`
	Late1h        int            `json:"late_1h"`
	Late24h       int            `json:"late_24h"`
	Late7d        int            `json:"late_7d"`
	Duplicates    int            `json:"duplicates"`
	Quarantined   map[string]int `json:"quarantined"`
	Contamination int            `json:"contamination"`
	AfterWithdraw int            `json:"events_after_withdrawal"`
	NeverEnrolled int            `json:"randomised_never_enrolled"`
}
