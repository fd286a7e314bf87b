package log

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"

	"github.com/throughline-trials/throughline/pkg/event"
)

// Entry is one decoded line of a message on the streams of events.
type Entry struct {
	Event     event.Event     // as far as readable; zero for a duplicate
	Duplicate bool            // a resend that the gateway recognised: only Identity is known
	Identity  event.Identity  // zero if the line cannot be read
	Raw       []byte          // the line, valid as long as the message's payload
	Problems  []event.Problem // what is wrong with the event, judged at the time of the message
}

const (
	duplicatePrefix = `{"duplicate":"`
	duplicateSuffix = `"}`
)

// AppendDuplicate appends the line, without newline, that records a recognised resend of an event.
func AppendDuplicate(dst []byte, id event.Identity) []byte {
	dst = append(dst, duplicatePrefix...)
	dst = hex.AppendEncode(dst, id[:])
	return append(dst, duplicateSuffix...)
}

// Entries decodes the lines of a message one by one, with their index from 0.
func (m Message) Entries() iter.Seq2[int, Entry] {
	return func(yield func(int, Entry) bool) {
		i := 0
		for line := range event.Lines(m.Payload) {
			if !yield(i, m.entry(line)) {
				return
			}
			i++
		}
	}
}

func (m Message) entry(line []byte) Entry {
	if id, ok := parseDuplicate(line); ok {
		return Entry{Duplicate: true, Identity: id, Raw: line}
	}
	e, problems := event.Decode(line, m.Time)
	entry := Entry{Event: e, Raw: line, Problems: problems}
	if e.Study != "" && e.Source != "" && e.ID != "" {
		entry.Identity = e.Identity()
	}
	return entry
}

func parseDuplicate(line []byte) (event.Identity, bool) {
	var id event.Identity
	text, ok := bytes.CutPrefix(line, []byte(duplicatePrefix))
	if !ok {
		return id, false
	}
	text, ok = bytes.CutSuffix(text, []byte(duplicateSuffix))
	if !ok || len(text) != 2*len(id) {
		return id, false
	}
	_, err := hex.Decode(id[:], text)
	return id, err == nil
}

// Refusal is one line of a message in quarantine.
type Refusal struct {
	Code     event.Code      `json:"code"`
	Field    string          `json:"field,omitempty"`
	Detail   string          `json:"detail,omitempty"`
	Length   int             `json:"length"`             // bytes of the event as sent
	Hash     string          `json:"hash"`               // keyed hash of these bytes, hexadecimal
	Identity string          `json:"identity,omitempty"` // hexadecimal, if known
	Type     string          `json:"type,omitempty"`
	Source   string          `json:"source,omitempty"`
	Event    json.RawMessage `json:"event,omitempty"` // the event as sent, if the code lets it be kept
}

// Refusals decodes the lines of a message of the quarantine one by one. A line that cannot be read comes
// as a refusal without a code, beside the error.
func (m Message) Refusals() iter.Seq2[Refusal, error] {
	return func(yield func(Refusal, error) bool) {
		i := 0
		for line := range event.Lines(m.Payload) {
			var r Refusal
			err := json.Unmarshal(line, &r)
			if err != nil {
				r, err = Refusal{Length: len(line)}, fmt.Errorf("read refusal %d of quarantine message %d: %w", i, m.Seq, err)
			}
			if !yield(r, err) {
				return
			}
			i++
		}
	}
}
