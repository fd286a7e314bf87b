package event

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Decode reads one event, a JSON object of CloudEvents 1.0, and checks it against the catalogue.
//
// Every problem is returned, the one to name first in front; none means that the event is as the vocabulary wants it.
// The event is filled as far as it can be read, also with problems. at is when the event was received: its time may be
// at most [MaxAhead] later; the zero time sets no such bound. What needs more than the event alone (study, arm and
// component known, scope, identity) is not checked here.
//
// The event shares memory with nothing: raw may be used again.
func Decode(raw []byte, at time.Time) (Event, []Problem) {
	d := decoder{at: at}
	if len(raw) > MaxEventBytes {
		d.report(CodeTooLarge, "", "", "is larger than 32 KiB; send less with one event")
	}
	if len(raw) <= maxReadBytes {
		d.read(string(raw))
	}
	return d.event, inOrder(d.problems)
}

// maxReadBytes is the size up to which an event that is too large is read, so that its sender learns its id.
const maxReadBytes = 4 * MaxEventBytes

// inOrder puts the problem to name first in front: what keeps the event out of quarantine comes before the rest.
func inOrder(problems []Problem) []Problem {
	if len(problems) > 1 {
		slices.SortStableFunc(problems, func(a, b Problem) int { return cmp.Compare(rank(a.Code), rank(b.Code)) })
	}
	return problems
}

func rank(c Code) int {
	switch c {
	case CodeTooLarge:
		return 0
	case CodeMalformed:
		return 1
	case CodePersonalData:
		return 2
	case CodeInvalidSubject:
		return 3
	}
	return 4
}

// decoder reads one event.
type decoder struct {
	at       time.Time
	event    Event
	kind     *Type // nil if the catalogue has none
	problems []Problem

	instant Instant // the time that check read last
}

// report adds a problem of a field. What is said of it tells what is wrong and what to do, never the value.
func (d *decoder) report(code Code, prefix, name, said string) {
	if len(d.problems) >= maxProblems {
		return
	}
	p := Problem{Code: code, Field: prefix + name}
	if p.Detail = p.Field + " " + said; p.Field == "" {
		p.Detail = "the event " + said
	}
	d.problems = append(d.problems, p)
}

// members are the attributes of an envelope as read.
type members struct {
	known   [attrCount]token
	unknown []member
}

type member struct {
	name  string
	value token
}

func (d *decoder) read(s string) {
	sc := scanner{s: s}
	var m members
	ok := sc.space() == '{' || sc.fail("is not a JSON object")
	ok = ok && sc.envelope(&m) && sc.end()
	if sc.twice {
		d.report(CodeMalformed, "", "", "holds a name twice in one object; send each once")
	}
	if !ok {
		d.report(CodeMalformed, "", "", sc.fault+" (byte "+strconv.Itoa(sc.i)+"); send one JSON object in UTF-8")
	}
	d.event.Version = 1
	if !ok {
		d.salvage(&m)
		return
	}
	d.kind, _ = Lookup(m.known[attrType].text)
	d.envelope(&m)
	for _, u := range m.unknown {
		d.unknownAttribute(u)
	}
}

// envelope reads the members of the object around the data.
func (sc *scanner) envelope(m *members) bool {
	var names nameSet
	for more := sc.open('{', '}'); more; more = sc.more('}') {
		key, ok := sc.key()
		if !ok {
			return false
		}
		v, ok := sc.value(1)
		if !ok {
			return false
		}
		if place := envelopePlace(key); place == attrUnknown {
			m.unknown = append(m.unknown, member{key, v})
			sc.twice = sc.twice || !names.add(key)
		} else {
			sc.twice = sc.twice || m.known[place].kind != tokenNone
			m.known[place] = v
		}
	}
	return sc.fault == ""
}

// salvage fills what says which event it is where the rest cannot be read, so that even such a one can be named.
func (d *decoder) salvage(m *members) {
	for _, place := range [...]int{attrID, attrSource, attrType, attrSubject, attrStudy} {
		quiet := decoder{at: d.at, event: d.event}
		if tok := &m.known[place]; tok.kind == tokenString {
			quiet.attribute(place, &envelope[place], tok)
			d.event = quiet.event
		}
	}
}

// envelope checks the attributes around the data, in the order of the canonical form, and the data last.
func (d *decoder) envelope(m *members) {
	for place := range envelope {
		spec, tok := &envelope[place], &m.known[place]
		switch {
		case place == attrSubject:
			d.subject(spec, tok)
		case place == attrData:
			d.data(tok)
		case tok.kind > tokenNull:
			d.attribute(place, spec, tok)
		case spec.Required:
			d.report(CodeMissingAttribute, "", spec.Name, "is missing; every event has it")
		}
	}
}

