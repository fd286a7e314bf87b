package event_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/throughline-trials/throughline/pkg/event"
)

func TestGoldenSchemas(t *testing.T) {
	for _, typ := range []string{"session.ended", event.TypeRandomised, event.TypeCorrected} {
		doc, err := event.JSONSchema(typ)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, typ+".schema.json", doc)
	}
}

func TestSchemaOfUnknownType(t *testing.T) {
	if _, err := event.JSONSchema("session.exploded"); err == nil {
		t.Error("made a schema of a type that is not there")
	}
}

// TestSchemaOfAll refers to every type once, and each part is the type's own schema.
func TestSchemaOfAll(t *testing.T) {
	all := schemaOf(t, "")
	defs := all["$defs"].(map[string]any)
	refs := all["oneOf"].([]any)
	if len(refs) != len(event.Types()) || len(defs) != len(refs) || all["$schema"] != "https://json-schema.org/draft/2020-12/schema" {
		t.Errorf("got %d references and %d definitions", len(refs), len(defs))
	}
	for _, kind := range event.Types() {
		own := schemaOf(t, kind.Name)
		delete(own, "$schema")
		delete(own, "$id")
		if fmt.Sprint(own) != fmt.Sprint(defs[kind.Name]) {
			t.Errorf("%s: its part differs from its schema", kind.Name)
		}
	}
}

// TestSchemaAgrees checks the same events by schema and by Decode: what fits, and for every attribute what does not.
func TestSchemaAgrees(t *testing.T) {
	for _, kind := range event.Types() {
		schema := schemaOf(t, kind.Name)
		good := exampleOf(kind)
		cases := []object{
			good, good.with("arm", "usual"), good.with("id", gone), good.with("channel", "pigeon"), good.with("channel", "app"),
			good.with("study", "Hope"), good.with("istest", "yes"), good.with("component", "-"), good.with("type", "other.type"),
			good.with("specversion", "2.0"), good.with("id", strings.Repeat("x", 129)), good.with("timezone", "../x"),
			good.with("dataschema", "urn:throughline:"+kind.Name+":1"), good.with("dataschema", "urn:throughline:"+kind.Name+":2"),
		}
		if kind.Name != event.TypeDefinition {
			cases = append(cases, good.with("data.mood", 1))
			for i := range kind.Attributes {
				cases = append(cases, attributeCases(good, &kind.Attributes[i])...)
			}
		}
		for _, c := range cases {
			raw := c.raw(t)
			_, problems := event.Decode(raw, now)
			var value any
			if err := json.Unmarshal(raw, &value); err != nil {
				t.Fatal(err)
			}
			if why := violation(schema, value); (why == "") != (len(problems) == 0) {
				t.Errorf("%s: by schema %q, by Decode %v", raw, why, problems)
			}
		}
	}
}

func attributeCases(good object, spec *event.AttributeSpec) []object {
	cases := []object{good.with("data."+spec.Name, gone)}
	for _, misfit := range misfits(spec) {
		if misfit == nil || misfit == "Not One Of Them!" && spec.Format == event.FormatTime {
			continue // removal in a correction; a schema's format is a hint
		}
		if misfit == "" && spec.Format == event.FormatTime || misfit == "a-1" && spec.Format == event.FormatTime {
			continue
		}
		cases = append(cases, good.with("data."+spec.Name, misfit))
	}
	return cases
}

func TestSchemaOfCorrections(t *testing.T) {
	schema := schemaOf(t, event.TypeCorrected)
	for _, c := range []object{
		correction(), correction("data.percent", 50), correction("data.percent", nil), correction("data.percent", 101), correction("data.scope", "erase"),
		correction("data.scope", "study"), correction("data.scope", "all"), correction("data.id", "x"), correction("data.data", object{"reason": "moved", "component": nil}),
		correction("data.data", object{"id": "x"}), correction("data.component", "web"), correction("data.channel", "pigeon"), correction("data.data", object{"channel": "web"}),
	} {
		raw := c.raw(t)
		var value any
		if err := json.Unmarshal(raw, &value); err != nil {
			t.Fatal(err)
		}
		_, problems := event.Decode(raw, now)
		if why := violation(schema, value); (why == "") != (len(problems) == 0) {
			t.Errorf("%s: by schema %q, by Decode %v", raw, why, problems)
		}
	}
}

func schemaOf(t *testing.T, typ string) map[string]any {
	t.Helper()
	doc, err := event.JSONSchema(typ)
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal(doc, &schema); err != nil {
		t.Fatal(err)
	}
	return schema
}

// violation validates a value by the keywords that the schemas use, and fails on any other.
func violation(schema map[string]any, value any) string {
	for keyword, arg := range schema {
		if why := violates(keyword, arg, schema, value); why != "" {
			return keyword + ": " + why
		}
	}
	return ""
}

func violates(keyword string, arg any, schema map[string]any, value any) string {
	members, isObject := value.(map[string]any)
	text, isText := value.(string)
	number, isNumber := value.(float64)
	bad := false
	switch keyword {
	case "$schema", "$id", "title", "description", "examples", "default", "format", "properties":
	case "type":
		bad = !slices.ContainsFunc(list(arg), func(k any) bool { return isKind(k.(string), value) })
	case "const":
		bad = value != arg
	case "enum":
		bad = !slices.Contains(list(arg), value)
	case "pattern":
		bad = isText && !regexp.MustCompile(arg.(string)).MatchString(text)
	case "minLength":
		bad = isText && utf8.RuneCountInString(text) < int(arg.(float64))
	case "maxLength":
		bad = isText && utf8.RuneCountInString(text) > int(arg.(float64))
	case "minimum":
		bad = isNumber && number < arg.(float64)
	case "maximum":
		bad = isNumber && number > arg.(float64)
	case "maxProperties":
		bad = isObject && len(members) > int(arg.(float64))
	case "required":
		for _, name := range list(arg) {
			if _, ok := members[name.(string)]; isObject && !ok {
				return fmt.Sprint(name)
			}
		}
	case "propertyNames":
		for name := range members {
			if why := violation(arg.(map[string]any), name); why != "" {
				return why
			}
		}
	case "additionalProperties":
		return memberViolation(schema, arg, members)
	case "anyOf":
		bad = !slices.ContainsFunc(list(arg), func(s any) bool { return violation(s.(map[string]any), value) == "" })
	default:
		return "keyword not known to this test"
	}
	if bad {
		return "does not fit"
	}
	return ""
}

func memberViolation(schema map[string]any, additional any, members map[string]any) string {
	properties, _ := schema["properties"].(map[string]any)
	for name, member := range members {
		part, known := properties[name].(map[string]any)
		if !known {
			if part, known = additional.(map[string]any); !known {
				return name + " is unknown"
			}
		}
		if why := violation(part, member); why != "" {
			return name + ": " + why
		}
	}
	return ""
}

func list(arg any) []any {
	if l, ok := arg.([]any); ok {
		return l
	}
	return []any{arg}
}

func isKind(kind string, value any) bool {
	switch v := value.(type) {
	case string:
		return kind == "string"
	case bool:
		return kind == "boolean"
	case float64:
		return kind == "number" || kind == "integer" && v == float64(int64(v))
	case map[string]any:
		return kind == "object"
	case nil:
		return kind == "null"
	}
	return false
}
