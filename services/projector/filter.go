package projector

import (
	"github.com/bits-and-blooms/bloom/v3"

	"github.com/throughline-trials/throughline/pkg/event"
)

// A filter takes 16 bits for an identity it was made for; with 6 probes, 1 of 1,000 new identities is taken for known.
const (
	bitsPerIdentity  = 16
	probes           = 6
	firstFilterSize  = 1 << 16
	minFilterGrowth  = 2
	loadFactorExcess = 4 // a filter made for n known identities has room for n/4 more
)

// filter says of an identity that it is surely new or maybe known. It grows by further, larger filters.
type filter struct {
	layers []*bloom.BloomFilter
	room   uint // identities that the last layer can still take
	size   uint // that the last layer was made for
}

// newFilter makes a filter with room for what is known and some more.
func newFilter(known uint64) *filter {
	f := &filter{}
	f.grow(max(uint(known)+uint(known)/loadFactorExcess, firstFilterSize))
	return f
}

func (f *filter) grow(size uint) {
	f.layers = append(f.layers, bloom.New(size*bitsPerIdentity, probes))
	f.room, f.size = size, size
}

// maybe reports whether the identity may have been added.
func (f *filter) maybe(id *event.Identity) bool {
	for _, layer := range f.layers {
		if layer.Test(id[:]) {
			return true
		}
	}
	return false
}

func (f *filter) add(id *event.Identity) {
	if f.room == 0 {
		f.grow(f.size * minFilterGrowth)
	}
	f.layers[len(f.layers)-1].Add(id[:])
	f.room--
}
