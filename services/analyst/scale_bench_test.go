package analyst

import (
	"context"
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/store"
	"github.com/throughline-trials/throughline/services/study"
)

// scaled is the study of these benchmarks: twelve weeks, two arms, an app, calls, and an outcome.
func scaled(b testing.TB) *study.Definition {
	return definition(b, "intervention: {duration_days: 84, period_days: 7}",
		"assessments: [{instrument: hope-scale, domain: hope, primary: true, timepoints: [{id: baseline, day: 0}, {id: week12, day: 84, window_days: 7}]}]")
}

// answerAll asks every endpoint of a study.
func answerAll(b testing.TB, f *Frame, records []*Record) {
	b.Helper()
	check := func(_ any, err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	for _, q := range []AttritionQuery{{}, {Kind: NonUsage}, {Kind: NonUsage, Variant: FirstLapse}} {
		check(f.Attrition(records, q))
	}
	check(f.Engagement(records, EngagementQuery{}))
	check(f.Dose(records, DoseQuery{}))
	check(f.Outcomes(records, Query{}))
	check(f.Differential(records, DifferentialQuery{}))
	check(f.Summary(records, true))
	f.Flow(records)
	f.Quality(records, Refusals{})
}

// BenchmarkScaleFromFacts is the whole analysis of a study from facts: everyone derived anew, every endpoint answered.
func BenchmarkScaleFromFacts(b *testing.B) {
	for _, size := range []struct{ participants, events int }{{500, 500}, {10_000, 500}} {
		b.Run(fmt.Sprintf("participants=%d/events=%d", size.participants, size.participants*size.events), func(b *testing.B) {
			if testing.Short() && size.participants > 1000 {
				b.Skip("long: loads millions of events")
			}
			r := newRig(b)
			def := scaled(b)
			r.fill(def, size.participants, size.events)
			s, p, clock := source{r.store}, newPlan(def, 1), at(100)
			used := cpuTime(b)
			b.ResetTimer()
			for b.Loop() {
				var records []*Record
				err := s.records(b.Context(), p, "hand-1", nil, clock, func(r *Record, _ []store.Row) { records = append(records, r) })
				if err != nil || len(records) != size.participants {
					b.Fatalf("%d records, %v", len(records), err)
				}
				answerAll(b, newFrame(p, nil, clock), records)
			}
			per := float64(b.Elapsed().Nanoseconds()) / float64(b.N)
			b.ReportMetric(per/float64(size.participants)/1e3, "µs/participant")
			b.ReportMetric(per/float64(size.participants*size.events), "ns/event")
			b.ReportMetric(float64((cpuTime(b)-used).Milliseconds())/float64(b.N), "cpu-ms/op") // of process and engine, whoever else is busy
		})
	}
}

// cpuTime returns the time that this process has used of all processors.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// fill loads participants with so many events each, in a few large blocks.
func (r *rig) fill(def *study.Definition, participants, events int) {
	r.t.Helper()
	template := history(newTrial(r.t, def), "p", events)
	r.project(on(89, 0), published(r.t, def, on(-1, 0)))
	const block = 100_000
	var rows []store.Row
	for i := range participants {
		for k := range template {
			row := template[k]
			row.Event.Subject, row.Event.ID, row.Received = fmt.Sprintf("p%06d", i), fmt.Sprintf("%d-%d", i, k), on(90, 0)
			row.Identity = event.IdentityOf("hand-1", "/test", row.Event.ID)
			rows = append(rows, row)
		}
		if len(rows) >= block || i == participants-1 {
			r.project(on(90, 0), rows...)
			rows = rows[:0]
		}
	}
	if err := r.store.Conn().Exec(context.Background(), r.store.SQL("OPTIMIZE TABLE {db}.events FINAL")); err != nil {
		r.t.Fatal(err)
	}
}

// BenchmarkScaleFromRecords is every endpoint from records, from a thousand participants to a hundred thousand: the cost of
// one participant must stay the same.
func BenchmarkScaleFromRecords(b *testing.B) {
	def := scaled(b)
	base := invented(b, def, 500)
	for _, participants := range []int{1000, 10_000, 100_000} {
		b.Run(fmt.Sprintf("participants=%d", participants), func(b *testing.B) {
			records := make([]*Record, participants)
			for i := range records {
				r := *base[i%len(base)]
				r.Participant = fmt.Sprintf("p%06d", i)
				records[i] = &r
			}
			b.ReportAllocs()
			b.ResetTimer()
			for b.Loop() {
				answerAll(b, NewFrame(def, 1, nil, at(100)), records)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(participants)/1e3, "µs/participant")
		})
	}
}

// invented returns records of participants who use the app on some days and stop on one.
func invented(b testing.TB, def *study.Definition, n int) []*Record {
	b.Helper()
	var records []*Record
	for i := range n {
		tr := newTrial(b, def)
		who := fmt.Sprintf("p%d", i)
		tr.join(who, []string{"a", "b"}[i%2])
		for day := 0; day < 84-i%70; day += 1 + i%5 {
			tr.use(who, day)
		}
		tr.on(0, 1, who, "measure.submitted", "instrument=hope-scale", "timepoint=baseline", fmt.Sprintf("score=%d", 10+i%7))
		if i%4 > 0 {
			tr.on(84, 1, who, "measure.submitted", "instrument=hope-scale", "timepoint=week12", fmt.Sprintf("score=%d", 12+i%9))
		}
		if i%6 == 0 {
			tr.on(10+i%60, 2, who, "participant.lost_to_follow_up")
		}
		record := Derive(def, tr.rows, at(100))
		records = append(records, &record)
	}
	return records
}

// BenchmarkResults is the making of all rows of the tables of results, per participant.
func BenchmarkResults(b *testing.B) {
	def := scaled(b)
	for _, participants := range []int{500, 10_000} {
		b.Run(fmt.Sprintf("participants=%d", participants), func(b *testing.B) {
			base := invented(b, def, 500)
			records := slices.Repeat(base, participants/len(base))
			rows := 0
			for b.Loop() {
				s, err := newFrame(newPlan(def, 1), nil, at(100)).stamped(records, liveCut, true)
				if err != nil {
					b.Fatal(err)
				}
				rows = len(s.rows)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(participants)/1e3, "µs/participant")
			b.ReportMetric(float64(rows), "rows")
		})
	}
}

// TestCostPerParticipantIsFlat fails where an answer costs more than linearly in participants. The bound is wide, because
// machines are busy; what is squared shows all the same.
func TestCostPerParticipantIsFlat(t *testing.T) {
	if testing.Short() {
		t.Skip("measures time")
	}
	def := scaled(t)
	base := invented(t, def, 200)
	cost := func(n int) time.Duration {
		records := slices.Repeat(base, n/len(base))
		best := time.Hour
		for range 5 {
			began := time.Now()
			answerAll(t, NewFrame(def, 1, nil, at(100)), records)
			best = min(best, time.Since(began))
		}
		return best / time.Duration(n)
	}
	small, large := cost(1000), cost(20_000)
	if large > 4*small {
		t.Errorf("%s per participant among 1,000, %s among 20,000", small, large)
	}
}
