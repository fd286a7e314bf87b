package event

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// What [PersonalData] finds.
const (
	foundEmail    = "an e-mail address"
	foundPhone    = "a phone number"
	foundFreeText = "long free text"
)

// PersonalData reports whether a string value holds what must not be stored, and what: an e-mail address, a phone number
// or long free text. A phone number is + and 8 to 15 digits, or digit groups parted by blanks, brackets or dots with at
// least 8 digits together; a bare run of digits, a decimal number, a UUID and an ISO time are none. Percent escapes and
// full-width forms hide nothing. Free text is more than [MaxText] characters or 16 words.
func PersonalData(s string) (what string, found bool) {
	if what = personal(s, textValue); what != "" {
		return what, true
	}
	return "", false
}

// textUse is where a text stands, which decides what is looked for.
type textUse uint8

const (
	textValue      textUse = iota // a string value
	textVersion                   // the version of a program, whose numbers dots part
	textDefinition                // a text of a study definition, which may be long
)

// personal returns what is found, empty if nothing is.
func personal(s string, use textUse) string {
	plain := unmask(s)
	switch {
	case holdsEmail(plain):
		return foundEmail
	case holdsPhone(plain, use != textVersion):
		return foundPhone
	case use != textDefinition && isFreeText(s):
		return foundFreeText
	}
	return ""
}

// harmless reports at a glance that a text needs no closer look: short, printable ASCII, no sign of an address, too few
// digits or nothing between them for a phone number, and too few blanks for free text.
func harmless(s string) bool {
	if len(s) > MaxText {
		return false
	}
	digits, blanks, parts := 0, 0, 0
	for i := range len(s) {
		switch glance[s[i]] {
		case glanceDigit:
			digits++
		case glanceBlank:
			blanks++
			parts++
		case glancePart:
			parts++
		case glanceStop:
			return false
		}
	}
	return (digits < minPhoneDigits || parts == 0) && blanks < maxWords
}

const (
	glanceStop  = iota // look closer
	glancePlain        // tells nothing
	glanceDigit
	glanceBlank
	glancePart // may part the digits of a phone number, or begin one
)

// glance is what each byte tells at a glance.
var glance = func() (table [256]uint8) {
	for c := byte('!'); c <= '~'; c++ {
		table[c] = glancePlain
		if isDigit(c) {
			table[c] = glanceDigit
		}
	}
	table[' '] = glanceBlank
	for _, c := range []byte("+()[].") {
		table[c] = glancePart
	}
	table['@'], table['%'] = glanceStop, glanceStop
	return table
}()

func isFreeText(s string) bool {
	if len(s) > MaxText && utf8.RuneCountInString(s) > MaxText {
		return true
	}
	words := 0
	for range strings.FieldsSeq(s) {
		words++
	}
	return words > maxWords
}

// unmask brings percent escapes, full-width forms, digits of other scripts and other blanks to plain ASCII.
func unmask(s string) string {
	if strings.IndexByte(s, '%') >= 0 {
		s = unescape(s)
	}
	if isASCII(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r < utf8.RuneSelf:
			return r
		case r >= '！' && r <= '～':
			return r - '！' + '!'
		case unicode.IsDigit(r):
			return '0' // which digit does not matter
		case unicode.IsSpace(r):
			return ' '
		}
		return r
	}, s)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// unescape undoes the percent escapes of ASCII characters.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			high, low := unhex(s[i+1]), unhex(s[i+2])
			if high >= 0 && high < 8 && low >= 0 {
				b.WriteByte(byte(high<<4 | low))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func holdsEmail(s string) bool {
	for i := 1; i < len(s)-1; i++ {
		if s[i] == '@' && isMailbox(s[i-1]) && beginsDomain(s[i+1:]) {
			return true
		}
	}
	return false
}

// isMailbox reports whether c can be the last character before the @ of an address.
func isMailbox(c byte) bool {
	return isLetter(c) || isDigit(c) || c >= utf8.RuneSelf || strings.IndexByte(`._%+-"'!#$&*/=?^{|}~)`, c) >= 0
}

// beginsDomain reports whether s begins with a host name of at least two labels, a later one of letters, or with an
// address in brackets.
func beginsDomain(s string) bool {
	if s[0] == '[' {
		return true
	}
	end := 0
	for end < len(s) && (isLetter(s[end]) || isDigit(s[end]) || s[end] == '-' || s[end] == '.' || s[end] >= utf8.RuneSelf) {
		end++
	}
	first := true
	for label := range strings.SplitSeq(s[:end], ".") {
		if first && label == "" {
			return false
		}
		if !first && isTopLevel(label) {
			return true
		}
		first = false
	}
	return false
}

func isTopLevel(label string) bool {
	if strings.HasPrefix(label, "xn--") {
		return true
	}
	label, _, _ = strings.Cut(label, "-") // an address may go on as an id does
	for i := range len(label) {
		if !isLetter(label[i]) && label[i] < utf8.RuneSelf {
			return false
		}
	}
	return len(label) >= 2
}

const (
	minPhoneDigits = 8
	maxPhoneDigits = 15
	maxPhoneGap    = 3 // characters between two groups
)

func holdsPhone(s string, dotted bool) bool {
	for i := 0; i < len(s); {
		switch {
		case s[i] == '+':
			run := readPhone(s, i+1, true, true)
			if run.groups == 1 && run.digits >= minPhoneDigits && run.digits <= maxPhoneDigits ||
				run.groups > 1 && run.digits >= minPhoneDigits {
				return true
			}
			i++
		case isDigit(s[i]):
			run := readPhone(s, i, false, dotted)
			if run.groups > 1 && run.digits >= minPhoneDigits && !run.decimal {
				return true
			}
			i = run.end
		default:
			i++
		}
	}
	return false
}

// phoneRun is a run of digit groups.
type phoneRun struct {
	groups, digits int
	decimal        bool // two groups and one dot: a number
	end            int
}

// readPhone reads digit groups from i on. Hyphens part groups only where a + or a closed bracket shows a phone number:
// elsewhere they are of dates and ids.
func readPhone(s string, i int, plus, dotted bool) phoneRun {
	run := phoneRun{end: i}
	hyphens := plus
	for {
		gap := i
		for i < len(s) && i-gap <= maxPhoneGap && partsPhone(s[i], hyphens, dotted) {
			hyphens = hyphens || s[i] == ')'
			i++
		}
		if i >= len(s) || !isDigit(s[i]) || i-gap > maxPhoneGap || run.groups == 0 && i > gap && !plus {
			return run
		}
		run.groups++
		run.decimal = run.groups == 2 && s[gap:i] == "."
		for i < len(s) && isDigit(s[i]) {
			run.digits++
			i++
		}
		run.end = i
	}
}

func partsPhone(c byte, hyphens, dotted bool) bool {
	switch c {
	case ' ', '\t', '\n', '\r', '(', ')', '[', ']':
		return true
	case '.':
		return dotted
	case '-':
		return hyphens
	}
	return false
}
