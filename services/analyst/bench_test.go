package analyst

import (
	"fmt"
	"testing"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/store"
)

// history is the rows of a participant with so many events over twelve weeks: sessions of two events, modules, calls.
func history(tr *trial, who string, events int) []store.Row {
	first := len(tr.rows)
	tr.join(who, "a")
	for i := 0; len(tr.rows)-first < events; i++ {
		at := monday.Add(time.Duration(i) * 84 * 24 * time.Hour / time.Duration(max(1, events*2/3)))
		session := fmt.Sprintf("session_id=s%d", i)
		tr.say(who, "session.started", at.Format(time.RFC3339), session, "component=app", "timezone=America/New_York")
		tr.say(who, "session.ended", at.Add(5*time.Minute).Format(time.RFC3339), session, "component=app", "timezone=America/New_York", "active_seconds=240")
		if i%3 == 0 {
			tr.say(who, "module.completed", at.Add(4*time.Minute).Format(time.RFC3339), session, "component=app", fmt.Sprintf("module=m%d", i))
		}
	}
	rows := tr.rows[first:]
	return rows[:min(len(rows), events)]
}

func BenchmarkDerive(b *testing.B) {
	def := definition(b, "timezone: America/New_York", "intervention: {duration_days: 84, period_days: 7}")
	for _, events := range []int{10, 100, 1000} {
		b.Run(fmt.Sprintf("events=%d", events), func(b *testing.B) {
			rows := history(newTrial(b, def), "p", events)
			p := newPlan(def, 1)
			clock := at(100)
			b.ReportAllocs()
			for b.Loop() {
				p.derive(rows, clock)
			}
		})
	}
}

// BenchmarkAnswer is the cost of one answer from records, per participant.
func BenchmarkAnswer(b *testing.B) {
	def := definition(b, "intervention: {duration_days: 84, period_days: 7}")
	const participants = 1000
	tr := newTrial(b, def)
	var records []*Record
	for i := range participants {
		record := Derive(def, history(tr, fmt.Sprintf("p%d", i), 100), at(100))
		records = append(records, &record)
	}
	per := func(b *testing.B) {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/participants, "ns/participant")
	}
	b.Run("non_usage", func(b *testing.B) {
		for b.Loop() {
			if _, err := NewFrame(def, 1, nil, at(100)).Attrition(records, AttritionQuery{Kind: NonUsage}); err != nil {
				b.Fatal(err)
			}
		}
		per(b)
	})
	b.Run("engagement", func(b *testing.B) {
		for b.Loop() {
			if _, err := NewFrame(def, 1, nil, at(100)).Engagement(records, EngagementQuery{}); err != nil {
				b.Fatal(err)
			}
		}
		per(b)
	})
}

// BenchmarkRefresh is the time from the projection of one event each of so many participants to its being in the
// results, with 1,000,000 events of 10,000 participants there before.
func BenchmarkRefresh(b *testing.B) {
	if testing.Short() {
		b.Skip("long: loads a million events")
	}
	r := newRig(b)
	def := definition(b, "intervention: {duration_days: 84, period_days: 7}")
	const participants, events = 10_000, 100
	template := history(newTrial(b, def), "p", events)
	name := func(i int) string { return fmt.Sprintf("p%05d", i) }
	row := func(i, k int, id string) store.Row {
		out := template[k]
		out.Event.Subject, out.Event.ID, out.Received = name(i), id, on(90, 0)
		out.Identity = event.IdentityOf("hand-1", "/test", id)
		return out
	}
	r.project(on(89, 0), published(b, def, on(-1, 0)))
	for i := 0; i < participants; i += 500 {
		var rows []store.Row
		for k := i; k < i+500; k++ {
			for e := range events {
				rows = append(rows, row(k, e, fmt.Sprintf("%d-%d", k, e)))
			}
		}
		r.project(on(90, 0), rows...)
	}
	began := time.Now()
	s, _ := r.start()
	ctx := b.Context()
	if err := s.Reader().WaitFor(ctx, r.state.Position); err != nil {
		b.Fatal(err)
	}
	b.Logf("first derivation of %d events: %s", participants*events, time.Since(began))
	n := 0
	for _, touched := range []int{1, 40, 400, 2000} {
		b.Run(fmt.Sprintf("touched=%d", touched), func(b *testing.B) {
			for b.Loop() {
				var rows []store.Row
				for range touched {
					n++
					rows = append(rows, row(n*7919%participants, 5, fmt.Sprintf("new-%d", n)))
				}
				r.state.Through = r.state.Through.Add(time.Second)
				b.StopTimer()
				position := r.project(r.state.Through, rows...)
				b.StartTimer()
				if err := s.Reader().WaitFor(ctx, position); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
