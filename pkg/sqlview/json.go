package sqlview

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/chartpost/chartpost/pkg/diag"
)

// node is a value of JSON that knows where it stands, so that a fault of a view can be shown in its file.
type node struct {
	kind    jsontext.Kind // n, t, f, ", 0, {, [
	text    string        // of a text its characters, of a number its digits
	escaped bool          // the text is written with escapes: its columns are not those of the file
	at      int           // where it begins in the file
	names   []string      // of the members of an object
	items   []*node       // the members or the items
}

// maxDepth is how deep a view may be nested: far deeper than any that was written by hand.
const maxDepth = 64

// parseJSON reads one value, and nothing behind it.
func parseJSON(src []byte) (*node, error) {
	dec := jsontext.NewDecoder(bytes.NewReader(src))
	n, err := parseValue(dec, 0)
	if err != nil {
		return nil, err
	}
	if _, err := dec.ReadToken(); err != io.EOF {
		if err == nil {
			err = &jsontext.SyntacticError{ByteOffset: dec.InputOffset() - 1, Err: errors.New("something stands behind the end")}
		}
		return nil, err
	}
	return n, nil
}

func parseValue(dec *jsontext.Decoder, depth int) (*node, error) {
	kind := dec.PeekKind()
	if depth > maxDepth {
		return nil, &jsontext.SyntacticError{ByteOffset: dec.InputOffset(), Err: fmt.Errorf("nested deeper than %d levels", maxDepth)}
	}
	if kind != '{' && kind != '[' {
		v, err := dec.ReadValue()
		if err != nil {
			return nil, err
		}
		n := &node{kind: kind, text: string(v), at: int(dec.InputOffset()) - len(v), escaped: bytes.IndexByte(v, '\\') >= 0}
		if kind == '"' {
			b, err := jsontext.AppendUnquote(nil, v)
			if err != nil {
				return nil, err
			}
			n.text = string(b)
		}
		return n, nil
	}
	if _, err := dec.ReadToken(); err != nil {
		return nil, err
	}
	n := &node{kind: kind, at: int(dec.InputOffset()) - 1}
	for {
		if k := dec.PeekKind(); k == '}' || k == ']' {
			_, err := dec.ReadToken()
			return n, err
		}
		if kind == '{' {
			name, err := dec.ReadToken()
			if err != nil {
				return nil, err
			}
			n.names = append(n.names, name.String())
		}
		item, err := parseValue(dec, depth+1)
		if err != nil {
			return nil, err
		}
		n.items = append(n.items, item)
	}
}

// member is a member of an object, nil if there is none.
func (n *node) member(name string) *node {
	if n == nil || n.kind != '{' {
		return nil
	}
	for i, s := range n.names {
		if s == name {
			return n.items[i]
		}
	}
	return nil
}

// is tells whether a member of an object is this text.
func (n *node) is(name, text string) bool {
	m := n.member(name)
	return m != nil && m.kind == '"' && m.text == text
}

// lines finds lines and columns in a file.
type lines struct {
	source string
	text   []byte
}

func (l *lines) place(at int, path string) diag.Place {
	before := l.text[:min(max(at, 0), len(l.text))]
	return diag.Place{Source: l.source, Line: bytes.Count(before, []byte{'\n'}) + 1, Column: len(before) - bytes.LastIndexByte(before, '\n'), Path: path}
}

var kindWords = map[jsontext.Kind]string{'n': "null", 't': "true", 'f': "false", '"': "a text", '0': "a number", '{': "an object", '[': "an array"}
