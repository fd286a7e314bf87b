package event_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
)

func TestParseInstant(t *testing.T) {
	for text, want := range map[string]string{ // empty: refused
		"2026-11-23T06:30:00-05:00":              "2026-11-23T06:30:00-05:00",
		"2026-11-23T06:30:00Z":                   "2026-11-23T06:30:00Z",
		"2026-11-23t06:30:00z":                   "2026-11-23T06:30:00Z",
		"2026-11-23T06:30:00+00:00":              "2026-11-23T06:30:00+00:00",
		"2026-11-23T06:30:00-00:00":              "2026-11-23T06:30:00Z",
		"2026-11-23T06:30:00.5Z":                 "2026-11-23T06:30:00.5Z",
		"2026-11-23T06:30:00.500000Z":            "2026-11-23T06:30:00.5Z",
		"2026-11-23T06:30:00.000001Z":            "2026-11-23T06:30:00.000001Z",
		"2026-11-23T06:30:00.1234567899999Z":     "2026-11-23T06:30:00.123456Z",
		"2026-11-23T06:30:00.000000999Z":         "2026-11-23T06:30:00Z",
		"2026-11-23T23:59:59+14:00":              "2026-11-23T23:59:59+14:00",
		"2026-11-23T23:59:59-12:00":              "2026-11-23T23:59:59-12:00",
		"2026-11-23T23:59:59+05:45":              "2026-11-23T23:59:59+05:45",
		"2026-11-23T23:59:59-09:30":              "2026-11-23T23:59:59-09:30",
		"2024-02-29T00:00:00Z":                   "2024-02-29T00:00:00Z",
		"2000-02-29T00:00:00Z":                   "2000-02-29T00:00:00Z",
		"2016-12-31T23:59:60Z":                   "2016-12-31T23:59:59.999999Z",
		"2016-12-31T18:59:60-05:00":              "2016-12-31T18:59:59.999999-05:00",
		"2017-01-01T05:29:60.25+05:30":           "2017-01-01T05:29:59.999999+05:30",
		"2016-12-30T23:59:60Z":                   "",
		"2016-12-31T22:59:60Z":                   "",
		"2016-12-31T23:59:60+01:00":              "",
		"2016-12-31T23:59:61Z":                   "",
		"2026-02-29T00:00:00Z":                   "",
		"1900-02-29T00:00:00Z":                   "",
		"2026-04-31T00:00:00Z":                   "",
		"2026-00-10T00:00:00Z":                   "",
		"2026-13-10T00:00:00Z":                   "",
		"2026-10-00T00:00:00Z":                   "",
		"2026-11-23T24:00:00Z":                   "",
		"2026-11-23T06:60:00Z":                   "",
		"2026-11-23T06:30:00+14:01":              "",
		"2026-11-23T06:30:00-12:01":              "",
		"2026-11-23T06:30:00+99:00":              "",
		"2026-11-23T06:30:00+05:60":              "",
		"2026-11-23T06:30:00+0500":               "",
		"2026-11-23T06:30:00+05":                 "",
		"2026-11-23T06:30:00":                    "",
		"2026-11-23T06:30:00.Z":                  "",
		"2026-11-23T06:30:00.5":                  "",
		"2026-11-23T06:30:00,5Z":                 "",
		"2026-11-23T06:30Z":                      "",
		"2026-11-23 06:30:00Z":                   "",
		"2026-11-23":                             "",
		"20261123T063000Z":                       "",
		"2026-11-23T06:30:00ZZ":                  "",
		" 2026-11-23T06:30:00Z":                  "",
		"+026-11-23T06:30:00Z":                   "",
		"2026-1١-23T06:30:00Z":                   "",
		"":                                       "",
		"now":                                    "",
		"2026-11-23T06:30:00.99999999999999999Z": "2026-11-23T06:30:00.999999Z",
	} {
		got, ok := event.ParseInstant(text)
		if ok != (want != "") || ok && got.String() != want {
			t.Errorf("ParseInstant(%q) = %s, %v; want %q", text, got, ok, want)
		}
		if again, _ := event.ParseInstant(got.String()); ok && (again != got && !again.Equal(got.Time) || again.Local != got.Local) {
			t.Errorf("%q does not come back", text)
		}
	}
}

// TestParseInstantAgrees compares with the standard library on every half hour of offset and many fractions.
func TestParseInstantAgrees(t *testing.T) {
	for offset := -12 * 60; offset <= 14*60; offset += 15 {
		zone := time.FixedZone("", 60*offset)
		at := time.Date(2026, time.February, 28, 23, 59, 1, 1000*(offset+720)*317, zone)
		text := at.Format("2006-01-02T15:04:05.000000-07:00")
		got, ok := event.ParseInstant(text)
		if !ok || !got.Equal(at) || !got.Local || got.Format(time.RFC3339) != at.Format(time.RFC3339) {
			t.Errorf("%s: got %s, %v", text, got, ok)
		}
	}
}

func TestInstantJSON(t *testing.T) {
	for _, text := range []string{`"2026-11-23T06:30:00.25-05:00"`, `"2026-11-23T06:30:00Z"`, `"2026-11-23T06:30:00+00:00"`} {
		var at event.Instant
		if err := json.Unmarshal([]byte(text), &at); err != nil {
			t.Fatal(err)
		}
		if got, err := json.Marshal(at); err != nil || string(got) != text {
			t.Errorf("got %s, %v; want %s", got, err, text)
		}
	}
	var at event.Instant
	if err := json.Unmarshal([]byte(`"noon"`), &at); err == nil {
		t.Error("noon was taken")
	}
	if err := json.Unmarshal([]byte(`null`), &at); err != nil || !at.IsZero() {
		t.Errorf("null: got %s, %v", at, err)
	}
}

func TestAt(t *testing.T) {
	if got := event.At(now.Add(1234)).String(); got != "2026-11-23T12:00:00.000001Z" {
		t.Error(got)
	}
	zone := time.FixedZone("somewhere", 19800)
	if got := event.At(now.In(zone)).String(); got != "2026-11-23T17:30:00+05:30" {
		t.Error(got)
	}
}
