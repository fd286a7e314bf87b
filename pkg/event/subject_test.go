package event_test

import (
	"strings"
	"testing"

	"github.com/throughline-trials/throughline/pkg/event"
)

func TestSubjects(t *testing.T) {
	for got, want := range map[string]string{
		event.EventsSubject("hope-2026", "P_17-a"):           "tl.events.hope-2026.P_17-a",
		event.AllocationSubject("hope-2026", "p-17"):         "tl.allocation.hope-2026.p-17",
		event.StudySubject("hope-2026", "definition"):        "tl.study.hope-2026.definition",
		event.QuarantineSubject("hope-2026", ""):             "tl.quarantine.hope-2026.~",
		event.QuarantineSubject("", ""):                      "tl.quarantine.~.~",
		event.AuditSubject("hope-2026"):                      "tl.audit.hope-2026",
		event.AuditSubject("*"):                              "tl.audit.~",
		event.EventsSubject("hope.x", "p"):                   "tl.events.~.p",
		event.EventsSubject("*", ">"):                        "tl.events.~.~",
		event.EventsSubject("hope", "p.>"):                   "tl.events.hope.~",
		event.EventsSubject("hope", "p q"):                   "tl.events.hope.~",
		event.EventsSubject("hope", "~"):                     "tl.events.hope.~",
		event.EventsSubject("hope", "p\r\nPUB x 0"):          "tl.events.hope.~",
		event.EventsSubject("hope", strings.Repeat("p", 65)): "tl.events.hope.~",
		event.StudySubject("hope", "a.b"):                    "tl.study.hope.~",
		event.StudySubject("hope", ""):                       "tl.study.hope.~",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestParseSubject(t *testing.T) {
	for subject, want := range map[string][3]string{
		"tl.events.hope-2026.P_17-a":   {"events", "hope-2026", "P_17-a"},
		"tl.events.~.~":                {"events", "", ""},
		"tl.allocation.hope.p":         {"allocation", "hope", "p"},
		"tl.quarantine.hope.~":         {"quarantine", "hope", ""},
		"tl.study.hope.definition":     {"study", "hope", "definition"},
		"tl.audit.hope":                {"audit", "hope", ""},
		"tl.audit.~":                   {"audit", "", ""},
		"":                             {},
		"tl":                           {},
		"tl.events":                    {},
		"tl.events.hope":               {},
		"tl.events.hope.":              {},
		"tl.events.hope.p.q":           {},
		"tl.events..p":                 {},
		"tl.events.hope.*":             {},
		"tl.events.hope.>":             {},
		"tl.events.*.p":                {},
		"tl.events.Hope.p":             {},
		"tl.study.hope.Definition":     {},
		"tl.audit.hope.p":              {},
		"tl.audit.hope.":               {},
		"tl.audit":                     {},
		"tl.other.hope.p":              {},
		"xx.events.hope.p":             {},
		"tl.events.hope.p\n":           {},
		"$JS.API.STREAM.DELETE.EVENTS": {},
		"tl.events.hope.~~":            {},
		strings.Repeat("tl.", 100):     {},
	} {
		kind, study, rest, ok := event.ParseSubject(subject)
		if got := [3]string{kind, study, rest}; got != want || ok != (want[0] != "") {
			t.Errorf("ParseSubject(%q) = %q, %v; want %q", subject, got, ok, want)
		}
	}
}

// TestStudyToken gives every type of the studies stream its own subject.
func TestStudyToken(t *testing.T) {
	seen := map[string]bool{}
	for _, kind := range event.Types() {
		token := event.StudyToken(kind.Name)
		if onStudies := kind.StudyLevel || kind.SubjectOptional; onStudies != (token != "") || seen[token] && token != "" {
			t.Errorf("%s has token %q", kind.Name, token)
		}
		seen[token] = true
	}
}

func TestValid(t *testing.T) {
	for _, c := range []struct {
		s                    string
		study, subject, name bool
	}{
		{"hope-2026", true, true, true}, {"a", false, true, true}, {"0a", true, true, true}, {"", false, false, false},
		{"-a", false, true, false}, {"_a", false, true, false}, {"A1", false, true, true}, {"a.b", false, false, false},
		{"a b", false, false, false}, {"ä", false, false, false}, {"a_b", false, true, true}, {"~", false, false, false},
		{strings.Repeat("a", 63), true, true, true}, {strings.Repeat("a", 64), false, true, true}, {strings.Repeat("a", 65), false, false, false},
	} {
		if event.ValidStudy(c.s) != c.study || event.ValidSubject(c.s) != c.subject || event.ValidName(c.s) != c.name {
			t.Errorf("%q: got %v, %v, %v", c.s, event.ValidStudy(c.s), event.ValidSubject(c.s), event.ValidName(c.s))
		}
	}
}
