package simulate

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// document is a study definition as it is published; the analysis has the meaning of each field.
type document struct {
	ID           string               `json:"id"`
	Title        string               `json:"title"`
	Design       string               `json:"design"`
	Timezone     string               `json:"timezone"`
	Arms         []documentArm        `json:"arms"`
	Components   []documentPart       `json:"components,omitempty"`
	Intervention documentIntervention `json:"intervention"`
	FollowUpDays int                  `json:"follow_up_days"`
	Engagement   documentEngagement   `json:"engagement"`
	NonUsage     *documentNonUsage    `json:"non_usage,omitempty"`
	Completion   *documentCompletion  `json:"completion,omitempty"`
	Strata       map[string][]string  `json:"strata,omitempty"`
	Sites        []documentSite       `json:"sites,omitempty"`
	PerProtocol  *documentPerProtocol `json:"per_protocol,omitempty"`
	Assessments  []documentAssessment `json:"assessments,omitempty"`
	Recruitment  documentRecruitment  `json:"recruitment"`
	Blinding     documentBlinding     `json:"blinding"`
	Disclosure   documentDisclosure   `json:"disclosure"`
}

type documentArm struct {
	ID           string   `json:"id"`
	Label        string   `json:"label"`
	Role         string   `json:"role"`
	DeliveryType string   `json:"delivery_type"`
	Components   []string `json:"components"`
}

type documentPart struct {
	ID      string `json:"id"`
	Channel string `json:"channel"`
}

type documentIntervention struct {
	DurationDays int `json:"duration_days"`
	PeriodDays   int `json:"period_days"`
}

type documentEngagement struct {
	ID            string      `json:"id"`
	Throughout    json.Number `json:"throughout,omitempty"`
	Headline      string      `json:"headline,omitempty"`
	Justification string      `json:"justification,omitempty"`
}

type documentNonUsage struct {
	SilenceDays int `json:"silence_days"`
}

type documentCompletion struct {
	Modules int `json:"modules"`
}

type documentSite struct {
	ID       string `json:"id"`
	Timezone string `json:"timezone"`
}

type documentPerProtocol struct {
	EngagedPeriods int `json:"engaged_periods"`
}

type documentAssessment struct {
	Instrument  string              `json:"instrument"`
	Domain      string              `json:"domain"`
	OutcomeKind string              `json:"outcome_kind"`
	Better      string              `json:"better"`
	Primary     bool                `json:"primary,omitempty"`
	Timepoints  []documentTimepoint `json:"timepoints"`
}

type documentTimepoint struct {
	ID         string `json:"id"`
	Day        int    `json:"day"`
	WindowDays int    `json:"window_days,omitempty"`
}

type documentRecruitment struct {
	Target int `json:"target"`
}

type documentBlinding struct {
	Analysts string `json:"analysts"`
}

type documentDisclosure struct {
	Policy string `json:"policy"`
}

// definition returns the study's definition as compact JSON.
func (b *blueprint) definition() ([]byte, error) {
	doc := document{
		ID: b.id, Title: b.title, Design: b.design, Timezone: b.zone,
		Intervention: documentIntervention{b.duration, b.period}, FollowUpDays: b.followUp,
		Engagement:  documentEngagement{ID: "default-1", Throughout: json.Number(b.throughout), Headline: b.headline, Justification: b.note},
		Recruitment: documentRecruitment{max(b.participants(), 1)},
		Blinding:    documentBlinding{"open"}, Disclosure: documentDisclosure{"cms11"},
	}
	for _, a := range b.arms {
		doc.Arms = append(doc.Arms, documentArm{a.id, a.label, a.role, string(a.delivery), append([]string{}, a.parts...)})
	}
	for _, p := range b.parts {
		doc.Components = append(doc.Components, documentPart{p.id, string(p.channel)})
	}
	for _, s := range b.sites {
		doc.Sites = append(doc.Sites, documentSite{s.id, s.zone})
	}
	b.define(&doc)
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(doc); err != nil {
		return nil, fmt.Errorf("encode definition of %s: %w", b.id, err)
	}
	return bytes.TrimSpace(out.Bytes()), nil
}

// define adds the parts of a definition that not every study has.
func (b *blueprint) define(doc *document) {
	if b.silence > 0 {
		doc.NonUsage = &documentNonUsage{b.silence}
	}
	if b.modules > 0 {
		doc.Completion = &documentCompletion{b.modules}
	}
	if b.perProtocol > 0 {
		doc.PerProtocol = &documentPerProtocol{b.perProtocol}
	}
	if b.strata {
		doc.Strata = map[string][]string{"sex": {"female", "male"}, "diagnosis": {"schizophrenia_spectrum", "bipolar"}}
	}
	for _, a := range b.assessments {
		entry := documentAssessment{a.instrument, a.domain, a.kind, a.better, a.primary, nil}
		for _, t := range b.timepoints() {
			entry.Timepoints = append(entry.Timepoints, documentTimepoint{t.id, t.day, t.window})
		}
		doc.Assessments = append(doc.Assessments, entry)
	}
}
