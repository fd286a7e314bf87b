package gateway

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/throughline-trials/throughline/pkg/event"
)

func testIdentity(n uint64) event.Identity {
	var id event.Identity
	binary.LittleEndian.PutUint64(id[:], n%1000*0x9e3779b97f4a7c15) // few homes, so that they collide
	binary.LittleEndian.PutUint64(id[8:], n)
	return id
}

func testDigest(n uint64) event.Digest {
	var d event.Digest
	binary.LittleEndian.PutUint64(d[:], n)
	return d
}

// TestRecentsAgainstModel enters many identities and compares with a plain list of the last ones.
func TestRecentsAgainstModel(t *testing.T) {
	const size = 3000
	r := newRecents(size)
	rng := rand.New(rand.NewPCG(1, 2))
	ticket := newTicket()
	var model []uint64
	known := make(map[uint64]bool)
	for range 40_000 {
		n := rng.Uint64N(6000)
		st, other := r.claim(testIdentity(n), testDigest(n), ticket)
		if (st == duplicate) != known[n] || other != nil {
			t.Fatalf("identity %d: standing %d, known %t", n, st, known[n])
		}
		if st, _ := r.claim(testIdentity(n), testDigest(n+1), ticket); st != reused {
			t.Fatalf("identity %d with other content: standing %d", n, st)
		}
		if known[n] {
			continue
		}
		if rng.IntN(10) == 0 {
			r.release([]event.Identity{testIdentity(n)})
			continue
		}
		r.settle([]event.Identity{testIdentity(n)})
		model, known[n] = append(model, n), true
		if len(model) > size {
			delete(known, model[0])
			model = model[1:]
		}
	}
	if r.len() != size {
		t.Errorf("%d identities", r.len())
	}
}

func TestRecentsClaims(t *testing.T) {
	r := newRecents(10)
	first, second := newTicket(), newTicket()
	id := testIdentity(1)
	if st, _ := r.claim(id, testDigest(1), first); st != unseen {
		t.Fatalf("standing %d", st)
	}
	if st, other := r.claim(id, testDigest(1), second); st != duplicate || other != first {
		t.Errorf("on its way: standing %d", st)
	}
	if st, other := r.claim(id, testDigest(2), second); st != reused || other != first {
		t.Errorf("on its way with other content: standing %d", st)
	}
	r.release([]event.Identity{id})
	if st, _ := r.claim(id, testDigest(2), second); st != unseen {
		t.Errorf("after its failure: standing %d", st)
	}
}

func BenchmarkRecents(b *testing.B) {
	r := newRecents(1_000_000)
	ticket := newTicket()
	rng := rand.New(rand.NewPCG(1, 2))
	b.ReportAllocs()
	for b.Loop() {
		var id event.Identity
		binary.LittleEndian.PutUint64(id[:], rng.Uint64())
		r.claim(id, event.Digest{}, ticket)
		r.settle([]event.Identity{id})
	}
}
