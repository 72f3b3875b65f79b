package gotypes

import (
	"cmp"
	"fmt"
	"reflect"

	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/internal/outline"
)

// FromConfig says how a schema is made from a Go type. The zero value is ready.
type FromConfig struct {
	// ID is the schema's "$id"; none by default.
	ID string
	// Title is the schema's "title"; the name of the type by default.
	Title string
	// Description is the schema's "description"; the type's doc comment by default, where the source is read.
	Description string
	// Closed refuses members that the type does not have: "additionalProperties": false in every struct. By default nothing is said, so
	// that newer publishers may send more, which encoding/json passes over when it reads.
	Closed bool
}

// draft is what is written.
const draft = "https://json-schema.org/draft/2020-12/schema"

// From returns the JSON Schema (draft 2020-12) of what encoding/json writes of a T: see the package's documentation for the rules. It finds
// types by reflection, so it knows no comments; FromSource does. The same type gives the same text. A type without JSON, or a bad tag, is an
// error that names the field.
func From[T any](c FromConfig) (schema.Schema, error) { return FromType(reflect.TypeFor[T](), c) }

// FromType is From for a type that the program finds out.
func FromType(t reflect.Type, c FromConfig) (schema.Schema, error) { return from(reflected{t}, c) }

func from(t goType, c FromConfig) (schema.Schema, error) {
	b := &builder{config: c, root: t, defs: make(map[string]*outline.Members), names: make(map[any]string)}
	s, err := b.top(t)
	if err != nil {
		return schema.Schema{}, fmt.Errorf("schema of %s: %w", full(t), err)
	}
	s.m.Set("$schema", draft)
	if c.ID != "" {
		s.m.Set("$id", c.ID)
	}
	if title := cmp.Or(c.Title, definitionName(t.name())); title != "" {
		s.m.Set("title", title)
	}
	if c.Description != "" {
		s.m.Set("description", c.Description)
	}
	if len(b.order) > 0 {
		defs := &outline.Members{}
		for _, name := range b.order {
			defs.Set(name, b.defs[name])
		}
		s.m.Set("$defs", defs)
	}
	text, err := outline.Format(arrange(s.m))
	if err != nil {
		return schema.Schema{}, fmt.Errorf("schema of %s: %w", full(t), err)
	}
	return schema.Schema{Format: schema.JSONSchema, Text: text, Source: full(t)}, nil
}

// top returns the schema of the root, which stands in place although it has a name.
func (b *builder) top(t goType) (*built, error) {
	isCompound := t.kind() == reflect.Struct || t.kind() == reflect.Map || t.kind() == reflect.Slice || t.kind() == reflect.Array
	m := t.marshals()
	if !isCompound || known(t) != nil || (m.json || m.text || m.pointer) && !hasAdditional(t) {
		return b.value(t, nil)
	}
	s, err := b.body(t)
	if err != nil {
		return nil, err
	}
	s.describe(t.doc())
	return s, nil
}
