package simulate

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"slices"
)

// chance is a reproducible source of accidents.
type chance struct{ *rand.Rand }

// newChance returns the source that belongs to a seed and a list of names; other names give an independent source.
func newChance(seed uint64, names ...string) chance {
	hash := sha256.New()
	var word [8]byte
	binary.BigEndian.PutUint64(word[:], seed)
	hash.Write(word[:])
	for _, name := range names {
		binary.BigEndian.PutUint64(word[:], uint64(len(name)))
		hash.Write(word[:])
		hash.Write([]byte(name))
	}
	sum := hash.Sum(nil)
	return chance{rand.New(rand.NewPCG(binary.BigEndian.Uint64(sum), binary.BigEndian.Uint64(sum[8:])))}
}

// hit reports true with probability p.
func (c chance) hit(p float64) bool { return c.Float64() < p }

// between returns a whole number from low to high, both included; low if high is less.
func (c chance) between(low, high int) int {
	if high <= low {
		return low
	}
	return low + c.IntN(high-low+1)
}

// around returns a normal deviate.
func (c chance) around(mean, sd float64) float64 { return mean + sd*c.NormFloat64() }

// one returns one of the given values.
func one[T any](c chance, from ...T) T { return from[c.IntN(len(from))] }

// weighted returns an index with probability proportional to its weight, -1 if all are 0.
func (c chance) weighted(weights []float64) int {
	total := 0.0
	for _, w := range weights {
		total += w
	}
	if total <= 0 {
		return -1
	}
	at, last := c.Float64()*total, -1
	for i, w := range weights {
		if w <= 0 {
			continue
		}
		last = i
		if at < w {
			return i
		}
		at -= w
	}
	return last
}

// spread returns a permutation of 0…n-1 in which every prefix, and so every stretch of recruitment, holds low and high
// ranks in about equal shares: the base 2 van der Corput sequence, shuffled within stretches of eight.
func (c chance) spread(n int) []int {
	type point struct {
		place int
		value float64
	}
	points := make([]point, n)
	for i := range points {
		points[i] = point{i, radicalInverse(uint(i))}
	}
	for start := 0; start < n; start += 8 {
		stretch := points[start:min(start+8, n)]
		c.Shuffle(len(stretch), func(i, j int) { stretch[i].value, stretch[j].value = stretch[j].value, stretch[i].value })
	}
	slices.SortFunc(points, func(a, b point) int { return cmp.Compare(a.value, b.value) })
	ranks := make([]int, n)
	for rank, p := range points {
		ranks[p.place] = rank
	}
	return ranks
}

func radicalInverse(i uint) float64 {
	value, base := 0.0, 0.5
	for ; i > 0; i >>= 1 {
		value += base * float64(i&1)
		base /= 2
	}
	return value
}
