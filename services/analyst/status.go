package analyst

import (
	"strings"
	"time"
)

// statuses reads what the registry says. Entries come by time.
func (f *folder) statuses() {
	var exit time.Time
	for i := range f.entries {
		e := &f.entries[i]
		f.status(e)
		if kind := exitOf(e); kind != ExitNone {
			f.exit(e, kind, &exit)
		}
	}
	f.pauses()
}

func (f *folder) status(e *entry) {
	r := f.record
	switch e.event.Type {
	case typeDied:
		r.Death = min(r.Death, f.statusDay(e))
	case typeWithdrew, typeConsentEnded:
		if f.stop.IsZero() {
			f.stop, r.Withdrew = e.event.Time.Time, f.statusDay(e)
		}
	case typeDiscontinued:
		if by := e.event.Data.Text("decided_by"); by == "investigator" || by == "sponsor" {
			r.Discontinued = min(r.Discontinued, f.statusDay(e))
		}
	case typeStarted:
		r.Started = true
	case typeCompleted:
		r.Completed = min(r.Completed, f.statusDay(e))
	case typePeerAssigned:
		if r.Peer == "" {
			r.Peer = strings.Clone(e.event.Data.Text("peer")) // rows may lie in one large text
		}
	}
}

// exitOf returns which end of the time in the study an event is.
func exitOf(e *entry) ExitKind {
	switch e.event.Type {
	case typeDied:
		return ExitDied
	case typeConsentEnded:
		return ExitWithdrew
	case typeWithdrew:
		if scope := e.event.Data.Text("scope"); scope == "stop_all" || scope == "erase" {
			return ExitWithdrew
		}
	case typeLost:
		return ExitLost
	case typeStudyCompleted:
		return ExitCompleted
	}
	return ExitNone
}

// exitReason returns why, in the words of the registry; a withdrawal of consent has none.
func exitReason(e *entry) string {
	if e.event.Type == typeConsentEnded {
		return "consent_withdrawn"
	}
	return strings.Clone(e.event.Data.Text("reason"))
}

// rank orders exits at the same time.
func (k ExitKind) rank() int {
	switch k {
	case ExitDied:
		return 0
	case ExitWithdrew:
		return 1
	case ExitLost:
		return 2
	}
	return 3
}

// exit keeps the first exit; at is its time.
func (f *folder) exit(e *entry, kind ExitKind, at *time.Time) {
	have := &f.record.Exit
	if have.Kind == ExitNone || e.event.Time.Equal(*at) && kind.rank() < have.Kind.rank() {
		*have, *at = Exit{kind, f.statusDay(e), exitReason(e)}, e.event.Time.Time
	}
}

// pauses reads the pauses: from the day of paused to the day before resumed, else through the day of withdrawal or death.
func (f *folder) pauses() {
	var open *entry
	for i := range f.entries {
		e := &f.entries[i]
		switch {
		case e.event.Type == typePaused && open == nil:
			open = e
		case e.event.Type == typeResumed && open != nil:
			f.pause(f.day(open), f.day(e))
			open = nil
		}
	}
	if open != nil && (f.stop.IsZero() || !open.event.Time.After(f.stop)) {
		f.pause(f.day(open), min(never, f.record.Withdrew+1, f.record.Death+1))
	}
}

func (f *folder) pause(first, end int) {
	if first < end && end > 0 {
		f.record.Pauses = append(f.record.Pauses, Span{max(0, first), end})
	}
}
