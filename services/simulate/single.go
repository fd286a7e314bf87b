package simulate

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
)

// Spec orders one study. Zero values take the defaults named beside them.
type Spec struct {
	ID           string             // default: simulated
	Title        string             // default: says that it is simulated
	Design       string             // default: randomised_controlled_trial, pre_post with one arm
	DeliveryType event.DeliveryType // of the first arm; default: peer_delivered_technology
	Channels     []event.Channel    // components of the first arm; default: by delivery type
	Arms         int                // 1 to 6; default 2: the first experimental, the last a control without components
	Participants int                // over all arms, 1 to 20,000; default 100

	DurationDays int // default 84
	PeriodDays   int // default 7, or the duration if shorter
	FollowUpDays int // default: the duration
	RecruitDays  int // default 60

	DropoutHazard float64 // chance of leaving the study, per day; default 0.002, negative: none
	NonUsage      float64 // share that stops using the intervention; default: by engagement, negative: none
	Engagement    float64 // share of participant-periods engaged, 0 to 1; default 0.6, negative: none
	Completion    float64 // share that completes the intervention; default: by engagement, negative: none

	Timezone string    // default UTC
	Start    time.Time // day of the first assignment; default: so that follow-up is over now, which makes other events on other days
	Now      time.Time // needed without Start
	Seed     uint64
}

// Validate returns everything that is wrong with the order.
func (s Spec) Validate() error {
	s = s.filled()
	var problems []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	check(event.ValidStudy(s.ID), "id %q is no study id: lower-case letters, digits and hyphens", s.ID)
	check(slices.Contains([]string{designRandomised, designQuasi, designPrePost, designQualitative}, s.Design), "design %q is not known", s.Design)
	check(s.DeliveryType.Valid(), "delivery type %q is not known", s.DeliveryType)
	for _, c := range s.Channels {
		check(c.Valid(), "channel %q is not known", c)
	}
	check(s.Arms >= 1 && s.Arms <= 6, "arms %d must be from 1 to 6", s.Arms)
	check(s.Participants >= 1 && s.Participants <= 20_000, "participants %d must be from 1 to 20000", s.Participants)
	check(s.DurationDays >= 2 && s.DurationDays <= 1100, "duration %d must be from 2 to 1100 days", s.DurationDays)
	check(s.PeriodDays >= 1 && s.PeriodDays <= s.DurationDays, "period %d must be from 1 day to the duration", s.PeriodDays)
	check(s.FollowUpDays >= s.DurationDays && s.FollowUpDays <= 3650, "follow-up %d must be from the duration to 3650 days", s.FollowUpDays)
	check(s.RecruitDays >= 1 && s.RecruitDays <= 3650, "recruitment %d must be from 1 to 3650 days", s.RecruitDays)
	check(s.DropoutHazard <= 1, "dropout hazard %v must be at most 1 a day", s.DropoutHazard)
	check(s.Engagement <= 1 && s.NonUsage <= 1 && s.Completion <= 1, "engagement, non-usage and completion are shares, at most 1")
	check(!s.Now.IsZero() || !s.Start.IsZero(), "start or now is needed")
	check(s.Start.IsZero() || s.Start.Year() >= 1992, "start must be in 1992 or later")
	if _, err := time.LoadLocation(s.Timezone); err != nil {
		problems = append(problems, fmt.Errorf("timezone %q is not known", s.Timezone))
	}
	return errors.Join(problems...)
}

// Single plans one study to order. With a start, its events depend on the order alone: sent again on a later day, with what
// has happened meanwhile, those that are there already are the same.
func Single(spec Spec) (Study, error) {
	if err := spec.Validate(); err != nil {
		return Study{}, fmt.Errorf("simulate study: %w", err)
	}
	spec = spec.filled()
	anchor := spec.Now
	if !spec.Start.IsZero() {
		anchor = spec.Start.AddDate(0, 0, spec.RecruitDays+spec.FollowUpDays+60)
	}
	return newStudy(spec.blueprint(), spec.Seed, Anchor(anchor))
}

