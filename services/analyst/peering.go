package analyst

import (
	"slices"
	"strings"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
)

// Types of events that only the account of peers looks at.
const (
	typePeerChanged = "peer.changed"
	typeFidelity    = "fidelity.rated"
)

// Peering is what happened between a participant and peers, from day 0 on.
type Peering struct {
	Current       string    `json:"current,omitempty"`        // assigned last
	ByPeer        []float64 `json:"by_peer,omitempty"`        // seconds that a peer took to respond
	ByParticipant []float64 `json:"by_participant,omitempty"` // seconds that the participant took
	Fidelity      []float64 `json:"fidelity,omitempty"`       // scores of ratings
	Threads       []Thread  `json:"threads,omitempty"`        // that the participant wrote in, by first word
}

// Thread is what one participant wrote in one thread.
type Thread struct {
	ID    string    `json:"id"`
	Post  time.Time `json:"post,omitzero"`   // the first; zero: none
	Reply bool      `json:"reply,omitempty"` // at least one
}

// peering reads what peers and participants did with each other beside contacts and threads. Entries come by time.
func (f *folder) peering() {
	out := &f.record.Peering
	for i := range f.entries {
		e := &f.entries[i]
		switch e.event.Type {
		case typePeerAssigned, typePeerChanged:
			if peer := e.event.Data.Text("peer"); peer != "" {
				out.Current = strings.Clone(peer)
			}
		case typeFidelity:
			if score, ok := e.event.Data.Number("score"); ok {
				out.Fidelity = append(out.Fidelity, score)
			}
		default:
			if seconds, ok := e.event.Data.Number("response_seconds"); ok {
				f.response(e, seconds)
			}
		}
	}
	out.ByPeer, out.ByParticipant, out.Fidelity = slices.Clip(out.ByPeer), slices.Clip(out.ByParticipant), slices.Clip(out.Fidelity)
}

// response books how long someone took to respond. Machines, and staff that are no peers, are left out.
func (f *folder) response(e *entry, seconds float64) {
	if unmanned(e.event) || f.record.assigned() && f.day(e) < 0 || !f.stop.IsZero() && e.event.Time.After(f.stop) {
		return
	}
	out, role := &f.record.Peering, e.event.ActorRole
	switch {
	case role == event.RoleClinician || role == event.RoleStaff:
	case role == event.RolePeer || e.event.Data.Text("direction") == "to_participant":
		out.ByPeer = append(out.ByPeer, seconds)
	default:
		out.ByParticipant = append(out.ByParticipant, seconds)
	}
}

// thread books a post or a reply in a thread. Those of subjects in no arm are kept too: they may be the answer to one who is.
func (g *gatherer) thread(e *entry) {
	id := e.event.Data.Text("thread")
	if id == "" || g.record.assigned() && g.day(e) < 0 {
		return
	}
	threads := g.record.Peering.Threads
	at := slices.IndexFunc(threads, func(t Thread) bool { return t.ID == id })
	if at < 0 {
		at = len(threads)
		threads = append(threads, Thread{ID: strings.Clone(id)})
		g.record.Peering.Threads = threads
	}
	t := &threads[at]
	switch {
	case e.event.Type == typeReply:
		t.Reply = true
	case t.Post.IsZero():
		t.Post = e.event.Time.UTC()
	}
}
