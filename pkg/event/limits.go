package event

import "time"

// The limits of what is taken in.
const (
	MaxEventBytes  = 32 << 10 // one event as sent
	MaxBatchEvents = 500      // events of a batch
	MaxWireBytes   = 1 << 20  // a batch before decompression
	MaxBodyBytes   = 8 << 20  // a batch after decompression

	MaxText           = 128  // characters of a string value
	MaxDefinitionText = 1000 // characters of a text of a study definition
	MaxAhead          = 24 * time.Hour
)

const (
	maxDepth    = 32  // nested values of an event
	maxWords    = 16  // words of a string value; more is free text
	maxMembers  = 64  // entries of a map
	maxNumber   = 1e9 // magnitude of a number
	maxProblems = 100 // problems told of one event

	earliestYear, latestYear = 1900, 2200 // of any instant: what every store can hold
)

// earliest is the first instant that the time of an event may have.
var earliest = time.Date(1990, time.January, 1, 0, 0, 0, 0, time.UTC)
