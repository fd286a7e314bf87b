package simulate

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/study"
)

// The oracle reads a study's events by the definitions of the platform in the plainest way, apart from the platform's own
// analysis: what the blueprints promise must come out of the events.

// life is what the oracle knows of one participant.
type life struct {
	arm       string
	cutoff    int // C
	dropout   int // day, -1 if none
	ended     int // day of participant.completed, -1
	death     int
	halted    int
	completed bool
	pauses    [][2]int
	uses      map[string][]study.Activity // by component
	modules   map[string]bool
}

// flow is the CONSORT flow of a study.
type flow struct{ screened, ineligible, declined, enrolled, assigned int }

// reading is what the oracle makes of a study.
type reading struct {
	def    *study.Definition
	lives  []*life
	outage bool // some were declared, which the oracle does not take into account
	flow   flow
}

func read(t testing.TB, s *Study, now time.Time) *reading {
	t.Helper()
	def, err := study.Parse(s.Definition, s.ID+".json")
	if err != nil {
		t.Fatal(err)
	}
	r := &reading{def: def, outage: slices.ContainsFunc(s.Common(time.Time{}, now), func(e event.Event) bool { return e.Type == event.TypeOutage })}
	for i := range s.Subjects() {
		r.subject(t, standing(t, s.Subject(i, time.Time{}, now)), now)
	}
	return r
}

// standing returns the events that count: each once, voided ones left out, corrections applied, no test traffic.
func standing(t testing.TB, events []event.Event) []event.Event {
	t.Helper()
	seen := map[event.Identity]bool{}
	voided := map[event.Identity]bool{}
	corrected := map[event.Identity]event.Event{}
	for _, e := range events {
		id := event.IdentityOf(e.Study, e.Data.Text("target_source"), e.Data.Text("target_id"))
		switch e.Type {
		case event.TypeVoided:
			voided[id] = true
		case event.TypeCorrected:
			corrected[id] = e
		}
	}
	var out []event.Event
	for _, e := range events {
		id := e.Identity()
		if seen[id] || voided[id] || e.IsTest || e.Type == event.TypeVoided || e.Type == event.TypeCorrected {
			continue
		}
		seen[id] = true
		if c, ok := corrected[id]; ok {
			var problems []event.Problem
			if e, problems = event.Apply(e, c); len(problems) > 0 {
				t.Fatalf("correction of %s: %v", e.ID, problems)
			}
		}
		out = append(out, e)
	}
	slices.SortStableFunc(out, func(a, b event.Event) int { return a.Time.Compare(b.Time.Time) })
	return out
}

func (r *reading) subject(t testing.TB, events []event.Event, now time.Time) {
	t.Helper()
	l := &life{dropout: -1, ended: -1, death: -1, halted: -1, uses: map[string][]study.Activity{}, modules: map[string]bool{}}
	zone := r.def.Location()
	var start *event.Event
	for i := range events {
		e := &events[i]
		switch e.Type {
		case "participant.screened":
			r.flow.screened++
			if eligible, _ := e.Data.Flag("eligible"); !eligible {
				r.flow.ineligible++
			} else if e.Data.Text("reason") != "" {
				r.flow.declined++
			}
		case "participant.enrolled":
			r.flow.enrolled++
			zone = r.def.SiteLocation(e.Data.Text("site"))
			if len(r.def.Arms) == 1 {
				l.arm, start = r.def.Arms[0].ID, e
			}
		case event.TypeRandomised:
			r.flow.assigned++
			if start != nil {
				t.Fatalf("%s is assigned twice", e.Subject)
			}
			l.arm, start = e.Data.Text("arm"), e
		}
	}
	if start == nil {
		return
	}
	day0 := localDay(start.Time, start.Timezone, zone)
	l.cutoff = int(dateOf(now.In(zone)) - day0)
	day := func(e *event.Event) int { return int(localDay(e.Time, e.Timezone, zone) - day0) }
	until := r.statuses(l, events, day)
	r.use(l, events, until, zone, day0)
	r.lives = append(r.lives, l)
}

