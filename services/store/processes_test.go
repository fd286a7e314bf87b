package store_test

import (
	"context"
	"testing"

	"github.com/throughline-trials/throughline/services/store"
)

func TestRunningInsertsAreSeen(t *testing.T) {
	s := open(t)
	block := s.NewBlock()
	for i := range 400_000 {
		r := sample(uint64(i+1), "p1")
		block.Append(&r)
	}
	done := make(chan error, 1)
	go func() { done <- block.Insert(context.Background(), store.TableEvents) }()
	seen := 0
	for ended := false; !ended; {
		n, err := s.RunningInserts(t.Context(), store.TableEvents)
		if err != nil {
			t.Fatal(err)
		}
		seen = max(seen, n)
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			ended = true
		default:
		}
	}
	if seen != 1 {
		t.Errorf("%d INSERTs were seen, want one", seen)
	}
	if n, err := s.RunningInserts(t.Context(), store.Next(store.TableEvents)); n != 0 || err != nil {
		t.Errorf("%d INSERTs into another table: %v", n, err)
	}
	if err := s.AwaitInserts(t.Context(), store.TableEvents); err != nil {
		t.Error(err)
	}
}
