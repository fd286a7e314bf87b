package chaos

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

// batchSize is the number of events of one request.
const batchSize = 50

// study and source of everything that is sent.
const (
	studyID = "chaos"
	source  = "/chaos/load"
)

// batch is a request: events numbered first … first+batchSize-1. Every event can be made anew from its number.
type batch struct {
	first  int
	spread bool // fifty participants, else one
}

// ledger knows what was sent and what was acknowledged, by numbers.
type ledger struct {
	participants int

	mu         sync.Mutex
	next       int
	acked      map[int]bool // first number of a batch → spread
	unanswered map[int]batch
	last       string // position of the latest acknowledgement, by stream
	compared   int    // batches numbered below it were compared
}

func newLedger(participants int) *ledger {
	return &ledger{participants: participants, acked: map[int]bool{}, unanswered: map[int]batch{}}
}

// take hands out the next batch and notes it as unanswered.
func (l *ledger) take() batch {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := batch{first: l.next, spread: (l.next/batchSize)%2 == 0}
	l.next += batchSize
	l.unanswered[b.first] = b
	return b
}

func (l *ledger) acknowledge(b batch, position string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.unanswered, b.first)
	l.acked[b.first] = b.spread
	if sequence(position) > sequence(l.last) {
		l.last = position
	}
}

func (l *ledger) takeUnanswered() []batch {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []batch
	for _, b := range l.unanswered {
		list = append(list, b)
	}
	return list
}

func (l *ledger) size() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acked) * batchSize
}

func (l *ledger) inFlight() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.unanswered)
}

func (l *ledger) position() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

// sequence returns the number of the events stream in a position such as e12.a3.s4, 0 if it has none.
func sequence(position string) uint64 {
	for part := range strings.SplitSeq(position, ".") {
		if rest, ok := strings.CutPrefix(part, "e"); ok {
			n, _ := strconv.ParseUint(rest, 10, 64)
			return n
		}
	}
	return 0
}

// fact is what the ledger knows of an event, and what the facts say of it.
type fact struct {
	participant, typ, data string
	micros                 int64
}

var kinds = [...]string{"session.ended", "module.completed", "message.replied", "call.ended"}

// origin is the time of event 0; the following ones are a second apart.
var origin = time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)

// fact returns what event n of a batch is.
func (l *ledger) fact(n int, spread bool) fact {
	p := n / batchSize
	if spread {
		p = n
	}
	f := fact{
		participant: "P" + strconv.Itoa(p%l.participants),
		typ:         kinds[n%len(kinds)],
		micros:      origin.Add(time.Duration(n%20_000_000) * time.Second).UnixMicro(),
	}
	switch f.typ {
	case "session.ended":
		f.data = fmt.Sprintf(`{"active_seconds":%d,"session_id":"s-%d"}`, n%5000, n)
	case "module.completed":
		f.data = fmt.Sprintf(`{"module":"m-%d"}`, n%40)
	case "message.replied":
		f.data = fmt.Sprintf(`{"response_seconds":%d}`, n%90000)
	case "call.ended":
		f.data = fmt.Sprintf(`{"both_present":%t,"connected_seconds":%d}`, n%3 == 0, n%4000)
	}
	return f
}

func eventID(n int) string { return "e-" + strconv.Itoa(n) }

func number(id string) (int, error) {
	rest, ok := strings.CutPrefix(id, "e-")
	if !ok {
		return 0, fmt.Errorf("an id that was never sent: %q", id)
	}
	return strconv.Atoi(rest)
}

// body returns the CloudEvents batch of a request.
func (l *ledger) body(b batch) []byte {
	var s strings.Builder
	for n := b.first; n < b.first+batchSize; n++ {
		f := l.fact(n, b.spread)
		s.WriteString(map[bool]string{true: "[", false: ","}[n == b.first])
		fmt.Fprintf(&s, `{"specversion":"1.0","id":%q,"source":%q,"type":%q,"study":%q,"subject":%q,"time":%q,"data":%s}`,
			eventID(n), source, f.typ, studyID, f.participant, time.UnixMicro(f.micros).UTC().Format(time.RFC3339), f.data)
	}
	s.WriteByte(']')
	return []byte(s.String())
}

// definition is the study that the events belong to.
func definition() json.RawMessage {
	return json.RawMessage(`{"id":"chaos","title":"Load for fault injection","design":"pre_post",
 "arms":[{"id":"app","role":"experimental","delivery_type":"peer_delivered_technology","components":["app"]}],
 "components":[{"id":"app","channel":"app"}],"intervention":{"duration_days":84,"period_days":7}}`)
}
