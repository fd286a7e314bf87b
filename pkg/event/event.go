// Package event is the vocabulary of Throughline: what intervention apps, trial staff and the randomisation service say.
//
// One [Event] is one CloudEvents 1.0 JSON object of a type in the catalogue. The catalogue is one table in the code:
// which types there are, who may send them, on which stream of the log they travel and what their data may hold.
// [Lookup] and [Types] read it, [Decode] checks events by it, [JSONSchema] writes it down for others.
//
// [Decode] reads and checks one event and tells every [Problem] of it, never repeating a value. [SplitArray] and
// [SplitLines] cut a batch into events. [Event.AppendJSON] writes an event in its one canonical form, which Decode reads
// back to the same event; [Event.Identity] says which event it is for ever, [Event.Content] what it says.
// [EventsSubject] and its like name where it travels. [Apply] corrects one event by another.
//
// No event holds personal data: [PersonalData] looks for it in every text.
//
// Nothing here does I/O but the lookup of time zones ([Zone]). Everything may be used from many goroutines at once. The
// package imports the standard library only.
package event

import "time"

// Event is one thing that happened, as its emitter tells it. The zero value of an optional attribute means absent.
type Event struct {
	ID        string // unique within Source
	Source    string // URI reference of the emitter
	Type      string // a name of the catalogue
	Version   int    // version of the type's schema; 1 where dataschema is absent
	Study     string // study id
	Subject   string // pseudonym of the participant; empty for study-level events
	Time      Instant
	Sent      Instant // when the device sent it; zero if absent; no part of the content
	Timezone  string  // IANA zone of the participant at the time of the event
	Component string
	Channel   Channel
	ActorRole ActorRole // empty means [RoleParticipant]
	Modality  Modality  // empty means [ModalitySensed]

	AppVersion string
	SDKVersion string
	IsTest     bool
	Data       Data
}

// Instant is a point in time, to the microsecond, that remembers whether its text named a place: a numeric offset other
// than -00:00 does, Z does not.
type Instant struct {
	time.Time      // its zone is a fixed offset (UTC where Local is false)
	Local     bool // the text had a numeric offset that names a place
}

// Role returns who acted, with the default filled in.
func (e *Event) Role() ActorRole {
	if e.ActorRole == "" {
		return RoleParticipant
	}
	return e.ActorRole
}

// Mode returns how the event was recorded, with the default filled in.
func (e *Event) Mode() Modality {
	if e.Modality == "" {
		return ModalitySensed
	}
	return e.Modality
}
