package simulate

import "time"

// date is a civil day, counted from 1970-01-01; it has no zone.
type date int

const secondsPerDay = 24 * 60 * 60

// dateOf returns the day that t shows in its own zone.
func dateOf(t time.Time) date {
	year, month, day := t.Date()
	return date(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / secondsPerDay)
}

// at returns a time on the day in a zone; a time that a clock change skips is moved as [time.Date] does.
func (d date) at(zone *time.Location, minute, second int) time.Time {
	noon := time.Unix(int64(d)*secondsPerDay, 0).UTC()
	return time.Date(noon.Year(), noon.Month(), noon.Day(), 0, minute, second, 0, zone)
}

func (d date) weekday() time.Weekday { return time.Unix(int64(d)*secondsPerDay, 0).UTC().Weekday() }

// working returns the day itself, or the next that is no Saturday or Sunday.
func (d date) working() date {
	switch d.weekday() {
	case time.Saturday:
		return d + 2
	case time.Sunday:
		return d + 1
	}
	return d
}

// holiday returns the share of ordinary activity that is left on the day: less at the turn of the year and in summer.
func (d date) holiday() float64 {
	t := time.Unix(int64(d)*secondsPerDay, 0).UTC()
	switch {
	case t.Month() == time.December && t.Day() >= 23, t.Month() == time.January && t.Day() <= 2:
		return 0.35
	case t.Month() == time.July && t.Day() >= 15, t.Month() == time.August && t.Day() <= 15:
		return 0.8
	}
	return 1
}

// pace is the weekly rhythm of a kind of activity, Sunday first.
type pace [7]float64

var (
	leisurePace     = pace{0.8, 1, 1, 1, 1, 0.9, 0.7}    // apps, boards, groups
	officePace      = pace{0, 1, 1.1, 1.1, 1, 0.8, 0.05} // calls, clinics, visits
	everydayPace    = pace{0.9, 1, 1, 1, 1, 1, 0.9}      // trackers, text messages
	minutesLeisure  = [2]int{8 * 60, 21*60 + 30}
	minutesOffice   = [2]int{9 * 60, 16*60 + 30}
	minutesEveryday = [2]int{8 * 60, 20 * 60}
)

// on returns the weight of a day under the rhythm.
func (p pace) on(d date) float64 { return p[d.weekday()] * d.holiday() }
