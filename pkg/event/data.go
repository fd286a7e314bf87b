package event

import "slices"

// Kind is the JSON type of a [Value].
type Kind uint8

// The kinds.
const (
	KindNull Kind = iota // only in event.corrected: the attribute is removed
	KindString
	KindNumber
	KindBool
	KindMap    // string to string, as strata
	KindObject // any JSON object, as the definition of a study
)

// Value is one value of an event's data.
type Value struct {
	Kind   Kind
	Str    string            // KindString
	Num    float64           // KindNumber
	Bool   bool              // KindBool
	Map    map[string]string // KindMap
	Object []byte            // KindObject: compact JSON, keys as they came
}

// Attribute is one named value of an event's data.
type Attribute struct {
	Name  string
	Value Value
}

// Data is the data of an event: its attributes, ascending by name, each name once. For definition.published it is one
// attribute named "definition" of [KindObject] that holds the whole object, and AppendJSON writes that object as data.
type Data []Attribute

// Get returns the value of an attribute and whether it is there.
func (d Data) Get(name string) (Value, bool) {
	i, ok := slices.BinarySearchFunc(d, name, func(a Attribute, n string) int {
		switch {
		case a.Name < n:
			return -1
		case a.Name > n:
			return 1
		}
		return 0
	})
	if !ok {
		return Value{}, false
	}
	return d[i].Value, true
}

// Text returns a string attribute, empty if absent.
func (d Data) Text(name string) string {
	v, _ := d.Get(name)
	return v.Str
}

// Number returns a numeric attribute and whether it is there.
func (d Data) Number(name string) (float64, bool) {
	v, ok := d.Get(name)
	return v.Num, ok && v.Kind == KindNumber
}

// Flag returns a boolean attribute and whether it is there.
func (d Data) Flag(name string) (value, ok bool) {
	v, ok := d.Get(name)
	return v.Bool, ok && v.Kind == KindBool
}

// DefinitionAttribute is the one attribute of a definition.published event's [Data].
const DefinitionAttribute = "definition"
