package gotypes

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/herald-go/herald/schema/internal/outline"
)

// builder makes one schema.
type builder struct {
	config FromConfig
	root   goType
	defs   map[string]*outline.Members
	names  map[any]string // definitions by type
	order  []string
	depth  int
}

// maxDepth bounds types that only lead to each other.
const maxDepth = 100

// value returns the subschema of a type. The options may name the JSON type of one that writes itself.
func (b *builder) value(t goType, options []option) (*built, error) {
	if b.depth++; b.depth > maxDepth {
		return nil, errors.New("a type without an end")
	}
	defer func() { b.depth-- }()
	for _, o := range options {
		if o.name == "type" {
			return told(o.value)
		}
	}
	if s := known(t); s != nil {
		return s, nil
	}
	m := t.marshals()
	isPlain := !m.json && !m.text
	if t.kind() == reflect.Pointer && (isPlain || known(t.elem()) != nil || hasAdditional(t.elem())) {
		s, err := b.value(t.elem(), nil)
		if err != nil {
			return nil, err
		}
		s.isNullable = true
		return s, nil
	}
	values, err := t.values()
	if err != nil {
		return nil, err
	}
	switch {
	case t.kind() == reflect.Interface:
		return &built{m: &outline.Members{}, kind: outline.Any}, nil
	case len(values) > 0:
		return b.enumeration(t, values)
	case m.json && !hasAdditional(t):
		return nil, fmt.Errorf(`%s writes itself with MarshalJSON: say what it writes with schema:"type=string" or the like`, full(t))
	case m.text && !m.json:
		return b.text(t), nil
	case m.pointer && !hasAdditional(t):
		return nil, fmt.Errorf(`only a pointer to %s writes itself, so its JSON depends on where it stands: say schema:"type=string" or the like`, full(t))
	}
	return b.plain(t)
}

// text returns the string that MarshalText writes.
func (b *builder) text(t goType) *built {
	s := scalar("string")
	s.describe(t.doc())
	s.isNullable = t.kind() == reflect.Pointer
	return s
}

func scalar(typ string) *built {
	return &built{m: new(outline.Members).Set("type", typ), kind: outline.Kind(typ)}
}

// told returns the subschema of a type that the tag names.
func told(typ string) (*built, error) {
	switch typ {
	case "string", "integer", "number", "boolean":
		return scalar(typ), nil
	case "any":
		return &built{m: &outline.Members{}, kind: outline.Any}, nil
	case "object":
		return &built{m: new(outline.Members).Set("type", typ), kind: outline.Map}, nil
	case "array":
		return &built{m: new(outline.Members).Set("type", typ), kind: outline.Array}, nil
	}
	return nil, fmt.Errorf("type: expected string, integer, number, boolean, object, array or any, got %q", typ)
}

// known returns the subschema of types of the standard library whose JSON is known.
func known(t goType) *built {
	switch t.pkg() + "." + t.name() {
	case "time.Time":
		s := scalar("string")
		s.m.Set("format", "date-time")
		return s
	case "encoding/json.RawMessage", "encoding/json/jsontext.Value":
		return &built{m: &outline.Members{}, kind: outline.Any}
	case "encoding/json.Number":
		return scalar("number")
	case "math/big.Int":
		return scalar("integer")
	}
	return nil
}

// enumeration returns the reference to the definition of a type with Values.
func (b *builder) enumeration(t goType, values []any) (*built, error) {
	kind := outline.Integer
	if t.kind() == reflect.String {
		kind = outline.String
	}
	if name, ok := b.names[t.id()]; ok {
		return reference(name, kind), nil
	}
	name := b.define(t)
	s := scalar(string(kind))
	s.describe(t.doc())
	list := make([]any, 0, len(values))
	for _, v := range values {
		plain, err := outline.Decode([]byte(outline.Text(v)))
		if err != nil {
			return nil, fmt.Errorf("%s: value %v: %w", full(t), v, err)
		}
		list = append(list, plain)
	}
	s.m.Set("enum", list)
	b.defs[name] = arrange(s.m)
	return reference(name, kind), nil
}

func reference(name string, kind outline.Kind) *built {
	return &built{m: new(outline.Members).Set("$ref", "#/$defs/"+pointer.Replace(name)), kind: kind}
}

var pointer = strings.NewReplacer("~", "~0", "/", "~1")

// plain returns the subschema of a type that encoding/json writes by its kind.
func (b *builder) plain(t goType) (*built, error) {
	switch t.kind() {
	case reflect.Struct, reflect.Slice, reflect.Array, reflect.Map:
		return b.compound(t)
	case reflect.Bool, reflect.String, reflect.Float32, reflect.Float64:
		s := scalar(map[reflect.Kind]string{reflect.Bool: "boolean", reflect.String: "string"}[t.kind()])
		if t.kind() == reflect.Float32 || t.kind() == reflect.Float64 {
			s = scalar("number")
		}
		s.describe(t.doc())
		return s, nil
	}
	bounds, ok := integers[t.kind()]
	if !ok {
		return nil, fmt.Errorf("%s has no JSON", full(t))
	}
	s := scalar("integer")
	if bounds[0] != "" {
		s.m.Set("minimum", jsonNumber(bounds[0])).Set("maximum", jsonNumber(bounds[1]))
	}
	s.describe(t.doc())
	return s, nil
}

// integers are the bounds of integer types; int and int64 have none, as a JSON integer has none in practice.
var integers = map[reflect.Kind][2]string{
	reflect.Int: {}, reflect.Int64: {},
	reflect.Int8: {"-128", "127"}, reflect.Int16: {"-32768", "32767"}, reflect.Int32: {"-2147483648", "2147483647"},
	reflect.Uint8: {"0", "255"}, reflect.Uint16: {"0", "65535"}, reflect.Uint32: {"0", "4294967295"},
	reflect.Uint: {"0", "18446744073709551615"}, reflect.Uint64: {"0", "18446744073709551615"}, reflect.Uintptr: {"0", "18446744073709551615"},
}

// describe sets the description from a doc comment.
func (s *built) describe(doc string) {
	text, isDeprecated := splitDoc(doc)
	if text != "" {
		s.m.Set("description", text)
	}
	if isDeprecated {
		s.m.Set("deprecated", true)
	}
}

// splitDoc joins the lines of a comment and finds the paragraph that begins with "Deprecated:".
func splitDoc(doc string) (text string, isDeprecated bool) {
	var paragraphs []string
	for p := range strings.SplitSeq(strings.ReplaceAll(doc, "\r", ""), "\n\n") {
		isDeprecated = isDeprecated || strings.HasPrefix(strings.TrimSpace(p), "Deprecated:")
		if p = strings.Join(strings.Fields(p), " "); p != "" {
			paragraphs = append(paragraphs, p)
		}
	}
	return strings.Join(paragraphs, "\n\n"), isDeprecated
}
