// Package study reads study definitions: who is compared with whom, what the intervention consists of, what counts as
// using it, and who may see what.
//
// [Parse] reads YAML or JSON and reports everything that is wrong at once, each fault with its line, its field and what
// to do. What a definition leaves out is filled in, so that a [Definition] that came out of Parse is complete; how it was
// written is kept apart and comes back from [Definition.JSON], so that published definitions never freeze a default.
package study

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
)

// Definition is one complete study definition. It is made by [Parse] and read only afterwards; its methods are safe for
// concurrent use.
type Definition struct {
	ID           string       `json:"id"`
	Title        string       `json:"title"`
	Design       Design       `json:"design"`
	Timezone     string       `json:"timezone"` // IANA zone; default UTC
	Arms         []Arm        `json:"arms"`     // in the order of the definition; the first is the reference of contrasts
	Components   []Component  `json:"components"`
	Intervention Intervention `json:"intervention"`
	FollowUpDays int          `json:"follow_up_days"` // default: the intervention's duration
	Engagement   Engagement   `json:"engagement"`
	NonUsage     NonUsage     `json:"non_usage"`
	Completion   *Completion  `json:"completion,omitempty"` // nil: intervention.completed only
	Strata       Strata       `json:"strata,omitempty"`
	Sites        []Site       `json:"sites,omitempty"`
	PerProtocol  *PerProtocol `json:"per_protocol,omitempty"` // nil: not declared
	Assessments  []Assessment `json:"assessments,omitempty"`
	Recruitment  *Recruitment `json:"recruitment,omitempty"`
	Blinding     Blinding     `json:"blinding"`
	Disclosure   *Disclosure  `json:"disclosure,omitempty"` // nil: nothing is released
	Erasure      Erasure      `json:"erasure"`

	written  []byte         // canonical JSON of what was written
	location *time.Location // of Timezone
	sites    map[string]*time.Location
}

// Design is how participants came into their arms.
type Design string

// The designs.
const (
	DesignRandomised        Design = "randomised_controlled_trial"
	DesignQuasiExperimental Design = "quasi_experimental"
	DesignPrePost           Design = "pre_post"
	DesignQualitative       Design = "qualitative"
)

// Designs returns every design.
func Designs() []Design {
	return []Design{DesignRandomised, DesignQuasiExperimental, DesignPrePost, DesignQualitative}
}

// Role is what an arm is for.
type Role string

// The roles.
const (
	RoleExperimental     Role = "experimental"
	RoleActiveComparator Role = "active_comparator"
	RoleControl          Role = "control"
)

// Roles returns every role.
func Roles() []Role { return []Role{RoleExperimental, RoleActiveComparator, RoleControl} }

// Arm is one group of participants.
type Arm struct {
	ID    string `json:"id"`
	Label string `json:"label"` // default: the id
	Role  Role   `json:"role"`  // default: experimental with components, else control
	// DeliveryType defaults to the one that all of the arm's components declare, else none.
	DeliveryType event.DeliveryType `json:"delivery_type"`
	Components   []string           `json:"components"`
}

// Component is one part of the intervention, reached by one channel.
type Component struct {
	ID           string             `json:"id"`
	Label        string             `json:"label"` // default: the id
	Channel      event.Channel      `json:"channel"`
	DeliveryType event.DeliveryType `json:"delivery_type,omitempty"` // empty: that of the arm
	Portion      event.Portion      `json:"portion"`                 // default: that of the channel
}

// Intervention says how long the intervention lasts, in days.
type Intervention struct {
	DurationDays int `json:"duration_days"` // τ
	PeriodDays   int `json:"period_days"`   // default 7, or the duration if shorter
	AccessDays   int `json:"access_days"`   // U: from this day on it is not offered; default: the duration
}

// Combine says whether use of one component or of all makes a period engaged.
type Combine string

// The ways to combine components.
const (
	CombineAny Combine = "any"
	CombineAll Combine = "all"
)

