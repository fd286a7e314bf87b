package analyst

import (
	"encoding/json"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/study"
)

// StudyList is the answer of /studies.
type StudyList struct {
	AsOf     time.Time   `json:"as_of"`
	Position string      `json:"position,omitempty"`
	Studies  []StudyLine `json:"studies"`
}

// StudyLine is one study of the list.
type StudyLine struct {
	ID                string             `json:"id"`
	Title             string             `json:"title"`
	Design            study.Design       `json:"design"`
	DeliveryType      event.DeliveryType `json:"delivery_type"` // of the arm that stands for the study
	Arms              int                `json:"arms"`
	Participants      int                `json:"participants"` // assigned
	Enrolled          int                `json:"enrolled"`
	Target            int                `json:"target,omitempty"`
	Blinding          study.Sight        `json:"blinding"`
	Definition        string             `json:"definition"`
	DefinitionVersion int                `json:"definition_version"`
}

// Study is the answer of /studies/{id}.
type Study struct {
	StudyLine
	Cutoff    time.Time         `json:"cutoff"`
	AsOf      time.Time         `json:"as_of"`
	Position  string            `json:"position,omitempty"`
	ArmList   []StudyArm        `json:"arms"`                // takes the place of the number of arms
	Published json.RawMessage   `json:"definition"`          // as it was written; takes the place of the engagement definition's id
	Complete  *study.Definition `json:"complete_definition"` // with all defaults filled in
}

// StudyArm is one arm of a study.
type StudyArm struct {
	study.Arm
	Participants *int `json:"participants"` // null where blinding hides it
}

// blinded reports whether results by arm are kept from analysts.
func blinded(def *study.Definition) bool { return def.Blinding.Analysts != study.SightOpen }

// Line returns the study as it stands in the list.
func (f *Frame) Line(records []*Record) StudyLine {
	def := f.plan.def
	line := StudyLine{
		ID: def.ID, Title: def.Title, Design: def.Design, DeliveryType: event.DeliveryNone, Arms: len(def.Arms),
		Blinding: def.Blinding.Analysts, Definition: def.DefinitionID(), DefinitionVersion: f.plan.version,
	}
	if arm, ok := def.HeadlineArm(); ok {
		line.DeliveryType = arm.DeliveryType
	}
	if def.Recruitment != nil {
		line.Target = def.Recruitment.Target
	}
	for _, r := range records {
		if r.assigned() {
			line.Participants++
		}
		if r.Enrolled {
			line.Enrolled++
		}
	}
	return line
}

// Study returns the study with its definition and arms; without privilege a blinded study keeps the sizes of its arms.
func (f *Frame) Study(records []*Record, privileged bool) *Study {
	def := f.plan.def
	out := &Study{
		StudyLine: f.Line(records), Cutoff: f.clock.cutoff().UTC(), AsOf: f.clock.AsOf.UTC(),
		Published: def.JSON(), Complete: def,
	}
	sizes := make([]int, len(def.Arms))
	for _, r := range records {
		if r.assigned() {
			sizes[r.Arm]++
		}
	}
	for i, arm := range def.Arms {
		one := StudyArm{Arm: arm}
		if privileged || !blinded(def) {
			one.Participants = &sizes[i]
		}
		out.ArmList = append(out.ArmList, one)
	}
	return out
}
