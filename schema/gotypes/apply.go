package gotypes

import (
	"fmt"
	"slices"
	"strings"

	"github.com/herald-go/herald/schema/internal/outline"
)

// built is a subschema under construction.
type built struct {
	m    *outline.Members
	kind outline.Kind
	// isNullable says that the Go value may be written as null.
	isNullable bool
}

// annotations are the keywords that every subschema may have.
var annotations = []string{"description", "title", "deprecated", "default", "const", "example", "enum"}

// apply writes the options of a tag into a subschema.
func (s *built) apply(options []option) error {
	for _, o := range options {
		prefix, _, isBelow := strings.Cut(o.name, ".")
		if isBelow {
			if err := s.applyBelow(prefix); err != nil {
				return fmt.Errorf("%s: %w", o.name, err)
			}
			continue
		}
		if slices.Contains(flags, o.name) || o.name == "type" {
			continue
		}
		if !slices.Contains(annotations, o.name) && !slices.Contains(keywords[s.kind], o.name) {
			return fmt.Errorf("%s: no option of %s", o.name, s.kind)
		}
		v, err := parse(s.kind, o)
		if err != nil {
			return fmt.Errorf("%s: %w", o.name, err)
		}
		s.set(o.name, v)
	}
	return s.applyParts(options)
}

func (s *built) set(name string, v any) {
	if name == "example" {
		examples, _ := s.m.Get("examples").([]any)
		s.m.Set("examples", append(examples, v))
		return
	}
	s.m.Set(name, v)
}

// applyBelow reports whether a prefix makes sense here.
func (s *built) applyBelow(prefix string) error {
	ok := prefix == "items" && s.kind == outline.Array || (prefix == "values" || prefix == "keys") && s.kind == outline.Map
	if !ok || s.m.Has("$ref") {
		return fmt.Errorf("no option of %s", s.kind)
	}
	return nil
}

// parts are the subschemas that options with a prefix mean.
var parts = []struct{ prefix, keyword string }{{"items.", "items"}, {"values.", "additionalProperties"}, {"keys.", "propertyNames"}}

func (s *built) applyParts(options []option) error {
	for _, p := range parts {
		inner := below(options, p.prefix)
		if len(inner) == 0 {
			continue
		}
		m, ok := s.m.Get(p.keyword).(*outline.Members)
		if !ok {
			m = &outline.Members{}
			if p.keyword == "propertyNames" {
				m.Set("type", "string")
			}
		}
		part := &built{m: m, kind: kindOf(m)}
		if err := part.apply(inner); err != nil {
			return fmt.Errorf("%s%w", p.prefix, err)
		}
		if has(inner, "nullable") {
			part.isNullable = true
		}
		if has(inner, "notnull") {
			part.m = withoutNull(part.m)
		}
		s.m.Set(p.keyword, part.finish())
	}
	return nil
}

// kindOf reads the kind of a finished subschema.
func kindOf(m *outline.Members) outline.Kind {
	typ := m.Get("type")
	if list, ok := typ.([]any); ok && len(list) > 0 {
		typ = list[0]
	}
	switch typ {
	case "array":
		return outline.Array
	case "object":
		if m.Has("properties") {
			return outline.Object
		}
		return outline.Map
	case "string", "integer", "number", "boolean":
		s, _ := typ.(string)
		return outline.Kind(s)
	}
	return outline.Any
}

// withoutNull takes null out again.
func withoutNull(m *outline.Members) *outline.Members {
	if list, ok := m.Get("type").([]any); ok && len(list) == 2 && list[1] == "null" {
		m.Set("type", list[0])
	}
	if list, ok := m.Get("anyOf").([]any); ok && len(list) == 2 {
		if only, ok := list[0].(*outline.Members); ok {
			return only
		}
	}
	return m
}

// finish allows null where the Go value can be it, and puts the keywords in their order.
func (s *built) finish() any {
	if s.isNullable && s.kind != outline.Any {
		s.nullable()
	}
	if s.m.Len() == 0 {
		return true
	}
	return arrange(s.m)
}

// nullable allows null too.
func (s *built) nullable() {
	if typ, ok := s.m.Get("type").(string); ok {
		s.m.Set("type", []any{typ, "null"})
		if enum, ok := s.m.Get("enum").([]any); ok && !slices.Contains(enum, nil) {
			s.m.Set("enum", append(slices.Clone(enum), nil))
		}
		return
	}
	ref := s.m.Get("$ref")
	if ref == nil {
		return
	}
	outer := &outline.Members{}
	inner := new(outline.Members)
	for _, name := range s.m.Names() {
		switch name {
		case "title", "description", "deprecated", "default", "examples":
			outer.Set(name, s.m.Get(name))
		default:
			inner.Set(name, s.m.Get(name))
		}
	}
	s.m = outer.Set("anyOf", []any{inner, new(outline.Members).Set("type", "null")})
}

// rank is the order of keywords in what is written.
var rank = []string{
	"$schema", "$id", "$ref", "title", "description", "deprecated", "type", "anyOf", "format", "contentEncoding", "contentMediaType", "enum", "const",
	"minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern", "items", "minItems",
	"maxItems", "uniqueItems", "properties", "required", "propertyNames", "additionalProperties", "minProperties", "maxProperties", "default",
	"examples", "$defs",
}

func arrange(m *outline.Members) *outline.Members {
	names := m.Names()
	slices.SortStableFunc(names, func(a, b string) int { return slices.Index(rank, a) - slices.Index(rank, b) })
	out := &outline.Members{}
	for _, name := range names {
		out.Set(name, m.Get(name))
	}
	return out
}
