package jsonschema

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/schema"
)

// Draft is a version of JSON Schema.
type Draft uint8

// Drafts for schemas that do not say theirs.
const (
	// Draft2020 is draft 2020-12.
	Draft2020 Draft = iota
	// Draft7 is draft-07, which registries over HTTP take for the default.
	Draft7
)

// Compiler compiles JSON Schema. The zero value is ready: 2020-12 for schemas without "$schema", formats as the draft has it, 64 levels. It is
// safe for concurrent use.
//
// Whatever a schema or data asks for, it is bounded: 1 MiB of schema with all it refers to, numbers of 400 characters and an exponent of at
// most 400, 256 schemas applied in a row to one place, patterns that compile to 10,000 instructions. One validation does no more than 4
// million applications of a schema to a place and 250 million steps of patterns, by an estimate from above that is made before it begins:
// data for which it may be more is an *Error with the keyword "limit".
type Compiler struct {
	// Draft is that of schemas without "$schema".
	Draft Draft
	// AssertFormat makes "format" a rule. Without it, it is one in draft-07 and a note in 2020-12, as the library has it.
	AssertFormat bool
	// Nesting is the most levels of arrays and objects that data may have. Defaults to envelope.DefaultNesting.
	Nesting int
}

// Format implements schema.Compiler.
func (c Compiler) Format() schema.Format { return schema.JSONSchema }

// Compile implements schema.Compiler.
func (c Compiler) Compile(s schema.Schema) (v schema.Validator, err error) {
	defer func() {
		if r := recover(); r != nil { // the library's, on what it did not think of
			v, err = nil, invalid(s, fmt.Errorf("the library gave up: %v", r))
		}
	}()
	if err := s.CheckLimits(); err != nil {
		return nil, err
	}
	compiled, err := c.compile(s)
	if err != nil {
		return nil, invalid(s, err)
	}
	nesting := c.Nesting
	if nesting <= 0 {
		nesting = envelope.DefaultNesting
	}
	work, err := estimate(compiled, nesting)
	if err != nil {
		return nil, invalid(s, err)
	}
	return &validator{schema: compiled, nesting: nesting, work: work}, nil
}

func invalid(s schema.Schema, err error) error {
	return fmt.Errorf("%w: %s: %w", schema.ErrInvalidSchema, s.Source, err)
}

func (c Compiler) compile(s schema.Schema) (*jsonschema.Schema, error) {
	lib := jsonschema.NewCompiler()
	lib.UseLoader(nowhere{})
	lib.UseRegexpEngine(compilePattern)
	lib.DefaultDraft(jsonschema.Draft2020)
	if c.Draft == Draft7 {
		lib.DefaultDraft(jsonschema.Draft7)
	}
	if c.AssertFormat {
		lib.AssertFormat()
	}
	r := resources{lib: lib, added: make(map[string]schema.Fingerprint)}
	root, err := r.add(rootURL(s.Source), &s)
	if err != nil {
		return nil, err
	}
	return lib.Compile(root)
}

// schemaNesting is how many levels a schema's own text may have.
const schemaNesting = 200

// parse reads a schema's text within the bounds.
func parse(text []byte) (any, error) {
	m := measure(text)
	switch {
	case m.depth > schemaNesting:
		return nil, fmt.Errorf("expected at most %d levels", schemaNesting)
	case m.number:
		return nil, errNumber
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader(text))
}

var errNumber = errors.New("expected numbers of at most 400 characters and an exponent of at most 400")
