package analyst

import (
	"fmt"
	"testing"

	"github.com/throughline-trials/throughline/services/stats"
)

// first says in words what came first for the one participant of the first arm.
func (tr *trial) first(day int, variant Variant) string {
	in := tr.attrition(at(day), AttritionQuery{Kind: NonUsage, Variant: variant}).Arms[0].Incidence
	if in.N == 0 {
		return "too early"
	}
	for _, c := range in.Causes {
		if c.Events == 1 {
			return fmt.Sprintf("%s %g", c.Cause, c.Curve[0].Day)
		}
	}
	return fmt.Sprintf("censored %g", in.Causes[0].Curve[0].Day)
}

// C = U = τ = 28 and g = 7: A = 21 without death, H = 21.
func TestWhatComesFirst(t *testing.T) {
	lost := func(day int) func(*trial) {
		return func(tr *trial) { tr.on(day, 9, "p", "participant.lost_to_follow_up") }
	}
	died := func(day int) func(*trial) { return func(tr *trial) { tr.on(day, 9, "p", "participant.died") } }
	use := func(days ...int) func(*trial) { return func(tr *trial) { tr.use("p", days...) } }
	done := func(day int) func(*trial) { return func(tr *trial) { tr.on(day, 9, "p", "intervention.completed") } }
	for name, c := range map[string]struct {
		said []func(*trial)
		want string
		or   string // by first lapse, where it differs
	}{
		"never used":                         {nil, "non_usage 0", ""},
		"used to the end":                    {[]func(*trial){use(5, 12, 19, 26)}, "censored 20", ""},
		"died in the silence":                {[]func(*trial){use(7, 10), died(15)}, "death 15", ""},
		"died on the seventh day of silence": {[]func(*trial){use(7, 10), died(17)}, "death 17", ""},
		"died after the silence":             {[]func(*trial){use(7, 10), died(18)}, "non_usage 10", ""},
		"died on day 3":                      {[]func(*trial){died(3)}, "death 3", ""},
		"died on day H":                      {[]func(*trial){use(7, 14, 19), died(21)}, "censored 20", ""},
		"lost while using":                   {[]func(*trial){use(5, 12, 19, 26), lost(13)}, "dropout 13", ""},
		"lost after the silence":             {[]func(*trial){use(5), lost(13)}, "non_usage 5", ""},
		"lost, then died":                    {[]func(*trial){use(5), lost(7), died(9)}, "dropout 7", ""},
		"lost and died at the same time":     {[]func(*trial){use(5), lost(7), died(7)}, "death 7", ""},
		"lapse, return, lost":                {[]func(*trial){use(2, 20), lost(15)}, "dropout 15", "non_usage 2"},
		"completed in the silence":           {[]func(*trial){use(7, 10), done(12)}, "censored 12", ""},
		"completed, then lost":               {[]func(*trial){use(7, 10), done(12), lost(14)}, "censored 12", ""},
		"lost, then completed":               {[]func(*trial){use(7, 10), lost(11), done(12)}, "dropout 11", ""},
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTrial(t, definition(t))
			tr.join("p", "a")
			for _, say := range c.said {
				say(tr)
			}
			tr.want("last use", tr.first(28, LastUse), c.want)
			if c.or == "" {
				c.or = c.want
			}
			tr.want("first lapse", tr.first(28, FirstLapse), c.or)
		})
	}
}

