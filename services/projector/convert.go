package projector

import (
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/log"
	"github.com/throughline-trials/throughline/services/store"
)

// Converter turns messages into rows. The zero value is ready; it is not safe for concurrent use.
type Converter struct {
	offsets map[int16]*int16 // shared by rows
}

// Append appends the rows of a message of any projected stream, at least one. It looks at the message alone: an event
// is KindEvent if it stands by itself, whether or not it was there before; Received is the message's time. Created is
// when the stream was made.
func (c *Converter) Append(rows []store.Row, m log.Message, created time.Time) []store.Row {
	n := len(rows)
	if m.Stream == log.StreamQuarantine {
		rows = appendRefusals(rows, m)
	} else {
		rows = c.appendEntries(rows, m)
	}
	if len(rows) == n {
		rows = append(rows, place(m).row(store.KindEmpty))
	}
	for i := range rows[n:] {
		r := &rows[n+i]
		r.Seq, r.Index = m.Seq, uint32(i)
		r.Credential, r.Received, r.Created = m.Credential, m.Time, created
	}
	return rows
}

// placing is what the subject of a message says its events are about.
type placing struct {
	stream       event.Stream
	study        string
	participant  string // or, on the stream of studies, what is said about the study
	comprehended bool
}

func place(m log.Message) placing {
	kind, study, rest, ok := event.ParseSubject(m.Subject)
	return placing{stream: m.Stream, study: study, participant: rest, comprehended: ok && kind == subjectKind(m.Stream)}
}

func subjectKind(s event.Stream) string {
	switch s {
	case event.StreamEvents:
		return event.SubjectEvents
	case event.StreamAllocations:
		return event.SubjectAllocation
	case event.StreamStudies:
		return event.SubjectStudy
	}
	return event.SubjectQuarantine
}

func (p placing) subject() string {
	if p.stream == event.StreamStudies {
		return ""
	}
	return p.participant
}

func (p placing) row(kind store.Kind) store.Row {
	return store.Row{Kind: kind, Event: event.Event{Study: p.study, Subject: p.subject()}}
}

func (c *Converter) appendEntries(rows []store.Row, m log.Message) []store.Row {
	p := place(m)
	for _, entry := range m.Entries() {
		rows = append(rows, c.entry(p, &entry))
	}
	return rows
}

// entry makes the row of one line.
func (c *Converter) entry(p placing, entry *log.Entry) store.Row {
	if entry.Duplicate {
		r := p.row(store.KindDuplicate)
		r.Identity = entry.Identity
		return r
	}
	if problem, ok := judge(p, entry); !ok {
		return refusal(p, entry, problem)
	}
	e := &entry.Event
	return store.Row{
		Kind: store.KindEvent, Identity: entry.Identity, Content: e.Content(), Event: *e, Offset: c.offset(e),
	}
}

// judge finds what is wrong with an event and its place: whoever may publish on a subject may say nothing of others.
func judge(p placing, entry *log.Entry) (event.Problem, bool) {
	for _, problem := range entry.Problems {
		if !problem.Code.KeepsEvent() { // goes first: it decides that the event is not kept
			return problem, false
		}
	}
	if !p.admits(&entry.Event) {
		return event.Problem{Code: event.CodeNotInScope, Field: "subject", Detail: "is not what the subject of its message in the log is about"}, false
	}
	if len(entry.Problems) > 0 {
		return entry.Problems[0], false
	}
	return event.Problem{}, true
}

// admits reports whether an event of this study, participant and type belongs here. What is missing is for others to
// tell.
func (p placing) admits(e *event.Event) bool {
	if !p.comprehended || e.Study != "" && e.Study != p.study {
		return false
	}
	typ, known := event.Lookup(e.Type)
	if p.stream == event.StreamStudies {
		return e.Subject == "" && (!known || event.StudyToken(e.Type) == p.participant)
	}
	if e.Subject != "" && e.Subject != p.participant {
		return false
	}
	return !known || typ.Stream == p.stream || typ.SubjectOptional && e.Subject != ""
}

func refusal(p placing, entry *log.Entry, problem event.Problem) store.Row {
	r := p.row(store.KindRefused)
	r.Code, r.Field, r.Detail, r.Length = problem.Code, problem.Field, problem.Detail, len(entry.Raw)
	if problem.Code.KeepsEvent() {
		study, subject := r.Event.Study, r.Event.Subject
		r.Event, r.Identity = entry.Event, entry.Identity
		r.Event.Study, r.Event.Subject = study, subject
	}
	return r
}

// offset returns the minutes east of UTC that decide the local day of an event: those of its time zone at that instant,
// else those of its time, else none.
func (c *Converter) offset(e *event.Event) *int16 {
	t := e.Time.Time
	if e.Timezone != "" {
		zone, err := event.Zone(e.Timezone)
		if err != nil {
			return nil // a valid event names a known zone
		}
		t = t.In(zone)
	} else if !e.Time.Local {
		return nil
	}
	_, seconds := t.Zone()
	return c.shared(int16(seconds / 60))
}

func (c *Converter) shared(minutes int16) *int16 {
	p, ok := c.offsets[minutes]
	if !ok {
		if c.offsets == nil {
			c.offsets = make(map[int16]*int16)
		}
		p = &minutes
		c.offsets[minutes] = p
	}
	return p
}

func appendRefusals(rows []store.Row, m log.Message) []store.Row {
	p := place(m)
	for refused, err := range m.Refusals() {
		r := p.row(store.KindRefused)
		if err != nil {
			r.Code, r.Detail = event.CodeMalformed, "the line of the quarantine cannot be read"
		} else {
			fillRefusal(&r, &refused, m.Time)
		}
		r.Length = refused.Length
		rows = append(rows, r)
	}
	return rows
}

func fillRefusal(r *store.Row, refused *log.Refusal, at time.Time) {
	r.Code, r.Field, r.Detail = refused.Code, refused.Field, refused.Detail
	if id, err := event.ParseIdentity(refused.Identity); err == nil {
		r.Identity = id
	}
	study, subject := r.Event.Study, r.Event.Subject
	if len(refused.Event) > 0 && refused.Code.KeepsEvent() {
		r.Event, _ = event.Decode(refused.Event, at)
	}
	r.Event.Study, r.Event.Subject = study, subject
	if r.Event.Type == "" {
		r.Event.Type = refused.Type
	}
	if r.Event.Source == "" {
		r.Event.Source = refused.Source
	}
}
