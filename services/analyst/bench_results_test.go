package analyst

import (
	"fmt"
	"testing"
)

// BenchmarkTenThousand is the cost of each answer for a study of 10,000 participants in two arms over twelve weeks, from
// records.
func BenchmarkTenThousand(b *testing.B) {
	def := definition(b, "intervention: {duration_days: 84, period_days: 7}",
		"arms: [{id: a, components: [app]}, {id: b, components: [app]}]",
		"assessments: [{instrument: hope, primary: true, timepoints: [{id: base, day: 0}, {id: end, day: 84, window_days: 7}]}]")
	const participants, kinds = 10_000, 100
	var records []*Record
	size := 0
	for i := range kinds {
		tr, who := newTrial(b, def), "p"
		history(tr, who, 20+2*i)
		tr.on(-1, 9, who, "participant.screened", "eligible=true")
		tr.on(0, 9, who, "measure.submitted", "instrument=hope", "timepoint=base", fmt.Sprint("score=", i%17))
		tr.on(84, 9, who, "measure.submitted", "instrument=hope", "timepoint=end", fmt.Sprint("score=", i%13))
		for day := range 20 {
			tr.on(day, 9, who, "message.replied", fmt.Sprint("response_seconds=", 60+i*day))
			tr.on(day, 9, who, "post.created", fmt.Sprint("thread=t", (i+day)%50))
			tr.on(day, 10, who, "reply.created", fmt.Sprint("thread=t", (i+day+1)%50))
		}
		record := Derive(def, tr.rows, at(100))
		text, err := record.encode()
		if err != nil {
			b.Fatal(err)
		}
		size += len(text)
		for k := range participants / kinds {
			one := record
			one.Participant, one.Arm = fmt.Sprintf("p%d-%d", i, k), k%2
			records = append(records, &one)
		}
	}
	b.Logf("%d bytes a record, as JSON", size/kinds)
	frame := func() *Frame { return NewFrame(def, 1, nil, at(100)) }
	for name, ask := range map[string]func() (any, error){
		"flow":         func() (any, error) { return frame().Flow(records), nil },
		"dose":         func() (any, error) { return frame().Dose(records, DoseQuery{By: "component"}) },
		"outcomes":     func() (any, error) { return frame().Outcomes(records, Query{}) },
		"differential": func() (any, error) { return frame().Differential(records, DifferentialQuery{}) },
		"non_usage":    func() (any, error) { return frame().Attrition(records, AttritionQuery{Kind: NonUsage}) },
		"dropout":      func() (any, error) { return frame().Attrition(records, AttritionQuery{}) },
		"engagement":   func() (any, error) { return frame().Engagement(records, EngagementQuery{}) },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := ask(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/answer")
		})
	}
}
