package avro

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/hamba/avro/v2"

	"github.com/herald-go/herald/schema"
)

// Compiler compiles Avro schemas. The zero value is ready and expects data in the single-object encoding. It is safe for concurrent use.
//
// A schema may have 1 MiB of text with all it refers to, 200 levels of JSON and 200 levels of types. Data may have 256 levels of nested values,
// 4 million values, and 10,000 array items or map entries that take no byte.
type Compiler struct {
	// Bare makes validators expect the datum alone, without the header of the single-object encoding, as registries over HTTP frame it.
	Bare bool
}

// Format implements schema.Compiler.
func (c Compiler) Format() schema.Format { return schema.Avro }

// Compile implements schema.Compiler.
func (c Compiler) Compile(s schema.Schema) (schema.Validator, error) {
	p, err := compile(&s)
	if err != nil {
		return nil, err
	}
	return &validator{root: p.root, header: p.header, isBare: c.Bare}, nil
}

// plan is a compiled schema.
type plan struct {
	schema avro.Schema
	root   *node
	header [headerSize]byte
}

// compile parses a schema and all that it refers to.
func compile(s *schema.Schema) (p *plan, err error) {
	defer func() {
		if r := recover(); r != nil { // the library's, on what it did not think of
			p, err = nil, fmt.Errorf("%w: %s: the library gave up: %v", schema.ErrInvalidSchema, s.Source, r)
		}
	}()
	if err := s.CheckLimits(); err != nil {
		return nil, err
	}
	names := &avro.SchemaCache{}
	parsed, err := parse(s, names, make(map[schema.Fingerprint]bool))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", schema.ErrInvalidSchema, err)
	}
	b := builder{named: make(map[string]*node)}
	root, err := b.node(parsed, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", schema.ErrInvalidSchema, s.Source, err)
	}
	p = &plan{schema: parsed, root: root, header: [headerSize]byte{0xC3, 0x01}}
	binary.LittleEndian.PutUint64(p.header[2:], Rabin([]byte(canonical(parsed))))
	return p, nil
}

// maxLevels is how many levels a schema's text and its types may have.
const maxLevels = 200

// parse parses what s refers to before s, so that its names are known.
func parse(s *schema.Schema, names *avro.SchemaCache, done map[schema.Fingerprint]bool) (avro.Schema, error) {
	if s.Format != schema.Avro {
		return nil, fmt.Errorf("%s: expected Avro, got %q", s.Source, s.Format)
	}
	for i := range s.References {
		ref := &s.References[i].Schema
		if f := ref.Fingerprint(); !done[f] {
			done[f] = true
			if _, err := parse(ref, names, done); err != nil {
				return nil, err
			}
		}
	}
	if err := check(s.Text); err != nil {
		return nil, fmt.Errorf("%s: %w", s.Source, err)
	}
	parsed, err := avro.ParseBytesWithCache(s.Text, "", names)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Source, err)
	}
	return parsed, nil
}

// check refuses a text that the library should not see.
func check(text []byte) error {
	depth, inString := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
		if depth > maxLevels {
			return fmt.Errorf("expected at most %d levels", maxLevels)
		}
	}
	if !json.Valid(text) {
		return errors.New("expected JSON")
	}
	return nil
}
