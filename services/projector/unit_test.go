package projector

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/log"
	"github.com/throughline-trials/throughline/services/store"
)

func identity(n int) event.Identity {
	var id event.Identity
	binary.BigEndian.PutUint64(id[:], uint64(n)*0x9e3779b97f4a7c15)
	return id
}

func TestFilterForgetsNothingAndGrows(t *testing.T) {
	f := newFilter(0)
	const n = 4 * firstFilterSize
	for i := range n {
		id := identity(i)
		f.add(&id)
	}
	wrong := 0
	for i := range 2 * n {
		id := identity(i)
		maybe := f.maybe(&id)
		if i < n && !maybe {
			t.Fatalf("identity %d was forgotten", i)
		}
		if i >= n && maybe {
			wrong++
		}
	}
	if wrong > n/100 || len(f.layers) != 3 {
		t.Errorf("%d of %d new identities are taken for known by %d layers", wrong, n, len(f.layers))
	}
}

func TestQueueHoldsTheReaderUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(10, 1<<20)
		add := func(rows []store.Row) []store.Row { return append(rows, make([]store.Row, 4)...) }
		put := 0
		go func() {
			for range 5 {
				if q.put(t.Context(), 1, add) != nil {
					return
				}
				put++
			}
		}()
		synctest.Wait()
		if put != 3 {
			t.Fatalf("%d messages were put into a queue that three fill", put)
		}
		rows, messages := q.take()
		synctest.Wait()
		if len(rows) != 12 || messages != 3 || put != 5 {
			t.Errorf("took %d rows of %d messages, put %d", len(rows), messages, put)
		}
	})
}

func TestQueueWaitsForOthersButNotLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(10, 1<<20)
		one := func(rows []store.Row) []store.Row { return append(rows, store.Row{}) }
		began := time.Now()
		if err := q.put(t.Context(), 1, one); err != nil {
			t.Fatal(err)
		}
		if err := q.next(t.Context(), began.Add(time.Second), 20*time.Millisecond); err != nil || time.Since(began) != time.Second {
			t.Errorf("after %s: %v; want the interval to pass", time.Since(began), err)
		}
		began = time.Now()
		go func() {
			for range 9 {
				<-time.After(time.Millisecond)
				_ = q.put(t.Context(), 1, one)
			}
		}()
		if err := q.next(t.Context(), began.Add(time.Second), 0); err != nil || time.Since(began) > 10*time.Millisecond {
			t.Errorf("after %s: %v; want a full queue not to wait", time.Since(began), err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		q.take()
		if err := q.next(ctx, began, 0); err == nil {
			t.Error("an empty queue is not waited for")
		}
	})
}

func TestOffsetDecidesTheLocalDay(t *testing.T) {
	var c Converter
	at := time.Date(2026, 3, 8, 6, 59, 0, 0, time.UTC)
	local := event.Instant{Time: at.In(time.FixedZone("", 14*3600)), Local: true}
	minutes := func(m int16) *int16 { return &m }
	for name, x := range map[string]struct {
		event event.Event
		want  *int16
	}{
		"Z":                          {event.Event{Time: event.Instant{Time: at}}, nil},
		"numeric offset":             {event.Event{Time: local}, minutes(840)},
		"zone before summer time":    {event.Event{Time: local, Timezone: "America/New_York"}, minutes(-300)},
		"zone after summer time":     {event.Event{Time: event.Instant{Time: at.Add(time.Minute)}, Timezone: "America/New_York"}, minutes(-240)},
		"zone of half hours":         {event.Event{Time: event.Instant{Time: at}, Timezone: "Asia/Kolkata"}, minutes(330)},
		"west of all":                {event.Event{Time: event.Instant{Time: at}, Timezone: "Pacific/Pago_Pago"}, minutes(-660)},
		"zone of no place is no day": {event.Event{Time: event.Instant{Time: at}, Timezone: "Nowhere"}, nil},
	} {
		got := c.offset(&x.event)
		if (got == nil) != (x.want == nil) || got != nil && *got != *x.want {
			t.Errorf("%s: offset %v", name, got)
		}
	}
}

