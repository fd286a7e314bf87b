package event_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// now is when the events of the tests are received.
var now = time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)

// object is a JSON object under construction.
type object map[string]any

// session is a valid event.
func session() object {
	return object{
		"specversion": "1.0", "id": "e-1", "source": "/apps/hope/android", "type": "session.ended",
		"subject": "p-17", "time": "2026-11-23T06:30:00-05:00", "study": "hope-2026",
		"data": object{"session_id": "s-1", "active_seconds": 312},
	}
}

// with returns the object with some members replaced; a path has dots, as data.percent; nil for null, gone to leave out.
func (o object) with(pairs ...any) object {
	o = maps.Clone(o)
	for i := 0; i < len(pairs); i += 2 {
		path, value := pairs[i].(string), pairs[i+1]
		target, name := o, path
		if rest, ok := strings.CutPrefix(path, "data."); ok {
			data, _ := o["data"].(object)
			target, name = maps.Clone(data), rest
			if target == nil {
				target = object{}
			}
			o["data"] = target
		}
		if value == gone {
			delete(target, name)
		} else {
			target[name] = value
		}
	}
	return o
}

const gone = "\x00gone"

func (o object) raw(t testing.TB) []byte {
	t.Helper()
	raw, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func mustDecode(t testing.TB, raw []byte) event.Event {
	t.Helper()
	e, problems := event.Decode(raw, now)
	if len(problems) > 0 {
		t.Fatalf("Decode(%s): %v", raw, problems)
	}
	return e
}

// golden compares what was got with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; run the test with -update and look at the difference", path)
	}
}

// exampleOf makes a valid event of a type from its row of the catalogue: every attribute, in the smallest form.
func exampleOf(kind *event.Type) object {
	o := session().with("type", kind.Name, "data", object{})
	if kind.StudyLevel {
		delete(o, "subject")
	}
	for i := range kind.Attributes {
		spec := &kind.Attributes[i]
		o = o.with("data."+spec.Name, sample(spec))
	}
	if kind.Name == event.TypeDefinition {
		o["data"] = object{"id": "hope-2026", "arms": []object{{"id": "peer-app"}}}
	}
	return o
}

// sample is a value that an attribute takes.
func sample(spec *event.AttributeSpec) any {
	switch spec.Kind {
	case event.KindNumber:
		return spec.Max / 4
	case event.KindBool:
		return true
	case event.KindMap:
		return object{"sex": "female"}
	}
	switch {
	case len(spec.Values) > 0:
		return spec.Values[len(spec.Values)-1]
	case len(spec.Suggested) > 0:
		return spec.Suggested[0]
	case spec.Format == event.FormatTime:
		return "2026-11-22T00:00:00-05:00"
	}
	return "a-1"
}
