package store

import (
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
)

// The fact tables, one per stream of the log, named as the streams are.
const (
	TableEvents      = "events"
	TableAllocations = "allocations"
	TableStudies     = "studies"
	TableQuarantine  = "quarantine"
)

// Tables returns the fact tables.
func Tables() []string {
	return []string{TableEvents, TableAllocations, TableStudies, TableQuarantine}
}

// Kind says what a row stands for.
type Kind uint8

// The kinds. Only rows of KindEvent count; the others are markers, so that every message of the log leaves a row.
const (
	KindEvent     Kind = 1 // the first event of its identity
	KindDuplicate Kind = 2 // the same event once more
	KindRefused   Kind = 3 // an event that was refused: Code says why
	KindEmpty     Kind = 4 // a message that holds nothing
)

// String returns the kind as the database names it.
func (k Kind) String() string {
	switch k {
	case KindEvent:
		return "event"
	case KindDuplicate:
		return "duplicate"
	case KindRefused:
		return "refused"
	case KindEmpty:
		return "empty"
	}
	return ""
}

// Row is one row of a fact table: one line of one message of the log. A lean reading leaves Code, Field, Detail, Content,
// Length, Credential and Created empty, and of the event ID, Version, AppVersion and SDKVersion.
type Row struct {
	Table string // on reading only

	Seq   uint64 // sequence of the message in its stream
	Index uint32 // of the line in the message, from 0
	Kind  Kind

	Code   event.Code // KindRefused: why
	Field  string     // KindRefused: the field at fault
	Detail string     // KindRefused: what is wrong with it, without the value

	Identity event.Identity // zero where unknown
	Content  event.Digest   // zero where the row has no event of its own
	Event    event.Event    // as far as known; Sent without its offset; of a duplicate only Study, Subject and Type
	Length   int            // KindRefused in quarantine: bytes of the event as sent

	Credential string
	Received   time.Time // the log's timestamp, made non-decreasing in Seq
	Offset     *int16    // minutes east of UTC that decide the local day; nil where site or study decides
	Created    time.Time // when the stream was made
}
