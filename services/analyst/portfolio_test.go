package analyst

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/simulate"
	"github.com/throughline-trials/throughline/services/stats"
	"github.com/throughline-trials/throughline/services/store"
	"github.com/throughline-trials/throughline/services/study"
)

// enacted is the records of a simulated study, each event once, as of a time.
func enacted(t testing.TB, s *simulate.Study, now time.Time) (*Frame, []*Record) {
	t.Helper()
	def, err := study.Parse(s.Definition, s.ID+".json")
	if err != nil {
		t.Fatal(err)
	}
	clock, seq := Clock{AsOf: now}, uint64(0)
	rows := func(events []event.Event) []store.Row {
		var out []store.Row
		seen := map[event.Identity]bool{}
		for _, e := range events {
			if id := e.Identity(); !seen[id] {
				seen[id] = true
				seq++
				out = append(out, rowOf(e, seq, e.Time.Time))
			}
		}
		return out
	}
	p := newPlan(def, 1)
	var records []*Record
	for i := range s.Subjects() {
		if own := rows(s.Subject(i, time.Time{}, now)); len(own) > 0 {
			r := p.derive(own, clock)
			records = append(records, &r)
		}
	}
	return newFrame(p, rows(s.Common(time.Time{}, now)), clock), records
}

// Of all studies of the demonstration every answer is complete, every box adds up, and what is null has a reason.
func TestAnswersOfThePortfolio(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	studies, err := simulate.Portfolio(simulate.Seed, now)
	if err != nil {
		t.Fatal(err)
	}
	if len(studies) != 30 {
		t.Fatalf("%d studies", len(studies))
	}
	for i := range studies {
		t.Run(studies[i].ID, func(t *testing.T) {
			frame, records := enacted(t, &studies[i], now)
			flow := frame.Flow(records)
			if !flow.Balanced || flow.Screened == 0 || flow.Screened < flow.Enrolled || len(flow.Imbalances) > 0 {
				t.Errorf("%+v, %+v", flow.Balance, flow.Imbalances)
			}
			explained(t, "flow", flow)
			dose, err := frame.Dose(records, DoseQuery{By: "component"})
			answered(t, "dose", dose, err)
			outcomes, err := frame.Outcomes(records, Query{})
			answered(t, "outcomes", outcomes, err)
			differential, err := frame.Differential(records, DifferentialQuery{})
			if err == nil {
				differential.Boundaries = []stats.Boundary{} // past its end the table has none
			}
			answered(t, "differential", differential, err)
			use, err := frame.Attrition(records, AttritionQuery{Kind: NonUsage, By: "component"})
			if err != nil {
				t.Fatal(err)
			}
			for _, arm := range use.Arms {
				explained(t, "incidence", arm.Incidence)
				explained(t, "use table", arm.UseTable)
			}
		})
	}
}

func answered(t *testing.T, name string, answer any, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	explained(t, name, answer)
}

// explained fails where something is null and neither the object that it is in nor one around it gives a reason.
func explained(t *testing.T, name string, answer any) {
	t.Helper()
	text, err := json.Marshal(answer)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var value any
	if err := json.Unmarshal(text, &value); err != nil || value == nil {
		return
	}
	unexplained(value, name, false, func(path string) { t.Errorf("%s is null without a reason", path) })
}

func unexplained(value any, path string, reason bool, report func(path string)) {
	switch v := value.(type) {
	case nil:
		if !reason {
			report(path)
		}
	case []any:
		for _, item := range v {
			unexplained(item, path+"[]", reason, report)
		}
	case map[string]any:
		for key := range v {
			reason = reason || strings.HasSuffix(key, "reason")
		}
		for key, item := range v {
			unexplained(item, path+"."+key, reason, report)
		}
	}
}
