package store

import (
	"math"
	"time"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/throughline-trials/throughline/pkg/event"
)

// Types of columns as the database names them; both sides check them.
type (
	kinds  struct{ proto.ColUInt8 }
	micros struct{ proto.ColInt64 }
)

func (kinds) Type() proto.ColumnType {
	return "Enum8('event' = 1, 'duplicate' = 2, 'refused' = 3, 'empty' = 4)"
}
func (micros) Type() proto.ColumnType { return "DateTime64(6, 'UTC')" }

func (m *micros) row(i int) time.Time {
	if m.ColInt64[i] == 0 {
		return time.Time{}
	}
	return time.UnixMicro(m.ColInt64[i]).UTC()
}

// columns is a block of rows, column by column, for both directions. The order of the fields is that of [columns.list].
type columns struct {
	seq                 proto.ColUInt64
	idx                 proto.ColUInt32
	kind                kinds
	code, field, detail symbols
	identity, content   proto.ColFixedStr16
	study               symbols
	participant         proto.ColStr
	typ                 symbols
	version             proto.ColUInt16
	source              symbols
	id                  proto.ColStr
	time                micros
	timeLocal           proto.ColUInt8
	timeOffset          proto.ColInt16
	offset              *proto.ColNullable[int16]
	sent                *proto.ColNullable[int64]
	timezone, component symbols
	channel, actorRole  symbols
	modality            symbols
	appVersion          symbols
	sdkVersion          symbols
	isTest              proto.ColBool
	data                proto.ColStr
	length              proto.ColUInt32
	credential          symbols
	received, created   micros

	names []string
	all   []proto.Column
	lean  bool

	scratch []byte
	parser  dataReader
	subject string           // of the row read last: neighbours are of one participant
	offsets map[int16]*int16 // shared by the rows read
	zones   map[int16]*time.Location
}

func newColumns() *columns { return columnsOf(false) }

// columnsOf returns the columns of a reading; a lean one leaves out those that no number is made of.
func columnsOf(lean bool) *columns {
	c := &columns{
		lean:    lean,
		offset:  proto.NewColNullable[int16](new(proto.ColInt16)),
		sent:    proto.NewColNullable[int64](new(micros)),
		offsets: make(map[int16]*int16),
		zones:   make(map[int16]*time.Location),
	}
	c.list()
	return c
}

func (c *columns) list() {
	add := func(name string, column proto.Column) {
		if c.lean && fullOnly(name) {
			return
		}
		c.names = append(c.names, name)
		c.all = append(c.all, column)
	}
	add("seq", &c.seq)
	add("idx", &c.idx)
	add("kind", &c.kind)
	add("code", &c.code)
	add("field", &c.field)
	add("detail", &c.detail)
	add("identity", &c.identity)
	add("content", &c.content)
	add("study", &c.study)
	add("participant", &c.participant)
	add("type", &c.typ)
	add("version", &c.version)
	add("source", &c.source)
	add("id", &c.id)
	add("time", &c.time)
	add("time_local", &c.timeLocal)
	add("time_offset", &c.timeOffset)
	add("offset", c.offset)
	add("sent", c.sent)
	add("timezone", &c.timezone)
	add("component", &c.component)
	add("channel", &c.channel)
	add("actorrole", &c.actorRole)
	add("modality", &c.modality)
	add("appversion", &c.appVersion)
	add("sdkversion", &c.sdkVersion)
	add("istest", &c.isTest)
	add("data", &c.data)
	add("length", &c.length)
	add("credential", &c.credential)
	add("received", &c.received)
	add("log_created", &c.created)
}

// fullOnly reports whether a column is left out of lean readings.
func fullOnly(name string) bool {
	switch name {
	case "code", "field", "detail", "content", "version", "id", "appversion", "sdkversion", "length", "credential", "log_created":
		return true
	}
	return false
}

func (c *columns) reset() {
	for _, col := range c.all {
		col.Reset()
	}
}

func (c *columns) rows() int { return len(c.seq) }

func (c *columns) append(r *Row) {
	c.seq = append(c.seq, r.Seq)
	c.idx = append(c.idx, r.Index)
	c.kind.ColUInt8 = append(c.kind.ColUInt8, uint8(r.Kind))
	c.code.Append(string(r.Code))
	c.field.Append(r.Field)
	c.detail.Append(r.Detail)
	c.identity = append(c.identity, r.Identity)
	c.content = append(c.content, r.Content)
	c.length = append(c.length, uint32(min(max(r.Length, 0), math.MaxUint32)))
	c.credential.Append(r.Credential)
	c.received.ColInt64 = append(c.received.ColInt64, microsOf(r.Received))
	c.created.ColInt64 = append(c.created.ColInt64, microsOf(r.Created))
	if r.Offset == nil {
		c.offset.Append(proto.Null[int16]())
	} else {
		c.offset.Append(proto.NewNullable(*r.Offset))
	}
	c.appendEvent(&r.Event)
}

