package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
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
	*tree
	text    []byte
	decoder *json.Decoder
	at      int // offset whose line and column are known
	line    int
	column  int
}

func (t *tree) readJSON(text []byte) *Value {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	j := &jsonText{tree: t, text: text, decoder: decoder, line: 1, column: 1}
	v, err := j.value("", 0)
	if t.exceeded {
		return nil
	}
	if err == nil {
		if _, err = decoder.Token(); errors.Is(err, io.EOF) {
			return v
		}
		j.broken("text follows the end: remove it")
		return nil
	}
	j.broken("cannot be read as JSON: look at the brackets, commas and quotes here")
	return nil
}

func (j *jsonText) broken(detail string) {
	line, column := j.place()
	j.fault(line, column, "", detail)
}

// place returns where the next token begins. Offsets only grow, so that the text is counted through once.
func (j *jsonText) place() (line, column int) {
	begin := int(j.decoder.InputOffset())
	for begin < len(j.text) && strings.IndexByte(" \t\r\n,:", j.text[begin]) >= 0 {
		begin++
	}
	for ; j.at < begin; j.at++ {
		switch {
		case j.text[j.at] == '\n':
			j.line, j.column = j.line+1, 1
		case utf8.RuneStart(j.text[j.at]):
			j.column++
		}
	}
	return j.line, j.column
}

func (j *jsonText) value(path string, depth int) (*Value, error) {
	line, column := j.place()
	token, err := j.decoder.Token()
	if err != nil {
		return nil, err
	}
	v := &Value{Line: line, Column: column}
	if !j.admit(line, column, path, depth) {
		return nil, errors.New("document out of bounds")
	}
	switch token := token.(type) {
	case json.Delim:
		return v, j.children(v, token, path, depth)
	case string:
		v.Kind, v.Text = KindText, token
	case json.Number:
		v.Kind, v.Text = KindNumber, token.String()
	case bool:
		v.Kind, v.Text = KindFlag, map[bool]string{true: "true", false: "false"}[token]
	}
	return v, nil
}

func (j *jsonText) children(v *Value, open json.Delim, path string, depth int) error {
	v.Kind = KindList
	if open == '{' {
		v.Kind = KindMap
	}
	for j.decoder.More() {
		if err := j.child(v, path, depth); err != nil {
			return err
		}
	}
	_, err := j.decoder.Token()
	return err
}

func (j *jsonText) child(v *Value, path string, depth int) error {
	if v.Kind == KindList {
		item, err := j.value(Index(path, len(v.Items)), depth+1)
		v.Items = append(v.Items, item)
		return err
	}
	line, column := j.place()
	token, err := j.decoder.Token()
	if err != nil {
		return err
	}
	name, _ := token.(string)
	j.add(v, Field{Name: name, Line: line, Column: column}, path, func() *Value {
		var content *Value
		content, err = j.value(Join(path, name), depth+1)
		return content
	})
	return err
}
