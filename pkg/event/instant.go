package event

import (
	"errors"
	"time"
)

// ParseInstant reads an RFC 3339 time. Its fraction is cut to microseconds; a leap second is the last microsecond of its
// minute, so that it stays on its day. Offsets are those in use since 1990: -12:00 to +14:00.
func ParseInstant(s string) (Instant, bool) {
	var p instantParser
	if !p.date(s) || !p.clock(s) {
		return Instant{}, false
	}
	return p.instant()
}

// instantParser holds the fields of an RFC 3339 time.
type instantParser struct {
	year, month, day, hour, minute, second int
	micro                                  int
	offset                                 int // minutes
	local                                  bool
}

const dateLength = len("2006-01-02T15:04:05")

func (p *instantParser) date(s string) bool {
	if len(s) <= dateLength || s[4] != '-' || s[7] != '-' || s[10]|0x20 != 't' || s[13] != ':' || s[16] != ':' {
		return false
	}
	century := pair(s, 0)
	year := pair(s, 2)
	p.year, p.month, p.day = 100*century+year, pair(s, 5), pair(s, 8)
	p.hour, p.minute, p.second = pair(s, 11), pair(s, 14), pair(s, 17)
	return century >= 0 && year >= 0 && p.month >= 1 && p.month <= 12 && p.day >= 1 && p.day <= daysIn(p.year, p.month) &&
		p.hour >= 0 && p.hour <= 23 && p.minute >= 0 && p.minute <= 59 && p.second >= 0 && p.second <= 60
}

func (p *instantParser) clock(s string) bool {
	i := dateLength
	if s[i] == '.' {
		scale := 100_000
		for i++; i < len(s) && isDigit(s[i]); i++ {
			p.micro += int(s[i]-'0') * scale
			scale /= 10
		}
		if i == dateLength+1 || i >= len(s) {
			return false
		}
	}
	if s[i]|0x20 == 'z' {
		return i+1 == len(s)
	}
	if len(s)-i != len("+00:00") || s[i] != '+' && s[i] != '-' || s[i+3] != ':' {
		return false
	}
	hours, minutes := pair(s, i+1), pair(s, i+4)
	if hours < 0 || minutes < 0 || minutes > 59 {
		return false
	}
	p.offset = 60*hours + minutes
	p.local = s[i] == '+' || p.offset != 0
	if s[i] == '-' {
		p.offset = -p.offset
	}
	return p.offset >= -12*60 && p.offset <= 14*60
}

func (p *instantParser) instant() (Instant, bool) {
	leap := p.second == 60
	if leap {
		p.second, p.micro = 59, 999_999
	}
	zone := time.UTC
	if p.local {
		zone = time.FixedZone("", 60*p.offset)
	}
	t := time.Date(p.year, time.Month(p.month), p.day, p.hour, p.minute, p.second, 1000*p.micro, zone)
	if leap && !endsMonth(t) {
		return Instant{}, false
	}
	return Instant{Time: t, Local: p.local}, true
}

// endsMonth reports whether t is in the last second of a month in UTC, where leap seconds are.
func endsMonth(t time.Time) bool {
	u := t.UTC()
	return u.Hour() == 23 && u.Minute() == 59 && u.Add(time.Second).Day() == 1
}

// pair reads two digits at i, -1 if they are not.
func pair(s string, i int) int {
	tens, ones := s[i]-'0', s[i+1]-'0'
	if tens > 9 || ones > 9 {
		return -1
	}
	return int(tens)*10 + int(ones)
}

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// At returns the instant of a time: local if its zone is not UTC.
func At(t time.Time) Instant {
	t = t.Truncate(time.Microsecond)
	if t.Location() == time.UTC {
		return Instant{Time: t}
	}
	_, seconds := t.Zone()
	return Instant{Time: t.In(time.FixedZone("", seconds)), Local: true}
}

// String returns the instant as RFC 3339 with at most six digits of fraction, none of them a 0 at its end.
func (i Instant) String() string { return string(i.append(nil)) }

// AppendText appends what [Instant.String] returns.
func (i Instant) AppendText(dst []byte) ([]byte, error) { return i.append(dst), nil }

// MarshalText returns what [Instant.String] returns.
func (i Instant) MarshalText() ([]byte, error) { return i.append(nil), nil }

// MarshalJSON returns what [Instant.String] returns, in quotes.
func (i Instant) MarshalJSON() ([]byte, error) { return append(i.append([]byte{'"'}), '"'), nil }

// UnmarshalText reads what [ParseInstant] does.
func (i *Instant) UnmarshalText(text []byte) error {
	at, ok := ParseInstant(string(text))
	if !ok {
		return errInstant
	}
	*i = at
	return nil
}

// UnmarshalJSON reads a string as [ParseInstant] does; null is the zero instant.
func (i *Instant) UnmarshalJSON(raw []byte) error {
	sc := scanner{s: string(raw)}
	switch tok, ok := sc.value(0); {
	case ok && tok.kind == tokenString:
		return i.UnmarshalText([]byte(tok.text))
	case ok && tok.kind == tokenNull:
		*i = Instant{}
		return nil
	}
	return errInstant
}

var errInstant = errors.New("parse instant: " + FormatTime.advice())

func (i Instant) append(dst []byte) []byte {
	t := i.Time
	if !i.Local {
		t = t.UTC()
	}
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	dst = appendPair(appendPair(dst, year/100), year%100)
	dst = appendPair(append(dst, '-'), int(month))
	dst = appendPair(append(dst, '-'), day)
	dst = appendPair(append(dst, 'T'), hour)
	dst = appendPair(append(dst, ':'), minute)
	dst = appendPair(append(dst, ':'), second)
	dst = appendFraction(dst, t.Nanosecond()/1000)
	if !i.Local {
		return append(dst, 'Z')
	}
	_, offset := t.Zone()
	sign := byte('+')
	if offset < 0 {
		sign, offset = '-', -offset
	}
	dst = appendPair(append(dst, sign), offset/3600)
	return appendPair(append(dst, ':'), offset/60%60)
}

func appendPair(dst []byte, n int) []byte { return append(dst, byte('0'+n/10%10), byte('0'+n%10)) }

func appendFraction(dst []byte, micro int) []byte {
	if micro == 0 {
		return dst
	}
	dst = append(dst, '.')
	for scale := 100_000; micro > 0; scale /= 10 {
		dst = append(dst, byte('0'+micro/scale))
		micro %= scale
	}
	return dst
}
