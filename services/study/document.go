package study

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

// Bounds of a document. Aliases are written out and count every time.
const (
	// MaxBytes is the size of the largest definition that is read.
	MaxBytes = 256 << 10
	maxDepth = 24
	maxNodes = 50_000
)

type kind uint8

const (
	kindNull kind = iota
	kindText
	kindNumber
	kindFlag
	kindList
	kindMap
	kindOther // a scalar of a type that definitions do not have
)

func (k kind) String() string {
	return [...]string{"empty", "text", "a number", "true or false", "a list", "a mapping", "of a type not known here"}[k]
}

// value is one node of a document, whether it came as YAML or as JSON.
type value struct {
	kind         kind
	line, column int
	text         string // of scalars, as written
	items        []*value
	fields       []field
	places       map[string]int // of fields, by name
	order        []string       // names that the reader asked for, in its order
}

type field struct {
	name         string
	line, column int
	value        *value
}

// document turns text into values and collects what is wrong with its form.
type document struct {
	problems Problems
	nodes    int
	exceeded bool // a bound: what was read is not whole
}

// read returns the top value, nil if the text cannot be read at all.
func (d *document) read(text []byte, filename string) *value {
	switch {
	case len(text) > MaxBytes:
		d.fault(0, 0, "", fmt.Sprintf("is larger than %d KiB, the most that is read", MaxBytes>>10))
		return nil
	case !utf8.Valid(text):
		d.fault(0, 0, "", "is not UTF-8 text: save the file as UTF-8")
		return nil
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	var top *value
	if looksLikeJSON(text, filename) {
		top = d.readJSON(text)
	} else {
		top = d.readYAML(text)
	}
	if d.exceeded {
		return nil
	}
	return top
}

func (d *document) fault(line, column int, field, detail string) {
	d.problems = append(d.problems, Problem{Line: line, Column: column, Field: field, Detail: detail})
}

func (d *document) readYAML(text []byte) *value {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var top yaml.Node
	if err := decoder.Decode(&top); errors.Is(err, io.EOF) || err == nil && len(top.Content) == 0 {
		d.fault(0, 0, "", "is empty")
		return nil
	} else if err != nil {
		d.syntax(err)
		return nil
	}
	var next yaml.Node
	if err := decoder.Decode(&next); err == nil {
		d.fault(next.Line, next.Column, "", "a second document begins here: write one definition in a file")
	} else if !errors.Is(err, io.EOF) {
		d.syntax(err)
	}
	return d.fromYAML(top.Content[0], "", 0)
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line ([0-9]+): )?(.*)$`)

// syntax reports an error of the YAML library, which tells the line inside its text.
func (d *document) syntax(err error) {
	match := yamlLine.FindStringSubmatch(strings.ReplaceAll(err.Error(), "\n", " "))
	if match == nil {
		d.fault(0, 0, "", "cannot be read as YAML")
		return
	}
	line, _ := strconv.Atoi(match[1])
	column := 0
	if line > 0 {
		column = 1
	}
	d.fault(line, column, "", "cannot be read as YAML: "+match[2]+"; look at the indentation and quotes at and above this line")
}

// admit counts a node and reports whether the document is still within its bounds; it reports the first that is not.
func (d *document) admit(line, column int, path string, depth int) bool {
	d.nodes++
	switch {
	case d.exceeded:
	case d.nodes > maxNodes:
		d.fault(line, column, path, fmt.Sprintf("the definition has more than %d values, aliases written out", maxNodes))
	case depth > maxDepth:
		d.fault(line, column, path, fmt.Sprintf("is nested deeper than %d levels", maxDepth))
	default:
		return true
	}
	d.exceeded = true
	return false
}

func (d *document) fromYAML(node *yaml.Node, path string, depth int) *value {
	v := &value{line: node.Line, column: node.Column}
	if !d.admit(node.Line, node.Column, path, depth) {
		return v
	}
	switch node.Kind {
	case yaml.AliasNode:
		target := d.fromYAML(node.Alias, path, depth+1)
		target.line, target.column = node.Line, node.Column
		return target
	case yaml.SequenceNode:
		v.kind = kindList
		for i, item := range node.Content {
			v.items = append(v.items, d.fromYAML(item, index(path, i), depth+1))
		}
	case yaml.MappingNode:
		v.kind = kindMap
		for i := 0; i+1 < len(node.Content); i += 2 {
			d.yamlField(v, node.Content[i], node.Content[i+1], path, depth)
		}
	case yaml.ScalarNode:
		v.kind, v.text = scalarKind(node), node.Value
	}
	return v
}

func (d *document) yamlField(v *value, key, content *yaml.Node, path string, depth int) {
	switch {
	case key.Kind != yaml.ScalarNode || key.Tag == "!!null":
		d.fault(key.Line, key.Column, path, "a name must be plain text")
		return
	case key.Tag == "!!merge":
		d.fault(key.Line, key.Column, path, "merge keys (<<) are not read: write the fields out")
		return
	}
	d.add(v, field{name: key.Value, line: key.Line, column: key.Column}, path, func() *value {
		return d.fromYAML(content, join(path, key.Value), depth+1)
	})
}

// add puts a field into a mapping unless the mapping has it already.
func (d *document) add(v *value, f field, path string, content func() *value) {
	if first := v.field(f.name); first != nil {
		d.fault(f.line, f.column, join(path, f.name), fmt.Sprintf("is given twice, first on line %d: keep one", first.line))
		content()
		return
	}
	if v.places == nil {
		v.places = map[string]int{}
	}
	f.value = content()
	v.places[f.name] = len(v.fields)
	v.fields = append(v.fields, f)
}

// field returns the field of a mapping, nil if it has none of the name.
func (v *value) field(name string) *field {
	i, ok := v.places[name]
	if !ok {
		return nil
	}
	return &v.fields[i]
}

func scalarKind(node *yaml.Node) kind {
	switch node.ShortTag() {
	case "!!str", "!!timestamp":
		return kindText
	case "!!int", "!!float":
		return kindNumber
	case "!!bool":
		return kindFlag
	case "!!null":
		return kindNull
	}
	return kindOther
}

func join(path, name string) string {
	if path == "" {
		return clip(name)
	}
	return path + "." + clip(name)
}

func index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// clip bounds what a message repeats of the document.
func clip(s string) string {
	const most = 64
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}

func quote(s string) string { return strconv.Quote(clip(s)) }
