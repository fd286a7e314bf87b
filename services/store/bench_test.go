package store_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/log"
	"github.com/throughline-trials/throughline/services/store"
)

// fill inserts n rows of 10,000 participants, in blocks.
func fill(b *testing.B, s *store.Store, from, n, size int) {
	b.Helper()
	block := s.NewBlock()
	random := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		r := sample(uint64(from+i), fmt.Sprint("participant-", random.IntN(10_000)))
		r.Code, r.Field, r.Detail = "", "", ""
		r.Event.Data = r.Event.Data[:1]
		block.Append(&r)
		if block.Rows() == size || i == n-1 {
			if err := block.Insert(b.Context(), store.TableEvents); err != nil {
				b.Fatal(err)
			}
			block.Reset()
		}
	}
}

// BenchmarkInsert measures rows per second of the engine alone, in blocks as the projector makes them.
func BenchmarkInsert(b *testing.B) {
	for _, size := range []int{1_000, 10_000, 50_000} {
		b.Run(fmt.Sprint("block=", size), func(b *testing.B) {
			s := open(b)
			block := s.NewBlock()
			seq := uint64(0)
			random := rand.New(rand.NewPCG(1, 2))
			b.ResetTimer()
			for b.Loop() {
				b.StopTimer()
				block.Reset()
				for range size {
					seq++
					r := sample(seq, fmt.Sprint("participant-", random.IntN(10_000)))
					r.Code, r.Field, r.Detail = "", "", ""
					r.Event.Data = r.Event.Data[:1]
					block.Append(&r)
				}
				b.StartTimer()
				if err := block.Insert(b.Context(), store.TableEvents); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(seq)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// BenchmarkAppend measures the filling of a block, which the projector does beside the INSERT.
func BenchmarkAppend(b *testing.B) {
	s := open(b)
	block := s.NewBlock()
	r := sample(1, "p1")
	for b.Loop() {
		if block.Append(&r); block.Rows() == 50_000 {
			block.Reset()
		}
	}
}

// BenchmarkFacts reads a million rows in order, and then looks identities up among them.
func BenchmarkFacts(b *testing.B) {
	s := open(b)
	const n = 1_000_000
	fill(b, s, 1, n, 50_000)
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			rows := 0
			err := s.Facts(b.Context(), store.Query{Tables: []string{store.TableEvents}}, func(*store.Row) error { rows++; return nil })
			if err != nil || rows != n {
				b.Fatal(rows, err)
			}
		}
		b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	})
	b.Run("sequence", func(b *testing.B) {
		for b.Loop() {
			rows := 0
			err := s.Facts(b.Context(), store.Query{Tables: []string{store.TableEvents}, BySequence: true}, func(*store.Row) error { rows++; return nil })
			if err != nil || rows != n {
				b.Fatal(rows, err)
			}
		}
		b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	})
	b.Run("identities", func(b *testing.B) {
		for b.Loop() {
			rows := 0
			err := s.Identities(b.Context(), store.TableEvents, func(ids []event.Identity) error { rows += len(ids); return nil })
			if err != nil || rows != n {
				b.Fatal(rows, err)
			}
		}
	})
	b.Run("lookup", func(b *testing.B) {
		ids := make([]event.Identity, 1000)
		for i := range ids {
			ids[i] = event.IdentityOf("hope", "/apps/hope/android", fmt.Sprint("e-", 1+i*997))
		}
		for b.Loop() {
			found, err := s.Lookup(b.Context(), store.TableEvents, ids)
			if err != nil || len(found) != len(ids) {
				b.Fatal(len(found), err)
			}
		}
	})
	b.Run("participant", func(b *testing.B) {
		for b.Loop() {
			if err := s.Facts(b.Context(), store.Query{Study: "hope", Participants: []string{"participant-77"}}, func(*store.Row) error { return nil }); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("touched", func(b *testing.B) {
		for b.Loop() {
			got, err := s.Touched(b.Context(), position(n-500), position(n))
			if err != nil || len(got) == 0 {
				b.Fatal(len(got), err)
			}
		}
	})
	b.Run("checkpoint", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Checkpoint(b.Context(), store.TableEvents); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func position(events uint64) log.Position { return log.Position{Events: events} }
