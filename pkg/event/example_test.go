package event_test

import (
	"fmt"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
)

var received = time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)

func ExampleDecode() {
	e, problems := event.Decode([]byte(`{
		"specversion": "1.0", "id": "e-1", "source": "/apps/hope/android", "type": "session.ended",
		"study": "hope-2026", "subject": "p-17", "time": "2026-11-23T06:30:00-05:00",
		"data": {"active_seconds": 312}}`), received)
	seconds, _ := e.Data.Number("active_seconds")
	fmt.Println(e.Type, e.Subject, e.Time, seconds, len(problems))
	// Output: session.ended p-17 2026-11-23T06:30:00-05:00 312 0
}

func ExampleDecode_problems() {
	_, problems := event.Decode([]byte(`{
		"specversion": "1.0", "id": "e-1", "source": "/apps/hope/android", "type": "session.ended",
		"study": "hope-2026", "subject": "jane@example.org", "time": "2026-11-23T06:30:00-05:00", "arm": "peer-app",
		"data": {"active_seconds": -1}}`), received)
	for _, p := range problems {
		fmt.Println(p)
	}
	fmt.Println("may be kept:", event.Keepable(problems))
	// Output:
	// personal_data: subject holds an e-mail address; never send it
	// invalid_subject: subject is not a pseudonym; write 1 to 64 letters, digits, _ and -
	// invalid_value: data.active_seconds is outside 0 to 1000000000
	// unknown_attribute: arm does not belong on an event: apps do not know the study arm; take it out
	// may be kept: false
}

func ExampleEvent_AppendJSON() {
	e := event.Event{
		ID: "e-1", Source: "/registry", Type: "participant.withdrew", Version: 1, Study: "hope-2026", Subject: "p-17",
		Time: event.At(received),
		Data: event.Data{{Name: "scope", Value: event.Value{Kind: event.KindString, Str: "stop_all"}}},
	}
	fmt.Println(string(e.AppendJSON(nil)))
	// Output: {"specversion":"1.0","id":"e-1","source":"/registry","type":"participant.withdrew","subject":"p-17","time":"2026-11-23T12:00:00Z","study":"hope-2026","data":{"scope":"stop_all"}}
}

func ExampleSplitArray() {
	elements, err := event.SplitArray([]byte(`[{"id": "e-1"}, {"id": "e-2"}]`))
	fmt.Printf("%s %v\n", elements, err)
	// Output: [{"id": "e-1"} {"id": "e-2"}] <nil>
}

func ExampleSplitLines() {
	fmt.Printf("%s\n", event.SplitLines([]byte("{\"id\": \"e-1\"}\n\n{\"id\": \"e-2\"}\n")))
	// Output: [{"id": "e-1"} {"id": "e-2"}]
}

func ExampleIdentityOf() {
	first := event.IdentityOf("hope-2026", "/apps/hope/android", "e-1")
	fmt.Println(first, first == event.IdentityOf("hope-2026", "/apps/hope/ios", "e-1"))
	// Output: 721e15dbf86bc90eba1fed15f2d66f1d false
}

func ExampleLookup() {
	kind, _ := event.Lookup("participant.randomised")
	fmt.Println(kind.Scope, kind.Stream)
	for _, attribute := range kind.Attributes {
		fmt.Println(attribute.Name, attribute.Required)
	}
	// Output:
	// allocate allocations
	// arm true
	// block false
}

func ExampleEventsSubject() {
	fmt.Println(event.EventsSubject("hope-2026", "p-17"))
	fmt.Println(event.EventsSubject("hope-2026", "p.>"))
	// Output:
	// tl.events.hope-2026.p-17
	// tl.events.hope-2026.~
}

func ExampleParseSubject() {
	kind, study, participant, ok := event.ParseSubject("tl.events.hope-2026.p-17")
	fmt.Println(kind, study, participant, ok)
	// Output: events hope-2026 p-17 true
}

func ExamplePersonalData() {
	for _, s := range []string{"jane@example.org", "+1 (555) 123-4567", "550e8400-e29b-41d4-a716-446655440000"} {
		what, found := event.PersonalData(s)
		fmt.Println(what, found)
	}
	// Output:
	// an e-mail address true
	// a phone number true
	//  false
}

func ExampleApply() {
	target, _ := event.Decode([]byte(`{"specversion":"1.0","id":"e-1","source":"/a","type":"session.ended","study":"hope-2026",
		"subject":"p-17","time":"2026-11-23T06:30:00-05:00","data":{"active_seconds":3120}}`), received)
	correction, _ := event.Decode([]byte(`{"specversion":"1.0","id":"c-1","source":"/registry","type":"event.corrected","study":"hope-2026",
		"subject":"p-17","time":"2026-11-23T11:00:00Z","data":{"target_source":"/a","target_id":"e-1","reason":"typing_error","active_seconds":312}}`), received)
	corrected, problems := event.Apply(target, correction)
	seconds, _ := corrected.Data.Number("active_seconds")
	fmt.Println(corrected.ID, seconds, len(problems))
	// Output: e-1 312 0
}
