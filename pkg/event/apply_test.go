package event_test

import (
	"reflect"
	"testing"

	"github.com/throughline-trials/throughline/pkg/event"
)

// correction is a valid correction of session().
func correction(data ...any) object {
	o := session().with("id", "c-1", "type", event.TypeCorrected, "source", "/registry",
		"data", object{"target_source": "/apps/hope/android", "target_id": "e-1"})
	return o.with(data...)
}

func TestCorrectionIsFlattened(t *testing.T) {
	for name, c := range map[string]struct {
		event object
		want  string
	}{
		"flat": {correction("data.percent", 50, "data.reason", "typing_error"),
			`{"percent":50,"reason":"typing_error","target_id":"e-1","target_source":"/apps/hope/android"}`},
		"nested": {correction("data.data", object{"percent": 50, "time": "2026-11-22T06:30:00.0Z"}),
			`{"percent":50,"target_id":"e-1","target_source":"/apps/hope/android","time":"2026-11-22T06:30:00Z"}`},
		"both": {correction("data.percent", 50, "data.data", object{"module": "m-1"}),
			`{"module":"m-1","percent":50,"target_id":"e-1","target_source":"/apps/hope/android"}`},
		"names of the target": {correction("data.reason", "typing_error", "data.component", "app", "data.data", object{"reason": "travel", "component": "web"}),
			`{"component":"app","data.component":"web","data.reason":"travel","reason":"typing_error","target_id":"e-1","target_source":"/apps/hope/android"}`},
		"canonical": {correction("data.data.reason", gone).with("data", object{"target_source": "/a", "target_id": "1", "data.reason": "travel", "data.percent": 1}),
			`{"data.reason":"travel","percent":1,"target_id":"1","target_source":"/a"}`},
		"removal": {correction("data.percent", nil, "data.timezone", nil, "data.data", object{"reason": nil}),
			`{"data.reason":null,"percent":null,"target_id":"e-1","target_source":"/apps/hope/android","timezone":null}`},
		"nothing replaced": {correction(), `{"target_id":"e-1","target_source":"/apps/hope/android"}`},
		"test traffic":     {correction("data.istest", true), `{"istest":true,"target_id":"e-1","target_source":"/apps/hope/android"}`},
		"a scope of either type": {correction("data.scope", "erase"),
			`{"scope":"erase","target_id":"e-1","target_source":"/apps/hope/android"}`},
		"a scope of the other type": {correction("data.scope", "study"),
			`{"scope":"study","target_id":"e-1","target_source":"/apps/hope/android"}`},
	} {
		e := mustDecode(t, c.event.raw(t))
		if got := string(e.Data.AppendJSON(nil)); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, c.want)
		}
		if again := mustDecode(t, e.AppendJSON(nil)); !reflect.DeepEqual(again, e) {
			t.Errorf("%s: comes back as %+v", name, again)
		}
	}
}

func TestCorrectionRefused(t *testing.T) {
	for name, c := range map[string]struct {
		event object
		code  event.Code
		field string
	}{
		"identity":          {correction("data.id", "e-2"), event.CodeUnknownProperty, "data.id"},
		"subject":           {correction("data.subject", "p-18"), event.CodeUnknownProperty, "data.subject"},
		"type":              {correction("data.type", "session.started"), event.CodeUnknownProperty, "data.type"},
		"study":             {correction("data.study", "other"), event.CodeUnknownProperty, "data.study"},
		"definition":        {correction("data.definition", object{}), event.CodeUnknownProperty, "data.definition"},
		"unknown nested":    {correction("data.data", object{"mood": 1}), event.CodeUnknownProperty, "data.data.mood"},
		"nested twice":      {correction("data.data", object{"data": object{"percent": 1}}), event.CodeUnknownProperty, "data.data.data"},
		"flat and nested":   {correction("data.percent", 1, "data.data", object{"percent": 2}), event.CodeInvalidValue, "data.percent"},
		"no such value":     {correction("data.percent", 101), event.CodeInvalidValue, "data.percent"},
		"no scope":          {correction("data.scope", "everything"), event.CodeInvalidValue, "data.scope"},
		"time removed":      {correction("data.time", nil), event.CodeInvalidValue, "data.time"},
		"time in words":     {correction("data.time", "noon"), event.CodeInvalidTime, "data.time"},
		"time ahead":        {correction("data.time", "2026-12-24T00:00:00Z"), event.CodeFutureTime, "data.time"},
		"time too old":      {correction("data.data", object{"time": "1980-12-24T00:00:00Z"}), event.CodeTooOld, "data.data.time"},
		"timezone":          {correction("data.timezone", "Local"), event.CodeInvalidValue, "data.timezone"},
		"target removed":    {correction("data.target_id", nil), event.CodeInvalidValue, "data.target_id"},
		"no target":         {correction("data.target_id", gone), event.CodeMissingAttribute, "data.target_id"},
		"e-mail":            {correction("data.module", "jane@example.org"), event.CodePersonalData, "data.module"},
		"e-mail nested":     {correction("data.data", object{"module": "jane@example.org"}), event.CodePersonalData, "data.data.module"},
		"void with content": {correction("type", event.TypeVoided, "data.percent", 1), event.CodeUnknownProperty, "data.percent"},
	} {
		_, problems := event.Decode(c.event.raw(t), now)
		if len(problems) == 0 || problems[0].Code != c.code || problems[0].Field != c.field {
			t.Errorf("%s: got %v", name, problems)
		}
	}
}

