package importer_test

import (
	"slices"
	"testing"

	"github.com/throughline-trials/throughline/services/importer"
	"github.com/throughline-trials/throughline/services/study"
)

// TestExampleStudy holds the study and the mapping of the example together: what the mapping makes, the study knows.
func TestExampleStudy(t *testing.T) {
	d, err := study.Parse([]byte(file(t, "../../deploy/examples/heartsteps/study.yaml")), "study.yaml")
	if err != nil {
		t.Fatal(err)
	}
	m := mappingOf(t, file(t, "../../deploy/examples/heartsteps/mapping.yaml"))
	if m.Study != d.ID {
		t.Errorf("the mapping is of study %s, the definition of %s", m.Study, d.ID)
	}
	for _, e := range m.Events {
		if _, ok := d.Component(e.Component); e.Component != "" && !ok {
			t.Errorf("event %s: component %s is not declared", e.Name, e.Component)
		}
		for _, datum := range e.Data {
			for _, entry := range datum.Entries {
				checkLevels(t, d, entry)
			}
		}
	}
}

func checkLevels(t *testing.T, d *study.Definition, entry importer.EntrySpec) {
	t.Helper()
	levels, ok := d.Strata.Levels(entry.Name)
	if !ok {
		t.Errorf("factor %s is not declared", entry.Name)
	}
	for _, level := range entry.Value.Map {
		if !slices.Contains(levels, level) {
			t.Errorf("factor %s has no level %s", entry.Name, level)
		}
	}
}
