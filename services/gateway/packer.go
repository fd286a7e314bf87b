package gateway

import (
	"github.com/throughline-trials/throughline/pkg/event"
	tlog "github.com/throughline-trials/throughline/services/log"
)

// packer gathers the lines of one request by subject.
type packer struct {
	credential string
	ticket     *ticket
	open       map[string]int // subject to the part that takes more
	out        []part
}

func newPacker(credential string, t *ticket) *packer {
	return &packer{credential: credential, ticket: t, open: make(map[string]int)}
}

// addEvent adds an event of about size bytes.
func (p *packer) addEvent(subject string, e *event.Event, size int) {
	at := p.part(subject)
	if at.Payload == nil {
		at.Payload = make([]byte, 0, size+size/4)
	}
	at.Payload = appendLine(at.Payload, e)
}

func (p *packer) addDuplicate(subject string, id event.Identity) {
	at := p.part(subject)
	at.Payload = tlog.AppendDuplicate(separated(at.Payload), id)
}

// part returns the part of a subject with room for one more line.
func (p *packer) part(subject string) *tlog.Outgoing {
	if n := len(p.out); n > 0 && p.out[n-1].out.Subject == subject && p.hasRoom(n-1) {
		return &p.out[n-1].out
	}
	i, ok := p.open[subject]
	if !ok || !p.hasRoom(i) {
		i = len(p.out)
		p.open[subject] = i
		p.out = append(p.out, part{ticket: p.ticket, out: tlog.Outgoing{Subject: subject, Credential: p.credential}})
	}
	return &p.out[i].out
}

func (p *packer) hasRoom(i int) bool {
	return len(p.out[i].out.Payload)+event.MaxEventBytes < tlog.MaxPayload
}

// parts returns what was gathered.
func (p *packer) parts() []part { return p.out }

// appendLine appends an event in canonical form, after a newline unless it is the first line.
func appendLine(dst []byte, e *event.Event) []byte { return e.AppendJSON(separated(dst)) }

func separated(dst []byte) []byte {
	if len(dst) > 0 {
		return append(dst, '\n')
	}
	return dst
}
