package importer

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

var offsetPattern = regexp.MustCompile(`^(?:UTC|GMT)?([+-])?([0-9]{1,2})(?::?([0-9]{2}))?$`)

// parseOffset reads an offset from UTC, east positive, between -12 and +14 hours.
func parseOffset(cell string, unit OffsetUnit) (*time.Location, bool) {
	seconds, ok := offsetSeconds(strings.ToUpper(cell), unit)
	if !ok || seconds < -12*3600 || seconds > 14*3600 || seconds%60 != 0 {
		return nil, false
	}
	return time.FixedZone("", seconds), true
}

func offsetSeconds(cell string, unit OffsetUnit) (int, bool) {
	if unit == OffsetText {
		return offsetText(cell)
	}
	n, err := strconv.ParseFloat(cell, 64)
	if err != nil || n < -1e6 || n > 1e6 {
		return 0, false
	}
	switch unit {
	case OffsetMinutes:
		n *= 60
	case OffsetHours:
		n *= 3600
	}
	return int(n), n == float64(int(n))
}

func offsetText(cell string) (int, bool) {
	if cell == "Z" || cell == "UTC" || cell == "GMT" {
		return 0, true
	}
	match := offsetPattern.FindStringSubmatch(cell)
	if match == nil {
		return 0, false
	}
	hours, _ := strconv.Atoi(match[2])
	minutes, _ := strconv.Atoi(match[3])
	seconds := hours*3600 + minutes*60
	if match[1] == "-" {
		seconds = -seconds
	}
	return seconds, minutes < 60
}