// Headline names the tier that stands for the study.
type Headline string

// The headlines.
const (
	HeadlineParticipation Headline = "participation"
	HeadlineThroughout    Headline = "throughout"
)

// Engagement says what counts as use.
type Engagement struct {
	ID            string          `json:"id"`      // default: default-1
	Combine       Combine         `json:"combine"` // default: any
	Throughout    Share           `json:"throughout"`
	Headline      Headline        `json:"headline"` // default: participation
	Justification string          `json:"justification,omitempty"`
	Rules         map[string]Rule `json:"rules"` // one for every component, given or default
}

// NonUsage says how many complete days without use are a silence (g).
type NonUsage struct {
	SilenceDays int            `json:"silence_days"`
	ByComponent map[string]int `json:"by_component,omitempty"`
}

// Completion says what completes the intervention beside the event intervention.completed; all that is given (not 0) is
// required.
type Completion struct {
	Modules  int `json:"modules,omitempty"`
	Sessions int `json:"sessions,omitempty"`
	Calls    int `json:"calls,omitempty"`
}

// Strata is the stratification factors, ascending by name. Its JSON is a mapping from name to levels.
type Strata []Factor

// Factor is one stratification factor and its levels, in the order of the definition.
type Factor struct {
	Name   string
	Levels []string
}

// MarshalJSON writes the factors as a mapping.
func (s Strata) MarshalJSON() ([]byte, error) {
	factors := make(map[string][]string, len(s))
	for _, f := range s {
		factors[f.Name] = f.Levels
	}
	return json.Marshal(factors)
}

// Levels returns the levels of a factor and whether it is declared.
func (s Strata) Levels(factor string) ([]string, bool) {
	i := slices.IndexFunc(s, func(f Factor) bool { return f.Name == factor })
	if i < 0 {
		return nil, false
	}
	return s[i].Levels, true
}

// Site is one place of the study.
type Site struct {
	ID       string `json:"id"`
	Label    string `json:"label"`    // default: the id
	Timezone string `json:"timezone"` // default: the study's
}

// PerProtocol says from how many engaged periods a participant followed the protocol.
type PerProtocol struct {
	EngagedPeriods int `json:"engaged_periods"`
}

// Assessment is one instrument and when it is due.
type Assessment struct {
	Instrument  string      `json:"instrument"`
	Domain      string      `json:"domain"`       // default: other
	OutcomeKind string      `json:"outcome_kind"` // default: psychosocial
	Better      string      `json:"better"`       // higher (default) or lower
	Primary     bool        `json:"primary"`
	Timepoints  []Timepoint `json:"timepoints"`
}

// Timepoint is one day on which an instrument is due, give or take its window.
type Timepoint struct {
	ID         string `json:"id"`
	Day        int    `json:"day"`
	WindowDays int    `json:"window_days"` // default 0
}

// Recruitment says how many participants are wanted.
type Recruitment struct {
	Target int `json:"target"`
}

// Sight is what analysts may see of the arms.
type Sight string

// The blinding policies.
const (
	SightPooled Sight = "pooled"
	SightCoded  Sight = "coded"
	SightOpen   Sight = "open"
)

// Blinding says who is kept from seeing the arms.
type Blinding struct {
	Analysts Sight `json:"analysts"` // default: coded for randomised designs, else open
}

// Disclosure is the suppression policy of released figures.
type Disclosure struct {
	Policy         string `json:"policy,omitempty"` // name of the preset, empty if written out
	K              int    `json:"k"`                // cells from 1 to K-1 are hidden
	ZeroIsSafe     bool   `json:"zero_is_safe"`     // a cell of 0 is shown
	RoundBase      int    `json:"round_base"`       // shown cells are rounded to multiples of this; 0 or 1: not at all
	MinDenominator int    `json:"min_denominator"`  // no figure over fewer participants than this
}

// Erasure says on which legal basis data are kept.
type Erasure struct {
	LegalBasis string `json:"legal_basis"` // default: consent
}
