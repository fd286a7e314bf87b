package event

// Format is the form that a string value must have beside being free of personal data.
type Format uint8

// The formats.
const (
	FormatText      Format = iota // any text of at most [MaxText] characters
	FormatCode                    // a reason or the like: [a-z][a-z0-9_]{0,63}
	FormatName                    // an id of an arm, component, site or factor: [A-Za-z0-9][A-Za-z0-9_-]{0,63}
	FormatPseudonym               // a participant or a peer: [A-Za-z0-9_-]{1,64}
	FormatStudy                   // a study: [a-z0-9][a-z0-9-]{1,62}
	FormatURI                     // a URI reference
	FormatTime                    // RFC 3339
	FormatZone                    // an IANA time zone
	FormatVersion                 // the version of a program
	FormatOpaque                  // taken and not stored
)

// Pattern returns the regular expression of the format, empty if it has none.
func (f Format) Pattern() string {
	switch f {
	case FormatCode:
		return "^[a-z][a-z0-9_]{0,63}$"
	case FormatName:
		return "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
	case FormatPseudonym:
		return "^[A-Za-z0-9_-]{1,64}$"
	case FormatStudy:
		return "^[a-z0-9][a-z0-9-]{1,62}$"
	case FormatZone:
		return "^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9][A-Za-z0-9_+-]*){0,2}$"
	}
	return ""
}

// advice says what a string of the format looks like.
func (f Format) advice() string {
	switch f {
	case FormatCode:
		return "is not a code; write a lower-case letter, then up to 63 lower-case letters, digits and _"
	case FormatName:
		return "is not an id; write a letter or digit, then up to 63 letters, digits, _ and -"
	case FormatPseudonym:
		return "is not a pseudonym; write 1 to 64 letters, digits, _ and -"
	case FormatStudy:
		return "is not a study id; write 2 to 63 lower-case letters, digits and -, not beginning with -"
	case FormatURI:
		return "is not a URI reference; write one like /apps/hope/android"
	case FormatTime:
		return "is not an RFC 3339 time; write it with its offset, like 2026-03-01T09:30:00-05:00"
	case FormatZone:
		return "is not a known IANA time zone; write one like America/New_York"
	}
	return "is not a text of the expected form"
}

// matches reports whether s has the form. Times and zones are checked apart.
func (f Format) matches(s string) bool {
	switch f {
	case FormatCode:
		return ValidCode(s)
	case FormatName:
		return ValidName(s)
	case FormatPseudonym:
		return ValidSubject(s)
	case FormatStudy:
		return ValidStudy(s)
	case FormatURI:
		return validURI(s)
	}
	return true
}

// ValidStudy reports whether s can be the id of a study: [a-z0-9][a-z0-9-]{1,62}.
func ValidStudy(s string) bool {
	if len(s) < 2 || len(s) > 63 || s[0] == '-' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !isLower(c) && !isDigit(c) && c != '-' {
			return false
		}
	}
	return true
}

// ValidSubject reports whether s can be a participant's or a peer's pseudonym: [A-Za-z0-9_-]{1,64}.
func ValidSubject(s string) bool {
	if len(s) < 1 || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !isLetter(c) && !isDigit(c) && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

// ValidName reports whether s can be the id of an arm, a component, a site or a factor:
// [A-Za-z0-9][A-Za-z0-9_-]{0,63}.
func ValidName(s string) bool {
	return ValidSubject(s) && s[0] != '_' && s[0] != '-'
}

// ValidCode reports whether s can be a reason: [a-z][a-z0-9_]{0,63}.
func ValidCode(s string) bool {
	if len(s) < 1 || len(s) > 64 || !isLower(s[0]) {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !isLower(c) && !isDigit(c) && c != '_' {
			return false
		}
	}
	return true
}

// validURI reports whether s is made of the characters of a URI reference, with whole percent escapes.
func validURI(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case isLetter(c), isDigit(c):
		case c == '%':
			if i+2 >= len(s) || unhex(s[i+1]) < 0 || unhex(s[i+2]) < 0 {
				return false
			}
			i += 2
		case !isURIMark(c):
			return false
		}
	}
	return s != ""
}

func isURIMark(c byte) bool {
	switch c {
	case '-', '.', '_', '~', ':', '/', '?', '#', '[', ']', '@', '!', '$', '&', '\'', '(', ')', '*', '+', ',', ';', '=':
		return true
	}
	return false
}

func isLower(c byte) bool  { return 'a' <= c && c <= 'z' }
func isLetter(c byte) bool { return isLower(c | 0x20) }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }

// unhex returns the value of a hexadecimal digit, -1 if c is none.
func unhex(c byte) int {
	switch {
	case isDigit(c):
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}
