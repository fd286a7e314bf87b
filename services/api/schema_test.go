package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/analyst"
	"github.com/throughline-trials/throughline/services/importer"
	"github.com/throughline-trials/throughline/services/stats"
	"github.com/throughline-trials/throughline/services/study"
	"github.com/throughline-trials/throughline/services/verify"
)

// node is one JSON object of the description.
type node = map[string]any

// schemas makes JSON Schemas from Go types as encoding/json writes them.
type schemas struct {
	comments *comments
	named    map[string]node         // component schemas by name
	types    map[string]reflect.Type // which type a name stands for
	used     map[string]bool         // entries of the table of descriptions
	missing  []string                // properties without a description
	errs     []error
}

func newSchemas() *schemas {
	return &schemas{comments: newComments(), named: map[string]node{}, types: map[string]reflect.Type{}, used: map[string]bool{}}
}

// always returns the properties that are pointers for programmers only: they are never null.
func always() []string { return []string{"Study.complete_definition", "Tests.logrank"} }

// special returns the schema of a type that writes its own JSON, or that is written otherwise than its Go type says.
func (s *schemas) special(t reflect.Type) (node, bool) {
	switch t {
	case reflect.TypeFor[time.Time]():
		return node{"type": "string", "format": "date-time"}, true
	case reflect.TypeFor[json.RawMessage]():
		return node{"type": "object"}, true
	case reflect.TypeFor[stats.Value]():
		return node{"type": []any{"number", "null"}}, true
	case reflect.TypeFor[study.Share]():
		return node{"type": "number", "exclusiveMinimum": 0, "maximum": 1}, true
	case reflect.TypeFor[study.Strata]():
		return node{"type": "object", "additionalProperties": node{"type": "array", "items": node{"type": "string"}}}, true
	case reflect.TypeFor[any]():
		return node{"type": []any{"string", "number", "boolean"}}, true
	case reflect.TypeFor[event.Event]():
		return ref("Event"), true
	case reflect.TypeFor[importer.Records]():
		return node{"type": "object", "additionalProperties": s.of(reflect.TypeFor[importer.Record]())}, true
	}
	return nil, false
}

func ref(name string) node { return node{"$ref": "#/components/schemas/" + name} }

// of returns the schema of a type; structs become components.
func (s *schemas) of(t reflect.Type) node {
	if n, ok := s.special(t); ok {
		return n
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.of(t.Elem())
	case reflect.Bool:
		return node{"type": "boolean"}
	case reflect.Int, reflect.Int32, reflect.Int64:
		return node{"type": "integer"}
	case reflect.Uint, reflect.Uint32, reflect.Uint64:
		return node{"type": "integer", "minimum": 0}
	case reflect.Float64:
		return node{"type": "number"}
	case reflect.String:
		return s.text(t)
	case reflect.Slice:
		return node{"type": "array", "items": s.of(t.Elem())}
	case reflect.Map:
		n := node{"type": "object", "additionalProperties": s.of(t.Elem())}
		if names := s.text(t.Key()); names["$ref"] != nil {
			n["propertyNames"] = names
		}
		return n
	case reflect.Struct:
		return s.component(t)
	}
	s.errs = append(s.errs, fmt.Errorf("type %s has no schema", t))
	return node{}
}

// text returns the schema of a type of text: an enumeration where the type has constants.
func (s *schemas) text(t reflect.Type) node {
	n := node{"type": "string"}
	if t.PkgPath() == "" {
		return n
	}
	key, err := s.comments.of(t)
	if err == nil && strings.HasSuffix(key, "/stats.Reason") {
		err = s.comments.load(strings.TrimSuffix(t.PkgPath(), "stats") + "analyst")
	}
	if err == nil && strings.HasSuffix(key, "/event.Stream") {
		err = s.comments.load("github.com/throughline-trials/throughline/services/log")
	}
	s.errs = append(s.errs, err)
	values := s.comments.enum(key)
	if len(values) == 0 {
		return n
	}
	n["enum"] = values
	return s.name(t, n)
}

