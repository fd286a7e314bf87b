package analyst

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/store"
)

// words gives numbers to the words that events share: types, components, zones, names of attributes. It only grows, up
// to a bound; what finds no place is written out.
type words struct {
	number map[string]uint64
	list   []string
}

const maxWords = 4096

func newWords() *words { return &words{number: map[string]uint64{}} }

// packer writes rows of one participant in few bytes, and reads them again: what [Derive] looks at, and nothing else.
//
// A row is, in this order: flags; seq; index; received and time as microseconds, as differences; offset; sent; identity;
// the words; the attributes.
type packer struct{ words *words }

// Flags of a packed row.
const (
	packAllocation = 1 << iota
	packLocal
	packOffset
	packSent
	packTest
)

// append packs a row behind others of the participant; last is the time at which the one before was received.
func (p *packer) append(dst []byte, r *store.Row, last int64) []byte {
	e := &r.Event
	flags := uint64(0)
	set := func(on bool, flag uint64) {
		if on {
			flags |= flag
		}
	}
	set(r.Table == store.TableAllocations, packAllocation)
	set(e.Time.Local, packLocal)
	set(r.Offset != nil, packOffset)
	set(!e.Sent.IsZero(), packSent)
	set(e.IsTest, packTest)
	received, at := r.Received.UnixMicro(), e.Time.UnixMicro()
	dst = binary.AppendUvarint(dst, flags)
	dst = binary.AppendUvarint(dst, r.Seq)
	dst = binary.AppendUvarint(dst, uint64(r.Index))
	dst = binary.AppendVarint(dst, received-last)
	dst = binary.AppendVarint(dst, at-received)
	if e.Time.Local {
		_, seconds := e.Time.Zone()
		dst = binary.AppendVarint(dst, int64(seconds))
	}
	if r.Offset != nil {
		dst = binary.AppendVarint(dst, int64(*r.Offset))
	}
	if !e.Sent.IsZero() {
		dst = binary.AppendVarint(dst, e.Sent.UnixMicro()-received)
	}
	dst = append(dst, r.Identity[:]...)
	for _, word := range [...]string{e.Type, e.Source, e.Timezone, e.Component, string(e.Channel), string(e.ActorRole), string(e.Modality)} {
		dst = p.word(dst, word)
	}
	return p.data(dst, e.Data)
}

// word writes a word as its number, or, where there is no place for it, written out.
func (p *packer) word(dst []byte, word string) []byte {
	n, ok := p.words.number[word]
	if !ok && len(p.words.list) < maxWords {
		n, ok = uint64(len(p.words.list)), true
		p.words.number[word] = n
		p.words.list = append(p.words.list, word)
	}
	if ok {
		return binary.AppendUvarint(dst, n<<1|1)
	}
	return p.text(dst, word, 1)
}

func (p *packer) text(dst []byte, text string, shift int) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(text))<<shift)
	return append(dst, text...)
}

func (p *packer) data(dst []byte, data event.Data) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(data)))
	for _, a := range data {
		dst = p.word(dst, a.Name)
		dst = append(dst, byte(a.Value.Kind))
		switch v := a.Value; v.Kind {
		case event.KindString:
			dst = p.text(dst, v.Str, 0)
		case event.KindNumber:
			dst = binary.AppendUvarint(dst, math.Float64bits(v.Num)>>32)
			dst = binary.AppendUvarint(dst, math.Float64bits(v.Num)&math.MaxUint32)
		case event.KindBool:
			dst = append(dst, oneIf(v.Bool))
		case event.KindMap:
			dst = binary.AppendUvarint(dst, uint64(len(v.Map)))
			for key, level := range v.Map {
				dst = p.text(p.text(dst, key, 0), level, 0)
			}
		case event.KindObject:
			dst = p.text(dst, string(v.Object), 0)
		}
	}
	return dst
}

