package simulate

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/study"
)

func TestSingleMakesEveryKindOfStudy(t *testing.T) {
	for _, delivery := range event.DeliveryTypes() {
		for arms := 1; arms <= 4; arms++ {
			s, err := Single(Spec{DeliveryType: delivery, Arms: arms, Participants: 30 + arms, Now: noon, Seed: 7})
			if err != nil {
				t.Fatal(err)
			}
			checkStudy(t, &s)
			if n := s.Participants(noon); n != 30+arms {
				t.Errorf("%s with %d arms has %d participants", delivery, arms, n)
			}
		}
	}
}

func TestSingleWithEveryChannel(t *testing.T) {
	s, err := Single(Spec{Channels: event.Channels(), Participants: 25, Now: noon, Timezone: "Pacific/Kiritimati"})
	if err != nil {
		t.Fatal(err)
	}
	checkStudy(t, &s)
}

func TestSingleAtTheEdges(t *testing.T) {
	specs := map[string]Spec{
		"one participant":      {Participants: 1, Arms: 1},
		"fewer than arms":      {Participants: 2, Arms: 6},
		"two days":             {DurationDays: 2, PeriodDays: 1, RecruitDays: 1},
		"no whole period":      {DurationDays: 10, PeriodDays: 7},
		"one long period":      {DurationDays: 30, PeriodDays: 30},
		"all leave at once":    {DropoutHazard: 1, Participants: 20},
		"nobody leaves":        {DropoutHazard: -1, Engagement: 1, NonUsage: -1},
		"nobody engages":       {Engagement: -1, NonUsage: 1, Completion: -1},
		"everybody completes":  {Completion: 1, NonUsage: -1},
		"three years":          {DurationDays: 1095, Participants: 5},
		"still recruiting":     {Start: noon.AddDate(0, 0, -40), RecruitDays: 400},
		"begun yesterday":      {Start: noon.AddDate(0, 0, -1)},
		"two of one channel":   {Channels: []event.Channel{event.ChannelApp, event.ChannelApp, event.ChannelInPerson}},
		"tracker and nothing":  {Channels: []event.Channel{event.ChannelFitnessTracker}, Engagement: 0.9},
		"days as long as 25 h": {Timezone: "Australia/Lord_Howe", DurationDays: 200, PeriodDays: 1, Participants: 6},
	}
	for name, spec := range specs {
		t.Run(name, func(t *testing.T) {
			spec.Now = noon
			s, err := Single(spec)
			if err != nil {
				t.Fatal(err)
			}
			checkStudy(t, &s)
		})
	}
}

func checkStudy(t *testing.T, s *Study) {
	t.Helper()
	if _, err := study.Parse(s.Definition, "study.json"); err != nil {
		t.Fatalf("definition: %v\n%s", err, s.Definition)
	}
	known := map[event.Identity]event.Digest{}
	for e := range s.Events(noon) {
		raw := e.AppendJSON(nil)
		if _, problems := event.Decode(raw, noon); len(problems) > 0 {
			t.Fatalf("%v\n%s", problems, raw)
		}
		if before, ok := known[e.Identity()]; ok && before != e.Content() {
			t.Fatalf("%s has two contents", e.ID)
		}
		known[e.Identity()] = e.Content()
	}
}

func TestSingleReportsEveryProblem(t *testing.T) {
	_, err := Single(Spec{ID: "NO", Design: "x", DeliveryType: "y", Channels: []event.Channel{"z"}, Arms: 9, Participants: -1,
		DurationDays: 1, DropoutHazard: 2, Engagement: 3, Timezone: "Nowhere/Land", Start: time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, word := range []string{"id", "design", "delivery type", "channel", "arms", "participants", "duration", "hazard", "shares", "start", "timezone"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("nothing on %s in: %v", word, err)
		}
	}
}

func TestProfileIsDeterministicAndAccepted(t *testing.T) {
	for _, per := range []int{1, 50} {
		p := Profile{Study: "load", Participants: 120, PerBatch: per, Events: 50, Start: noon}
		if err := p.Validate(); err != nil {
			t.Fatal(err)
		}
		ids := map[event.Identity]bool{}
		subjects := map[string]bool{}
		batches := slices.Collect(p.Setup())
		for k := range 40 {
			batches = append(batches, p.Batch(k))
		}
		total := 0
		for _, batch := range batches {
			if len(batch) == 0 || len(batch) > event.MaxBatchEvents {
				t.Fatalf("batch of %d", len(batch))
			}
			for _, e := range batch {
				raw := e.AppendJSON(nil)
				if _, problems := event.Decode(raw, noon); len(problems) > 0 {
					t.Fatalf("%v\n%s", problems, raw)
				}
				ids[e.Identity()] = true
				total++
			}
		}
		for _, e := range p.Batch(3) {
			subjects[e.Subject] = true
		}
		if len(ids) != total || total != 1+240+40*50 || len(subjects) != per {
			t.Errorf("%d identities of %d events, %d participants a batch", len(ids), total, len(subjects))
		}
		parts, err := event.SplitArray(AppendArray(nil, p.Batch(0)))
		if err != nil || len(parts) != 50 {
			t.Errorf("array of %d: %v", len(parts), err)
		}
	}
	if err := (Profile{}).Validate(); err == nil {
		t.Error("an empty profile is valid")
	}
}

func TestStudyWithAStartGrowsAndDoesNotChange(t *testing.T) {
	spec := Spec{Start: noon.AddDate(0, 0, -30), RecruitDays: 300, Participants: 60}
	today, err := Single(spec)
	if err != nil {
		t.Fatal(err)
	}
	spec.Now = noon.AddDate(0, 0, 50)
	later, err := Single(spec)
	if err != nil {
		t.Fatal(err)
	}
	known := map[event.Identity]event.Digest{}
	for e := range later.Events(spec.Now) {
		known[e.Identity()] = e.Content()
	}
	n := 0
	for e := range today.Events(noon) {
		n++
		if e.Time.After(noon.Add(2 * time.Hour)) {
			t.Fatalf("%s at %v", e.Type, e.Time)
		}
		if known[e.Identity()] != e.Content() {
			t.Fatalf("%s is another on a later day", e.ID)
		}
	}
	if n >= len(known) || today.Participants(noon) == 0 || today.Participants(noon) == 60 {
		t.Errorf("%d events, %d later; %d participants", n, len(known), today.Participants(noon))
	}
}
