package event

import (
	"encoding/json"
	"fmt"
	"slices"
)

// schemaNode is a JSON Schema, or a part of one.
type schemaNode struct {
	Schema      string                 `json:"$schema,omitempty"`
	ID          string                 `json:"$id,omitempty"`
	Ref         string                 `json:"$ref,omitempty"`
	Title       string                 `json:"title,omitempty"`
	Description string                 `json:"description,omitempty"`
	Type        any                    `json:"type,omitempty"`
	Const       string                 `json:"const,omitempty"`
	Enum        []string               `json:"enum,omitempty"`
	Examples    []string               `json:"examples,omitempty"`
	Default     any                    `json:"default,omitempty"`
	Format      string                 `json:"format,omitempty"`
	Pattern     string                 `json:"pattern,omitempty"`
	MinLength   int                    `json:"minLength,omitempty"`
	MaxLength   int                    `json:"maxLength,omitempty"`
	Minimum     *float64               `json:"minimum,omitempty"`
	Maximum     *float64               `json:"maximum,omitempty"`
	Properties  map[string]*schemaNode `json:"properties,omitempty"`
	Names       *schemaNode            `json:"propertyNames,omitempty"`
	MaxNames    int                    `json:"maxProperties,omitempty"`
	Required    []string               `json:"required,omitempty"`
	Additional  any                    `json:"additionalProperties,omitempty"`
	AnyOf       []*schemaNode          `json:"anyOf,omitempty"`
	OneOf       []*schemaNode          `json:"oneOf,omitempty"`
	Defs        map[string]*schemaNode `json:"$defs,omitempty"`
}

const draft = "https://json-schema.org/draft/2020-12/schema"

// JSONSchema returns the JSON Schema (draft 2020-12) of the events of a type, indented; of every type's if typ is empty.
// It is made from the catalogue. What a schema cannot say, the search for personal data above all, [Decode] checks
// besides.
func JSONSchema(typ string) ([]byte, error) {
	node := allTypes()
	if typ != "" {
		t, ok := Lookup(typ)
		if !ok {
			return nil, fmt.Errorf("make schema: no such type in the catalogue")
		}
		node = t.schema()
		node.ID = schemaPrefix + t.Name + ":1"
	}
	node.Schema = draft
	doc, err := json.MarshalIndent(node, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("make schema: %w", err)
	}
	return append(doc, '\n'), nil
}

func allTypes() *schemaNode {
	all := &schemaNode{Title: "An event of Throughline", Defs: map[string]*schemaNode{}}
	for _, t := range catalogue.types {
		all.Defs[t.Name] = t.schema()
		all.OneOf = append(all.OneOf, &schemaNode{Ref: "#/$defs/" + t.Name})
	}
	return all
}

func (t *Type) schema() *schemaNode {
	node := &schemaNode{Title: t.Name, Description: t.Description, Type: "object", Properties: map[string]*schemaNode{}, Additional: false}
	for place := range envelope {
		spec := &envelope[place]
		if place == attrSubject && t.StudyLevel {
			continue
		}
		node.Properties[spec.Name] = t.envelopeSchema(place)
		if spec.Required || place == attrSubject && !t.SubjectOptional || place == attrData && t.needsData() {
			node.Required = append(node.Required, spec.Name)
		}
	}
	return node
}

func (t *Type) needsData() bool {
	return slices.ContainsFunc(t.Attributes, func(a AttributeSpec) bool { return a.Required })
}

func (t *Type) envelopeSchema(place int) *schemaNode {
	node := envelope[place].schema()
	switch place {
	case attrType:
		return &schemaNode{Const: t.Name, Description: node.Description}
	case attrDataSchema:
		return &schemaNode{Const: schemaPrefix + t.Name + ":1", Description: node.Description}
	case attrContentType:
		return &schemaNode{Const: "application/json", Description: node.Description}
	case attrActorRole:
		node.Default = RoleParticipant
	case attrModality:
		node.Default = ModalitySensed
	case attrIsTest:
		node.Default = false
	case attrData:
		return t.dataSchema(node.Description)
	}
	return node
}

func (t *Type) dataSchema(about string) *schemaNode {
	if t.Name == TypeDefinition {
		return &schemaNode{Type: "object", Description: t.Attributes[0].Description}
	}
	node := &schemaNode{Type: "object", Description: about, Properties: map[string]*schemaNode{}, Additional: false}
	if t.Name == TypeCorrected {
		node.Properties = replacementSchemas(true)
		node.Properties["data"] = &schemaNode{
			Type: "object", Description: "attributes to replace, for names that stand beside it too",
			Properties: replacementSchemas(false), Additional: false,
		}
	}
	for i := range t.Attributes {
		spec := &t.Attributes[i]
		node.Properties[spec.Name] = spec.schema()
		if spec.Required {
			node.Required = append(node.Required, spec.Name)
		}
	}
	return node
}

// replacementSchemas returns what a correction may replace: any attribute, or null to remove it.
func replacementSchemas(flat bool) map[string]*schemaNode {
	nodes := map[string]*schemaNode{}
	for name, specs := range catalogue.replacements {
		canonical := correctionName(name)
		if flat && canonical != name {
			nodes[canonical] = replacementSchema(specs)
			continue
		}
		nodes[name] = replacementSchema(specs)
	}
	for place := range envelope {
		if name := envelope[place].Name; replaceable(place) && (flat || nodes[name] == nil) {
			nodes[name] = replacementSchema([]*AttributeSpec{&envelope[place]})
		}
	}
	return nodes
}

func replacementSchema(specs []*AttributeSpec) *schemaNode {
	node := &schemaNode{}
	seen := map[string]bool{}
	for _, spec := range specs {
		s := spec.schema()
		key, err := json.Marshal(s)
		if err == nil && !seen[string(key)] {
			seen[string(key)] = true
			node.AnyOf = append(node.AnyOf, s)
		}
	}
	node.AnyOf = append(node.AnyOf, &schemaNode{Type: "null"})
	return node
}

// schema returns what values the attribute takes.
func (a *AttributeSpec) schema() *schemaNode {
	node := &schemaNode{Description: a.Description, Examples: a.Suggested}
	kinds := []string{}
	for _, kind := range []Kind{a.Kind, a.Also} {
		switch kind {
		case KindString:
			kinds = append(kinds, "string")
			a.stringSchema(node)
		case KindNumber:
			kinds = append(kinds, a.numberSchema(node))
		case KindBool:
			kinds = append(kinds, "boolean")
		case KindMap:
			kinds = append(kinds, "object")
			node.Names = &schemaNode{Pattern: FormatName.Pattern()}
			node.MaxNames = maxMembers
			node.Additional = &schemaNode{Type: "string", MaxLength: MaxText}
		case KindObject:
			kinds = append(kinds, "object")
		}
	}
	node.Type = kinds
	if len(kinds) == 1 {
		node.Type = kinds[0]
	}
	return node
}

func (a *AttributeSpec) stringSchema(node *schemaNode) {
	switch {
	case len(a.Values) > 0:
		node.Enum = a.Values
		return
	case a.Format == FormatOpaque:
		return
	case a.Format == FormatTime:
		node.Format = "date-time"
		return
	case a.Format == FormatURI:
		node.Format = "uri-reference"
	}
	node.Pattern = a.Format.Pattern()
	if node.Pattern == "" {
		node.MinLength, node.MaxLength = 1, MaxText
	}
}

func (a *AttributeSpec) numberSchema(node *schemaNode) string {
	node.Minimum, node.Maximum = &a.Min, &a.Max
	if a.Whole {
		return "integer"
	}
	return "number"
}
