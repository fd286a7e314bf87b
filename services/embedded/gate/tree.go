package gate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// node is one line of a printed syntax tree: "Function in (children 1)", indented by its depth.
type node struct {
	kind     string
	name     string // the rest of the line without "(children N)"
	children []*node
}

// maxDepth bounds the depth of a tree that is looked at.
const maxDepth = 200

// decodeLines reads the only column of a result in the format JSONCompactEachRow.
func decodeLines(b []byte) ([]string, error) {
	var lines []string
	for line := range bytes.Lines(b) {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var row [1]string
		if err := json.Unmarshal(line, &row); err != nil {
			return nil, fmt.Errorf("read the engine's answer: %w", err)
		}
		lines = append(lines, row[0])
	}
	return lines, nil
}

// parseTree turns the lines into a tree; each is indented by one space more than its parent.
func parseTree(lines []string) (*node, error) {
	var path []*node // the last node of each depth
	for _, line := range lines {
		text := strings.TrimLeft(line, " ")
		depth := len(line) - len(text)
		if depth > len(path) || depth == 0 && len(path) > 0 || depth > maxDepth {
			return nil, deny("a statement of this shape")
		}
		n := parseNode(text)
		if depth > 0 {
			parent := path[depth-1]
			parent.children = append(parent.children, n)
		}
		path = append(path[:depth], n)
	}
	if len(path) == 0 {
		return nil, deny("a statement of this shape")
	}
	return path[0], nil
}

func parseNode(text string) *node {
	kind, name, _ := strings.Cut(text, " ")
	if i := strings.LastIndex(name, "(children "); i >= 0 {
		name = name[:i]
	}
	return &node{kind: kind, name: strings.TrimSpace(name)}
}

// identifier is the node's name without its alias.
func (n *node) identifier() string {
	name, _, _ := strings.Cut(n.name, " (alias ")
	return name
}
