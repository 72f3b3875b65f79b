package gotypes

import (
	"encoding/json"
	"fmt"
	"path"
	"reflect"
	"strconv"
	"strings"

	"github.com/herald-go/herald/schema/internal/outline"
)

func jsonNumber(s string) json.Number { return json.Number(s) }

// compound returns the subschema of a struct, list or map: in place when the type has no name, else a reference.
func (b *builder) compound(t goType) (*built, error) {
	if t.name() == "" {
		return b.body(t)
	}
	kind := compoundKind(t)
	isNullable := t.kind() == reflect.Slice || t.kind() == reflect.Map
	if b.root != nil && t.id() == b.root.id() {
		return &built{m: new(outline.Members).Set("$ref", "#"), kind: kind, isNullable: isNullable}, nil
	}
	name, ok := b.names[t.id()]
	if !ok {
		name = b.define(t)
		s, err := b.body(t)
		if err != nil {
			return nil, err
		}
		s.describe(t.doc())
		s.isNullable = false // where it is used says so
		m, _ := s.finish().(*outline.Members)
		b.defs[name] = m
	}
	ref := reference(name, kind)
	ref.isNullable = isNullable
	return ref, nil
}

func compoundKind(t goType) outline.Kind {
	switch t.kind() {
	case reflect.Struct:
		return outline.Object
	case reflect.Map:
		return outline.Map
	}
	if t.kind() == reflect.Slice && isByte(t.elem()) {
		return outline.Bytes
	}
	return outline.Array
}

// isByte reports whether encoding/json writes a slice of these as base64.
func isByte(t goType) bool {
	return t.kind() == reflect.Uint8 && t.marshals() == methods{}
}

// define gives a type the name of its definition.
func (b *builder) define(t goType) string {
	name := definitionName(t.name())
	for _, taken := b.defs[name]; taken; _, taken = b.defs[name] {
		name = path.Base(t.pkg()) + "." + definitionName(t.name()) + strings.Repeat("_", strings.Count(name, "."))
	}
	b.names[t.id()] = name
	b.defs[name] = nil
	b.order = append(b.order, name)
	return name
}

// definitionName returns "PageItem" for "Page[example.com/shop.Item]".
func definitionName(name string) string {
	parts := strings.FieldsFunc(name, func(r rune) bool { return strings.ContainsRune("[], *", r) })
	for i, p := range parts {
		p = p[strings.LastIndexAny(p, "./")+1:]
		p, _, _ = strings.Cut(p, "·") // the compiler's mark of types inside functions
		if i > 0 && p != "" {
			p = strings.ToUpper(p[:1]) + p[1:]
		}
		parts[i] = p
	}
	return strings.Join(parts, "")
}

func (b *builder) body(t goType) (*built, error) {
	switch t.kind() {
	case reflect.Struct:
		return b.object(t)
	case reflect.Map:
		return b.dictionary(t)
	}
	if compoundKind(t) == outline.Bytes {
		s := scalar("string")
		s.m.Set("contentEncoding", "base64")
		s.kind, s.isNullable = outline.Bytes, true
		return s, nil
	}
	elem, err := b.value(t.elem(), nil)
	if err != nil {
		return nil, err
	}
	s := scalar("array")
	s.m.Set("items", elem.finish())
	if t.kind() == reflect.Array {
		n := jsonNumber(strconv.Itoa(t.length()))
		s.m.Set("minItems", n).Set("maxItems", n)
		return s, nil
	}
	s.isNullable = true
	return s, nil
}

// dictionary returns the subschema of a map.
func (b *builder) dictionary(t goType) (*built, error) {
	elem, err := b.value(t.elem(), nil)
	if err != nil {
		return nil, err
	}
	s := scalar("object")
	s.kind, s.isNullable = outline.Map, true
	key := t.key()
	_, isInteger := integers[key.kind()]
	switch {
	case key.marshals().text || key.kind() == reflect.String:
	case isInteger:
		s.m.Set("propertyNames", new(outline.Members).Set("type", "string").Set("pattern", "^-?[0-9]+$"))
	default:
		return nil, fmt.Errorf("%s is no key of a JSON object", full(key))
	}
	s.m.Set("additionalProperties", elem.finish())
	return s, nil
}

// object returns the subschema of a struct.
func (b *builder) object(t goType) (*built, error) {
	list, additional, err := membersOf(t)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", full(t), err)
	}
	properties := &outline.Members{}
	var required []any
	for i := range list {
		m := &list[i]
		value, err := b.member(m)
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", full(t), m.name, err)
		}
		properties.Set(m.json, value)
		if m.isRequired() {
			required = append(required, m.json)
		}
	}
	s := scalar("object")
	s.kind = outline.Object
	s.m.Set("properties", properties)
	if len(required) > 0 {
		s.m.Set("required", required)
	}
	switch {
	case additional != nil:
		elem, err := b.value(additional.typ.elem(), nil)
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", full(t), additional.name, err)
		}
		s.m.Set("additionalProperties", elem.finish())
	case b.config.Closed:
		s.m.Set("additionalProperties", false)
	}
	return s, nil
}

// hasAdditional reports whether a struct takes the properties that it does not name, for which its MarshalJSON is.
func hasAdditional(t goType) bool {
	if t.kind() != reflect.Struct {
		return false
	}
	_, additional, err := membersOf(t)
	return err == nil && additional != nil
}

// member returns the schema of one property.
func (b *builder) member(m *member) (any, error) {
	s, err := b.value(m.typ, m.options)
	if err != nil {
		return nil, err
	}
	if m.isString {
		quoted(s)
	}
	s.describe(m.doc)
	if has(m.options, "deprecated") {
		s.m.Set("deprecated", true)
	}
	if m.isOmitted || has(m.options, "notnull") {
		s.isNullable = false
	}
	if has(m.options, "nullable") {
		s.isNullable = true
	}
	if err := s.apply(m.options); err != nil {
		return nil, fmt.Errorf("schema tag: %w", err)
	}
	return s.finish(), nil
}

// quoted is the option "string" of encoding/json: numbers and booleans between quotes.
func quoted(s *built) {
	switch s.kind {
	case outline.Integer:
		s.m = new(outline.Members).Set("type", "string").Set("pattern", "^-?[0-9]+$")
	case outline.Number:
		s.m = new(outline.Members).Set("type", "string").Set("pattern", "^-?[0-9.eE+-]+$")
	case outline.Boolean:
		s.m = new(outline.Members).Set("type", "string").Set("enum", []any{"true", "false"})
	default: // strings would be quoted twice
		return
	}
	s.kind = outline.String
}
