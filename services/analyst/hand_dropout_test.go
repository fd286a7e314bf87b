package analyst

import (
	"testing"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/stats"
)

func TestDropout(t *testing.T) {
	withdrew := func(scope string) func(*trial) {
		return func(tr *trial) { tr.on(10, 9, "p", "participant.withdrew", "scope="+scope) }
	}
	status := func(day int, typ string) func(*trial) {
		return func(tr *trial) { tr.on(day, 9, "p", typ) }
	}
	both := func(a, b func(*trial)) func(*trial) { return func(tr *trial) { a(tr); b(tr) } }
	for name, c := range map[string]struct {
		said func(*trial)
		day  int // of the cut-off; follow-up is 28 days
		want string
	}{
		"nothing":                         {func(*trial) {}, 10, "censored 10"},
		"nothing, after the follow-up":    {func(*trial) {}, 40, "censored 28"},
		"stop_all":                        {withdrew("stop_all"), 20, "event 10"},
		"stop_all on day C":               {withdrew("stop_all"), 10, "event 10"},
		"stop_all after the cut-off":      {withdrew("stop_all"), 9, "censored 9"},
		"erase":                           {withdrew("erase"), 20, "event 10"},
		"stop_intervention":               {withdrew("stop_intervention"), 20, "censored 20"},
		"stop_intervention_keep_followup": {withdrew("stop_intervention_keep_followup"), 20, "censored 20"},
		"consent.withdrawn":               {status(7, "consent.withdrawn"), 20, "event 7"},
		"lost":                            {status(7, "participant.lost_to_follow_up"), 20, "event 7"},
		"lost on the last day":            {status(28, "participant.lost_to_follow_up"), 40, "event 28"},
		"lost after the follow-up":        {status(29, "participant.lost_to_follow_up"), 40, "censored 28"},
		"completed":                       {status(25, "participant.completed"), 40, "censored 25"},
		"intervention completed":          {status(5, "intervention.completed"), 20, "censored 20"},
		"died":                            {status(6, "participant.died"), 20, "censored 6"},
		"completed, then lost":            {both(status(5, "participant.completed"), status(9, "participant.lost_to_follow_up")), 20, "censored 5"},
		"lost, then completed":            {both(status(5, "participant.lost_to_follow_up"), status(9, "participant.completed")), 20, "event 5"},
		"lost and died at the same time":  {both(status(5, "participant.lost_to_follow_up"), status(5, "participant.died")), 20, "censored 5"},
		"completed and lost, same time":   {both(status(5, "participant.completed"), status(5, "participant.lost_to_follow_up")), 20, "event 5"},
		"consent renewed later":           {both(status(5, "consent.withdrawn"), status(6, "consent.given")), 20, "event 5"},
		"lost before day 0 stands at it":  {status(-3, "participant.lost_to_follow_up"), 20, "event 0"},
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTrial(t, definition(t))
			tr.join("p", "a")
			c.said(tr)
			tr.want("dropout", tr.dropped(c.day), c.want)
		})
	}
}

// Use after a withdrawal never counts, whatever its scope; use after a loss does: people come back.
func TestUseAfterLeaving(t *testing.T) {
	for name, c := range map[string]struct {
		typ, attribute string
		want           string
		after          int
	}{
		"stop_intervention":               {"participant.withdrew", "scope=stop_intervention", "event 5", 1},
		"stop_intervention_keep_followup": {"participant.withdrew", "scope=stop_intervention_keep_followup", "event 5", 1},
		"stop_all":                        {"participant.withdrew", "scope=stop_all", "event 5", 1},
		"erase":                           {"participant.withdrew", "scope=erase", "event 5", 1},
		"consent":                         {"consent.withdrawn", "consent_version=2", "event 5", 1},
		"lost":                            {"participant.lost_to_follow_up", "reason=unreachable", "censored 20", 0},
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTrial(t, definition(t))
			tr.join("p", "a")
			tr.use("p", 5, 24)
			tr.on(10, 9, "p", c.typ, c.attribute)
			// C = 28: A = 21. With the use of day 24 L = 24: censored at 20; without it L = 5: event.
			tr.want("non-usage", tr.stopped(28), c.want)
			if got := tr.quality(at(28)).EventsAfterWithdrawal; got != c.after {
				t.Errorf("events after withdrawal %d, want %d", got, c.after)
			}
		})
	}
}

func TestUseOnTheDayOfWithdrawal(t *testing.T) {
	tr := newTrial(t, definition(t))
	tr.join("p", "a")
	tr.on(10, 12, "p", "participant.withdrew", "scope=stop_all")
	tr.on(10, 11, "p", "session.started", "component=app", "active_seconds=60")
	tr.on(10, 13, "p", "session.started", "component=app", "active_seconds=60")
	// By time: that of 11:00 counts, that of 13:00 is later. After withdrawal periods are evaluable and not engaged.
	tr.want("non-usage", tr.stopped(28), "event 10")
	arm := tr.engagement(at(28)).Arms[0]
	if got := xn(arm.Participation.Rate); got != "1/4" {
		t.Errorf("participation %s, want 1/4", got)
	}
}