func TestReceiptNeverGoesBack(t *testing.T) {
	at := time.Date(2026, 3, 1, 0, 0, 0, 1500, time.UTC)
	if got := Later(time.Time{}, at); got.Nanosecond() != 1000 {
		t.Errorf("not cut to microseconds: %s", got)
	}
	if got := Later(at.Add(time.Hour), at); !got.Equal(at.Add(time.Hour)) {
		t.Errorf("went back to %s", got)
	}
}

func TestProgressIsACut(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	p := &Projector{}
	for range Streams() {
		p.followers = append(p.followers, &follower{})
	}
	p.followers[0].track.set(5, at.Add(-time.Minute)) // events, behind
	p.followers[1].track.set(1, at.Add(-time.Hour))   // allocations, at its end
	p.followers[1].track.advance(2, at.Add(-time.Second))
	v := view{known: true, at: at, projected: log.Position{Events: 5, Allocations: 2}, end: log.Position{Events: 9, Allocations: 2}}
	for _, f := range p.followers {
		last, _ := f.track.end()
		v.ends = append(v.ends, last)
	}
	s := v.state(p)
	if s.CaughtUp || !s.Through.Equal(at.Add(-time.Minute)) || s.Position != (log.Position{Events: 5, Allocations: 1}) || s.Projected != v.projected {
		t.Errorf("state %+v", s)
	}
	v.end.Events = 5
	if s = v.state(p); !s.CaughtUp || !s.Through.Equal(at) || s.Position != v.projected {
		t.Errorf("state %+v at the end", s)
	}
}

func TestAClockThatWasPutBackHidesNothing(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	v := view{known: true, at: at, ends: []mark{{received: at.Add(time.Hour)}, {received: at}, {}, {}}}
	if got := v.through(); !got.Equal(at.Add(time.Hour)) {
		t.Errorf("through %s", got)
	}
}

func TestProgressNeverGoesBackWithinAnEpoch(t *testing.T) {
	p := NewProgress()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	p.Set(State{Position: log.Position{Events: 5}, Through: at})
	p.Set(State{Position: log.Position{Events: 3, Studies: 1}, Through: at.Add(-time.Hour)})
	if s := p.State(); s.Position != (log.Position{Events: 5, Studies: 1}) || !s.Through.Equal(at) {
		t.Errorf("went back to %+v", s)
	}
	p.reset()
	if s := p.State(); !s.Position.IsZero() || s.Epoch != 1 {
		t.Errorf("after a reset %+v", s)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Wait(ctx, log.Position{Events: 1}); err == nil {
		t.Error("what is not projected was not waited for")
	}
}

func TestTraceFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trace")
	f, err := OpenTraceFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, c := range []struct {
		point              TracePoint
		inserting, through uint64
	}{
		{TracePoint{Phase: PhaseReceived, Stream: event.StreamEvents, Seq: 7}, 0, 0},
		{TracePoint{Phase: PhaseInsertBegin, Stream: event.StreamEvents, Seq: 7}, 1, 0},
		{TracePoint{Phase: PhaseInsertBegin, Stream: event.StreamStudies, Seq: 9}, 1, 0},
		{TracePoint{Phase: PhaseInsertFailed, Stream: event.StreamEvents, Seq: 7}, 0, 0},
		{TracePoint{Phase: PhaseInsertEnd, Stream: event.StreamEvents, Seq: 7}, 0, 7},
	} {
		f.Trace(c.point)
		b, err := os.ReadFile(path)
		if err != nil || len(b) != 16 || binary.LittleEndian.Uint64(b) != c.inserting || binary.LittleEndian.Uint64(b[8:]) != c.through {
			t.Errorf("%+v: file %x, %v", c.point, b, err)
		}
	}
}

func TestConfigNamesEveryProblem(t *testing.T) {
	err := Config{MaxRows: -1, MaxBytes: 1 << 40, Gather: -1, LeaseTTL: time.Hour}.Validate()
	for _, want := range []string{"Log", "Store", "MaxRows", "MaxBytes", "Gather", "LeaseTTL"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not in %v", want, err)
		}
	}
}