func oneIf(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// unpacker reads packed rows of one participant at a time. The data of its rows lie in memory that the next participant
// takes over; their strings stay valid.
type unpacker struct {
	words   *words
	src     string
	last    int64
	arena   event.Data
	offsets map[int16]*int16
	zones   map[int64]*time.Location
}

func newUnpacker(w *words) *unpacker {
	return &unpacker{words: w, offsets: map[int16]*int16{}, zones: map[int64]*time.Location{}}
}

// rows appends the rows of a participant to dst.
func (u *unpacker) rows(dst []store.Row, src []byte, study, participant string) []store.Row {
	u.src, u.last = string(src), 0
	clear(u.arena)
	u.arena = u.arena[:0]
	for len(u.src) > 0 {
		dst = append(dst, store.Row{})
		r := &dst[len(dst)-1]
		u.row(r)
		r.Kind, r.Event.Study, r.Event.Subject, r.Event.Version = store.KindEvent, study, participant, 1
	}
	return dst
}

func (u *unpacker) row(r *store.Row) {
	e := &r.Event
	flags := u.unsigned()
	r.Table, e.IsTest = store.TableEvents, flags&packTest != 0
	if flags&packAllocation != 0 {
		r.Table = store.TableAllocations
	}
	r.Seq, r.Index = u.unsigned(), uint32(u.unsigned())
	u.last += u.signed()
	r.Received = time.UnixMicro(u.last).UTC()
	e.Time.Time = time.UnixMicro(u.last + u.signed()).UTC()
	if flags&packLocal != 0 {
		e.Time.Local = true
		e.Time.Time = e.Time.In(u.zone(u.signed()))
	}
	if flags&packOffset != 0 {
		r.Offset = u.offset(int16(u.signed()))
	}
	if flags&packSent != 0 {
		e.Sent.Time = time.UnixMicro(u.last + u.signed()).UTC()
	}
	u.src = u.src[copy(r.Identity[:], u.src):]
	e.Type, e.Source, e.Timezone, e.Component = u.word(), u.word(), u.word(), u.word()
	e.Channel, e.ActorRole, e.Modality = event.Channel(u.word()), event.ActorRole(u.word()), event.Modality(u.word())
	e.Data = u.data()
}

func (u *unpacker) zone(seconds int64) *time.Location {
	zone, ok := u.zones[seconds]
	if !ok {
		zone = time.FixedZone("", int(seconds))
		u.zones[seconds] = zone
	}
	return zone
}

func (u *unpacker) offset(minutes int16) *int16 {
	p, ok := u.offsets[minutes]
	if !ok {
		p = &minutes
		u.offsets[minutes] = p
	}
	return p
}

func (u *unpacker) unsigned() uint64 {
	v, shift := uint64(0), 0
	for i := 0; ; i++ {
		b := u.src[i]
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			u.src = u.src[i+1:]
			return v
		}
		shift += 7
	}
}

func (u *unpacker) signed() int64 {
	v := u.unsigned()
	return int64(v>>1) ^ -int64(v&1)
}

func (u *unpacker) word() string {
	n := u.unsigned()
	if n&1 == 1 {
		return u.words.list[n>>1]
	}
	return u.take(int(n >> 1))
}

func (u *unpacker) text() string { return u.take(int(u.unsigned())) }

func (u *unpacker) take(n int) string {
	text := u.src[:n]
	u.src = u.src[n:]
	return text
}

func (u *unpacker) data() event.Data {
	n := int(u.unsigned())
	if n == 0 {
		return nil
	}
	first := len(u.arena)
	for range n {
		name := u.word()
		u.arena = append(u.arena, event.Attribute{Name: name, Value: u.value()})
	}
	return u.arena[first:len(u.arena):len(u.arena)]
}

func (u *unpacker) value() event.Value {
	v := event.Value{Kind: event.Kind(u.src[0])}
	u.src = u.src[1:]
	switch v.Kind {
	case event.KindString:
		v.Str = u.text()
	case event.KindNumber:
		high := u.unsigned()
		v.Num = math.Float64frombits(high<<32 | u.unsigned())
	case event.KindBool:
		v.Bool = u.src[0] == 1
		u.src = u.src[1:]
	case event.KindMap:
		n := int(u.unsigned())
		v.Map = make(map[string]string, n)
		for range n {
			key := u.text()
			v.Map[key] = u.text()
		}
	case event.KindObject:
		v.Object = []byte(u.text())
	}
	return v
}
