// Package document reads YAML and JSON files that people write, and tells everything that is wrong with them at once, each
// fault with its line, its field and what to do.
//
// [Read] turns text into a tree of [Value]; a [Reader] walks it and collects [Problems]; [Canonical] writes it back in one
// form. Size, depth and aliases are bounded, so that no text can exhaust the reader.
package document

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// MaxBytes is the size of the largest document that is read.
const MaxBytes = 256 << 10

// Other bounds of a document. Aliases are written out and count every time.
const (
	maxDepth = 24
	maxNodes = 50_000
)

// Kind is the type of a [Value].
type Kind uint8

// The kinds.
const (
	KindNull Kind = iota
	KindText
	KindNumber
	KindFlag
	KindList
	KindMap
	KindOther // a scalar of a type that these documents do not have
)

// String names the kind for people.
func (k Kind) String() string {
	return [...]string{"empty", "text", "a number", "true or false", "a list", "a mapping", "of a type not known here"}[k]
}

// Value is one node of a document, whether it came as YAML or as JSON.
type Value struct {
	Kind         Kind
	Line, Column int
	Text         string   // of scalars, as written
	Items        []*Value // of lists
	Fields       []Field  // of mappings, in the order of the text
	places       map[string]int
	order        []string // names that the reader asked for, in its order
}

// Field is one named value of a mapping, with the place of its name.
type Field struct {
	Name         string
	Line, Column int
	Value        *Value // never nil
}

// Read returns the top value of a text, nil if it cannot be read at all, and what is wrong with its form. A file name that
// ends in .json, or a text that is one JSON object, is read as JSON, all else as YAML.
func Read(text []byte, filename string) (*Value, Problems) {
	t := &tree{}
	switch {
	case len(text) > MaxBytes:
		t.fault(0, 0, "", fmt.Sprintf("is larger than %d KiB, the most that is read", MaxBytes>>10))
		return nil, t.problems
	case !utf8.Valid(text):
		t.fault(0, 0, "", "is not UTF-8 text: save the file as UTF-8")
		return nil, t.problems
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	var top *Value
	if looksLikeJSON(text, filename) {
		top = t.readJSON(text)
	} else {
		top = t.readYAML(text)
	}
	if t.exceeded {
		return nil, t.problems
	}
	return top, t.problems
}

// tree turns text into values and collects what is wrong with its form.
type tree struct {
	problems Problems
	nodes    int
	exceeded bool // a bound: what was read is not whole
}

func (t *tree) fault(line, column int, field, detail string) {
	t.problems = append(t.problems, Problem{Line: line, Column: column, Field: field, Detail: detail})
}

func (t *tree) readYAML(text []byte) *Value {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var top yaml.Node
	if err := decoder.Decode(&top); errors.Is(err, io.EOF) || err == nil && len(top.Content) == 0 {
		t.fault(0, 0, "", "is empty")
		return nil
	} else if err != nil {
		t.syntax(err)
		return nil
	}
	var next yaml.Node
	if err := decoder.Decode(&next); err == nil {
		t.fault(next.Line, next.Column, "", "a second document begins here: write one in a file")
	} else if !errors.Is(err, io.EOF) {
		t.syntax(err)
	}
	return t.fromYAML(top.Content[0], "", 0)
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line ([0-9]+): )?(.*)$`)

// syntax reports an error of the YAML library, which tells the line inside its text.
func (t *tree) syntax(err error) {
	match := yamlLine.FindStringSubmatch(strings.ReplaceAll(err.Error(), "\n", " "))
	if match == nil {
		t.fault(0, 0, "", "cannot be read as YAML")
		return
	}
	line, _ := strconv.Atoi(match[1])
	column := 0
	if line > 0 {
		column = 1
	}
	t.fault(line, column, "", "cannot be read as YAML: "+match[2]+"; look at the indentation and quotes at and above this line")
}

// admit counts a node and reports whether the document is still within its bounds; it reports the first that is not.
func (t *tree) admit(line, column int, path string, depth int) bool {
	t.nodes++
	switch {
	case t.exceeded:
	case t.nodes > maxNodes:
		t.fault(line, column, path, fmt.Sprintf("the document has more than %d values, aliases written out", maxNodes))
	case depth > maxDepth:
		t.fault(line, column, path, fmt.Sprintf("is nested deeper than %d levels", maxDepth))
	default:
		return true
	}
	t.exceeded = true
	return false
}

func (t *tree) fromYAML(node *yaml.Node, path string, depth int) *Value {
	v := &Value{Line: node.Line, Column: node.Column}
	if !t.admit(node.Line, node.Column, path, depth) {
		return v
	}
	switch node.Kind {
	case yaml.AliasNode:
		target := t.fromYAML(node.Alias, path, depth+1)
		target.Line, target.Column = node.Line, node.Column
		return target
	case yaml.SequenceNode:
		v.Kind = KindList
		for i, item := range node.Content {
			v.Items = append(v.Items, t.fromYAML(item, Index(path, i), depth+1))
		}
	case yaml.MappingNode:
		v.Kind = KindMap
		for i := 0; i+1 < len(node.Content); i += 2 {
			t.yamlField(v, node.Content[i], node.Content[i+1], path, depth)
		}
	case yaml.ScalarNode:
		v.Kind, v.Text = scalarKind(node), node.Value
	}
	return v
}

func (t *tree) yamlField(v *Value, key, content *yaml.Node, path string, depth int) {
	switch {
	case key.Kind != yaml.ScalarNode || key.Tag == "!!null":
		t.fault(key.Line, key.Column, path, "a name must be plain text")
		return
	case key.Tag == "!!merge":
		t.fault(key.Line, key.Column, path, "merge keys (<<) are not read: write the fields out")
		return
	}
	t.add(v, Field{Name: key.Value, Line: key.Line, Column: key.Column}, path, func() *Value {
		return t.fromYAML(content, Join(path, key.Value), depth+1)
	})
}

// add puts a field into a mapping unless the mapping has it already.
func (t *tree) add(v *Value, f Field, path string, content func() *Value) {
	if first := v.Field(f.Name); first != nil {
		t.fault(f.Line, f.Column, Join(path, f.Name), fmt.Sprintf("is given twice, first on line %d: keep one", first.Line))
		content()
		return
	}
	if v.places == nil {
		v.places = map[string]int{}
	}
	f.Value = content()
	v.places[f.Name] = len(v.Fields)
	v.Fields = append(v.Fields, f)
}

// Field returns the field of a mapping, nil if it has none of the name.
func (v *Value) Field(name string) *Field {
	i, ok := v.places[name]
	if !ok {
		return nil
	}
	return &v.Fields[i]
}

func scalarKind(node *yaml.Node) Kind {
	switch node.ShortTag() {
	case "!!str", "!!timestamp":
		return KindText
	case "!!int", "!!float":
		return KindNumber
	case "!!bool":
		return KindFlag
	case "!!null":
		return KindNull
	}
	return KindOther
}

// Join appends a name to a field path.
func Join(path, name string) string {
	if path == "" {
		return clip(name)
	}
	return path + "." + clip(name)
}

// Index appends a place in a list to a field path, from 0.
func Index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// clip bounds what a message repeats of the document.
func clip(s string) string {
	const most = 64
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}

// Quote quotes a piece of the document for a message, bounded in length.
func Quote(s string) string { return strconv.Quote(clip(s)) }
