package importer

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/throughline-trials/throughline/pkg/event"
)

// History tells what the log already holds of the events that a file makes. What was acknowledged before Records is
// called must be in the answer.
type History interface {
	Records(ctx context.Context, q HistoryQuery) (Records, error)
}

// HistoryQuery asks for events by identity (study, source, id). An importer asks for at most [MaxHistoryKeys] at a time.
type HistoryQuery struct {
	Study  string       `json:"study"`
	Source string       `json:"source"`
	Keys   []HistoryKey `json:"keys"`
}

// HistoryKey is one id, with the participant that its event is of.
type HistoryKey struct {
	Subject string `json:"subject"`
	ID      string `json:"id"`
}

// MaxHistoryKeys is the most keys of one query.
const MaxHistoryKeys = 1000

// Records is what the log holds, by id; ids that it does not know are absent.
type Records map[string]Record

// Record is one event as it was first stored, and all that was said about it since: the events event.corrected and
// event.voided that target it, and those that target one of these, in the order of the log.
type Record struct {
	Event   event.Event   `json:"event"`
	Changes []event.Event `json:"changes,omitempty"`
}

// Collector gathers the records of a query from the stored events of its participants. Whoever serves a [History] from
// facts adds every distinct accepted event of the query's subjects, in the order of the log.
type Collector struct {
	wanted  map[string]string // id to subject
	query   HistoryQuery
	found   map[string]event.Event
	changes []event.Event
}

// Collect begins the gathering for a query.
func Collect(q HistoryQuery) *Collector {
	c := &Collector{query: q, wanted: map[string]string{}, found: map[string]event.Event{}}
	for _, key := range q.Keys {
		c.wanted[key.ID] = key.Subject
	}
	return c
}

// Add looks at one stored event.
func (c *Collector) Add(e *event.Event) {
	switch {
	case e.Study != c.query.Study:
	case e.Type == event.TypeVoided || e.Type == event.TypeCorrected:
		c.changes = append(c.changes, *e)
	case e.Source == c.query.Source:
		if _, ok := c.wanted[e.ID]; ok {
			c.found[e.ID] = *e
		}
	}
}

// Records returns what was gathered.
func (c *Collector) Records() Records {
	records := make(Records, len(c.found))
	type identity struct{ source, id string }
	root := make(map[identity]string, len(c.found)) // of every event and change to the event that it is about
	for id, e := range c.found {
		records[id] = Record{Event: e}
		root[identity{e.Source, id}] = id
	}
	for grown := true; grown; { // a change can stand in the log before what it is about
		grown = false
		for i := range c.changes {
			change := &c.changes[i]
			id, ok := root[identity{change.Data.Text("target_source"), change.Data.Text("target_id")}]
			if _, known := root[identity{change.Source, change.ID}]; ok && !known {
				root[identity{change.Source, change.ID}] = id
				grown = true
			}
		}
	}
	for _, change := range c.changes {
		if id, ok := root[identity{change.Source, change.ID}]; ok {
			record := records[id]
			record.Changes = append(record.Changes, change)
			records[id] = record
		}
	}
	return records
}

// standing is what the importer itself has said of one event so far. What others said about it is left to stand: a file
// is only told anew where it changed.
type standing struct {
	original   event.Event
	now        event.Event  // as last corrected by the importer
	correction *event.Event // the importer's last one, nil if none
	void       string       // id of the importer's void that stands, empty if none
	changes    int          // number of the last change
}

// stand folds a record.
func stand(record *Record) standing {
	s := standing{original: record.Event, now: record.Event}
	for _, own := range ownChanges(record) {
		s.changes = own.number
		target := own.event.Data.Text("target_id")
		switch {
		case own.event.Type == event.TypeCorrected && target == s.original.ID:
			if corrected, problems := event.Apply(s.original, own.event); len(problems) == 0 {
				s.now, s.correction = corrected, &own.event
			}
		case own.event.Type == event.TypeVoided && target == s.original.ID:
			s.void = own.event.ID
		case own.event.Type == event.TypeVoided && target == s.void:
			s.void = ""
		}
	}
	return s
}

type numbered struct {
	number int
	event  event.Event
}

// ownChanges returns the changes that importers made, by number.
func ownChanges(record *Record) []numbered {
	var own []numbered
	for _, change := range record.Changes {
		suffix, ok := strings.CutPrefix(change.ID, record.Event.ID+"/")
		if n, err := strconv.Atoi(suffix); ok && err == nil && n > 0 && change.Source == record.Event.Source {
			own = append(own, numbered{n, change})
		}
	}
	slices.SortStableFunc(own, func(a, b numbered) int { return cmp.Compare(a.number, b.number) })
	return own
}
