package event

import "slices"

// Code is the stable name of a reason for refusing an event.
type Code string

// The codes of refusal.
const (
	CodeMalformed         Code = "malformed"
	CodeMissingAttribute  Code = "missing_attribute"
	CodeUnknownAttribute  Code = "unknown_attribute"
	CodeUnknownType       Code = "unknown_type"
	CodeUnknownVersion    Code = "unknown_version"
	CodeUnknownProperty   Code = "unknown_property"
	CodeIDReused          Code = "id_reused"
	CodeInvalidValue      Code = "invalid_value"
	CodeInvalidSubject    Code = "invalid_subject"
	CodeInvalidTime       Code = "invalid_time"
	CodeFutureTime        Code = "future_time"
	CodeTooOld            Code = "too_old"
	CodeTooLarge          Code = "too_large"
	CodePersonalData      Code = "personal_data"
	CodeUnknownStudy      Code = "unknown_study"
	CodeUnknownArm        Code = "unknown_arm"
	CodeUnknownComponent  Code = "unknown_component"
	CodeAlreadyRandomised Code = "already_randomised"
	CodeNotInScope        Code = "not_in_scope"
)

// KeepsEvent reports whether quarantine may keep the event itself under this code; of the others only the code, the
// field, the length and a keyed hash are kept, because the event may hold personal data or be another's.
func (c Code) KeepsEvent() bool {
	switch c {
	case CodeMalformed, CodePersonalData, CodeInvalidSubject, CodeNotInScope:
		return false
	}
	return true
}

// Problem is one thing wrong with an event. It never repeats the value at fault.
type Problem struct {
	Code   Code   `json:"code"`
	Field  string `json:"field,omitempty"` // e.g. "time" or "data.active_seconds"
	Detail string `json:"detail"`          // what is wrong and what to do, for people
}

// Error returns the problem as one line for people.
func (p Problem) Error() string { return string(p.Code) + ": " + p.Detail }

// Keepable reports whether quarantine may keep an event that has these problems: each of them has to allow it, not only
// the one that is named.
func Keepable(problems []Problem) bool {
	return !slices.ContainsFunc(problems, func(p Problem) bool { return !p.Code.KeepsEvent() })
}
