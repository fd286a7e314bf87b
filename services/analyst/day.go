package analyst

import (
	"fmt"
	"strconv"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
)

// never is a day after all others: of what has not happened.
const never = 1 << 30

const secondsPerDay = 86400

// Clock is the two clocks of a result.
type Clock struct {
	Cutoff time.Time // what happened later is left out; zero: AsOf
	AsOf   time.Time // what was received later is left out; zero: no bound
}

// cutoff returns the cut-off with its default; zero means no bound.
func (c Clock) cutoff() time.Time {
	if c.Cutoff.IsZero() {
		return c.AsOf
	}
	return c.Cutoff
}

// received reports whether something received at t is known as of the clock.
func (c Clock) received(t time.Time) bool { return c.AsOf.IsZero() || !t.After(c.AsOf) }

// happened reports whether something that happened at t lies before the cut-off or on it.
func (c Clock) happened(t time.Time) bool {
	cutoff := c.cutoff()
	return cutoff.IsZero() || !t.After(cutoff)
}

// civil returns the calendar day of a time in its own zone, as days since 1970-01-01.
func civil(t time.Time) int {
	year, month, day := t.Date()
	return int(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / secondsPerDay)
}

// civilAt returns the calendar day of a time at an offset in minutes east of UTC.
func civilAt(t time.Time, minutes int16) int {
	seconds := t.Unix() + int64(minutes)*60
	day := seconds / secondsPerDay
	if seconds%secondsPerDay < 0 {
		day--
	}
	return int(day)
}

// dateOf returns the calendar day as a date.
func dateOf(day int) string {
	return time.Unix(int64(day)*secondsPerDay, 0).UTC().Format(time.DateOnly)
}

// zoneName names a fixed offset in the form that [location] reads, e.g. "-05:30".
func zoneName(minutes int16) string {
	sign, m := '+', int(minutes)
	if m < 0 {
		sign, m = '-', -m
	}
	return fmt.Sprintf("%c%02d:%02d", sign, m/60, m%60)
}

// location returns the zone of an IANA name or of a fixed offset; UTC if there is none of the name.
func location(name string) *time.Location {
	if len(name) == 6 && (name[0] == '+' || name[0] == '-') {
		hours, errHours := strconv.Atoi(name[1:3])
		minutes, errMinutes := strconv.Atoi(name[4:])
		if errHours == nil && errMinutes == nil {
			seconds := 3600*hours + 60*minutes
			if name[0] == '-' {
				seconds = -seconds
			}
			return time.FixedZone("", seconds)
		}
	}
	if zone, err := event.Zone(name); err == nil {
		return zone
	}
	return time.UTC
}

// offsetOf returns the minutes east of UTC that decide the local day of an event at a time: by the event's timezone,
// else by the numeric offset of its time. False means that the site or the study decides.
func offsetOf(e *event.Event, at time.Time) (int16, bool) {
	if e.Timezone != "" {
		if zone, err := event.Zone(e.Timezone); err == nil {
			_, seconds := at.In(zone).Zone()
			return int16(seconds / 60), true
		}
	}
	if e.Time.Local {
		_, seconds := e.Time.Zone()
		return int16(seconds / 60), true
	}
	return 0, false
}
