package simulate

import (
	"testing"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/analyst"
	"github.com/throughline-trials/throughline/services/store"
	"github.com/throughline-trials/throughline/services/study"
)

// platform is a study as the platform's own analysis sees it.
type platform struct {
	def     *study.Definition
	frame   *analyst.Frame
	records []*analyst.Record
}

// analyse hands a study's history to the platform's analysis, received at one moment.
func analyse(t *testing.T, s *Study, now time.Time) platform {
	t.Helper()
	def, err := study.Parse(s.Definition, s.ID+".json")
	if err != nil {
		t.Fatal(err)
	}
	clock := analyst.Clock{Cutoff: now, AsOf: now}
	p := platform{def: def, frame: analyst.NewFrame(def, 1, rows(s.Common(time.Time{}, now), now), clock)}
	for i := range s.Subjects() {
		if events := s.Subject(i, time.Time{}, now); len(events) > 0 {
			record := analyst.Derive(def, rows(events, now), clock)
			p.records = append(p.records, &record)
		}
	}
	return p
}

// rows returns what the projector makes of events: one row each, those sent again as duplicates.
func rows(events []event.Event, received time.Time) []store.Row {
	known := map[event.Identity]bool{}
	out := make([]store.Row, 0, len(events))
	for i, e := range events {
		row := store.Row{Table: store.TableEvents, Seq: uint64(i + 1), Kind: store.KindEvent, Identity: e.Identity(), Content: e.Content(), Event: e, Received: received}
		if e.Type == event.TypeRandomised {
			row.Table = store.TableAllocations
		}
		if known[row.Identity] {
			row.Kind = store.KindDuplicate
		}
		known[row.Identity] = true
		at := e.Time.Time
		if zone, err := time.LoadLocation(e.Timezone); e.Timezone != "" && err == nil {
			at = at.In(zone)
		}
		if e.Timezone != "" || e.Time.Local {
			_, seconds := at.Zone()
			minutes := int16(seconds / 60)
			row.Offset = &minutes
		}
		out = append(out, row)
	}
	return out
}

// TestPlatformAgrees holds the platform's analysis of every study against the plain reading of the definitions, and what
// it makes of all of them against the review.
func TestPlatformAgrees(t *testing.T) {
	studies := portfolio(t, noon)
	var summaries []analyst.StudySummary
	for i := range studies {
		s := &studies[i]
		p, r := analyse(t, s, noon), read(t, s, noon)
		p.checkAttrition(t, r)
		p.checkEngagement(t, s, r)
		summary, err := p.frame.Summary(p.records, true)
		if err != nil {
			t.Fatal(err)
		}
		summaries = append(summaries, summary)
		if q := p.frame.Quality(p.records, analyst.Refusals{}); q.RandomisedNeverEnrolled > 0 || q.LongSessions > 0 || q.Late1h > 0 && !s.Running {
			t.Errorf("quality of %s: %+v", s.ID, q)
		}
	}
	checkAcross(t, analyst.CompareDeliveryTypes(summaries, analyst.Clock{Cutoff: noon, AsOf: noon}))
}

func (p *platform) checkAttrition(t *testing.T, r *reading) {
	t.Helper()
	for _, portion := range []event.Portion{event.PortionAll, event.PortionTechnology, event.PortionInPerson} {
		got := p.attrition(t, analyst.NonUsage, portion)
		for k, arm := range p.def.Arms {
			if x, n := r.nonUsage(arm.ID, portion); !r.outage && (got[k].RateAtEnd.X != x || got[k].RateAtEnd.N != n) {
				t.Errorf("%s, %s, %s: non-usage %d of %d, want %d of %d", p.def.ID, arm.ID, portion, got[k].RateAtEnd.X, got[k].RateAtEnd.N, x, n)
			}
		}
	}
	got := p.attrition(t, analyst.Dropout, event.PortionAll)
	for k, arm := range p.def.Arms {
		if x, n := r.dropouts(arm.ID); got[k].RateAtEnd.X != x || got[k].RateAtEnd.N != n {
			t.Errorf("%s, %s: dropout %d of %d, want %d of %d", p.def.ID, arm.ID, got[k].RateAtEnd.X, got[k].RateAtEnd.N, x, n)
		}
	}
}

func (p *platform) attrition(t *testing.T, kind analyst.Kind, portion event.Portion) []analyst.ArmAttrition {
	t.Helper()
	q := analyst.AttritionQuery{Query: analyst.Query{Portion: portion, Privileged: true}, Kind: kind}
	a, err := p.frame.Attrition(p.records, q)
	if err != nil {
		t.Fatal(err)
	}
	return a.Arms
}

func (p *platform) checkEngagement(t *testing.T, s *Study, r *reading) {
	t.Helper()
	e, err := p.frame.Engagement(p.records, analyst.EngagementQuery{})
	if err != nil {
		t.Fatal(err)
	}
	if string(e.StudyTier) != s.Tier {
		t.Errorf("%s is %s, meant to be %s", s.ID, e.StudyTier, s.Tier)
	}
	for k, arm := range p.def.Arms {
		got := e.Arms[k].Participation
		if x, n, _, _ := r.participation(arm.ID); !r.outage && (got.X != x || got.N != n) {
			t.Errorf("%s, %s: engaged %d of %d, want %d of %d", s.ID, arm.ID, got.X, got.N, x, n)
		}
	}
	if x, n := r.completions(); e.Completion.AtEnd.X != x || e.Completion.AtEnd.N != n {
		t.Errorf("%s: %d of %d completed, want %d of %d", s.ID, e.Completion.AtEnd.X, e.Completion.AtEnd.N, x, n)
	}
}

func checkAcross(t *testing.T, all *analyst.DeliveryTypes) {
	t.Helper()
	if want := (analyst.TierCounts{High: 14, Medium: 7, Low: 5, NotReported: 4}); all.StudyTiers != want {
		t.Errorf("tiers %+v", all.StudyTiers)
	}
	want := map[event.DeliveryType]int{
		event.DeliveryPeerToPeer: 14, event.DeliveryPeerDelivered: 11, event.DeliverySynchronous: 2, event.DeliveryAsynchronous: 3,
	}
	if len(all.DeliveryTypes) != len(want) {
		t.Errorf("%d delivery types", len(all.DeliveryTypes))
	}
	for _, d := range all.DeliveryTypes {
		if d.Studies != want[d.DeliveryType] {
			t.Errorf("%d studies of %s", d.Studies, d.DeliveryType)
		}
		if c := d.Completion; d.DeliveryType == event.DeliverySynchronous && (c.AtEnd.X != 86 || c.AtEnd.N != 276 || c.X != 86 || c.N != 276) {
			t.Errorf("synchronous completion %+v", c)
		}
		t.Logf("%-26s %2d studies, %d arms, %4d participants, %+v, pooled dropout %v, non-usage %v, participation %v", d.DeliveryType, d.Studies, d.Arms,
			d.Participants, d.StudyTiers, d.Pooled.Dropout.Value, d.Pooled.NonUsage.Value, d.Pooled.Participation.Value)
	}
}