func TestDropoutIsOfTheWhole(t *testing.T) {
	tr := newTrial(t, definition(t))
	tr.join("p", "a")
	for _, q := range []AttritionQuery{{Query: Query{Portion: event.PortionTechnology}}, {Query: Query{Component: "app"}}} {
		arm := tr.attrition(at(20), q).Arms[0]
		if arm.N != 0 || arm.Rate.Reason != ReasonDropoutIsWhole || arm.Rate.Value.OK() {
			t.Errorf("%+v: n %d, reason %q", q, arm.N, arm.Rate.Reason)
		}
	}
}

func TestArmWithoutComponents(t *testing.T) {
	tr := newTrial(t, definition(t))
	for _, who := range []string{"p", "q"} {
		tr.join(who, "a")
	}
	tr.join("r", "b")
	tr.join("s", "b")
	out := tr.attrition(at(28), AttritionQuery{Kind: NonUsage})
	b := out.Arms[1]
	if b.N != 0 || b.Events != 0 || b.TooEarly != 0 || b.Reason != ReasonNotInArm || b.Rate.Reason != ReasonNotInArm || b.Rate.Value.OK() || b.Median.Day.OK() {
		t.Errorf("arm b: %+v", b)
	}
	if out.Tests != nil {
		t.Errorf("tests with one arm: %+v", out.Tests)
	}
	if out.Arms[0].N != 2 || out.Arms[0].Events != 2 {
		t.Errorf("arm a: n %d, events %d", out.Arms[0].N, out.Arms[0].Events)
	}
	dropout := tr.attrition(at(28), AttritionQuery{})
	if dropout.Arms[1].N != 2 || dropout.Arms[1].Uptake.Reason != ReasonNotInArm {
		t.Errorf("dropout of arm b: n %d, uptake %q", dropout.Arms[1].N, dropout.Arms[1].Uptake.Reason)
	}
	if dropout.Tests == nil || dropout.Tests.LogRank.Reason != stats.ReasonNoEvents {
		t.Errorf("dropout tests: %+v", dropout.Tests)
	}
	e := tr.engagement(at(28))
	if e.Arms[1].Participation.N != 0 || e.Arms[1].Participation.Tier != stats.TierNotReported || e.Arms[1].Tiers.NotReported != 2 {
		t.Errorf("engagement of arm b: %+v", e.Arms[1])
	}
	if e.StudyTier != stats.TierLow || xn(e.Completion.Rate) != "0/4" {
		t.Errorf("study tier %s, completion %s; want low, 0/4", e.StudyTier, xn(e.Completion.Rate))
	}
}

func TestPopulations(t *testing.T) {
	tr := newTrial(t, definition(t, "per_protocol: {engaged_periods: 2}"))
	for _, who := range []string{"never", "told", "once", "twice"} {
		tr.join(who, "a")
	}
	tr.on(1, 9, "told", "intervention.started")
	tr.use("once", 3)
	tr.use("twice", 3, 10)
	for population, want := range map[Population]int{Randomised: 4, Started: 3, PerProtocol: 1} {
		out := tr.attrition(at(28), AttritionQuery{Query: Query{Population: population}})
		if out.Arms[0].N != want {
			t.Errorf("%s: n %d, want %d", population, out.Arms[0].N, want)
		}
	}
	undeclared := newTrial(t, definition(t))
	undeclared.join("p", "a")
	arm := undeclared.attrition(at(28), AttritionQuery{Query: Query{Population: PerProtocol}}).Arms[0]
	if arm.N != 0 || arm.Rate.Reason != ReasonNoPerProtocol {
		t.Errorf("per protocol, not declared: %+v", arm.Rate)
	}
}

func TestOneArm(t *testing.T) {
	tr := newTrial(t, definition(t, "arms: [{id: a, components: [app]}]"))
	tr.on(2, 9, "p", "participant.enrolled")
	tr.on(0, 9, "q", "session.started", "component=app", "active_seconds=60") // not enrolled: not counted yet
	// Day 0 is that of enrolment, day 2: at noon of day 10 C = 8, A = 1, L = 0.
	tr.want("non-usage", tr.stopped(10), "event 0")
	if got := tr.quality(at(10)); got.Events != 2 {
		t.Errorf("events %d, want 2", got.Events)
	}
}

func TestRandomisedNeverEnrolled(t *testing.T) {
	tr := newTrial(t, definition(t))
	tr.on(0, 0, "p", "participant.randomised", "arm=a")
	if got := tr.attrition(at(3), AttritionQuery{}).Arms[0].N; got != 1 {
		t.Errorf("n %d, want 1", got)
	}
	if got := tr.quality(at(3)).RandomisedNeverEnrolled; got != 1 {
		t.Errorf("randomised, never enrolled: %d, want 1", got)
	}
}
