package outline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Members is a JSON object whose members keep their order. The zero value is empty.
type Members struct {
	names  []string
	values map[string]any
}

// Names returns the names in their order. The slice is the caller's.
func (m *Members) Names() []string { return slices.Clone(m.names) }

// Len returns how many members there are.
func (m *Members) Len() int { return len(m.names) }

// Get returns the value of a member, or nil.
func (m *Members) Get(name string) any { return m.values[name] }

// Has reports whether there is such a member.
func (m *Members) Has(name string) bool {
	_, ok := m.values[name]
	return ok
}

// Set puts a member at the end, or replaces its value where it stands, and returns m.
func (m *Members) Set(name string, value any) *Members {
	if m.values == nil {
		m.values = make(map[string]any)
	}
	if !m.Has(name) {
		m.names = append(m.names, name)
	}
	m.values[name] = value
	return m
}

// MarshalJSON writes the members in their order.
func (m *Members) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, name := range m.names {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := compact(name)
		if err != nil {
			return nil, err
		}
		value, err := compact(m.values[name])
		if err != nil {
			return nil, err
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// compact writes a value in one line, and < as <.
func compact(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

// Text returns a value as JSON in one line.
func Text(v any) string {
	b, err := compact(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

// Format returns a value as indented JSON with a newline at its end.
func Format(v any) ([]byte, error) {
	b, err := compact(v)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, b, "", "  "); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// maxDepth is how many levels a document may have; validators refuse deeper schemas too.
const maxDepth = 256

// Decode reads one JSON document. Objects are *Members, arrays []any, numbers json.Number.
func Decode(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	v, err := decode(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("expected one JSON document")
	}
	return v, nil
}

func decode(d *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("expected at most %d levels", maxDepth)
	}
	token, err := d.Token()
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		return decodeMembers(d, depth)
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, err := decode(d, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := d.Token()
		return list, err
	}
	return token, nil
}

func decodeMembers(d *json.Decoder, depth int) (any, error) {
	m := &Members{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, _ := token.(string) // the decoder takes nothing else here
		v, err := decode(d, depth+1)
		if err != nil {
			return nil, err
		}
		m.Set(name, v)
	}
	_, err := d.Token()
	return m, err
}