// Four: non-use at 0, death at 5, dropout at 10, censored at 20. S(0-) = 1, S(5-) = 3/4, S(10-) = 1/2: each cause has 1/4.
func TestIncidence(t *testing.T) {
	tr := newTrial(t, definition(t))
	for _, who := range []string{"p", "q", "r", "s"} {
		tr.join(who, "a")
	}
	tr.use("s", 6, 13, 20, 27)
	tr.use("r", 6)
	tr.use("q", 4)
	tr.on(5, 9, "q", "participant.died")
	tr.on(10, 9, "r", "participant.lost_to_follow_up")
	out := tr.attrition(at(28), AttritionQuery{Kind: NonUsage})
	finite(t, out)
	in := out.Arms[0].Incidence
	if in.N != 4 || in.Note != incidenceNote || len(in.Causes) != 3 {
		t.Fatalf("%+v", in)
	}
	for _, c := range in.Causes {
		if last := c.Curve[len(c.Curve)-1]; c.Events != 1 || last.Incidence != 0.25 || last.Day != 20 || last.AtRisk != 1 {
			t.Errorf("%s: %d events, at the end %+v", c.Cause, c.Events, last)
		}
	}
	if lower := in.Causes[2].Curve[0].Lower; lower.OK() {
		t.Errorf("limits where the incidence is 0: %v", lower)
	}
	if b := out.Arms[1]; b.Incidence != nil || b.UseTable != nil {
		t.Errorf("arm b has %+v, %+v", b.Incidence, b.UseTable)
	}
	early := tr.attrition(at(7), AttritionQuery{Kind: NonUsage}).Arms[0].Incidence
	if early.TooEarly != 4 || early.Reason != stats.ReasonNoParticipants {
		t.Errorf("day 7: %+v", early)
	}
	if tr.attrition(at(28), AttritionQuery{}).Arms[0].Incidence != nil {
		t.Error("dropout has incidences")
	}
}

func TestUseTable(t *testing.T) {
	tr := newTrial(t, definition(t))
	join := func(who string, days ...int) {
		tr.join(who, "a")
		tr.use(who, days...)
	}
	join("using", 1, 8, 15, 22) // all four periods
	join("stopped", 1, 8)
	join("left", 1, 8)
	tr.on(10, 9, "left", "participant.withdrew", "scope=stop_all")
	join("stopped-first", 1)
	tr.on(10, 9, "stopped-first", "participant.lost_to_follow_up")
	join("never") // and lost at once
	tr.on(2, 9, "never", "participant.lost_to_follow_up")
	join("died", 1)
	tr.on(3, 9, "died", "participant.died")
	join("done", 1, 8)
	tr.on(9, 9, "done", "intervention.completed")
	got := tr.attrition(at(28), AttritionQuery{Kind: NonUsage}).Arms[0].UseTable
	if got.N != 7 || got.Day != 28 || got.InStudyUsing != 2 || got.InStudyNotUsing != 1 || got.LeftUsing != 1 || got.LeftStopped != 2 || got.Died != 1 || got.TooEarly != 0 {
		t.Errorf("%+v", got)
	}
	want := map[Denominator][2]string{
		// all but "never" used at all; two periods: using, stopped, left, done; using has four, all and the last
		OfRandomised: {"7/7", "2/7"}, OfEverUsed: {"6/7", "2/6"}, OfTwoPeriods: {"4/7", "2/4"}, OfFourPeriods: {"1/7", "1/1"},
		OfHalfPeriods: {"4/7", "2/4"}, OfAllPeriods: {"1/7", "1/1"}, OfUsedLastTime: {"1/7", "1/1"},
	}
	for _, d := range got.Denominators {
		tr.want(string(d.Denominator), xn(d.Share)+" "+xn(d.Using), want[d.Denominator][0]+" "+want[d.Denominator][1])
	}
	if len(got.Denominators) != len(want) || len(got.Periods) != 4 {
		t.Fatalf("%d denominators, %d periods", len(got.Denominators), len(got.Periods))
	}
	// the dead are not evaluable: 5 of 6 used in period 1 (died is out), 4 in period 2, then one
	for k, active := range []string{"5/6", "4/6", "1/6", "1/6"} {
		tr.want(fmt.Sprint("active in period ", k+1), xn(got.Periods[k].Active), active)
	}
	early := tr.attrition(at(27), AttritionQuery{Kind: NonUsage}).Arms[0].UseTable
	if early.N != 0 || early.Reason != ReasonNobodyAtEnd || early.Denominators[0].Share.Reason != ReasonNobodyAtEnd || len(early.Periods) != 3 {
		t.Errorf("day 27: %+v", early)
	}
}
