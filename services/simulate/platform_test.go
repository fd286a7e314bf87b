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

// TestPlatformAgrees holds the platform's analysis of every study against the plain reading of the definitions.
func TestPlatformAgrees(t *testing.T) {
	studies := portfolio(t, noon)
	for i := range studies {
		s := &studies[i]
		p, r := analyse(t, s, noon), read(t, s, noon)
		for _, portion := range []event.Portion{event.PortionAll, event.PortionTechnology, event.PortionInPerson} {
			got := p.attrition(t, analyst.NonUsage, portion)
			for k, arm := range p.def.Arms {
				if x, n := r.nonUsage(arm.ID, portion); !r.outage && (got[k].RateAtEnd.X != x || got[k].RateAtEnd.N != n) {
					t.Errorf("%s, %s, %s: non-usage %d of %d, want %d of %d", s.ID, arm.ID, portion, got[k].RateAtEnd.X, got[k].RateAtEnd.N, x, n)
				}
			}
		}
		got := p.attrition(t, analyst.Dropout, event.PortionAll)
		for k, arm := range p.def.Arms {
			if x, n := r.dropouts(arm.ID); got[k].RateAtEnd.X != x || got[k].RateAtEnd.N != n {
				t.Errorf("%s, %s: dropout %d of %d, want %d of %d", s.ID, arm.ID, got[k].RateAtEnd.X, got[k].RateAtEnd.N, x, n)
			}
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
