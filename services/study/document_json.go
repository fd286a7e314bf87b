package study

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"sort"
	"strings"
	"unicode/utf8"
)

// looksLikeJSON tells by the name of the file, else by whether the text is a JSON object.
func looksLikeJSON(text []byte, filename string) bool {
	if strings.HasSuffix(strings.ToLower(filename), ".json") {
		return true
	}
	return bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("{")) && json.Valid(text)
}

// jsonText reads JSON token by token, so that every value knows its place and no duplicate name is lost.
type jsonText struct {
	*document
	text    []byte
	lines   []int // offset of each line
	decoder *json.Decoder
}

func (d *document) readJSON(text []byte) *value {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	j := &jsonText{document: d, text: text, lines: []int{0}, decoder: decoder}
	for i, b := range text {
		if b == '\n' {
			j.lines = append(j.lines, i+1)
		}
	}
	v, err := j.value("", 0)
	if d.exceeded {
		return nil
	}
	if err == nil {
		if _, err = decoder.Token(); errors.Is(err, io.EOF) {
			return v
		}
		j.broken("text follows the end of the definition: remove it")
		return nil
	}
	j.broken("cannot be read as JSON: look at the brackets, commas and quotes here")
	return nil
}

func (j *jsonText) broken(detail string) {
	line, column := j.place(j.start())
	j.fault(line, column, "", detail)
}

// start returns the offset at which the next token begins.
func (j *jsonText) start() int {
	at := int(j.decoder.InputOffset())
	for at < len(j.text) && strings.IndexByte(" \t\r\n,:", j.text[at]) >= 0 {
		at++
	}
	return at
}

func (j *jsonText) place(offset int) (line, column int) {
	line = sort.SearchInts(j.lines, offset+1)
	return line, utf8.RuneCount(j.text[j.lines[line-1]:offset]) + 1
}

func (j *jsonText) value(path string, depth int) (*value, error) {
	line, column := j.place(j.start())
	token, err := j.decoder.Token()
	if err != nil {
		return nil, err
	}
	v := &value{line: line, column: column}
	if !j.admit(line, column, path, depth) {
		return nil, errors.New("document out of bounds")
	}
	switch token := token.(type) {
	case json.Delim:
		return v, j.children(v, token, path, depth)
	case string:
		v.kind, v.text = kindText, token
	case json.Number:
		v.kind, v.text = kindNumber, token.String()
	case bool:
		v.kind, v.text = kindFlag, map[bool]string{true: "true", false: "false"}[token]
	}
	return v, nil
}

func (j *jsonText) children(v *value, open json.Delim, path string, depth int) error {
	v.kind = kindList
	if open == '{' {
		v.kind = kindMap
	}
	for j.decoder.More() {
		if err := j.child(v, path, depth); err != nil {
			return err
		}
	}
	_, err := j.decoder.Token()
	return err
}

func (j *jsonText) child(v *value, path string, depth int) error {
	if v.kind == kindList {
		item, err := j.value(index(path, len(v.items)), depth+1)
		v.items = append(v.items, item)
		return err
	}
	line, column := j.place(j.start())
	token, err := j.decoder.Token()
	if err != nil {
		return err
	}
	name, _ := token.(string)
	j.add(v, field{name: name, line: line, column: column}, path, func() *value {
		var content *value
		content, err = j.value(join(path, name), depth+1)
		return content
	})
	return err
}
