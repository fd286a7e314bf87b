package event_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/throughline-trials/throughline/pkg/event"
)

// TestGoldenCatalogue pins every type and attribute: changing one is changing what emitters may send.
func TestGoldenCatalogue(t *testing.T) {
	var b bytes.Buffer
	for _, kind := range event.Types() {
		fmt.Fprintf(&b, "%s (%s; scope %s, stream %s%s)\n", kind.Name, kind.Group, kind.Scope, kind.Stream, level(kind))
		for i := range kind.Attributes {
			fmt.Fprintf(&b, "    %s\n", describe(&kind.Attributes[i]))
		}
	}
	golden(t, "catalogue.golden", b.Bytes())
}

func level(kind *event.Type) string {
	switch {
	case kind.StudyLevel:
		return ", no subject"
	case kind.SubjectOptional:
		return ", subject optional"
	}
	return ""
}

func describe(spec *event.AttributeSpec) string {
	kinds := map[event.Kind]string{
		event.KindString: "string", event.KindNumber: "number", event.KindBool: "bool", event.KindMap: "map", event.KindObject: "object",
	}
	parts := []string{spec.Name, kinds[spec.Kind]}
	if spec.Also != event.KindNull {
		parts = append(parts, "or", kinds[spec.Also])
	}
	if pattern := spec.Format.Pattern(); pattern != "" {
		parts = append(parts, pattern)
	}
	if spec.Format == event.FormatTime {
		parts = append(parts, "RFC 3339")
	}
	if len(spec.Values) > 0 {
		parts = append(parts, strings.Join(spec.Values, "|"))
	}
	if spec.Kind == event.KindNumber {
		parts = append(parts, fmt.Sprintf("%v..%v", spec.Min, spec.Max))
	}
	if spec.Whole {
		parts = append(parts, "whole")
	}
	if spec.Required {
		parts = append(parts, "required")
	}
	return strings.Join(parts, " ")
}

// TestGoldenExamples decodes a valid event of every type and pins the canonical form.
func TestGoldenExamples(t *testing.T) {
	var b bytes.Buffer
	for _, kind := range event.Types() {
		e := mustDecode(t, exampleOf(kind).raw(t))
		line := e.AppendJSON(nil)
		again := mustDecode(t, line)
		if !bytes.Equal(again.AppendJSON(nil), line) {
			t.Errorf("%s: the canonical form changes when read again", kind.Name)
		}
		b.Write(append(line, '\n'))
	}
	golden(t, "examples.ndjson", b.Bytes())
}

func TestCatalogue(t *testing.T) {
	types := event.Types()
	if len(types) != 81 {
		t.Errorf("got %d types, the vocabulary has 81", len(types))
	}
	seen := map[string]bool{}
	for _, kind := range types {
		if found, ok := event.Lookup(kind.Name); !ok || found != kind || seen[kind.Name] {
			t.Errorf("%s: not found, or twice in the catalogue", kind.Name)
		}
		seen[kind.Name] = true
		if (kind.Stream == event.StreamStudies) != kind.StudyLevel {
			t.Errorf("%s: stream %s does not fit its level", kind.Name, kind.Stream)
		}
	}
	if _, ok := event.Lookup("session.exploded"); ok {
		t.Error("found a type that is not in the catalogue")
	}
}

// TestAttributes tries every attribute of every type with values that do not fit.
func TestAttributes(t *testing.T) {
	for _, kind := range event.Types() {
		if kind.Name == event.TypeDefinition {
			continue
		}
		for i := range kind.Attributes {
			spec := &kind.Attributes[i]
			for name, value := range misfits(spec) {
				t.Run(kind.Name+"/"+spec.Name+"/"+name, func(t *testing.T) {
					_, problems := event.Decode(exampleOf(kind).with("data."+spec.Name, value).raw(t), now)
					if len(problems) == 0 {
						t.Fatal("taken")
					}
					if p := problems[0]; p.Field != "data."+spec.Name || p.Code != event.CodeInvalidValue && p.Code != event.CodeInvalidTime {
						t.Errorf("got %v", problems)
					}
				})
			}
		}
	}
}

func misfits(spec *event.AttributeSpec) map[string]any {
	m := map[string]any{"null": nil, "array": []int{1}, "object": object{"a": 1}}
	for kind, value := range map[event.Kind]any{event.KindString: "a-1", event.KindNumber: 1, event.KindBool: true} {
		if spec.Kind != kind && spec.Also != kind {
			m[fmt.Sprint("kind ", kind)] = value
		}
	}
	switch spec.Kind {
	case event.KindNumber:
		m["below"], m["above"] = spec.Min-1, spec.Max+1
		if spec.Whole {
			m["part"] = 0.5
		}
	case event.KindString:
		m["empty"] = ""
		if len(spec.Values) > 0 || spec.Format != event.FormatText {
			m["form"] = "Not One Of Them!"
		}
	}
	return m
}

// TestRequired leaves out every attribute that a type needs.
func TestRequired(t *testing.T) {
	for _, kind := range event.Types() {
		for i := range kind.Attributes {
			spec := &kind.Attributes[i]
			if !spec.Required || kind.Name == event.TypeDefinition {
				continue
			}
			_, problems := event.Decode(exampleOf(kind).with("data."+spec.Name, gone).raw(t), now)
			if len(problems) != 1 || problems[0].Code != event.CodeMissingAttribute || problems[0].Field != "data."+spec.Name {
				t.Errorf("%s without %s: %v", kind.Name, spec.Name, problems)
			}
		}
	}
}
