package importer

import (
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
)

// HistoryPath returns where a server answers history queries of a study: POST of a [HistoryQuery], answered with a
// [HistoryAnswer].
func HistoryPath(study string) string {
	return "/v1/admin/studies/" + url.PathEscape(study) + "/history"
}

// HistoryAnswer is the answer to a [HistoryQuery].
type HistoryAnswer struct {
	Records Records `json:"records"`
}

// recordWire is a record as JSON: events in their canonical form.
type recordWire struct {
	Event   json.RawMessage   `json:"event"`
	Changes []json.RawMessage `json:"changes,omitempty"`
}

// MarshalJSON writes the events in their canonical form.
func (r Record) MarshalJSON() ([]byte, error) {
	wire := recordWire{Event: r.Event.AppendJSON(nil)}
	for i := range r.Changes {
		wire.Changes = append(wire.Changes, r.Changes[i].AppendJSON(nil))
	}
	return json.Marshal(wire)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (r *Record) UnmarshalJSON(text []byte) error {
	var wire recordWire
	if err := json.Unmarshal(text, &wire); err != nil {
		return err
	}
	*r = Record{}
	for i, raw := range append([]json.RawMessage{wire.Event}, wire.Changes...) {
		e, problems := event.Decode(raw, time.Time{})
		if len(problems) > 0 {
			return fmt.Errorf("read stored event: %s %s", problems[0].Field, problems[0].Detail)
		}
		if i == 0 {
			r.Event = e
		} else {
			r.Changes = append(r.Changes, e)
		}
	}
	return nil
}
