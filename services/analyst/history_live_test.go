package analyst

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/embedded/embeddedtest"
	"github.com/throughline-trials/throughline/services/log"
	"github.com/throughline-trials/throughline/services/projector"
	"github.com/throughline-trials/throughline/services/simulate"
)

// growing is a real log that grows, projected and analysed as in production.
type growing struct {
	t      *testing.T
	log    *log.Log
	random *rand.Rand
	reader *Reader
	sent   []event.Event
	said   int
}

func newGrowing(t *testing.T) *growing {
	t.Helper()
	nc, _ := embeddedtest.JetStream(t)
	l, err := log.Connect(t.Context(), nc, log.Config{})
	if err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	s := newRig(t).store
	p, err := projector.New(projector.Config{Log: l, Store: s, Logger: quiet, Interval: 5 * time.Millisecond, Gather: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	service, err := New(Config{Store: s, Progress: p.Progress(), Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 2)
	go func() { done <- p.Run(ctx) }()
	go func() { done <- service.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
	return &growing{t: t, log: l, random: rand.New(rand.NewPCG(11, 4)), reader: service.Reader()}
}

// publish puts events on their streams, each in a message of its own, and returns when the results include them.
func (g *growing) publish(events ...event.Event) log.Position {
	g.t.Helper()
	var position log.Position
	for _, e := range events {
		line := append(e.AppendJSON(nil), '\n')
		if g.random.IntN(20) == 0 { // a resend that the gateway recognised
			line = append(log.AppendDuplicate(line, e.Identity()), '\n')
		}
		subject, stream := event.EventsSubject(e.Study, e.Subject), event.StreamEvents
		switch typ, _ := event.Lookup(e.Type); {
		case e.Type == event.TypeDefinition:
			subject, stream = event.StudySubject(e.Study, "definition"), event.StreamStudies
		case e.Subject == "":
			subject, stream = event.StudySubject(e.Study, "outage"), event.StreamStudies
		case typ.Stream == event.StreamAllocations:
			subject, stream = event.AllocationSubject(e.Study, e.Subject), event.StreamAllocations
		}
		seqs, err := g.log.Publish(g.t.Context(), []log.Outgoing{{Subject: subject, Credential: "c", Payload: line}})
		if err != nil {
			g.t.Fatal(err)
		}
		position = position.With(stream, seqs[0])
	}
	g.sent = append(g.sent, events...)
	return position
}

// about makes a statement about an event that was sent: a void, or a correction of its time.
func (g *growing) about(target event.Event) event.Event {
	g.t.Helper()
	g.said++
	typ, data := event.TypeVoided, map[string]any{"target_source": target.Source, "target_id": target.ID, "reason": "entered_in_error"}
	if g.random.IntN(2) == 0 {
		typ, data["time"] = event.TypeCorrected, target.Time.AddDate(0, 0, -1-g.random.IntN(3)).UTC().Format(time.RFC3339)
	}
	return g.make(typ, target.Study, target.Subject, data)
}

func (g *growing) make(typ, study, subject string, data map[string]any) event.Event {
	g.t.Helper()
	raw, err := json.Marshal(map[string]any{
		"specversion": "1.0", "id": fmt.Sprintf("said-%d-%s", g.said, typ), "source": "/registry", "type": typ, "study": study,
		"time": time.Now().UTC().Format(time.RFC3339), "data": data,
	})
	if err != nil {
		g.t.Fatal(err)
	}
	e, problems := event.Decode(raw, time.Now())
	e.Subject = subject
	if len(problems) > 0 && subject == "" {
		g.t.Fatal(problems)
	}
	return e
}

// asked is an answer as it was live.
type asked struct {
	name string
	asOf time.Time
	text string
}

// questions are all that can be asked of a study, and across studies.
func (g *growing) questions(id string) map[string]func(Query) (any, error) {
	ctx, r := g.t.Context(), g.reader
	out := map[string]func(Query) (any, error){
		"engagement":     func(q Query) (any, error) { return r.Engagement(ctx, id, EngagementQuery{q}) },
		"quality":        func(q Query) (any, error) { return r.Quality(ctx, id, q) },
		"flow":           func(q Query) (any, error) { return r.Flow(ctx, id, q) },
		"dose":           func(q Query) (any, error) { return r.Dose(ctx, id, DoseQuery{Query: q, By: "component"}) },
		"outcomes":       func(q Query) (any, error) { return r.Outcomes(ctx, id, q) },
		"differential":   func(q Query) (any, error) { return r.Differential(ctx, id, DifferentialQuery{Query: q}) },
		"delivery types": func(q Query) (any, error) { return r.DeliveryTypes(ctx, q) },
		"study":          func(q Query) (any, error) { return r.Study(ctx, id, q) },
		"studies":        func(q Query) (any, error) { return r.Studies(ctx, q) },
	}
	for name, aq := range map[string]AttritionQuery{
		"dropout": {}, "non-usage": {Kind: NonUsage}, "first lapse": {Kind: NonUsage, Variant: FirstLapse}, "by component": {Kind: NonUsage, By: "component"}, "by site": {By: "site"},
	} {
		out[name] = func(q Query) (any, error) {
			aq.Query = q
			return r.Attrition(ctx, id, aq)
		}
	}
	return out
}

// ask returns an answer without its position, which names sequences and not a moment.
func (g *growing) ask(name string, question func(Query) (any, error), asOf time.Time) asked {
	g.t.Helper()
	answer, err := question(Query{AsOf: asOf, Privileged: true})
	if err != nil {
		g.t.Fatalf("%s as of %s: %v", name, asOf, err)
	}
	var stamp struct {
		AsOf time.Time `json:"as_of"`
	}
	whole, err := json.Marshal(answer)
	if err == nil {
		err = json.Unmarshal(whole, &stamp)
	}
	if err != nil || stamp.AsOf.IsZero() {
		g.t.Fatalf("%s: %v: %s", name, err, whole)
	}
	return asked{name, stamp.AsOf, text(g.t, answer)}
}

// TestHistoryOfAGrowingLog asks at ten random moments of a log that grows, and asks again as of these moments when the log
// has outgrown them.
func TestHistoryOfAGrowingLog(t *testing.T) {
	g := newGrowing(t)
	now := time.Now().UTC()
	made, err := simulate.Single(simulate.Spec{ID: "grown", Participants: 30, Seed: 3, Start: now.AddDate(0, 0, -45), Now: now, DurationDays: 56, RecruitDays: 20, DropoutHazard: 0.01})
	if err != nil {
		t.Fatal(err)
	}
	events := slices.Collect(made.Events(now))
	position := g.publish(events[0])
	events = events[1:]
	g.random.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	wait(t, g.reader, position)

	const steps = 40
	moments := g.random.Perm(steps)[:10]
	var live []asked
	for step := range steps {
		part := events[len(events)*step/steps : len(events)*(step+1)/steps]
		position = g.publish(part...)
		g.meddle(step, made.Definition)
		if !slices.Contains(moments, step) {
			continue
		}
		if step%2 == 0 { // else whatever is there by now
			wait(t, g.reader, position)
		}
		for name, question := range g.questions("grown") {
			live = append(live, g.ask(name, question, time.Time{}))
		}
	}
	wait(t, g.reader, position)
	questions := g.questions("grown")
	for _, was := range live {
		if is := g.ask(was.name, questions[was.name], was.asOf); is.text != was.text {
			t.Errorf("%s as of %s:\n%s\nlive it was\n%s", was.name, was.asOf, is.text, was.text)
		}
	}
	different := map[string]bool{}
	for _, was := range live {
		different[was.text] = true
	}
	if len(live) != 10*len(questions) || len(different) < len(live)/2 {
		t.Errorf("%d answers were compared, %d of them different", len(live), len(different))
	}
	last, err := g.reader.Attrition(t.Context(), "grown", AttritionQuery{Query: Query{Privileged: true}})
	if err != nil || last.DefinitionVersion != 2 || last.Arms[0].N == 0 {
		t.Errorf("the log did not grow as meant: %v, %+v", err, last)
	}
}

// meddle says things about the record: voids, corrections, an outage, a second definition.
func (g *growing) meddle(step int, definition []byte) {
	g.t.Helper()
	var more []event.Event
	for range 3 {
		target := g.sent[g.random.IntN(len(g.sent))]
		if typ, _ := event.Lookup(target.Type); target.Subject != "" && typ.Stream == event.StreamEvents && target.Type != event.TypeVoided && target.Type != event.TypeCorrected {
			more = append(more, g.about(target))
		}
	}
	g.said++
	switch step {
	case 12:
		from := time.Now().AddDate(0, 0, -20).UTC()
		more = append(more, g.make(event.TypeOutage, "grown", "", map[string]any{"from": from.Format(time.RFC3339), "to": from.AddDate(0, 0, 9).Format(time.RFC3339), "reason": "maintenance"}))
	case 25:
		var next map[string]any
		if err := json.Unmarshal(definition, &next); err != nil {
			g.t.Fatal(err)
		}
		next["non_usage"] = map[string]any{"silence_days": 9}
		more = append(more, g.make(event.TypeDefinition, "grown", "", next))
	}
	g.publish(more...)
}