// filled returns the order with its defaults.
func (s Spec) filled() Spec {
	fill(&s.ID, "simulated")
	fill(&s.Title, "Simulated study")
	fill(&s.DeliveryType, event.DeliveryPeerDelivered)
	fill(&s.Arms, 2)
	if s.Arms == 1 {
		fill(&s.Design, designPrePost)
	}
	fill(&s.Design, designRandomised)
	if len(s.Channels) == 0 {
		s.Channels = channelsOf(s.DeliveryType)
	}
	fill(&s.Participants, 100)
	fill(&s.DurationDays, 84)
	fill(&s.PeriodDays, min(7, s.DurationDays))
	fill(&s.FollowUpDays, s.DurationDays)
	fill(&s.RecruitDays, 60)
	fill(&s.DropoutHazard, 0.002)
	fill(&s.Engagement, 0.6)
	s.DropoutHazard, s.Engagement = max(s.DropoutHazard, 0), max(s.Engagement, 0)
	fill(&s.NonUsage, (1-s.Engagement)*0.7)
	s.NonUsage = max(s.NonUsage, 0)
	fill(&s.Completion, (1-s.NonUsage)*0.8)
	s.Completion = max(s.Completion, 0)
	fill(&s.Timezone, "UTC")
	return s
}

func fill[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// channelsOf returns the usual channels of a delivery type.
func channelsOf(delivery event.DeliveryType) []event.Channel {
	switch delivery {
	case event.DeliveryPeerToPeer:
		return []event.Channel{event.ChannelBulletinBoard}
	case event.DeliverySynchronous:
		return []event.Channel{event.ChannelPhoneCall, event.ChannelKiosk}
	case event.DeliveryAsynchronous:
		return []event.Channel{event.ChannelWeb, event.ChannelVideo}
	case event.DeliveryNone:
		return []event.Channel{event.ChannelApp}
	}
	return []event.Channel{event.ChannelApp, event.ChannelInPerson}
}

func (s Spec) blueprint() *blueprint {
	b := &blueprint{
		id: s.ID, title: s.Title, design: s.Design, zone: s.Timezone, source: "/simulate/",
		duration: s.DurationDays, period: s.PeriodDays, followUp: s.FollowUpDays, recruit: s.RecruitDays, ended: 1,
		assessments: instruments(hope, quality), ineligible: s.Participants / 6, declined: s.Participants / 9,
		quirks: quirks{testTraffic: true}, note: "Simulated.",
	}
	if !s.Start.IsZero() {
		b.first = dateOf(s.Start.UTC())
	}
	var ids []string
	for i, channel := range s.Channels {
		id := string(channel)
		if slices.Contains(ids, id) {
			id = fmt.Sprintf("%s-%d", channel, i+1)
		}
		ids = append(ids, id)
		b.parts = append(b.parts, on(id, channel))
	}
	for i := range s.Arms {
		n := s.Participants / s.Arms
		if i < s.Participants%s.Arms {
			n++
		}
		b.arms = append(b.arms, s.arm(i, n, ids))
	}
	return b
}

// arm returns the i-th arm: the first experimental, the last of several a control, those between comparators that engage
// somewhat less.
func (s Spec) arm(i, n int, parts []string) armPlan {
	less := math.Pow(0.85, float64(i))
	dropout := 1 - math.Pow(1-s.DropoutHazard, float64(s.FollowUpDays)/less)
	a := armPlan{
		id: fmt.Sprintf("arm-%d", i+1), label: fmt.Sprintf("Arm %d", i+1), role: comparator, delivery: event.DeliveryNone, parts: parts, n: n,
		dropout: dropout, never: 0.2, participation: s.Engagement * less, effect: 0.4 * less,
	}
	more := min(1-(1-s.NonUsage)*less, 1)
	a.stops = [portions]float64{more, more}
	a.completed = min(share(s.Completion*less, n), n-share(more, n))
	switch {
	case i == 0:
		a.role, a.delivery = experimental, s.DeliveryType
		if s.DeliveryType == event.DeliveryPeerDelivered {
			a.peers = max(1, n/12)
		}
	case i == s.Arms-1:
		a.role, a.parts, a.completed, a.label = control, nil, 0, "Control"
	}
	return a
}
