package importer

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// layout reads one way of writing a time.
type layout struct {
	text string // as the mapping has it
	read func(cell string, zone *time.Location) (moment, error)
}

// moment is a time that was read: with an offset of its own, or a date without a time of day.
type moment struct {
	time   time.Time
	offset bool // the text says its offset, so that no zone was needed
	date   bool // the text says no time of day
}

// newLayout reads a format of a mapping: iso, unix, unix_ms, excel, strptime directives (with %), or a Go layout.
func newLayout(text string) (layout, error) {
	switch text {
	case "iso":
		return layout{text, readISO}, nil
	case "unix":
		return layout{text, readUnix(1)}, nil
	case "unix_ms":
		return layout{text, readUnix(1000)}, nil
	case "excel":
		return layout{text, readExcel}, nil
	}
	pattern := text
	if strings.Contains(text, "%") {
		var err error
		if pattern, err = fromStrptime(text); err != nil {
			return layout{}, err
		}
	}
	if !tellsDate(pattern) {
		return layout{}, fmt.Errorf("read time format: it does not tell year, month and day: write iso, unix, unix_ms, excel, %%Y-%%m-%%d %%H:%%M:%%S or 2006-01-02 15:04:05")
	}
	return layout{text, readPattern(pattern)}, nil
}

// sample has no two fields alike, so that a layout that swaps or loses one shows.
var sample = time.Date(2011, time.October, 27, 22, 43, 56, 0, time.FixedZone("", -(3*3600+30*60)))

func tellsDate(pattern string) bool {
	t, err := time.ParseInLocation(pattern, sample.Format(pattern), sample.Location())
	return err == nil && t.Year() == sample.Year() && t.YearDay() == sample.YearDay()
}

func readPattern(pattern string) func(string, *time.Location) (moment, error) {
	written := sample.Format(pattern)
	hours := written != sample.Add(time.Hour).Format(pattern)
	offset := written != sample.In(time.FixedZone("", 3600)).Add(-4*time.Hour-30*time.Minute).Format(pattern)
	return func(cell string, zone *time.Location) (moment, error) {
		t, err := time.ParseInLocation(pattern, cell, zone)
		return moment{time: t, offset: offset, date: !hours}, err
	}
}

// isoPatterns are the forms of ISO 8601 and RFC 3339 that are read; a fraction of seconds fits all with seconds.
var isoPatterns = []string{
	"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07", "2006-01-02T15:04Z07:00",
	"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02",
}

func readISO(cell string, zone *time.Location) (moment, error) {
	text := cell
	if len(text) > 10 && text[10] == ' ' {
		text = text[:10] + "T" + strings.TrimLeft(text[11:], " ")
	}
	var failed error
	for _, pattern := range isoPatterns {
		t, err := time.ParseInLocation(pattern, text, zone)
		if err == nil {
			return moment{time: t, offset: strings.Contains(pattern, "Z"), date: pattern == "2006-01-02"}, nil
		}
		failed = err
	}
	return moment{}, failed
}

func readUnix(perSecond int64) func(string, *time.Location) (moment, error) {
	return func(cell string, _ *time.Location) (moment, error) {
		if whole, err := strconv.ParseInt(cell, 10, 64); err == nil {
			return moment{time: time.UnixMicro(0).UTC().Add(bounded(float64(whole) / float64(perSecond))), offset: true}, nil
		}
		seconds, err := strconv.ParseFloat(cell, 64)
		if err != nil || math.IsNaN(seconds) {
			return moment{}, fmt.Errorf("read unix time: no number")
		}
		return moment{time: time.UnixMicro(0).UTC().Add(bounded(seconds / float64(perSecond))), offset: true}, nil
	}
}

// bounded turns seconds into a duration to the microsecond; what is far outside the years of trials is cut to their edge.
func bounded(seconds float64) time.Duration {
	const most = 9e9
	return time.Duration(math.Round(max(-most, min(most, seconds))*1e6)) * time.Microsecond
}

// readExcel reads the day number of a spreadsheet (1900 system); its fraction is the time of day in the zone.
func readExcel(cell string, zone *time.Location) (moment, error) {
	days, err := strconv.ParseFloat(cell, 64)
	if err != nil || days < 61 || days > 2_958_465 {
		return moment{}, fmt.Errorf("read day number: no day of a spreadsheet")
	}
	whole, part := math.Modf(days)
	date := time.Date(1899, time.December, 30+int(whole), 0, 0, int(math.Round(part*86_400)), 0, zone)
	return moment{time: date, date: part == 0}, nil
}

// fromStrptime turns strptime directives into a Go layout. Fields read one or two digits where something parts them.
func fromStrptime(text string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '%' {
			if err := literal(text[i]); err != nil {
				return "", err
			}
			b.WriteByte(text[i])
			continue
		}
		if i++; i == len(text) {
			return "", fmt.Errorf("read time format: %% stands at its end")
		}
		alone := (i < 2 || !fieldBefore(text, i-1)) && (i+1 == len(text) || text[i+1] != '%')
		part, ok := directive(text[i], alone)
		if !ok {
			return "", fmt.Errorf("read time format: %%%c is not read here", text[i])
		}
		b.WriteString(part)
	}
	return b.String(), nil
}

// fieldBefore reports whether a directive ends right before position i.
func fieldBefore(text string, i int) bool { return i >= 2 && text[i-2] == '%' }

// literal refuses characters that a Go layout would take for a field.
func literal(c byte) error {
	digit := c >= '0' && c <= '9' || c == '_'
	letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
	if digit || letter && c != 'T' && c != 'Z' && c != 'h' {
		return fmt.Errorf("read time format: beside directives only signs, blanks, T, Z and h are read")
	}
	return nil
}

func directive(c byte, alone bool) (string, bool) {
	loose := map[byte]string{'m': "1", 'd': "2", 'I': "3", 'M': "4", 'S': "5"}
	if part, ok := loose[c]; ok && alone {
		return part, true
	}
	part, ok := map[byte]string{
		'Y': "2006", 'y': "06", 'm': "01", 'd': "02", 'e': "_2", 'H': "15", 'I': "03", 'M': "04", 'S': "05", 'f': "999999999",
		'b': "Jan", 'B': "January", 'a': "Mon", 'A': "Monday", 'p': "PM", 'z': "Z0700", 'j': "002",
		'F': "2006-1-2", 'T': "15:4:5", 'R': "15:4", 'D': "1/2/06", '%': "%",
	}[c]
	return part, ok
}