func localDay(at event.Instant, zone string, fallback *time.Location) date {
	if zone != "" && zone != fallback.String() {
		named, err := time.LoadLocation(zone)
		if err != nil {
			panic(err)
		}
		return dateOf(at.In(named))
	}
	if zone != "" {
		return dateOf(at.In(fallback))
	}
	if at.Local {
		return dateOf(at.Time)
	}
	return dateOf(at.In(fallback))
}

// statuses fills in what the registry says and returns the time from which use does not count.
func (r *reading) statuses(l *life, events []event.Event, day func(*event.Event) int) (until time.Time) {
	until = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	drop := func(e *event.Event) {
		if l.dropout < 0 && l.ended < 0 && l.death < 0 {
			l.dropout = max(day(e), 0)
		}
	}
	stop := func(e *event.Event) {
		if e.Time.Before(until) {
			until = e.Time.Time
		}
	}
	for i := range events {
		e := &events[i]
		switch e.Type {
		case "participant.withdrew":
			stop(e)
			if scope := e.Data.Text("scope"); scope == "stop_all" || scope == "erase" {
				drop(e)
			}
		case "consent.withdrawn":
			stop(e)
			drop(e)
		case "participant.lost_to_follow_up":
			drop(e)
		case "participant.completed":
			l.ended = day(e)
		case "participant.died":
			l.death = day(e)
		case "intervention.completed":
			l.completed = true
		case "intervention.discontinued":
			if e.Data.Text("decided_by") != "participant" {
				l.halted = day(e)
			}
		case "participation.paused":
			l.pauses = append(l.pauses, [2]int{day(e), 1 << 20})
		case "participation.resumed":
			l.pauses[len(l.pauses)-1][1] = day(e)
		}
	}
	return until
}

func (r *reading) use(l *life, events []event.Event, until time.Time, zone *time.Location, day0 date) {
	arm, _ := r.def.Arm(l.arm)
	began := map[string]*event.Event{}
	var visit *event.Event
	for i := range events {
		e := &events[i]
		if e.Time.After(until) || !study.ActorCounts(e.Type, e.Role()) {
			continue
		}
		at, get := e, e.Data.Get
		switch e.Type {
		case "session.started":
			began[e.Data.Text("session_id")] = e
			continue
		case "session.ended":
			if started := began[e.Data.Text("session_id")]; started != nil {
				at = started
			}
		case "kiosk.visit_started":
			visit = e
			continue
		case "kiosk.visit_ended":
			seconds := e.Time.Sub(visit.Time.Time).Seconds()
			at, get = visit, func(string) (event.Value, bool) { return event.Value{Kind: event.KindNumber, Num: seconds}, true }
		}
		component := r.component(arm, e)
		if component == "" {
			continue
		}
		rule := r.def.RuleFor(component)
		if branches := rule.Branch(at.Type, get); branches != 0 || e.Type == "session.ended" && rule.Branch(e.Type, get) != 0 {
			when, name := at.Time, at.Timezone
			if from, ok := event.ParseInstant(e.Data.Text("covered_from")); ok {
				when, name = from, ""
			}
			if day := int(localDay(when, name, zone) - day0); day >= 0 {
				l.uses[component] = append(l.uses[component], study.Activity{Day: day, Branches: max(branches, 1)})
			}
		}
		if e.Type == "module.completed" {
			l.modules[e.Data.Text("module")] = true
		}
	}
	if c := r.def.Completion; c != nil && c.Modules > 0 && len(l.modules) >= c.Modules {
		l.completed = true
	}
}

// component returns the arm's component that an event is about, empty if none.
func (r *reading) component(arm study.Arm, e *event.Event) string {
	for _, id := range arm.Components {
		c, _ := r.def.Component(id)
		if e.Type == "peer_contact.completed" && string(c.Channel) == e.Data.Text("mode") ||
			e.Type != "peer_contact.completed" && id == e.Component {
			return id
		}
	}
	return ""
}

// evaluable reports whether a period is the participant's to engage in; outages of whole periods are not in the portfolio
// but for one study, whose numbers are not exact.
func (l *life) evaluable(first, end int) bool {
	if l.death >= 0 && l.death < end {
		return false
	}
	for _, p := range l.pauses {
		if p[0] <= first && p[1] >= end {
			return false
		}
	}
	return true
}

