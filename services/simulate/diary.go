package simulate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
)

// diary is the record of one subject while it is written: its events, and when each reaches the server.
type diary struct {
	roster  *roster
	study   *blueprint
	who     *person // nil for those outside every arm
	subject string
	zone    *time.Location
	zulu    bool // the registry writes UTC and names no place
	chance  chance
	prefix  string // of event ids
	serial  int
	test    bool
	entries []entry

	modulesDone int
	calls       int
	linked      bool
	installed   bool
	joined      map[string]bool
	visits      int
}

type entry struct {
	event   event.Event
	arrives time.Time
	first   time.Time // when it arrives for the first time
	device  bool
	staff   event.Modality // how it was recorded, unless imported
}

// origin is who sends an event.
type origin struct {
	path   string
	device bool
	mode   event.Modality
}

var (
	fromRegistry   = origin{path: "registry", mode: event.ModalityStaffRecorded}
	fromAllocation = origin{path: "allocation", mode: event.ModalityStaffRecorded}
	fromClinic     = origin{path: "clinic", mode: event.ModalityStaffRecorded}
	fromSurvey     = origin{path: "assessments", mode: event.ModalitySelfReported}
	fromServer     = origin{path: "messaging"}
	fromTelephony  = origin{path: "telephony"}
)

// fromDevice is the participant's own app, browser or tracker.
func fromDevice(p part) origin { return origin{path: "apps/" + p.id, device: true} }

// newDiary opens the record of a subject.
func newDiary(r *roster, subject string, zone *time.Location) *diary {
	return &diary{
		roster: r, study: r.study, subject: subject, zone: zone, prefix: subject, joined: map[string]bool{}, entries: make([]entry, 0, 96),
		zulu: len(r.study.id)%3 == 0, chance: r.chance("diary", subject),
	}
}

// write adds an event that happened at a time. What the origin decides about it is filled in.
func (d *diary) write(from origin, at time.Time, e event.Event) {
	d.serial++
	e.ID = fmt.Sprintf("%s-%04d", d.prefix, d.serial)
	e.Source = d.study.source + from.path
	e.Study, e.Subject, e.Version, e.IsTest = d.study.id, d.subject, 1, d.test
	arrives := at.Add(2 * time.Second)
	switch {
	case from.device && d.who != nil:
		arrives = d.stamp(&e, at)
	case d.zulu:
		e.Time = instant(at, time.UTC)
	default:
		e.Time = instant(at, d.zone)
	}
	d.entries = append(d.entries, entry{event: e, arrives: arrives, first: arrives, device: from.device, staff: from.mode})
}

// stamp puts the device's clock, zone and version on an event, and returns when the event reaches the server.
func (d *diary) stamp(e *event.Event, at time.Time) time.Time {
	device := d.who.device
	e.Time = instant(at.Add(device.skew), d.zone)
	if device.namesZone {
		e.Timezone = d.zone.String()
	}
	arrives := at.Add(time.Duration(3+d.serial%40) * time.Second)
	day := int(dateOf(at.In(d.zone)) - d.who.day0)
	if day >= device.offlineFrom && day < device.offlineUntil && device.offlineUntil != never {
		arrives = d.connects(at)
	}
	e.Sent = instant(arrives.Add(device.skew), d.zone)
	e.AppVersion = fmt.Sprintf("2.%d.%d", device.version+max(day, 0)/45, device.version)
	e.SDKVersion = "1.4.0"
	return arrives
}

// connects returns when a phone without a network sends what happened at a time: in the morning of the day on which it has
// one, or at midnight where that is the anchor.
func (d *diary) connects(at time.Time) time.Time {
	day := d.who.day0 + date(d.who.device.offlineUntil)
	if day != d.roster.anchor {
		return day.at(d.zone, 8*60+d.serial%600, 0)
	}
	if midnight := day.at(time.UTC, 0, 1+d.serial%50); midnight.After(at) {
		return midnight
	}
	return at.Add(time.Minute)
}

// instant returns the time as text of the zone would: with its offset, without any for UTC.
func instant(at time.Time, zone *time.Location) event.Instant {
	at = at.Truncate(time.Second)
	if zone == time.UTC {
		return event.Instant{Time: at.UTC()}
	}
	_, offset := at.In(zone).Zone()
	return event.Instant{Time: at.In(time.FixedZone("", offset)), Local: true}
}

// day returns a time on a day after day 0, at a minute of the local day drawn from a range.
func (d *diary) day(day int, minutes [2]int) time.Time {
	return (d.who.day0 + date(day)).at(d.zone, d.chance.between(minutes[0], minutes[1]), d.chance.IntN(60))
}

// finish returns the events in the order of their arrival, with the time of each: history as imported, some sent twice.
func (d *diary) finish() []entry {
	d.repeat()
	midnight := d.roster.anchor.at(time.UTC, 0, 0)
	for i := range d.entries {
		e := &d.entries[i]
		if e.first.Before(midnight) {
			e.event.Modality, e.event.Sent = event.ModalityImported, event.Instant{}
		} else {
			e.event.Modality = e.staff
		}
	}
	slices.SortStableFunc(d.entries, func(a, b entry) int { return a.arrives.Compare(b.arrives) })
	return d.entries
}

// repeat sends a few events again: the app saw no answer.
func (d *diary) repeat() {
	for i := range d.entries {
		if e := d.entries[i]; e.device && d.chance.hit(0.004) {
			e.arrives = e.arrives.Add(time.Duration(d.chance.between(1, 72)) * time.Hour)
			d.entries = append(d.entries, e)
		}
	}
}

// data returns the attributes ascending by name.
func data(attributes ...event.Attribute) event.Data {
	slices.SortFunc(attributes, func(a, b event.Attribute) int { return strings.Compare(a.Name, b.Name) })
	return attributes
}

func text(name, value string) event.Attribute {
	return event.Attribute{Name: name, Value: event.Value{Kind: event.KindString, Str: value}}
}

func number[N int | float64](name string, value N) event.Attribute {
	return event.Attribute{Name: name, Value: event.Value{Kind: event.KindNumber, Num: float64(value)}}
}

func flag(name string, value bool) event.Attribute {
	return event.Attribute{Name: name, Value: event.Value{Kind: event.KindBool, Bool: value}}
}
