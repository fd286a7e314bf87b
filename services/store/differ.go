package store

import (
	"bytes"
	"math"

	"github.com/throughline-trials/throughline/pkg/event"
)

// Differ compares rows as the database holds them. It is not safe for concurrent use.
type Differ struct{ a, b []byte }

// Field returns the name of the first column in which two rows differ, empty if they do not. What the database does not
// keep, such as the offset of sent, is left out.
func (d *Differ) Field(a, b *Row) string {
	switch {
	case a.Seq != b.Seq:
		return "seq"
	case a.Index != b.Index:
		return "idx"
	case a.Kind != b.Kind:
		return "kind"
	case a.Code != b.Code:
		return "code"
	case a.Field != b.Field:
		return "field"
	case a.Detail != b.Detail:
		return "detail"
	case a.Identity != b.Identity:
		return "identity"
	case a.Content != b.Content:
		return "content"
	case a.Length != b.Length:
		return "length"
	case a.Credential != b.Credential:
		return "credential"
	case microsOf(a.Created) != microsOf(b.Created):
		return "log_created"
	case (a.Offset == nil) != (b.Offset == nil) || a.Offset != nil && *a.Offset != *b.Offset:
		return "offset"
	}
	if field := envelopeField(&a.Event, &b.Event); field != "" {
		return field
	}
	if d.dataDiffer(a.Event.Data, b.Event.Data) {
		return "data"
	}
	if microsOf(a.Received) != microsOf(b.Received) {
		return "received"
	}
	return ""
}

func envelopeField(a, b *event.Event) string {
	switch {
	case a.Study != b.Study:
		return "study"
	case a.Subject != b.Subject:
		return "participant"
	case a.Type != b.Type:
		return "type"
	case clampVersion(a.Version) != clampVersion(b.Version):
		return "version"
	case a.Source != b.Source:
		return "source"
	case a.ID != b.ID:
		return "id"
	case microsOf(a.Time.Time) != microsOf(b.Time.Time):
		return "time"
	case a.Time.Local != b.Time.Local:
		return "time_local"
	case a.Time.Local && offsetMinutes(a.Time) != offsetMinutes(b.Time):
		return "time_offset"
	case microsOf(a.Sent.Time) != microsOf(b.Sent.Time):
		return "sent"
	case a.Timezone != b.Timezone:
		return "timezone"
	case a.Component != b.Component:
		return "component"
	case a.Channel != b.Channel:
		return "channel"
	case a.ActorRole != b.ActorRole:
		return "actorrole"
	case a.Modality != b.Modality:
		return "modality"
	case a.AppVersion != b.AppVersion:
		return "appversion"
	case a.SDKVersion != b.SDKVersion:
		return "sdkversion"
	case a.IsTest != b.IsTest:
		return "istest"
	}
	return ""
}

func (d *Differ) dataDiffer(a, b event.Data) bool {
	if len(a) == 0 && len(b) == 0 {
		return false
	}
	d.a, d.b = a.AppendJSON(d.a[:0]), b.AppendJSON(d.b[:0])
	return !bytes.Equal(d.a, d.b)
}

func clampVersion(v int) uint16 { return uint16(min(max(v, 0), math.MaxUint16)) }

// offsetMinutes is the offset of a local instant.
func offsetMinutes(t event.Instant) int16 {
	_, seconds := t.Zone()
	return int16(seconds / 60)
}