// participation returns engaged and evaluable elapsed periods of an arm, and of how many participants the share is at
// least the declared one.
func (r *reading) participation(arm string) (x, n, throughout, participants int) {
	a, _ := r.def.Arm(arm)
	if len(a.Components) == 0 {
		return 0, 0, 0, 0
	}
	for _, l := range r.lives {
		if l.arm != arm {
			continue
		}
		mine, of := 0, 0
		for k := range r.def.Periods() {
			first, end := k*r.def.PeriodDays(), (k+1)*r.def.PeriodDays()
			if l.cutoff < end || !l.evaluable(first, end) {
				continue
			}
			of++
			if r.engaged(l, a, first, end) {
				mine++
			}
		}
		x, n = x+mine, n+of
		if of > 0 {
			participants++
			if r.def.Engagement.Throughout.Reached(mine, of) {
				throughout++
			}
		}
	}
	return x, n, throughout, participants
}

func (r *reading) engaged(l *life, arm study.Arm, first, end int) bool {
	for _, id := range arm.Components {
		var inside []study.Activity
		for _, a := range l.uses[id] {
			if a.Day >= first && a.Day < end {
				inside = append(inside, a)
			}
		}
		rule := r.def.RuleFor(id)
		if len(inside) > 0 && rule.Engaged(inside) {
			return true
		}
	}
	return false
}

// nonUsage returns how many stopped using a portion among those whose access is over.
func (r *reading) nonUsage(arm string, portion event.Portion) (x, n int) {
	components := r.def.ArmComponents(arm, portion)
	g := r.def.SilenceDays("")
	for _, l := range r.lives {
		if l.arm != arm || len(components) == 0 || l.cutoff < r.def.AccessDays() {
			continue
		}
		end := min(l.cutoff, r.def.AccessDays())
		for _, day := range []int{l.death, l.halted} {
			if day >= 0 {
				end = min(end, day)
			}
		}
		settled := l.settled(end, g)
		if settled <= 0 {
			continue
		}
		last := 0
		for _, id := range components {
			for _, a := range l.uses[id] {
				if a.Day < end {
					last = max(last, a.Day)
				}
			}
		}
		n++
		if last < min(r.def.DurationDays(), settled) {
			x++
		}
	}
	return x, n
}

// settled returns A.
func (l *life) settled(end, g int) int {
	counted := 0
	for day := end - 1; day >= 0; day-- {
		if counted >= g {
			return day + 1
		}
		if !slices.ContainsFunc(l.pauses, func(p [2]int) bool { return day >= p[0] && day < p[1] }) {
			counted++
		}
	}
	return 0
}

// dropouts returns how many were lost among those whose follow-up is over.
func (r *reading) dropouts(arm string) (x, n int) {
	for _, l := range r.lives {
		if l.arm != arm || l.cutoff < r.def.FollowUpDays {
			continue
		}
		n++
		if l.dropout >= 0 && l.dropout <= r.def.FollowUpDays {
			x++
		}
	}
	return x, n
}

func (r *reading) completions() (x, n int) {
	for _, l := range r.lives {
		if l.cutoff < r.def.DurationDays() {
			continue
		}
		n++
		if l.completed {
			x++
		}
	}
	return x, n
}

func tier(x, n int) string {
	switch {
	case n == 0:
		return "not_reported"
	case 4*x >= 3*n:
		return "high"
	case 2*x >= n:
		return "medium"
	}
	return "low"
}

// tier returns the tier of the study and the share it rests on.
func (r *reading) tier() (string, float64) {
	arm, _ := r.def.HeadlineArm()
	x, n, throughout, participants := r.participation(arm.ID)
	if r.def.Engagement.Headline == study.HeadlineThroughout {
		x, n = throughout, participants
	}
	return tier(x, n), float64(x) / float64(max(n, 1))
}

func ratio(x, n int) string {
	if n == 0 {
		return "–"
	}
	return fmt.Sprintf("%d/%d %.1f%%", x, n, 100*float64(x)/float64(n))
}
