package analyst

import (
	"strings"
)

// Types of events that only the flow of participants looks at.
const (
	typeScreened     = "participant.screened"
	typeConsentGiven = "consent.given"
)

// Registry is what trial staff said of a participant's way through the study, beside the exit.
type Registry struct {
	Screened  bool   `json:"screened,omitempty"`
	Eligible  bool   `json:"eligible,omitempty"` // by the last screening
	Reason    string `json:"reason,omitempty"`   // of the last screening
	Consented bool   `json:"consented,omitempty"`
	Stop      *Stop  `json:"stop,omitempty"` // of the intervention; the first; nil: none
}

// Stop is the end of the intervention for one participant before it was completed.
type Stop struct {
	Day    int    `json:"day"`
	Reason string `json:"reason,omitempty"`
	By     string `json:"by,omitempty"` // who decided
}

// registry reads what only the flow needs. Entries come by time.
func (f *folder) registry() {
	out := &f.record.Registry
	for i := range f.entries {
		e := &f.entries[i]
		switch e.event.Type {
		case typeScreened:
			out.Screened = true
			out.Eligible, _ = e.event.Data.Flag("eligible")
			out.Reason = strings.Clone(e.event.Data.Text("reason")) // rows may lie in one large text
		case typeConsentGiven:
			out.Consented = true
		case typeDiscontinued, typeWithdrew:
			if out.Stop == nil && stopsIntervention(e) {
				out.Stop = f.stopOf(e)
			}
		}
	}
}

// stopsIntervention reports whether the intervention ends with an event while the study goes on.
func stopsIntervention(e *entry) bool {
	scope := e.event.Data.Text("scope")
	return e.event.Type == typeDiscontinued || scope == "stop_intervention" || scope == "stop_intervention_keep_followup"
}

func (f *folder) stopOf(e *entry) *Stop {
	by := e.event.Data.Text("decided_by")
	if by == "" && e.event.Type == typeWithdrew {
		by = "participant"
	}
	return &Stop{Day: f.statusDay(e), Reason: strings.Clone(e.event.Data.Text("reason")), By: strings.Clone(by)}
}
