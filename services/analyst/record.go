package analyst

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// Record is what is known of one participant, whatever the day on which it is read: days are counted from the
// participant's day 0. It holds for every cut-off from From until before Until.
type Record struct {
	Study       string `json:"study"`
	Participant string `json:"participant"`
	Version     int    `json:"version"` // of the definition

	From   time.Time `json:"from"`             // of the last event in it; zero: there is none
	Until  time.Time `json:"until,omitzero"`   // of the first event that a cut-off left out; zero: there is none
	Day0   int       `json:"day0"`             // days since 1970-01-01; only if Assigned
	Zone   string    `json:"zone,omitempty"`   // that dated day 0: an IANA name, or an offset as "-05:00"
	Arm    int       `json:"arm"`              // place in the definition; -1 if not assigned
	Site   string    `json:"site,omitempty"`   // of enrolment
	Peer   string    `json:"peer,omitempty"`   // first assigned
	Strata []string  `json:"strata,omitempty"` // levels in the order of the definition's factors, empty if not known

	Randomised bool `json:"randomised,omitempty"`
	Enrolled   bool `json:"enrolled,omitempty"`
	Started    bool `json:"started,omitempty"` // intervention.started; use is looked for in Uses

	Exit         Exit   `json:"exit"`         // first of death, loss and completion of the study
	Death        int    `json:"death"`        // day; never if none
	Discontinued int    `json:"discontinued"` // by investigator or sponsor: day; never if none
	Completed    int    `json:"completed"`    // the intervention: day; never if not
	Withdrew     int    `json:"withdrew"`     // any scope, or consent: day; never if not
	Pauses       []Span `json:"pauses,omitempty"`
	Uses         []Use  `json:"uses,omitempty"` // qualifying activities in the arm, ascending by component and day

	Registry Registry  `json:"registry"`
	Measures []Measure `json:"measures,omitempty"` // by time
	Doses    []Dosage  `json:"doses,omitempty"`    // ascending by component and period
	Peering  Peering   `json:"peering"`

	Counts Counts `json:"counts"`
}

// ExitKind is how a participant's time in the study ended.
type ExitKind string

// The exits. Who has none is in follow-up.
const (
	ExitNone      ExitKind = ""
	ExitDied      ExitKind = "died"
	ExitWithdrew  ExitKind = "withdrew" // scope stop_all or erase, or consent
	ExitLost      ExitKind = "lost"
	ExitCompleted ExitKind = "completed"
)

// Exit is the first end of a participant's time in the study.
type Exit struct {
	Kind   ExitKind `json:"kind,omitempty"`
	Day    int      `json:"day"` // never if there is none
	Reason string   `json:"reason,omitempty"`
}

// dropout reports whether the exit is a loss to the study.
func (e Exit) dropout() bool { return e.Kind == ExitWithdrew || e.Kind == ExitLost }

// Span is days from First to before End.
type Span struct {
	First, End int
}

func (s Span) has(day int) bool { return day >= s.First && day < s.End }

// Use is the qualifying activities of one component on one day, of one kind.
type Use struct {
	Component int    // place in the definition
	Day       int    // at least 0
	Branches  uint32 // of the rule, under which they qualify
	Count     int
}

// Counts is what the quality of the data is told from.
type Counts struct {
	Events          int `json:"events,omitempty"` // accepted, with a subject, test traffic included
	Tests           int `json:"tests,omitempty"`
	Unassigned      int `json:"unassigned,omitempty"` // use that belongs to no component
	Late1h          int `json:"late_1h,omitempty"`    // received more than so long after they happened
	Late24h         int `json:"late_24h,omitempty"`
	Late7d          int `json:"late_7d,omitempty"`
	AfterWithdrawal int `json:"after_withdrawal,omitempty"`
	LongSessions    int `json:"long_sessions,omitempty"` // over 12 hours
	// Contamination counts qualifying activities by component outside the arm, by place in the definition.
	Contamination map[int]int `json:"contamination,omitempty"`
	// Skew counts events by how far the sender's clock stood off the receiver's, see [SkewBounds].
	Skew    []int `json:"skew,omitempty"`
	Blocked bool  `json:"blocked,omitempty"` // silent since a fault that blocks use
}

// assigned reports whether the participant is in an arm of the definition.
func (r *Record) assigned() bool { return r.Arm != none }

// holds reports whether the record is true at a cut-off.
func (r *Record) holds(cutoff time.Time) bool {
	return !cutoff.Before(r.From) && (r.Until.IsZero() || cutoff.Before(r.Until))
}

// encode returns the record as JSON.
func (r *Record) encode() ([]byte, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("write record: %w", err)
	}
	return b, nil
}

// decodeRecord reads what encode wrote.
func decodeRecord(b []byte) (*Record, error) {
	var r Record
	if err := json.Unmarshal(b, &r); err != nil {
		return nil, fmt.Errorf("read record: %w", err)
	}
	return &r, nil
}

// MarshalJSON writes a use as four numbers.
func (u Use) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, 24)
	for i, n := range [...]int{u.Component, u.Day, int(u.Branches), u.Count} {
		b = strconv.AppendInt(append(b, "[,,,"[i]), int64(n), 10)
	}
	return append(b, ']'), nil
}

// UnmarshalJSON reads four numbers.
func (u *Use) UnmarshalJSON(b []byte) error {
	var four [4]int
	if err := json.Unmarshal(b, &four); err != nil {
		return err
	}
	*u = Use{Component: four[0], Day: four[1], Branches: uint32(four[2]), Count: four[3]}
	return nil
}
