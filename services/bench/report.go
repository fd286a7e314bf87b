package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"runtime"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// Unit is what a figure counts.
type Unit string

// The units.
const (
	EventsPerSecond Unit = "events/s"
	Milliseconds    Unit = "ms"
	Seconds         Unit = "s"
	Megabytes       Unit = "MB" // of 1,000,000 bytes
)

// Figure is one thing that was measured.
type Figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  Unit    `json:"unit"`
	P50   float64 `json:"p50_ms,omitempty"` // of what the figure consists of, where that is more than one thing
	P99   float64 `json:"p99_ms,omitempty"`
	Limit *Limit  `json:"limit,omitempty"`
	Bound *Bound  `json:"bound,omitempty"`
	Note  string  `json:"note,omitempty"`
}

// Limit is the slowest part of what was measured, alone, in the same run.
type Limit struct {
	Of    string  `json:"of"`
	Value float64 `json:"value"`
	Share float64 `json:"share_percent"` // of the limit that was reached
}

// Bound is what a figure must keep.
type Bound struct {
	AtLeast float64 `json:"at_least,omitempty"`
	Below   float64 `json:"below,omitempty"`
	Met     bool    `json:"met"`
}

// Report is what a run measured.
type Report struct {
	Processors   int       `json:"processors"`
	Started      time.Time `json:"started"`
	Base         int       `json:"base_events"`
	Participants int       `json:"participants"`
	Figures      []Figure  `json:"figures"`
}

func newReport(s Scale) *Report {
	return &Report{Processors: runtime.NumCPU(), Started: time.Now().UTC().Truncate(time.Second), Base: s.Base, Participants: s.Participants}
}

// add enters a figure and returns it; the pointer is good until the next call.
func (r *Report) add(f Figure) *Figure {
	r.Figures = append(r.Figures, f)
	return &r.Figures[len(r.Figures)-1]
}

// Find returns the figure of a name.
func (r *Report) Find(name string) (Figure, bool) {
	for _, f := range r.Figures {
		if f.Name == name {
			return f, true
		}
	}
	return Figure{}, false
}

// limited names the slowest of the parts, which were measured before, as the limit of a figure.
func (r *Report) limited(f *Figure, parts ...string) {
	slowest := math.Inf(1)
	var of string
	for _, name := range parts {
		if part, ok := r.Find(name); ok && part.Value < slowest {
			slowest, of = part.Value, name
		}
	}
	if of != "" && slowest > 0 {
		f.Limit = &Limit{Of: of, Value: slowest, Share: 100 * f.Value / slowest}
	}
}

func (f *Figure) atLeast(least float64) { f.Bound = &Bound{AtLeast: least, Met: f.Value >= least} }
func (f *Figure) below(bound float64)   { f.Bound = &Bound{Below: bound, Met: f.Value < bound} }

// OK reports whether every bound was kept.
func (r *Report) OK() bool {
	for _, f := range r.Figures {
		if f.Bound != nil && !f.Bound.Met {
			return false
		}
	}
	return true
}

// WriteJSON writes the report as one JSON value.
func (r *Report) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// WriteTable writes the report for people.
func (r *Report) WriteTable(out io.Writer) error {
	fmt.Fprintf(out, "%d processors, %s events and %s participants before the whole was measured\n\n", r.Processors, grouped(float64(r.Base)), grouped(float64(r.Participants)))
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "FIGURE\tMEASURED\tP50\tP99\tLIMIT OF ITS PARTS ALONE\tSHARE\tBOUND\t")
	for _, f := range r.Figures {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", f.Name, amount(f.Value, f.Unit), millis(f.P50), millis(f.P99), f.limit(), f.share(), f.bound())
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, f := range r.Figures {
		if f.Note != "" {
			fmt.Fprintf(out, "%s: %s\n", f.Name, f.Note)
		}
	}
	return nil
}

func (f *Figure) limit() string {
	if f.Limit == nil {
		return ""
	}
	return fmt.Sprintf("%s (%s)", amount(f.Limit.Value, f.Unit), f.Limit.Of)
}

func (f *Figure) share() string {
	if f.Limit == nil {
		return ""
	}
	return fmt.Sprintf("%.0f %%", f.Limit.Share)
}

func (f *Figure) bound() string {
	if f.Bound == nil {
		return ""
	}
	said := "kept"
	if !f.Bound.Met {
		said = "MISSED"
	}
	if f.Bound.AtLeast > 0 {
		return fmt.Sprintf(">= %s %s", amount(f.Bound.AtLeast, f.Unit), said)
	}
	return fmt.Sprintf("< %s %s", amount(f.Bound.Below, f.Unit), said)
}

func amount(v float64, u Unit) string {
	if u == Seconds {
		return strconv.FormatFloat(v, 'f', 2, 64) + " s"
	}
	return grouped(v) + " " + string(u)
}

func millis(v float64) string {
	if v == 0 {
		return ""
	}
	return strconv.FormatFloat(v, 'f', 1, 64) + " ms"
}

// grouped writes a number without fraction, with commas between thousands.
func grouped(v float64) string {
	s := strconv.FormatFloat(v, 'f', 0, 64)
	var b strings.Builder
	for i, c := range s {
		if i > 0 && (len(s)-i)%3 == 0 && s[i-1] != '-' {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	return b.String()
}
