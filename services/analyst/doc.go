// Package analyst turns facts into the numbers of a trial: attrition, engagement and its tiers, delivery types across
// studies, and the quality of the data.
//
// It has three layers. The pure core knows no clock and no database: [Derive] folds the rows of one participant into a
// [Record], and the functions of a [Frame] turn records into results. [Run] keeps a table of records up to date for the
// participants that new rows touch. [Reader] answers questions, from that table where it can and from the facts
// otherwise; both ways give the same numbers, because both end in the same functions.
//
//	facts ──Derive──▶ records ──Frame──▶ results
//	          │                  ▲
//	          └─▶ participants ──┘        (Run writes, Reader follows)
//
// A record does not change while time passes: the days up to the cut-off, outages and what is due are worked out when it
// is read. So an hour without events is an hour without work, and a result costs as much as there are participants.
package analyst
