package importer

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
)

// Action is what became of one event of one row.
type Action string

// The actions.
const (
	ActionNone      Action = ""          // the row makes no such event, and never did
	ActionNew       Action = "new"       // sent for the first time
	ActionUnchanged Action = "unchanged" // the log has it as the row says
	ActionCorrected Action = "corrected" // an event.corrected was sent
	ActionVoided    Action = "voided"    // the cell was emptied: an event.voided was sent
	ActionRestored  Action = "restored"  // the cell was filled again: the void was voided
	ActionRefused   Action = "refused"
)

// step is what has to be sent for one wish.
type step struct {
	wish   wish
	action Action
	send   []event.Event
	fault  *fault
}

// The reasons that changes carry.
const (
	reasonCorrected = "changed_in_source"
	reasonVoided    = "emptied_in_source"
	reasonRestored  = "filled_in_source"
)

// planner compares what rows want with what the log holds.
type planner struct{ now func() time.Time }

// plan decides what has to be sent; record is nil where the log does not know the event.
func (p planner) plan(w wish, record *Record) step {
	if record == nil {
		if w.event == nil {
			return step{wish: w, action: ActionNone}
		}
		return step{wish: w, action: ActionNew, send: []event.Event{*w.event}}
	}
	s := stand(record)
	switch {
	case s.original.Subject != w.subject:
		return refuse(w, &fault{code: CodeMoved, reason: "the row belonged to another participant when it was imported before: void that event and give the row another key"})
	case w.event == nil:
		return p.withdraw(w, &s)
	case s.original.Type != w.event.Type:
		return refuse(w, &fault{code: CodeType, reason: "the event was imported before with another type under this name: give it another name in the mapping"})
	}
	return p.renew(w, &s)
}

func refuse(w wish, f *fault) step { return step{wish: w, action: ActionRefused, fault: f} }

// withdraw voids what the row does not say any more.
func (p planner) withdraw(w wish, s *standing) step {
	if s.void != "" || w.keep {
		return step{wish: w, action: ActionNone}
	}
	void := s.change(event.TypeVoided, s.original.ID, reasonVoided)
	return step{wish: w, action: ActionVoided, send: []event.Event{void}}
}

// renew restores a voided event and corrects a changed one.
func (p planner) renew(w wish, s *standing) step {
	out := step{wish: w, action: ActionUnchanged}
	if s.void != "" {
		out.send = append(out.send, s.change(event.TypeVoided, s.void, reasonRestored))
		out.action = ActionRestored
	}
	if s.now.Content() == w.event.Content() {
		return out
	}
	correction := s.change(event.TypeCorrected, s.original.ID, reasonCorrected)
	correction.Data = append(correction.Data, replacements(s, w.event)...)
	decoded, problems := event.Decode(correction.AppendJSON(nil), p.now())
	if len(problems) == 0 {
		var corrected event.Event
		if corrected, problems = event.Apply(s.original, decoded); len(problems) == 0 && corrected.Content() == w.event.Content() {
			out.send = append(out.send, decoded)
			if out.action == ActionUnchanged {
				out.action = ActionCorrected
			}
			return out
		}
	}
	return refuse(w, &fault{code: CodeCell, reason: "the change cannot be told as a correction: void the event and give the row another key"})
}

// change makes the next change of an event. Its time is that of the event, so that the same change made twice is the
// same event; it acts from its receipt.
func (s *standing) change(typ, target, reason string) event.Event {
	s.changes++
	text := func(name, value string) event.Attribute {
		return event.Attribute{Name: name, Value: event.Value{Kind: event.KindString, Str: value}}
	}
	return event.Event{
		ID: s.original.ID + "/" + strconv.Itoa(s.changes), Source: s.original.Source, Type: typ, Version: 1,
		Study: s.original.Study, Subject: s.original.Subject, Time: s.original.Time, Timezone: s.original.Timezone,
		Modality: event.ModalityImported,
		Data:     event.Data{text("reason", reason), text("target_id", target), text("target_source", s.original.Source)},
	}
}

// attributes of the envelope that a correction can replace.
var correctable = map[string]func(*event.Event) event.Value{
	"time":      func(e *event.Event) event.Value { return textValue(e.Time.String()) },
	"timezone":  func(e *event.Event) event.Value { return textValue(e.Timezone) },
	"component": func(e *event.Event) event.Value { return textValue(e.Component) },
	"channel":   func(e *event.Event) event.Value { return textValue(string(e.Channel)) },
	"actorrole": func(e *event.Event) event.Value { return textValue(string(e.ActorRole)) },
	"modality":  func(e *event.Event) event.Value { return textValue(string(e.Modality)) },
}

// textValue is null for what is absent, which is how a correction removes.
func textValue(text string) event.Value {
	if text == "" {
		return event.Value{}
	}
	return event.Value{Kind: event.KindString, Str: text}
}

// replacements returns what a correction must hold so that the original becomes the wanted event: all that differs from
// the original, and all that the last correction replaced, since the latest correction stands alone.
func replacements(s *standing, want *event.Event) event.Data {
	var flat event.Data
	for name, get := range correctable {
		if v := get(want); !equal(v, get(&s.original)) || replaced(s.correction, name) {
			flat = append(flat, event.Attribute{Name: name, Value: v})
		}
	}
	nested := nestedReplacements(s, want)
	if len(nested) > 0 {
		flat = append(flat, event.Attribute{Name: "data", Value: event.Value{Kind: event.KindObject, Object: nested.AppendJSON(nil)}})
	}
	slices.SortFunc(flat, func(a, b event.Attribute) int { return strings.Compare(a.Name, b.Name) })
	return flat
}

func nestedReplacements(s *standing, want *event.Event) event.Data {
	names := map[string]bool{}
	for _, data := range []event.Data{s.original.Data, s.now.Data, want.Data} {
		for _, a := range data {
			names[a.Name] = true
		}
	}
	var nested event.Data
	for _, name := range slices.Sorted(maps.Keys(names)) {
		v, _ := want.Data.Get(name)
		was, _ := s.original.Data.Get(name)
		if !equal(v, was) || replaced(s.correction, name) {
			nested = append(nested, event.Attribute{Name: name, Value: v})
		}
	}
	return nested
}

// replaced reports whether the last correction replaced an attribute.
func replaced(correction *event.Event, name string) bool {
	if correction == nil {
		return false
	}
	_, flat := correction.Data.Get(name)
	_, nested := correction.Data.Get("data." + name)
	return flat && name != "reason" || nested
}

func equal(a, b event.Value) bool {
	return a.Kind == b.Kind && a.Str == b.Str && a.Num == b.Num && a.Bool == b.Bool && maps.Equal(a.Map, b.Map)
}