func TestApply(t *testing.T) {
	target := session().with("timezone", "America/New_York", "component", "app", "istest", true, "sent", "2026-11-23T12:00:00Z")
	withdrawal := exampleOf(lookup(t, "participant.withdrew"))
	outage := exampleOf(lookup(t, event.TypeOutage))
	fault := exampleOf(lookup(t, "technical_fault.reported"))
	for name, c := range map[string]struct{ target, correction, want object }{
		"nothing":             {target, correction(), target},
		"data":                {target, correction("data.active_seconds", 60), target.with("data.active_seconds", 60)},
		"data added":          {target, correction("data.ended_by", "user"), target.with("data.ended_by", "user")},
		"data removed":        {target, correction("data.active_seconds", nil, "data.session_id", nil), target.with("data", gone)},
		"time":                {target, correction("data.time", "2026-11-20T06:30:00+01:00"), target.with("time", "2026-11-20T06:30:00+01:00")},
		"envelope":            {target, correction("data.component", "web", "data.channel", "web", "data.actorrole", "staff", "data.modality", "imported", "data.istest", false), target.with("component", "web", "channel", "web", "actorrole", "staff", "modality", "imported", "istest", gone)},
		"envelope removed":    {target, correction("data.component", nil, "data.timezone", nil, "data.istest", nil, "data.sent", nil), target.with("component", gone, "timezone", gone, "istest", gone, "sent", gone)},
		"reason of its own":   {withdrawal, correction("data.reason", "typing_error", "data.scope", "stop_all"), withdrawal.with("data.scope", "stop_all")},
		"reason of target":    {withdrawal, correction("data.reason", "typing_error", "data.data", object{"reason": "moved"}), withdrawal.with("data.reason", "moved")},
		"reason removed":      {withdrawal, correction("data.data", object{"reason": nil}), withdrawal.with("data.reason", gone)},
		"component of outage": {outage, correction("subject", gone, "data.component", "web"), outage.with("data.component", "web")},
		"component of fault":  {fault, correction("data.component", "web", "data.data", object{"component": "app"}), fault.with("component", "web", "data.component", "app")},
	} {
		before := mustDecode(t, c.target.raw(t))
		got, problems := event.Apply(before, mustDecode(t, c.correction.raw(t)))
		want := mustDecode(t, c.want.raw(t))
		if len(problems) > 0 || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v\ngot  %s\nwant %s", name, problems, got.AppendJSON(nil), want.AppendJSON(nil))
		}
		if !reflect.DeepEqual(before, mustDecode(t, c.target.raw(t))) {
			t.Errorf("%s: the target was changed", name)
		}
	}
}

func TestApplyRefused(t *testing.T) {
	withdrawal := exampleOf(lookup(t, "participant.withdrew"))
	wear := exampleOf(lookup(t, "wear_day.recorded"))
	for name, c := range map[string]struct {
		target, correction object
		code               event.Code
	}{
		"another id":         {session().with("id", "e-2"), correction(), event.CodeInvalidValue},
		"another source":     {session().with("source", "/b"), correction(), event.CodeInvalidValue},
		"another study":      {session().with("study", "other"), correction(), event.CodeInvalidValue},
		"not a correction":   {session(), exampleOf(lookup(t, event.TypeVoided)), event.CodeInvalidValue},
		"a correction":       {correction("id", "e-1", "source", "/apps/hope/android"), correction(), event.CodeInvalidValue},
		"of another type":    {session(), correction("data.minutes", 1), event.CodeUnknownProperty},
		"no reason there":    {session(), correction("data.data", object{"reason": "moved"}), event.CodeUnknownProperty},
		"scope of unblinded": {withdrawal, correction("data.scope", "study"), event.CodeInvalidValue},
		"required removed":   {withdrawal, correction("data.scope", nil), event.CodeMissingAttribute},
		"times out of order": {wear, correction("data.covered_to", "2026-11-01T00:00:00Z"), event.CodeInvalidValue},
	} {
		target := mustDecode(t, c.target.raw(t))
		got, problems := event.Apply(target, mustDecode(t, c.correction.raw(t)))
		if len(problems) != 1 || problems[0].Code != c.code {
			t.Errorf("%s: got %v", name, problems)
		}
		if !reflect.DeepEqual(got, target) {
			t.Errorf("%s: the target was changed", name)
		}
	}
}
