package importer

import (
	"testing"
	"time"
)

func TestLayouts(t *testing.T) {
	york, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ format, cell, want string }{
		{"iso", "2026-02-03T04:05:06Z", "2026-02-03T04:05:06Z offset"},
		{"iso", "2026-02-03 04:05:06.789+05:30", "2026-02-03T04:05:06.789+05:30 offset"},
		{"iso", "2026-02-03T04:05:06-0400", "2026-02-03T04:05:06-04:00 offset"},
		{"iso", "2026-02-03T04:05", "2026-02-03T04:05:00-05:00"},
		{"iso", "2026-07-03", "2026-07-03T00:00:00-04:00 date"},
		{"iso", "3.2.2026", ""},
		{"unix", "1770091506", "2026-02-03T04:05:06Z offset"},
		{"unix", "1770091506.25", "2026-02-03T04:05:06.25Z offset"},
		{"unix", "NaN", ""},
		{"unix_ms", "1770091506250", "2026-02-03T04:05:06.25Z offset"},
		{"excel", "46056", "2026-02-03T00:00:00-05:00 date"},
		{"excel", "46056.5", "2026-02-03T12:00:00-05:00"},
		{"excel", "1", ""},
		{"%Y-%m-%d %H:%M:%S", "2026-02-03 04:05:06", "2026-02-03T04:05:06-05:00"},
		{"%Y-%m-%d %H:%M:%S", "2026-02-03 04:05:06.5", "2026-02-03T04:05:06.5-05:00"},
		{"%d/%m/%Y", "3/2/2026", "2026-02-03T00:00:00-05:00 date"},
		{"%d/%m/%Y", "03/02/2026", "2026-02-03T00:00:00-05:00 date"},
		{"%d/%m/%Y", "30/02/2026", ""},
		{"%Y%m%d%H%M", "202602030405", "2026-02-03T04:05:00-05:00"},
		{"%Y%m%d", "20260203", "2026-02-03T00:00:00-05:00 date"},
		{"%d %b %Y, %I:%M %p", "3 Feb 2026, 4:05 PM", "2026-02-03T16:05:00-05:00"},
		{"%Y-%j", "2026-034", "2026-02-03T00:00:00-05:00 date"},
		{"%FT%T%z", "2026-02-03T04:05:06+0100", "2026-02-03T04:05:06+01:00 offset"},
		{"%Y-%m-%dT%H:%M:%S.%fZ", "2026-02-03T04:05:06.123456Z", "2026-02-03T04:05:06.123456-05:00"},
		{"02.01.2006 15:04", "03.02.2026 04:05", "2026-02-03T04:05:00-05:00"},
		{"Jan 2, 2006", "Feb 3, 2026", "2026-02-03T00:00:00-05:00 date"},
		{"2006-01-02T15:04:05Z07:00", "2026-02-03T04:05:06Z", "2026-02-03T04:05:06Z offset"},
	} {
		l, err := newLayout(c.format)
		if err != nil {
			t.Errorf("%s: %v", c.format, err)
			continue
		}
		read, err := l.read(c.cell, york)
		got := ""
		if err == nil {
			got = read.time.Format(time.RFC3339Nano)
			if read.offset {
				got += " offset"
			}
			if read.date {
				got += " date"
			}
		}
		if got != c.want {
			t.Errorf("%s reads %q as %q, want %q", c.format, c.cell, got, c.want)
		}
	}
	for _, bad := range []string{"", "%", "%Y", "%Y-%m", "%H:%M", "15:04", "2006", "01-02", "%Y-%m-%d MST", "%Y 01 %d", "week 2006-01-02 %m", "%U %Y"} {
		if _, err := newLayout(bad); err == nil {
			t.Errorf("%q is taken for a format", bad)
		}
	}
}

func TestOffsets(t *testing.T) {
	for _, c := range []struct {
		cell    string
		unit    OffsetUnit
		seconds int
		ok      bool
	}{
		{"-14400", OffsetSeconds, -14400, true}, {"-240", OffsetMinutes, -14400, true}, {"-4", OffsetHours, -14400, true},
		{"5.5", OffsetHours, 19800, true}, {"-04:00", OffsetText, -14400, true}, {"+0530", OffsetText, 19800, true},
		{"-4", OffsetText, -14400, true}, {"4", OffsetText, 14400, true}, {"Z", OffsetText, 0, true}, {"UTC+1", OffsetText, 3600, true},
		{"gmt", OffsetText, 0, true}, {"+15:00", OffsetText, 0, false}, {"-13", OffsetHours, 0, false}, {"90", OffsetSeconds, 0, false},
		{"EST", OffsetText, 0, false}, {"", OffsetSeconds, 0, false}, {"+05:75", OffsetText, 0, false}, {"NaN", OffsetHours, 0, false},
	} {
		location, ok := parseOffset(c.cell, c.unit)
		seconds := 0
		if ok {
			_, seconds = time.Unix(0, 0).In(location).Zone()
		}
		if ok != c.ok || seconds != c.seconds {
			t.Errorf("%q in %s is %d %t, want %d %t", c.cell, c.unit, seconds, ok, c.seconds, c.ok)
		}
	}
}