func (c *columns) appendEvent(e *event.Event) {
	c.study.Append(e.Study)
	c.participant.Append(e.Subject)
	c.typ.Append(e.Type)
	c.version = append(c.version, clampVersion(e.Version))
	c.source.Append(e.Source)
	c.id.Append(e.ID)
	c.appendTime(e.Time)
	if sent := microsOf(e.Sent.Time); sent == 0 {
		c.sent.Append(proto.Null[int64]())
	} else {
		c.sent.Append(proto.NewNullable(sent))
	}
	c.timezone.Append(e.Timezone)
	c.component.Append(e.Component)
	c.channel.Append(string(e.Channel))
	c.actorRole.Append(string(e.ActorRole))
	c.modality.Append(string(e.Modality))
	c.appVersion.Append(e.AppVersion)
	c.sdkVersion.Append(e.SDKVersion)
	c.isTest = append(c.isTest, e.IsTest)
	c.scratch = c.scratch[:0]
	if len(e.Data) > 0 {
		c.scratch = e.Data.AppendJSON(c.scratch)
	}
	c.data.AppendBytes(c.scratch)
}

func (c *columns) appendTime(t event.Instant) {
	local, minutes := uint8(0), int16(0)
	if t.Local {
		local, minutes = 1, offsetMinutes(t)
	}
	c.time.ColInt64 = append(c.time.ColInt64, microsOf(t.Time))
	c.timeLocal = append(c.timeLocal, local)
	c.timeOffset = append(c.timeOffset, minutes)
}

// microsOf returns a time as the database holds it: 0 for the zero time and for those beyond its range, which only
// refused events carry.
func microsOf(t time.Time) int64 {
	if y := t.Year(); y < 1900 || y > 2260 {
		return 0
	}
	return t.UnixMicro()
}

// Normalize makes a row what it is once it has been stored and read again.
func (r *Row) Normalize() {
	c := newColumns()
	c.append(r)
	table := r.Table
	c.row(0, r)
	r.Table = table
}

// row fills r from one row of the block. Its strings stay valid.
func (c *columns) row(i int, r *Row) {
	r.Seq, r.Index, r.Kind, r.Identity, r.Received = c.seq[i], c.idx[i], Kind(c.kind.ColUInt8[i]), c.identity[i], c.received.row(i)
	if !c.lean {
		r.Code, r.Field, r.Detail, r.Content = event.Code(c.code.Row(i)), c.field.Row(i), c.detail.Row(i), c.content[i]
		r.Length, r.Credential, r.Created = int(c.length[i]), c.credential.Row(i), c.created.row(i)
		r.Event.Version, r.Event.ID = int(c.version[i]), c.id.Row(i)
		r.Event.AppVersion, r.Event.SDKVersion = c.appVersion.Row(i), c.sdkVersion.Row(i)
	}
	r.Offset = nil
	if o := c.offset.Row(i); o.Set {
		r.Offset = c.offsetOf(o.Value)
	}
	c.event(i, &r.Event)
}

func (c *columns) event(i int, e *event.Event) {
	e.Study, e.Subject, e.Type, e.Source = c.study.Row(i), c.participantAt(i), c.typ.Row(i), c.source.Row(i)
	e.Time = c.instant(i)
	e.Sent = event.Instant{}
	if sent := c.sent.Row(i); sent.Set {
		e.Sent.Time = time.UnixMicro(sent.Value).UTC()
	}
	e.Timezone, e.Component = c.timezone.Row(i), c.component.Row(i)
	e.Channel, e.ActorRole = event.Channel(c.channel.Row(i)), event.ActorRole(c.actorRole.Row(i))
	e.Modality = event.Modality(c.modality.Row(i))
	e.IsTest = c.isTest[i]
	e.Data = c.parser.parse(c.data.RowBytes(i), e.Type)
}

func (c *columns) participantAt(i int) string {
	if b := c.participant.RowBytes(i); string(b) != c.subject {
		c.subject = string(b)
	}
	return c.subject
}

func (c *columns) instant(i int) event.Instant {
	t := c.time.row(i)
	if c.timeLocal[i] == 0 {
		return event.Instant{Time: t}
	}
	minutes := c.timeOffset[i]
	zone, ok := c.zones[minutes]
	if !ok {
		zone = time.FixedZone("", int(minutes)*60)
		c.zones[minutes] = zone
	}
	return event.Instant{Time: t.In(zone), Local: true}
}

func (c *columns) offsetOf(minutes int16) *int16 {
	p, ok := c.offsets[minutes]
	if !ok {
		p = &minutes
		c.offsets[minutes] = p
	}
	return p
}
