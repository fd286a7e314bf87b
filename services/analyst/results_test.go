package analyst

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/throughline-trials/throughline/services/store"
)

// count returns one number of a query.
func (r *rig) count(statement string) int {
	r.t.Helper()
	var n uint64
	if err := r.store.Conn().QueryRow(r.t.Context(), r.store.SQL(statement)).Scan(&n); err != nil {
		r.t.Fatalf("%s: %v", statement, err)
	}
	return int(n)
}

// settled waits until a query gives a number.
func (r *rig) settled(statement string, want int) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 20*time.Second)
	defer cancel()
	got := r.count(statement)
	for got != want {
		pause(ctx, 20*time.Millisecond, nil)
		if ctx.Err() != nil {
			r.t.Fatalf("%s: %d, want %d", statement, got, want)
		}
		got = r.count(statement)
	}
}

func TestResultsFollowRecords(t *testing.T) {
	r := newRig(t)
	def := definition(t, "strata: {sex: [female, male]}", "sites: [{id: north}, {id: south}]")
	tr := newTrial(t, def)
	for i := range 6 {
		who := fmt.Sprintf("p%d", i)
		tr.join(who, []string{"a", "b"}[i%2])
		tr.use(who, 0, 3, 9)
	}
	r.project(on(40, 0), append([]store.Row{published(t, def, on(-1, 0))}, tr.rows...)...)
	s, stop := r.start()
	wait(t, s.Reader(), r.state.Position)
	const live = "SELECT count() FROM {db}.results WHERE study = 'hand-1' AND cut = 'live' AND split = '' AND population = 'randomised' AND portion = 'all' AND component = ''"
	r.settled(live+" AND kind = 'dropout' AND measure = 'rate' AND x = 0 AND n = 3 AND as_of = '2026-02-14 00:00:00' AND arm IN ('a', 'b')", 2)
	if n := r.count("SELECT countIf(last_use_day = 9 AND silent_days = 30 AND periods = [1, 1, 0, 0]) FROM {db}.result_participants WHERE arm = 'a'"); n != 3 {
		t.Errorf("%d participants with their days", n)
	}
	if n := r.count("SELECT toUInt64(count() - uniqExact(tuple(study, cut, kind, variant, population, portion, component, split, level, arm, measure, ifNull(day, -1), label))) FROM {db}.results"); n != 0 {
		t.Errorf("%d rows tell what another tells", n)
	}
	// The past: the last seven days' ends and the Sundays since day 0, each with all measures.
	r.settled("SELECT count() FROM {db}.result_cuts WHERE cut != 'live'", len(gridOf(civil(monday), civil(on(28+8, 0)))))
	if n := r.count("SELECT toUInt64(assumeNotNull(value)) FROM {db}.results WHERE cut = '2026-01-18' AND kind = 'non_usage' AND variant = 'last_use' AND measure = 'too_early' AND arm = 'a' AND portion = 'all' AND component = '' AND population = 'randomised'"); n != 0 {
		t.Errorf("too early at day 13: %d", n)
	}

	before := len(tr.rows)
	tr.hear(on(40, 1), "p0", "participant.lost_to_follow_up", on(20, 0).Format(time.RFC3339))
	r.project(on(40, 2), tr.rows[before:]...)
	r.settled(live+" AND kind = 'dropout' AND measure = 'rate' AND arm = 'a' AND x = 1 AND n = 3", 1)
	stop()
	testResultsAreTheAnswers(t, r, s.Reader())
}

// testResultsAreTheAnswers holds rows of the table against the answer that they are of.
func testResultsAreTheAnswers(t *testing.T, r *rig, reader *Reader) {
	a, err := reader.Attrition(t.Context(), "hand-1", AttritionQuery{Kind: NonUsage})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := r.store.Conn().Query(t.Context(), r.store.SQL(`SELECT assumeNotNull(day), assumeNotNull(value), assumeNotNull(n), assumeNotNull(x) FROM {db}.results
		WHERE cut = 'live' AND kind = 'non_usage' AND variant = 'last_use' AND measure = 'curve' AND arm = 'a' AND portion = 'all' AND component = '' AND population = 'randomised' AND split = '' ORDER BY day`))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var got, want []string
	for rows.Next() {
		var day, value float64
		var n, x int64
		if err := rows.Scan(&day, &value, &n, &x); err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(day, value, n, x))
	}
	for _, row := range a.Arms[0].Curve {
		want = append(want, fmt.Sprint(row.Day, row.Survival, row.AtRisk, row.Events))
	}
	if !slices.Equal(got, want) {
		t.Errorf("curve in the table:\n%q\nanswered:\n%q", got, want)
	}
}

// TestResultsStaySmall: rows that were replaced are swept away, and nothing is written when nothing changes.
func TestResultsStaySmall(t *testing.T) {
	r := newRig(t)
	def := definition(t)
	tr := newTrial(t, def)
	tr.join("p", "a")
	r.project(on(3, 0), append([]store.Row{published(t, def, on(-1, 0))}, tr.rows...)...)
	e := newEngine(source{r.store}, r.progress, 0)
	if _, err := e.refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.store.Migrate(t.Context(), resultsComponent, resultMigrations()); err != nil {
		t.Fatal(err)
	}
	w := newResultWriter(e, r.store, slog.New(slog.DiscardHandler))
	for round := range 5 {
		before := len(tr.rows)
		tr.use("p", round)
		r.project(on(10, round+1), tr.rows[before:]...)
		if _, err := e.refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n, err := w.round(t.Context()); err != nil || n != 1 {
			t.Fatalf("%d cuts written, %v", n, err)
		}
		if n, err := w.round(t.Context()); err != nil || n != 0 {
			t.Fatalf("%d cuts written without a change, %v", n, err)
		}
	}
	shown := r.count("SELECT count() FROM {db}.results WHERE cut = 'live'")
	if kept := r.count("SELECT count() FROM {db}.results_rows WHERE cut = 'live'"); kept <= shown {
		t.Fatalf("%d rows kept of five generations", kept)
	}
	w.garbage = sweepAfter
	if err := w.sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if kept := r.count("SELECT count() FROM {db}.results_rows WHERE cut = 'live'"); kept != shown {
		t.Errorf("%d rows kept, %d shown", kept, shown)
	}
}

func TestGridOfCuts(t *testing.T) {
	for _, length := range []int{0, 1, 5, 30, 100, 400, 3000, 20_000} {
		last := 20_400
		days := gridOf(last-length, last)
		if len(days) > mostCuts || len(days) == 0 || days[0] != last || days[len(days)-1] < last-length {
			t.Errorf("%d days: %v", length, days)
		}
		next := gridOf(last-length, last+1)
		for _, day := range next[2:] { // but for the last days the grid does not move
			if last+1-day >= weeklyCuts && last-day >= weeklyCuts && !slices.Contains(days, day) {
				t.Errorf("%d days: %d is new among %v", length, day, days)
			}
		}
	}
}
