package simulate

import (
	"fmt"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
)

// Assumption is what has to be said wherever the portfolio's tiers are shown by delivery type.
const Assumption = "Which engagement tier falls to which delivery type cannot be derived from the published review: the split of this demonstration is an assumption."

// Seed is the seed of the demo portfolio.
const Seed = 20200416

// Portfolio returns the demo: thirty invented studies whose delivery types, designs, channels, tiers and attrition are
// those of the systematic review of digital peer support (doi:10.2196/16460). History reaches up to [Anchor] of now;
// what a running study holds beyond it comes with time. No study, participant or score is real.
func Portfolio(seed uint64, now time.Time) ([]Study, error) {
	var studies []Study
	for _, b := range blueprints() {
		study, err := newStudy(b, seed, Anchor(now))
		if err != nil {
			return nil, fmt.Errorf("plan demo portfolio: %w", err)
		}
		studies = append(studies, study)
	}
	return studies, nil
}

// blueprints returns the studies of the portfolio, with what they have in common filled in.
func blueprints() []*blueprint {
	studies := append(networkStudies(), deliveredStudies()...)
	studies = append(studies, remoteStudies()...)
	for i, b := range studies {
		b.source = "/demo/"
		b.note = noteFor(b)
		if b.period == 0 {
			b.period = 7
		}
		if b.followUp == 0 {
			b.followUp = b.duration
		}
		if b.recruit == 0 {
			b.recruit = 60 + 7*(i%9)
		}
		if b.ended == 0 && !b.running() {
			b.ended = 30 + 37*(i*7%30)
		}
		if b.zone == "" {
			b.zone = "America/New_York"
		}
		b.screen(i)
	}
	return studies
}

// screen fills in how many were screened in vain.
func (b *blueprint) screen(i int) {
	n := b.participants()
	if b.ineligible == 0 {
		b.ineligible = n/6 + i%4
	}
	if b.declined == 0 {
		b.declined = n/9 + i%3
	}
	if b.assigns() && b.unallocated == 0 {
		b.unallocated = 1 + i%3
	}
}

func noteFor(b *blueprint) string {
	note := "Invented demonstration study, modelled on a systematic review of digital peer support. " + Assumption
	if b.note != "" {
		note += " " + b.note
	}
	return note
}

// The instruments of the portfolio.
var (
	hope        = assessment{instrument: "hope-scale", domain: "hope", kind: "psychosocial", better: "higher", mean: 32, sd: 7}
	recovery    = assessment{instrument: "recovery-scale", domain: "recovery", kind: "psychosocial", better: "higher", mean: 85, sd: 14}
	symptoms    = assessment{instrument: "symptom-scale", domain: "psychiatric_symptoms", kind: "biomedical", better: "lower", mean: 38, sd: 9}
	weight      = assessment{instrument: "body-weight", domain: "physical_health", kind: "biomedical", better: "lower", mean: 96, sd: 14}
	fitness     = assessment{instrument: "walk-test", domain: "physical_health", kind: "biomedical", better: "higher", mean: 480, sd: 80}
	empowerment = assessment{instrument: "empowerment-scale", domain: "empowerment", kind: "psychosocial", better: "higher", mean: 2.9, sd: 0.4}
	quality     = assessment{instrument: "quality-of-life-scale", domain: "quality_of_life", kind: "psychosocial", better: "higher", mean: 62, sd: 16}
	selfManage  = assessment{instrument: "self-management-scale", domain: "self_management", kind: "psychosocial", better: "higher", mean: 55, sd: 12}
	support     = assessment{instrument: "social-support-scale", domain: "social_support", kind: "psychosocial", better: "higher", mean: 48, sd: 13}
)

// instruments returns the assessments of a study, the first as its primary outcome.
func instruments(primary assessment, others ...assessment) []assessment {
	primary.primary = true
	return append([]assessment{primary}, others...)
}

// parts lists the components of a study.
func parts(all ...part) []part { return all }

func on(id string, channel event.Channel) part { return part{id: id, channel: channel} }

// The roles of arms.
const (
	experimental = "experimental"
	comparator   = "active_comparator"
	control      = "control"
)
