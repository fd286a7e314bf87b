package study

import "github.com/throughline-trials/throughline/services/study/document"

// Usage tells which arms and components of a study have events.
type Usage struct {
	Arms       map[string]bool
	Components map[string]bool
}

// Compatible returns nil if the new version of a definition may follow the old one, else [Problems]: a version keeps the
// study's id, and every arm and component that has events. A nil old version is always compatible.
func Compatible(old, next *Definition, used Usage) error {
	if old == nil {
		return nil
	}
	var problems Problems
	if old.ID != next.ID {
		problems = append(problems, Problem{Field: "id", Detail: "is another study's: a new version keeps the id " + document.Quote(old.ID)})
	}
	for _, arm := range old.Arms {
		if _, kept := next.Arm(arm.ID); used.Arms[arm.ID] && !kept {
			problems = append(problems, gone("arms", "arm", arm.ID))
		}
	}
	for _, component := range old.Components {
		if _, kept := next.Component(component.ID); used.Components[component.ID] && !kept {
			problems = append(problems, gone("components", "component", component.ID))
		}
	}
	if len(problems) == 0 {
		return nil
	}
	return problems
}

func gone(field, noun, id string) Problem {
	return Problem{Field: field, Detail: noun + " " + document.Quote(id) + " is dropped or renamed, but it has events: keep it under this id (its label may change)"}
}
