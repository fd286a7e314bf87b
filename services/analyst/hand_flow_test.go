package analyst

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// flow returns the answer at a clock.
func (tr *trial) flow(clock Clock) *Flow {
	tr.t.Helper()
	frame, records := tr.read(clock)
	out := frame.Flow(records)
	finite(tr.t, out)
	return out
}

// finite checks that an answer is JSON without nulls that have no reason near them, and returns it.
func finite(t testing.TB, answer any) string {
	t.Helper()
	text, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// admit screens, enrols and randomises.
func (tr *trial) admit(who, arm string) {
	tr.on(-2, 9, who, "participant.screened", "eligible=true")
	tr.on(-1, 9, who, "consent.given", "consent_version=1")
	tr.join(who, arm)
}

func told(list []ReasonCount) string {
	var out []string
	for _, r := range list {
		out = append(out, fmt.Sprintf("%s %d", r.Reason, r.N))
	}
	return strings.Join(out, ", ")
}

// Ten are screened: two are not eligible, one declines, seven are enrolled; of these one is not randomised, four go to a
// and two to b. Follow-up is 28 days, the primary outcome is due on day 21 ± 3.
func TestFlow(t *testing.T) {
	tr := newTrial(t, definition(t, "assessments: [{instrument: hope, primary: true, timepoints: [{id: base, day: 0}, {id: end, day: 21, window_days: 3}]}]"))
	tr.on(-2, 9, "x1", "participant.screened", "eligible=false", "reason=no_smartphone")
	tr.on(-2, 9, "x2", "participant.screened", "eligible=true")
	tr.on(-1, 9, "x2", "participant.screened", "eligible=false", "reason=other_trial") // the last screening stands
	tr.on(-2, 9, "x3", "participant.screened", "eligible=true", "reason=declined")
	tr.on(-2, 9, "x4", "participant.screened", "eligible=true")
	tr.on(0, 9, "x4", "participant.enrolled")
	for _, who := range []string{"p1", "p2", "p3", "p4"} {
		tr.admit(who, "a")
	}
	tr.admit("q1", "b")
	tr.admit("q2", "b")
	tr.use("p1", 1)
	tr.on(1, 9, "p2", "intervention.started")
	tr.on(7, 9, "p3", "intervention.discontinued", "reason=no_device", "decided_by=participant")
	tr.on(9, 9, "p2", "participant.withdrew", "scope=stop_intervention", "reason=no_time") // stays in the study
	tr.on(20, 9, "p1", "measure.submitted", "instrument=hope", "timepoint=end", "score=12")
	tr.on(27, 9, "p1", "participant.completed")
	tr.on(9, 9, "p4", "participant.withdrew", "scope=stop_all", "reason=burden")
	tr.on(10, 9, "p4", "participant.lost_to_follow_up") // the first stands
	tr.on(12, 9, "q1", "participant.lost_to_follow_up", "reason=moved")
	tr.on(13, 9, "q2", "participant.died", "reason=not_related")
	got := tr.flow(at(28))
	if got.Screened != 10 || got.NotEligible != 2 || got.Declined != 1 || got.Enrolled != 7 || got.NotRandomised != 1 || got.Randomised != 6 || got.Consented != 6 {
		t.Errorf("screened %d, not eligible %d, declined %d, enrolled %d, not randomised %d, randomised %d, consented %d",
			got.Screened, got.NotEligible, got.Declined, got.Enrolled, got.NotRandomised, got.Randomised, got.Consented)
	}
	tr.want("not eligible", told(got.NotEligibleReasons), "no_smartphone 1, other_trial 1")
	tr.want("declined", told(got.DeclinedReasons), "declined 1")
	if got.Allocation != AllocationAssigned || !got.Balanced || len(got.Imbalances) != 0 {
		t.Errorf("allocation %s, balanced %v: %+v", got.Allocation, got.Balanced, got.Balance)
	}
	a, b := got.Arms[0], got.Arms[1]
	if a.Allocated != 4 || a.Started != 2 || a.NotStarted != 2 || a.Completed != 1 || a.Withdrew != 1 || a.Lost != 0 || a.InFollowUp != 2 || a.Discontinued != 2 {
		t.Errorf("arm a: %+v", a.FlowCounts)
	}
	tr.want("a not started", told(a.NotStartedReasons), "burden 1, no_device 1")
	tr.want("a withdrew", told(a.WithdrewReasons), "burden 1")
	tr.want("a discontinued", told(a.DiscontinuedReasons), "no_device 1, no_time 1")
	// p1 has the outcome; p4 withdrew; p2 and p3 are in follow-up, and day 24 has passed without it.
	tr.want("a excluded", told(a.ExcludedReasons), "not_submitted 2, withdrew 1")
	if *a.Analysed != 1 || *a.Excluded != 3 || b.Lost != 1 || b.Died != 1 || *b.Excluded != 2 {
		t.Errorf("analysed %d, excluded %d; b %+v", *a.Analysed, *a.Excluded, b.FlowCounts)
	}
	tr.want("b not started", told(b.NotStartedReasons), "no_components 2")
	if got.Total.Allocated != 6 || got.Total.Died != 1 || *got.Total.Analysed != 1 {
		t.Errorf("total %+v", got.Total)
	}
	// At noon of day 10 nothing is due, and the death and the loss are to come.
	early := tr.flow(at(10))
	tr.want("excluded on day 10", told(early.Total.ExcludedReasons), "not_due 5, withdrew 1")
	if early.Total.InFollowUp != 5 || !early.Balanced {
		t.Errorf("day 10: %+v, balanced %v", early.Total, early.Balanced)
	}
}

func TestFlowImbalance(t *testing.T) {
	tr := newTrial(t, definition(t))
	tr.on(-1, 9, "p", "participant.screened", "eligible=false", "reason=under_age")
	tr.join("p", "a")                                   // enrolled although not eligible: in both boxes
	tr.join("q", "a")                                   // enrolled, never screened
	tr.on(0, 0, "r", "participant.randomised", "arm=b") // never enrolled
	got := tr.flow(at(3))
	// screened 1 = 1 not eligible + 0 + 2 enrolled less 2; enrolled 2 = 0 + 3 randomised less 1.
	if got.Balanced || got.Balance[0].Difference != -2 || got.Balance[1].Difference != -1 || got.Balance[2].Difference != 0 {
		t.Errorf("balance %+v", got.Balance)
	}
	var causes []string
	for _, i := range got.Imbalances {
		causes = append(causes, fmt.Sprintf("%s %d", i.Cause, i.N))
	}
	want := []string{"enrolled_not_screened 1", "enrolled_not_eligible 1", "randomised_not_enrolled 1"}
	if !reflect.DeepEqual(causes, want) {
		t.Errorf("imbalances %q, want %q", causes, want)
	}
	if got.Primary != nil || got.PrimaryReason != ReasonNoPrimary || got.Total.Analysed != nil {
		t.Errorf("primary %+v, reason %q", got.Primary, got.PrimaryReason)
	}
}

func TestFlowOfNobody(t *testing.T) {
	got := newTrial(t, definition(t, "design: randomised_controlled_trial")).flow(at(3))
	if !got.Balanced || got.Allocation != AllocationRandomised || len(got.Arms) != 2 || got.Total.Allocated != 0 {
		t.Errorf("%+v", got)
	}
}

// A void restores the flow as of its receipt, and test traffic is nobody.
func TestFlowOfTheRecord(t *testing.T) {
	tr := newTrial(t, definition(t))
	tr.admit("p", "a")
	lost := tr.on(5, 9, "p", "participant.lost_to_follow_up", "reason=no_answer")
	tr.void(on(8, 9), "p", lost)
	tr.on(0, 9, "tester", "participant.screened", "eligible=true", "istest=true")
	before := tr.flow(Clock{Cutoff: on(6, 12), AsOf: on(7, 0)})
	after := tr.flow(Clock{Cutoff: on(6, 12), AsOf: on(9, 0)})
	if before.Total.Lost != 1 || after.Total.Lost != 0 || after.Total.InFollowUp != 1 || after.Screened != 1 {
		t.Errorf("lost %d, then %d; in follow-up %d, screened %d", before.Total.Lost, after.Total.Lost, after.Total.InFollowUp, after.Screened)
	}
}
