package simulate

import (
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
)

// Study is one simulated study: its definition, and on demand the events of everyone in it. It is safe for concurrent use.
type Study struct {
	ID           string
	Title        string
	Design       string
	DeliveryType event.DeliveryType // of the first experimental arm
	Tier         string             // the engagement tier that is meant: high, medium, low or not_reported
	Running      bool               // events go on after the anchor
	Definition   []byte             // the study definition, compact JSON

	seed   uint64
	anchor time.Time
	roster *roster
}

// newStudy plans a study. The anchor is a midnight UTC: what arrives before it is history.
func newStudy(b *blueprint, seed uint64, anchor time.Time) (Study, error) {
	definition, err := b.definition()
	if err != nil {
		return Study{}, err
	}
	r, err := plan(b, seed, dateOf(anchor.UTC()))
	if err != nil {
		return Study{}, err
	}
	s := Study{
		ID: b.id, Title: b.title, Design: b.design, Tier: b.tier, Running: b.running(), Definition: definition,
		seed: seed, anchor: anchor, roster: r,
	}
	for _, arm := range b.arms {
		if s.DeliveryType == "" || arm.role == "experimental" {
			s.DeliveryType = arm.delivery
		}
		if arm.role == "experimental" {
			break
		}
	}
	return s, nil
}

// Anchor returns the day that [Portfolio] builds its history up to: midnight UTC before now.
func Anchor(now time.Time) time.Time { return now.UTC().Truncate(24 * time.Hour) }

// Published returns the event that publishes the definition. Its id tells the seed and the anchor ([Recall]).
func (s *Study) Published() event.Event {
	at := (s.roster.first - 45).at(time.UTC, 9*60, 0)
	return event.Event{
		ID:     fmt.Sprintf("definition-%d-%s", s.seed, s.anchor.Format(time.DateOnly)),
		Source: s.roster.study.source + "protocol", Type: event.TypeDefinition, Version: 1, Study: s.ID,
		Time: instant(at, time.UTC), Modality: event.ModalityImported,
		Data: event.Data{{Name: event.DefinitionAttribute, Value: event.Value{Kind: event.KindObject, Object: s.Definition}}},
	}
}

// Recall returns the seed and the anchor that a published definition of a simulated study was made with, so that the same
// history can be made again on a later day; ok is false for any other event.
func Recall(published event.Event) (seed uint64, anchor time.Time, ok bool) {
	rest, ok := strings.CutPrefix(published.ID, "definition-")
	if !ok || published.Type != event.TypeDefinition {
		return 0, time.Time{}, false
	}
	number, day, _ := strings.Cut(rest, "-")
	seed, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return 0, time.Time{}, false
	}
	anchor, err = time.Parse(time.DateOnly, day)
	return seed, anchor, err == nil
}

// Subjects returns how many subjects the study has: everyone who was screened, and a tester; those of a running study
// who come in the future are among them.
func (s *Study) Subjects() int { return len(s.roster.people) + len(s.roster.others) }

// Participants returns how many have come into an arm, or into a study of one arm, by a time.
func (s *Study) Participants(by time.Time) int {
	n := 0
	for _, p := range s.roster.people {
		if !p.day0.at(p.zone, 0, 0).After(by) {
			n++
		}
	}
	return n
}

// Subject returns the events of one subject that arrive after one time and not after another, in the order of arrival.
func (s *Study) Subject(i int, after, until time.Time) []event.Event {
	return between(s.roster.subject(i), after, until)
}

// Common returns the events without a subject, but for the definition, that arrive in the same range.
func (s *Study) Common(after, until time.Time) []event.Event {
	return between(s.roster.studyEvents(), after, until)
}

// Events returns the study's events up to a time: the definition, what concerns the whole study, then subject by subject.
// Only one subject's events are held at once.
func (s *Study) Events(until time.Time) iter.Seq[event.Event] {
	return func(yield func(event.Event) bool) {
		if !yield(s.Published()) {
			return
		}
		for _, e := range s.Common(time.Time{}, until) {
			if !yield(e) {
				return
			}
		}
		for i := range s.Subjects() {
			for _, e := range s.Subject(i, time.Time{}, until) {
				if !yield(e) {
					return
				}
			}
		}
	}
}

// Last returns the event that [Load] sends last of the study's history: once it is there, all of it is. It is one that is
// not sent twice.
func (s *Study) Last() event.Event {
	for i := s.Subjects() - 1; i >= 0; i-- {
		entries := s.roster.subject(i)
		copies := map[string]int{}
		for _, e := range entries {
			copies[e.event.Source+" "+e.event.ID]++
		}
		for _, e := range slices.Backward(entries) {
			if !e.arrives.After(s.anchor) && copies[e.event.Source+" "+e.event.ID] == 1 {
				return e.event
			}
		}
	}
	return s.Published()
}

func between(entries []entry, after, until time.Time) []event.Event {
	var events []event.Event
	for i := range entries {
		if e := &entries[i]; e.arrives.After(after) && !e.arrives.After(until) {
			events = append(events, e.event)
		}
	}
	return events
}

// subject writes the record of one subject, participants first.
func (r *roster) subject(i int) []entry {
	if i >= len(r.people) {
		o := r.others[i-len(r.people)]
		d := newDiary(r, o.subject, o.zone)
		d.writeOther(o)
		return d.finish()
	}
	p := *r.people[i]
	d := newDiary(r, p.subject, p.zone)
	d.who = &p
	d.enter()
	d.assignPeer()
	d.use()
	d.lastModules()
	d.stray()
	d.assess()
	d.safety()
	d.status()
	return d.finish()
}

// name returns the pseudonym of a subject.
func (r *roster) name(i int) string {
	if i < len(r.people) {
		return r.people[i].subject
	}
	return r.others[i-len(r.people)].subject
}
