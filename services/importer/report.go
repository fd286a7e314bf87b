package importer

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// Report is what an import did, or would do.
type Report struct {
	Mapping string `json:"mapping"`
	Study   string `json:"study"`
	DryRun  bool   `json:"dry_run"`
	Rows    int    `json:"rows"`    // with content, the names of the columns left out
	Skipped int    `json:"skipped"` // rows that the mapping leaves out
	Blank   int    `json:"blank"`   // rows without any content
	Counts
	Events          []EventCounts `json:"events"` // by event of the mapping, in its order
	Refusals        []Refusal     `json:"refusals"`
	RefusalsOmitted int           `json:"refusals_omitted,omitempty"` // beyond the first 1,000
	Position        string        `json:"position,omitempty"`         // in the log, of the last that was written
}

// Counts is what became of the events. Refused counts refused rows too, which make no event.
type Counts struct {
	New       int `json:"new"`
	Unchanged int `json:"unchanged"`
	Corrected int `json:"corrected"`
	Voided    int `json:"voided"`
	Restored  int `json:"restored"`
	Refused   int `json:"refused"`
}

// EventCounts is the counts of one event of the mapping.
type EventCounts struct {
	Event string `json:"event"`
	Type  string `json:"type"`
	Counts
}

// Refusal is why one event, or one whole row, was refused. It never holds what a cell holds.
type Refusal struct {
	Row    int    `json:"row"`  // as a spreadsheet counts: the names of the columns are row 1
	Line   int    `json:"line"` // of the file
	Column string `json:"column,omitempty"`
	Event  string `json:"event,omitempty"` // name in the mapping; empty if the whole row is refused
	Code   string `json:"code"`
	Reason string `json:"reason"`
}

const maxRefusals = 1000

func (c *Counts) count(a Action, n int) {
	switch a {
	case ActionNew:
		c.New += n
	case ActionUnchanged:
		c.Unchanged += n
	case ActionCorrected:
		c.Corrected += n
	case ActionVoided:
		c.Voided += n
	case ActionRestored:
		c.Restored += n
	case ActionRefused:
		c.Refused += n
	}
}

// Changes returns how many events were sent, or would be.
func (c Counts) Changes() int { return c.New + c.Corrected + c.Voided + c.Restored }

func newReport(m *Mapping, study string, dryRun bool) *Report {
	r := &Report{Mapping: m.ID, Study: study, DryRun: dryRun, Refusals: []Refusal{}}
	for _, e := range m.Events {
		r.Events = append(r.Events, EventCounts{Event: e.Name, Type: e.Type.Name})
	}
	return r
}

func (r *Report) count(name string, a Action, n int) {
	r.Counts.count(a, n)
	for i := range r.Events {
		if r.Events[i].Event == name {
			r.Events[i].count(a, n)
		}
	}
}

func (r *Report) refuse(refusal Refusal) {
	r.count(refusal.Event, ActionRefused, 1)
	if len(r.Refusals) < maxRefusals {
		r.Refusals = append(r.Refusals, refusal)
	} else {
		r.RefusalsOmitted++
	}
}

// String writes the refusal on one line.
func (r Refusal) String() string {
	place := []string{fmt.Sprintf("row %d", r.Row)}
	if r.Column != "" {
		place = append(place, "column "+r.Column)
	}
	if r.Event != "" {
		place = append(place, "event "+r.Event)
	}
	return strings.Join(place, ", ") + ": " + r.Reason
}

// String writes the report for people, ending in a newline.
func (r *Report) String() string {
	var b strings.Builder
	what := "read"
	if r.DryRun {
		what = "read, nothing sent (dry run)"
	}
	fmt.Fprintf(&b, "%s into %s: %d rows %s\n", r.Mapping, r.Study, r.Rows, what)
	if r.Skipped > 0 || r.Blank > 0 {
		fmt.Fprintf(&b, "%d rows left out by the mapping, %d blank\n", r.Skipped, r.Blank)
	}
	b.WriteString("\n")
	w := tabwriter.NewWriter(&b, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "new\tunchanged\tcorrected\tvoided\trestored\trefused\t event")
	for _, e := range r.Events {
		e.write(w, e.Event+" ("+e.Type+")")
	}
	r.write(w, "all")
	_ = w.Flush() // a strings.Builder takes everything
	r.writeRefusals(&b)
	return b.String()
}

func (c Counts) write(w *tabwriter.Writer, name string) {
	fmt.Fprintf(w, "%d\t%d\t%d\t%d\t%d\t%d\t %s\n", c.New, c.Unchanged, c.Corrected, c.Voided, c.Restored, c.Refused, name)
}

func (r *Report) writeRefusals(b *strings.Builder) {
	if len(r.Refusals) == 0 {
		return
	}
	b.WriteString("\nrefused:\n")
	for _, refusal := range r.Refusals {
		b.WriteString("  " + refusal.String() + "\n")
	}
	if r.RefusalsOmitted > 0 {
		fmt.Fprintf(b, "  and %d more\n", r.RefusalsOmitted)
	}
}
