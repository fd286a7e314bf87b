package analyst

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/embedded/embeddedtest"
	"github.com/throughline-trials/throughline/services/log"
	"github.com/throughline-trials/throughline/services/projector"
	"github.com/throughline-trials/throughline/services/store"
	"github.com/throughline-trials/throughline/services/study"
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }

// rig is facts of the test's own, and what the projector would say of them.
type rig struct {
	t        testing.TB
	store    *store.Store
	progress *projector.Progress
	state    projector.State
}

func newRig(t testing.TB) *rig {
	t.Helper()
	name, _ := embeddedtest.Database(t)
	s, err := store.Open(t.Context(), store.Options{ClickHouse: embeddedtest.Engines(t).ClickHouseOptions(""), Database: name, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return &rig{t: t, store: s, progress: projector.NewProgress(), state: projector.State{CaughtUp: true, Epoch: 1}}
}

// project inserts rows as one block per table, received as they say, and moves the progress to a time.
func (r *rig) project(through time.Time, rows ...store.Row) log.Position {
	r.t.Helper()
	byTable := map[string][]store.Row{}
	for _, row := range rows {
		table := store.TableEvents
		switch typ, _ := event.Lookup(row.Event.Type); {
		case row.Event.Subject == "":
			table = store.TableStudies
		case typ != nil && typ.Stream == event.StreamAllocations:
			table = store.TableAllocations
		}
		byTable[table] = append(byTable[table], row)
	}
	for table, list := range byTable {
		seq := r.state.Projected.At(event.Stream(table))
		for i := range list {
			seq++
			list[i].Seq, list[i].Created = seq, monday
		}
		if err := r.store.Insert(r.t.Context(), table, list); err != nil {
			r.t.Fatal(err)
		}
		r.state.Projected = r.state.Projected.With(event.Stream(table), seq)
	}
	r.state.Position, r.state.Through = r.state.Projected, through
	r.progress.Set(r.state)
	return r.state.Position
}

// publish returns the row of a definition.
func published(t testing.TB, def *study.Definition, received time.Time) store.Row {
	t.Helper()
	raw, err := json.Marshal(map[string]any{
		"specversion": "1.0", "id": fmt.Sprintf("d%d", received.UnixMicro()), "source": "/test", "type": event.TypeDefinition,
		"time": received, "study": def.ID, "data": json.RawMessage(def.JSON()),
	})
	if err != nil {
		t.Fatal(err)
	}
	e, problems := event.Decode(raw, received)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return rowOf(e, 0, received)
}

// start runs a service until stop is called or the test ends.
func (r *rig) start() (s *Service, stop func()) {
	r.t.Helper()
	s, err := New(Config{Store: r.store, Progress: r.progress, Results: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			cancel()
			if err := <-done; err != nil {
				r.t.Errorf("analyst: %v", err)
			}
		}
	}
	r.t.Cleanup(stop)
	return s, stop
}

func wait(t testing.TB, r *Reader, p log.Position) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := r.WaitFor(ctx, p); err != nil {
		at, through := r.Position()
		t.Fatalf("%v: at %s, %s, want %s", err, at, through, p)
	}
}

// text returns an answer as JSON without what says where in the log it was.
func text(t testing.TB, answer any) string {
	t.Helper()
	b, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(b, &members); err != nil {
		t.Fatal(err)
	}
	delete(members, "position")
	b, err = json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// answers asks everything about the study at two clocks.
func answers(t testing.TB, r *Reader, q Query) string {
	t.Helper()
	q.Privileged = true
	var out bytes.Buffer
	add := func(answer any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		out.WriteString(text(t, answer) + "\n")
	}
	for _, aq := range []AttritionQuery{{}, {Kind: NonUsage}, {Kind: NonUsage, Variant: FirstLapse}, {Kind: NonUsage, By: "component"}, {By: "site"}} {
		aq.Query = q
		a, err := r.Attrition(t.Context(), "hand-1", aq)
		add(a, err)
	}
	e, err := r.Engagement(t.Context(), "hand-1", EngagementQuery{q})
	add(e, err)
	quality, err := r.Quality(t.Context(), "hand-1", q)
	add(quality, err)
	d, err := r.DeliveryTypes(t.Context(), q)
	add(d, err)
	s, err := r.Study(t.Context(), "hand-1", q)
	add(s, err)
	return out.String()
}

func TestService(t *testing.T) {
	r := newRig(t)
	def := definition(t)
	tr := newTrial(t, def)
	for _, who := range []string{"p", "q"} {
		tr.join(who, "a")
		tr.use(who, 0, 3)
	}
	tr.join("r", "b")
	r.project(on(5, 0), append([]store.Row{published(t, def, on(-1, 0))}, tr.rows...)...)
	s, stop := r.start()
	reader := s.Reader()
	wait(t, reader, r.state.Position)

	a, err := reader.Attrition(t.Context(), "hand-1", AttritionQuery{Kind: NonUsage})
	if err != nil || a.Arms[0].TooEarly != 2 || !a.AsOf.Equal(on(5, 0)) || a.DefinitionVersion != 1 || a.Position != r.state.Position.String() {
		t.Fatalf("first answer: %v, %+v", err, a)
	}
	// Twenty days without an event change the numbers, and no record.
	r.state.Through = on(25, 0)
	r.progress.Set(r.state)
	later, err := reader.Attrition(t.Context(), "hand-1", AttritionQuery{Kind: NonUsage, Query: Query{AsOf: on(25, 0)}})
	if err != nil || later.Arms[0].Events != 2 {
		t.Fatalf("later: %v, %+v", err, later)
	}
	before := len(tr.rows)
	tr.use("p", 24)
	tr.hear(on(25, 1), "p", "participant.lost_to_follow_up", on(25, 12).Format(time.RFC3339)) // in the future, as seen from day 25
	wait(t, reader, r.project(on(25, 2), tr.rows[before:]...))
	if d, err := reader.Attrition(t.Context(), "hand-1", AttritionQuery{}); err != nil || d.Arms[0].Events != 0 {
		t.Fatalf("before it is due: %v, %+v", err, d)
	}
	r.state.Through = on(26, 0)
	r.progress.Set(r.state)
	due, err := reader.Attrition(t.Context(), "hand-1", AttritionQuery{Query: Query{AsOf: on(26, 0)}})
	if err != nil || due.Arms[0].Events != 1 {
		t.Fatalf("once it is due: %v, %+v", err, due)
	}
	testHistory(t, r, reader)
	stop()
	testResume(t, r, answers(t, reader, Query{}))
}

// testHistory holds the answers of the past against those that were live then: here against those of another definition's
// way through the facts, and through the cut-off alone.
func testHistory(t *testing.T, r *rig, reader *Reader) {
	live := answers(t, reader, Query{})
	if got := answers(t, reader, Query{AsOf: on(26, 0)}); got != live {
		t.Errorf("as of the cut itself:\n%s\nwant\n%s", got, live)
	}
	five := answers(t, reader, Query{AsOf: on(5, 0)})
	if a, err := reader.Attrition(t.Context(), "hand-1", AttritionQuery{Kind: NonUsage, Query: Query{AsOf: on(5, 0)}}); err != nil || a.Arms[0].TooEarly != 2 {
		t.Errorf("as of day 5: %v", err)
	}
	r.state.Through = on(27, 0)
	r.progress.Set(r.state)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := reader.until(ctx, func(c cut) bool { return c.through.Equal(on(27, 0)) }); err != nil {
		t.Fatal(err)
	}
	if got := answers(t, reader, Query{AsOf: on(26, 0)}); got != live {
		t.Errorf("what was live, from facts:\n%s\nwant\n%s", got, live)
	}
	if got := answers(t, reader, Query{AsOf: on(5, 0)}); got != five {
		t.Errorf("as of day 5, asked again:\n%s\nwant\n%s", got, five)
	}
	cutoff, err := reader.Attrition(t.Context(), "hand-1", AttritionQuery{Kind: NonUsage, Query: Query{Cutoff: on(11, 0)}})
	if err != nil || cutoff.Arms[0].Events != 2 || !cutoff.AsOf.Equal(on(27, 0)) { // C = 11, A = 4, L = 3
		t.Errorf("cut-off day 11: %v, %+v", err, cutoff)
	}
}

// testResume starts another service on the same facts: it goes on from the table.
func testResume(t *testing.T, r *rig, want string) {
	s, stop := r.start()
	defer stop()
	wait(t, s.Reader(), r.state.Position)
	if s.anew {
		t.Error("the records of the table were not taken over")
	}
	if got := answers(t, s.Reader(), Query{}); got != want {
		t.Errorf("after a start:\n%s\nwant\n%s", got, want)
	}
}

func TestRefusals(t *testing.T) {
	r := newRig(t)
	def := definition(t, "design: randomised_controlled_trial")
	tr := newTrial(t, def)
	tr.join("p", "a")
	rows := append([]store.Row{published(t, def, on(-1, 0))}, tr.rows...)
	again := tr.rows[0]
	again.Kind = store.KindDuplicate
	refused := func(code event.Code, id string) store.Row {
		row := tr.rows[0]
		row.Kind, row.Code, row.Identity = store.KindRefused, code, event.IdentityOf("hand-1", "/test", id)
		return row
	}
	rows = append(rows, again, again,
		refused(event.CodeInvalidValue, "x"), refused(event.CodeInvalidValue, "x"), refused(event.CodeInvalidValue, "y"),
		refused(event.CodeUnknownComponent, "e1"), refused(event.CodeIDReused, "e1")) // e1 was accepted
	nameless := refused(event.CodeMalformed, "")
	nameless.Identity = event.Identity{}
	rows = append(rows, nameless, nameless)
	r.project(on(5, 0), rows...)
	s, _ := r.start()
	reader := s.Reader()
	wait(t, reader, r.state.Position)

	q, err := reader.Quality(t.Context(), "hand-1", Query{})
	if err != nil || q.Duplicates != 2 || q.Events != 2 || fmt.Sprint(q.Quarantined) != "map[id_reused:1 invalid_value:2 malformed:2]" {
		t.Errorf("quality: %v, duplicates %d, events %d, quarantined %v", err, q.Duplicates, q.Events, q.Quarantined)
	}
	if _, err := reader.Attrition(t.Context(), "hand-1", AttritionQuery{}); !errors.Is(err, ErrBlinded) {
		t.Errorf("blinded: %v", err)
	}
	if _, err := reader.Engagement(t.Context(), "hand-1", EngagementQuery{Query{Privileged: true}}); err != nil {
		t.Errorf("privileged: %v", err)
	}
	if d, err := reader.DeliveryTypes(t.Context(), Query{}); err != nil || d.Blinded != 1 || d.StudyTiers != (TierCounts{}) {
		t.Errorf("delivery types without privilege: %v, %+v", err, d)
	}
	if _, err := reader.Quality(t.Context(), "other", Query{}); !errors.Is(err, ErrUnknownStudy) {
		t.Errorf("unknown study: %v", err)
	}
	if _, err := reader.Quality(t.Context(), "hand-1", Query{AsOf: on(-2, 0)}); !errors.Is(err, ErrUnknownStudy) {
		t.Errorf("before its definition: %v", err)
	}
	for field, q := range map[string]Query{
		"cutoff":     {AsOf: on(3, 0), Cutoff: on(4, 0)},
		"as_of":      {AsOf: time.Now().Add(time.Hour)},
		"definition": {Definition: "7"},
	} {
		var wrong *QueryError
		if _, err := reader.Quality(t.Context(), "hand-1", q); !errors.As(err, &wrong) || wrong.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestNewDefinition(t *testing.T) {
	r := newRig(t)
	def := definition(t)
	tr := newTrial(t, def)
	tr.join("p", "a")
	tr.use("p", 10)
	r.project(on(18, 12), append([]store.Row{published(t, def, on(-1, 0))}, tr.rows...)...)
	s, _ := r.start()
	reader := s.Reader()
	wait(t, reader, r.state.Position)
	ask := func(q Query) string {
		t.Helper()
		a, err := reader.Attrition(t.Context(), "hand-1", AttritionQuery{Kind: NonUsage, Query: q})
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("version %d: %s", a.DefinitionVersion, outcome(a))
	}
	if got := ask(Query{}); got != "version 1: event 10" {
		t.Error(got)
	}
	// Under the second definition a session of 60 seconds does not qualify: never used.
	second := definition(t, "engagement: {id: long-2, rules: {app: {types: [session.started], where: {active_seconds: {min: 61}}}}}")
	wait(t, reader, r.project(on(19, 0), published(t, second, on(18, 13))))
	if got := ask(Query{}); got != "version 2: event 0" {
		t.Error(got)
	}
	for name, want := range map[string]string{"1": "version 1: event 10", "default-1": "version 1: event 10", "long-2": "version 2: event 0"} {
		if got := ask(Query{Definition: name}); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
	if got := ask(Query{AsOf: on(18, 12)}); got != "version 1: event 10" {
		t.Error(got)
	}
}
