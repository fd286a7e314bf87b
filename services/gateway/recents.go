package gateway

import (
	"encoding/binary"
	"sync"

	"github.com/throughline-trials/throughline/pkg/event"
)

// recents remembers the identities of the latest events that the log acknowledged, with their content, and those on
// their way to the log. It is a fixed ring: the oldest identity leaves when a new one enters.
type recents struct {
	mu      sync.Mutex
	size    int
	ring    []recent // grows to size, then wraps
	next    int      // where the next identity enters
	table   []uint32 // open addressing by identity; 0 is free, else index in ring + 1
	claimed map[event.Identity]claim
}

type recent struct {
	id      event.Identity
	content event.Digest
}

// claim is an identity on its way to the log.
type claim struct {
	content event.Digest
	ticket  *ticket
}

// standing is what is known of an identity.
type standing uint8

const (
	unseen    standing = iota
	duplicate          // the same event
	reused             // the same identity with other content
)

func newRecents(size int) *recents {
	return &recents{size: size, table: make([]uint32, 1024), claimed: make(map[event.Identity]claim)}
}

// claim reports whether an identity is known. If it is not, it is now on its way under the ticket, until settle or
// release. If the other of that identity is itself on its way, its ticket is returned: the answer holds only if that
// one succeeds.
func (r *recents) claim(id event.Identity, content event.Digest, t *ticket) (standing, *ticket) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := r.find(id); i >= 0 {
		return compare(r.ring[i].content, content), nil
	}
	if c, ok := r.claimed[id]; ok {
		return compare(c.content, content), c.ticket
	}
	r.claimed[id] = claim{content: content, ticket: t}
	return unseen, nil
}

func compare(a, b event.Digest) standing {
	if a == b {
		return duplicate
	}
	return reused
}

// settle enters claimed identities: the log has them on disk.
func (r *recents) settle(ids []event.Identity) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range ids {
		if c, ok := r.claimed[id]; ok {
			delete(r.claimed, id)
			r.enter(recent{id: id, content: c.content})
		}
	}
}

// release forgets claimed identities: they were refused, or nobody knows whether the log has them.
func (r *recents) release(ids []event.Identity) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range ids {
		delete(r.claimed, id)
	}
}

// len returns how many identities are remembered.
func (r *recents) len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.ring)
}

func (r *recents) enter(e recent) {
	if r.size == 0 {
		return
	}
	if len(r.ring) < r.size {
		r.ring = append(r.ring, e)
		r.next = len(r.ring) % r.size
		if len(r.ring)*2 > len(r.table) {
			r.grow()
			return
		}
		r.insert(e.id, uint32(len(r.ring)))
		return
	}
	r.remove(r.ring[r.next].id)
	r.ring[r.next] = e
	r.insert(e.id, uint32(r.next+1))
	r.next = (r.next + 1) % r.size
}

// grow doubles the table and enters everything anew.
func (r *recents) grow() {
	r.table = make([]uint32, 2*len(r.table))
	for i := range r.ring {
		r.insert(r.ring[i].id, uint32(i+1))
	}
}

// home is the slot where an identity belongs: identities are hashes, so any of their bits will do.
func (r *recents) home(id event.Identity) int {
	return int(binary.LittleEndian.Uint64(id[:8]) & uint64(len(r.table)-1))
}

func (r *recents) insert(id event.Identity, index uint32) {
	slot := r.home(id)
	for r.table[slot] != 0 {
		slot = (slot + 1) & (len(r.table) - 1)
	}
	r.table[slot] = index
}

// slotOf returns the slot that holds an identity, -1 if none does.
func (r *recents) slotOf(id event.Identity) int {
	for slot := r.home(id); r.table[slot] != 0; slot = (slot + 1) & (len(r.table) - 1) {
		if r.ring[r.table[slot]-1].id == id {
			return slot
		}
	}
	return -1
}

func (r *recents) find(id event.Identity) int {
	slot := r.slotOf(id)
	if slot < 0 {
		return -1
	}
	return int(r.table[slot] - 1)
}

// remove frees the slot of an identity and closes the gap, so that what was displaced by it is still found.
func (r *recents) remove(id event.Identity) {
	gap := r.slotOf(id)
	if gap < 0 {
		return
	}
	mask := len(r.table) - 1
	for slot := (gap + 1) & mask; r.table[slot] != 0; slot = (slot + 1) & mask {
		home := r.home(r.ring[r.table[slot]-1].id)
		if (slot-home)&mask >= (slot-gap)&mask {
			r.table[gap] = r.table[slot]
			gap = slot
		}
	}
	r.table[gap] = 0
}
