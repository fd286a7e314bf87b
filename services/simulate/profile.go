package simulate

import (
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
)

// Profile is a load for measurements: a study of one app and so many participants, and batches of sessions without end.
// Every batch is a pure function of the profile and its number.
type Profile struct {
	Study        string
	Participants int
	PerBatch     int       // participants in one batch
	Events       int       // events in one batch
	Start        time.Time // the load lies in the sixty days before it
	Seed         uint64
}

// profileDays is the span that the events of a load are spread over.
const profileDays = 60

// Validate returns everything that is wrong with the profile.
func (p Profile) Validate() error {
	var problems []error
	if !event.ValidStudy(p.Study) {
		problems = append(problems, fmt.Errorf("study %q is no study id", p.Study))
	}
	if p.Participants < 1 {
		problems = append(problems, fmt.Errorf("participants %d must be at least 1", p.Participants))
	}
	if p.PerBatch < 1 || p.PerBatch > p.Events {
		problems = append(problems, fmt.Errorf("participants per batch %d must be between 1 and the events of a batch", p.PerBatch))
	}
	if p.Events < 1 || p.Events > event.MaxBatchEvents {
		problems = append(problems, fmt.Errorf("events per batch %d must be between 1 and %d", p.Events, event.MaxBatchEvents))
	}
	if p.Start.IsZero() {
		problems = append(problems, errors.New("start is needed"))
	}
	return errors.Join(problems...)
}

// Setup returns the events to send before any batch, in batches: the definition, then everyone's enrolment and assignment.
func (p Profile) Setup() iter.Seq[[]event.Event] {
	return func(yield func([]event.Event) bool) {
		if !yield([]event.Event{p.definition()}) {
			return
		}
		batch := make([]event.Event, 0, event.MaxBatchEvents)
		for n := range p.Participants {
			batch = append(batch, p.enrolment(n)...)
			if len(batch)+2 <= event.MaxBatchEvents && n < p.Participants-1 {
				continue
			}
			if !yield(batch) {
				return
			}
			batch = make([]event.Event, 0, event.MaxBatchEvents)
		}
	}
}

// Subject returns the pseudonym of a participant.
func (p Profile) Subject(n int) string { return fmt.Sprintf("load-%06d", n) }

// Batch returns the k-th batch: sessions of PerBatch participants in turn. Batch k and batch k+1 have no participant in
// common unless PerBatch is more than half of all.
func (p Profile) Batch(k int) []event.Event {
	events := make([]event.Event, p.Events)
	for i := range events {
		events[i] = p.usage(k, i)
	}
	return events
}

func (p Profile) usage(k, i int) event.Event {
	turn := i % p.PerBatch
	pair := i / p.PerBatch / 2
	who := (k*p.PerBatch + turn) % p.Participants
	spread := int64(profileDays * secondsPerDay)
	second := (int64(k)*7919 + int64(turn)*131 + int64(pair)*40_009 + int64(p.Seed%997)) % spread
	at := p.Start.Add(-time.Duration(spread-second) * time.Second)
	e := event.Event{
		ID: fmt.Sprintf("b%d-%d", k, i), Source: "/load/app", Version: 1, Study: p.Study, Subject: p.Subject(who), Component: "app",
		AppVersion: "1.0.0", SDKVersion: "1.0.0",
	}
	session := text("session_id", fmt.Sprintf("s%d-%d-%d", k, turn, pair))
	if i/p.PerBatch%2 == 0 {
		e.Type, e.Time, e.Data = "session.started", instant(at, time.UTC), data(session)
	} else {
		active := 60 + (k+i)%900
		e.Type, e.Time = "session.ended", instant(at.Add(time.Duration(active)*time.Second), time.UTC)
		e.Data = data(session, number("active_seconds", active), text("ended_by", "user"))
	}
	e.Sent = instant(at.Add(20*time.Minute), time.UTC)
	return e
}

func (p Profile) enrolment(n int) []event.Event {
	at := instant(p.Start.Add(-(profileDays+1)*24*time.Hour), time.UTC)
	base := event.Event{Source: "/load/registry", Version: 1, Study: p.Study, Subject: p.Subject(n), Time: at, Modality: event.ModalityImported}
	enrolled, assigned := base, base
	enrolled.ID, enrolled.Type = fmt.Sprintf("enrolled-%d", n), "participant.enrolled"
	assigned.ID, assigned.Type = fmt.Sprintf("randomised-%d", n), event.TypeRandomised
	assigned.Data = data(text("arm", []string{"app", "usual-app"}[n%2]))
	return []event.Event{enrolled, assigned}
}

func (p Profile) definition() event.Event {
	object := fmt.Sprintf(`{"id":%q,"title":"Load for measurements","design":"randomised_controlled_trial","arms":[`+
		`{"id":"app","role":"experimental","delivery_type":"peer_delivered_technology","components":["app"]},`+
		`{"id":"usual-app","role":"active_comparator","delivery_type":"none","components":["app"]}],`+
		`"components":[{"id":"app","channel":"app"}],"intervention":{"duration_days":84,"period_days":7},"blinding":{"analysts":"open"}}`, p.Study)
	return event.Event{
		ID: "definition", Source: "/load/protocol", Type: event.TypeDefinition, Version: 1, Study: p.Study,
		Time: instant(p.Start.Add(-(profileDays+2)*24*time.Hour), time.UTC),
		Data: event.Data{{Name: event.DefinitionAttribute, Value: event.Value{Kind: event.KindObject, Object: []byte(object)}}},
	}
}

// AppendArray appends events as the JSON array of a CloudEvents batch.
func AppendArray(dst []byte, events []event.Event) []byte {
	dst = append(dst, '[')
	for i := range events {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = events[i].AppendJSON(dst)
	}
	return append(dst, ']')
}
