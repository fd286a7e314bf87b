// Package stats holds the statistics of a trial: survival curves and their
// tests, proportions with clusters, pooled estimates across studies, effect
// sizes and attrition standards. It is pure: no input, no output, no clock, no
// shared state, so every function may be called from any goroutine.
//
// # Conventions
//
//   - Times are days from a participant's day 0, at least 0 and finite.
//   - Proportions are fractions in [0, 1], never percent, but where a name says
//     percent.
//   - Every interval is two-sided at 95 %, with z = [Z].
//   - Contrasts are arm less reference; the first arm (index 0) is the reference.
//   - What cannot be computed is a [Value] without a number and with a [Reason].
//     No function returns NaN or an infinity, and none panics on bad data: data
//     that break the contract give [ReasonInvalid].
//   - The order of the input changes no result, not even its last bit: sums run
//     over tables of counts or over sorted copies. No input is modified.
//
// Each function names the formula and its source. The survival functions give
// the same numbers as R's survival package, which the tests check where R is
// installed.
package stats