// name makes a schema that of a named type, and returns a reference to it.
func (s *schemas) name(t reflect.Type, n node) node {
	name := s.nameOf(t)
	key, err := s.comments.of(t)
	s.errs = append(s.errs, err)
	n["description"] = s.comments.types[key]
	if text, ok := sayings[name]; ok {
		s.used[name] = true
		n["description"] = text
	}
	s.types[name], s.named[name] = t, n
	return ref(name)
}

// component returns a reference to the schema of a struct, which it makes the first time.
func (s *schemas) component(t reflect.Type) node {
	name := s.nameOf(t)
	if s.types[name] == t {
		return ref(name)
	}
	n := node{"type": "object"}
	s.name(t, n) // before its fields: a type may hold itself
	properties, required := node{}, []string{}
	for _, f := range fields(t) {
		property := s.of(f.Type)
		if f.Type.Kind() == reflect.Pointer && !f.optional && !slices.Contains(always(), name+"."+f.json) {
			property = nullable(property)
		}
		if property["description"] == nil {
			property["description"] = s.describe(name, f)
		}
		properties[f.json] = property
		if !f.optional {
			required = append(required, f.json)
		}
	}
	slices.Sort(required)
	n["properties"] = properties
	if len(required) > 0 {
		n["required"] = required
	}
	return ref(name)
}

// nameOf returns the name of a type among the components: the second type of one name has its package before it.
func (s *schemas) nameOf(t reflect.Type) string {
	name := componentName(t)
	if other, ok := s.types[name]; !ok || other == t {
		return name
	}
	pkg := path.Base(t.PkgPath())
	return strings.ToUpper(pkg[:1]) + pkg[1:] + name
}

// componentName returns the name of a type in the description. Parts of study definitions and of events are called
// after these: results have some of the same names.
func componentName(t reflect.Type) string {
	name := strings.ToUpper(t.Name()[:1]) + t.Name()[1:]
	switch {
	case strings.HasSuffix(t.PkgPath(), "/study") && name != "Definition":
		return "Definition" + name
	case t == reflect.TypeFor[event.Problem](), t == reflect.TypeFor[event.Code]():
		return "Event" + name
	case t == reflect.TypeFor[verify.Difference]():
		return "LogDifference"
	case t == reflect.TypeFor[analyst.DeliveryType]():
		return "DeliveryTypeResults"
	case t == reflect.TypeFor[stats.Difference]():
		return "RateDifference"
	}
	return name
}

func nullable(n node) node {
	if typ, ok := n["type"].(string); ok {
		n["type"] = []any{typ, "null"}
		return n
	}
	return node{"anyOf": []any{n, node{"type": "null"}}}
}

// describe returns what is said of a field.
func (s *schemas) describe(component string, f field) string {
	for _, key := range []string{component + "." + f.json} {
		if text, ok := sayings[key]; ok {
			s.used[key] = true
			return text
		}
	}
	key, err := s.comments.of(f.owner)
	s.errs = append(s.errs, err)
	if text := s.comments.fields[key+"."+f.Name]; text != "" {
		return text
	}
	if text, ok := sayings[f.json]; ok {
		s.used[f.json] = true
		return text
	}
	s.missing = append(s.missing, component+"."+f.json)
	return ""
}

// err joins what went wrong.
func (s *schemas) err() error { return errors.Join(s.errs...) }

// field is one member of a struct's JSON.
type field struct {
	reflect.StructField
	json     string
	optional bool
	owner    reflect.Type // the struct that declares it
	depth    int
}

// fields returns the members that encoding/json writes: those of embedded structs among them, unless a shallower one has
// the same name.
func fields(t reflect.Type) []field {
	var all []field
	gather(t, 0, &all)
	var out []field
	for _, f := range all {
		hidden := slices.ContainsFunc(all, func(o field) bool { return o.json == f.json && o.depth < f.depth })
		if !hidden {
			out = append(out, f)
		}
	}
	return out
}

func gather(t reflect.Type, depth int, all *[]field) {
	for i := range t.NumField() {
		f := t.Field(i)
		tag, tagged := f.Tag.Lookup("json")
		if f.Anonymous && !tagged {
			gather(f.Type, depth+1, all)
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		if !f.IsExported() || name == "-" || !tagged {
			continue
		}
		*all = append(*all, field{f, name, strings.Contains(options, "omitempty"), t, depth})
	}
}
