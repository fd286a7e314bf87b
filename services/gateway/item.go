package gateway

import (
	"github.com/throughline-trials/throughline/pkg/event"
	tlog "github.com/throughline-trials/throughline/services/log"
	"github.com/throughline-trials/throughline/services/study"
)

// maxProblems is how many problems of one event are told.
const maxProblems = 20

// outcome is what became of one event of a request.
type outcome uint8

const (
	pending outcome = iota
	accepted
	duplicated
	refused
)

// item is one event of a request on its way.
type item struct {
	index    int
	raw      []byte // as sent
	event    event.Event
	typ      *event.Type // nil if the catalogue has none of that name
	identity event.Identity
	content  event.Digest
	named    bool // the identity is known
	claimed  bool // the identity is claimed for this request
	outcome  outcome
	version  uint64          // sequence of the definition that the event was checked against
	problems []event.Problem // of a refused event; the first is the one it is refused for
	dropped  bool            // the quarantine had no room left
}

// refuse marks an item refused for the first of some problems; once refused, an item stays so.
func (it *item) refuse(problems ...event.Problem) {
	if it.outcome == refused || len(problems) == 0 {
		return
	}
	it.outcome = refused
	it.problems = problems
}

func (it *item) refuseFor(code event.Code, field, detail string) {
	it.refuse(event.Problem{Code: code, Field: field, Detail: detail})
}

// code returns why a refused item is refused.
func (it *item) code() event.Code { return it.problems[0].Code }

// mayKeep reports whether the quarantine may hold the event itself: none of its problems may forbid it.
func (it *item) mayKeep() bool {
	for _, p := range it.problems {
		if !p.Code.KeepsEvent() {
			return false
		}
	}
	return true
}

// fromStudy turns the faults of a definition into problems of the event that carries it.
func fromStudy(faults study.Problems) []event.Problem {
	problems := make([]event.Problem, 0, len(faults))
	for _, f := range faults {
		field := "data"
		if f.Field != "" {
			field += "." + f.Field
		}
		problems = append(problems, event.Problem{Code: event.CodeInvalidValue, Field: field, Detail: f.String()})
	}
	return problems
}

// Result is what became of the events of one request.
type Result struct {
	Accepted   int           `json:"accepted"`   // the log has them on disk
	Duplicates int           `json:"duplicates"` // it had them before, as far as the gateway remembers
	Rejected   []Rejection   `json:"rejected"`   // by index
	Position   tlog.Position `json:"-"`          // of what was written
}

// Rejection is why one event was refused.
type Rejection struct {
	Index    int             `json:"index"` // of the event in the request, from 0
	ID       string          `json:"id"`    // of the event; empty if it cannot be read or must not be repeated
	Code     event.Code      `json:"code"`
	Field    string          `json:"field,omitempty"`
	Detail   string          `json:"detail"`
	Problems []event.Problem `json:"problems,omitempty"` // all of them, if there are several
	Kept     *bool           `json:"kept,omitempty"`     // false if the quarantine had no room for it
}

// rejection tells a refused item.
func (it *item) rejection() Rejection {
	first := it.problems[0]
	r := Rejection{Index: it.index, ID: it.tellableID(), Code: first.Code, Field: first.Field, Detail: first.Detail}
	if len(it.problems) > 1 {
		r.Problems = it.problems[:min(len(it.problems), maxProblems)]
	}
	if it.dropped {
		kept := false
		r.Kept = &kept
	}
	return r
}

// tellableID returns the event's id unless something is wrong with its text.
func (it *item) tellableID() string {
	for _, p := range it.problems {
		if p.Field == "id" && p.Code != event.CodeIDReused {
			return ""
		}
	}
	return it.event.ID
}

// result sums up the items of a request.
func result(items []item, at tlog.Position) Result {
	r := Result{Rejected: []Rejection{}, Position: at}
	for i := range items {
		switch items[i].outcome {
		case accepted:
			r.Accepted++
		case duplicated:
			r.Duplicates++
		case refused:
			r.Rejected = append(r.Rejected, items[i].rejection())
		}
	}
	return r
}