// attribute checks one attribute of the envelope and puts it into the event.
func (d *decoder) attribute(place int, spec *AttributeSpec, tok *token) {
	v, ok := d.value("", spec, tok)
	if !ok || !d.check("", spec, &v) {
		return
	}
	switch place {
	case attrType:
		d.typ(spec, v.Str)
	case attrDataSchema:
		d.schema(v.Str)
	case attrContentType:
		if !strings.EqualFold(v.Str, "application/json") {
			d.report(CodeInvalidValue, "", spec.Name, "is not application/json; send the data as JSON")
		}
	default:
		d.event.set(place, v, d.instant)
	}
}

func (d *decoder) typ(spec *AttributeSpec, name string) {
	d.event.Type = name
	if d.kind == nil {
		d.report(CodeUnknownType, "", spec.Name, "is not in the catalogue; `throughline schema` lists its types")
		return
	}
	d.event.Type = d.kind.Name // the catalogue's own memory, not the event's
}

// set puts a checked value into the place of an attribute of the envelope; the zero value takes it out.
func (e *Event) set(place int, v Value, at Instant) {
	switch place {
	case attrID:
		e.ID = v.Str
	case attrSource:
		e.Source = v.Str
	case attrSubject:
		e.Subject = v.Str
	case attrStudy:
		e.Study = v.Str
	case attrTime:
		e.Time = at
	case attrSent:
		e.Sent = at
	case attrTimezone:
		e.Timezone = v.Str
	case attrComponent:
		e.Component = v.Str
	case attrChannel:
		e.Channel = Channel(v.Str)
	case attrActorRole:
		e.ActorRole = ActorRole(v.Str)
	case attrModality:
		e.Modality = Modality(v.Str)
	case attrAppVersion:
		e.AppVersion = v.Str
	case attrSDKVersion:
		e.SDKVersion = v.Str
	case attrIsTest:
		e.IsTest = v.Bool
	}
}

// subject checks that an event has a subject where its type wants one.
func (d *decoder) subject(spec *AttributeSpec, tok *token) {
	if tok.kind <= tokenNull {
		if d.kind == nil || !d.kind.StudyLevel && !d.kind.SubjectOptional {
			d.report(CodeMissingAttribute, "", spec.Name, "is missing; name the participant by their pseudonym")
		}
		return
	}
	d.attribute(attrSubject, spec, tok)
	if d.event.Subject != "" && d.kind != nil && d.kind.StudyLevel {
		d.report(CodeInvalidSubject, "", spec.Name, "stands on an event of the study; leave it out")
	}
}

const schemaPrefix = "urn:throughline:"

// schema reads the version from a dataschema.
func (d *decoder) schema(s string) {
	rest, ok := strings.CutPrefix(s, schemaPrefix)
	typ, version, found := cutLast(rest, ':')
	if !ok || !found || d.kind != nil && typ != d.kind.Name {
		d.report(CodeInvalidValue, "", "dataschema", "is not urn:throughline:<type>:<version> of the event's type; correct it or leave it out")
		return
	}
	n, err := strconv.ParseUint(version, 10, 16)
	if err != nil || version[0] == '0' || d.kind != nil && int(n) > d.kind.Version {
		d.report(CodeUnknownVersion, "", "dataschema", "names a version of the type that is not known; the latest is 1")
		d.kind = nil // its attributes are not known either
		return
	}
	d.event.Version = int(n)
}

func cutLast(s string, sep byte) (before, after string, found bool) {
	i := strings.LastIndexByte(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// unknownAttribute refuses an attribute that the envelope does not have.
func (d *decoder) unknownAttribute(u member) {
	detail := "is not an attribute of an event; take it out"
	if u.name == "arm" {
		detail = "does not belong on an event: apps do not know the study arm; take it out"
	}
	d.report(CodeUnknownAttribute, "", tellable(u.name), detail)
	d.examine("", u)
}

// tellable returns a name if it can be repeated to people: it looks like one, and is not personal data in disguise.
func tellable(name string) string {
	if !ValidSubject(name) || isDigit(name[0]) {
		return "(unnamed)"
	}
	return name
}

// examine looks for personal data in what is refused anyway, so that it is not kept.
func (d *decoder) examine(prefix string, m member) {
	w := walker{scanner: scanner{s: m.value.text}, use: textValue}
	if m.value.kind == tokenString {
		w.text(m.value.text)
	} else if m.value.kind >= tokenArray {
		w.value(0)
	}
	w.text(m.name)
	if w.personal != "" {
		d.report(CodePersonalData, prefix, tellable(m.name), "holds "+w.personal+"; never send it")
	}
}
