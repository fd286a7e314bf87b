package event_test

import (
	"strings"
	"testing"

	"github.com/throughline-trials/throughline/pkg/event"
)

func TestPersonalData(t *testing.T) {
	for what, texts := range map[string][]string{
		"an e-mail address": {
			"jane@example.org", "Jane Doe <jane.doe+trial@mail.example.co.uk>", "mailto:jane@example.org", "jane@example.org.",
			"write to jane@example.org, please", "JANE@EXAMPLE.ORG", "jané@exämple.org", "jane@例え.jp", "jane@xn--exmple-cua.de",
			"jane%40example.org", "https://jane@example.org/", "jane＠example．org", `"jane doe"@example.org`, "jane@[192.168.0.1]",
			"x@@jane@example.org",
		},
		"a phone number": {
			"+15551234567", "+12345678", "+123456789012345", "tel:+15551234567", "%2B15551234567", "＋15551234567",
			"+1 555 123 4567", "+1-555-123-4567", "+1 (555) 123-4567", "+44 (0)20 7946 0958", "+ 1 555 123 4567",
			"555 123 4567", "555.123.4567", "(555) 123 4567", "(555)1234567", "[555] 123 4567", "(555) 123-4567", "0(20)7946-0958",
			"01 23 45 67 89", "01.23.45.67.89", "0171 2345678", "call 555 123 4567 now", "555%20123%204567", "555\u00a0123\u00a04567",
			"५५५ १२३ ४५६७", "tel555 123 4567", "555 123 4567 555 123 4568",
		},
		"long free text": {
			strings.Repeat("x", 129), strings.Repeat("ü", 129),
			"I did not sleep well and I was thinking about what you said on the phone last week too",
		},
		"": {
			"", "s-1", "module 3: getting along with others", "15551234567", "00491711234567", "123456789012345678901234567890",
			"550e8400-e29b-41d4-a716-446655440000", "00000000-0000-4000-8000-000000000000", "urn:uuid:12345678-1234-1234-1234-123456789012",
			"2026-11-23", "2026-11-23T06:30:00-05:00", "2026-11-23T06:30:00.123456Z", "2026-11-23T06:30:00.123456+14:00",
			"2026-11-23 06:30:00", "(2026-11-23)", "555-123-4567", "1795435800.123456", "12345.6789", "1.2.3", "10 of 12", "1 2 3",
			"+1234567", "+1234567890123456", "+01:00", "5 + 3", "PHQ-9", "hope-scale (2011)", "@jane", "jane@", "a @ b", "jane@home",
			"lodash@4.17.21", "@scope/package", "/apps/hope/android?build=20261123", "v2.0.1", strings.Repeat("x", 128),
			"Patient-Reported Outcomes Measurement Information System, Depression, short form 8a, version 1.0", "100%", "50%2", "%zz",
		},
	} {
		for _, s := range texts {
			if got, found := event.PersonalData(s); got != what || found != (what != "") {
				t.Errorf("PersonalData(%q) = %q, %v; want %q", s, got, found, what)
			}
		}
	}
}

// TestPersonalDataIsFoundInside puts what must be found into surroundings that must not hide it.
func TestPersonalDataIsFoundInside(t *testing.T) {
	for _, s := range []string{"jane@example.org", "+15551234567", "555 123 4567", "(555) 123 4567"} {
		for _, around := range []string{"%s", "a %s", "%s b", "a-%s-b", "<%s>", "x=%s;", "1 %s", "2026-11-23 %s", "%s.", "ü%s", "%s\n", "a/%s/b"} {
			text := strings.Replace(around, "%s", s, 1)
			if _, found := event.PersonalData(text); !found {
				t.Errorf("nothing found in %q", text)
			}
		}
	}
}
