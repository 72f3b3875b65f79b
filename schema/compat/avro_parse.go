package compat

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/hamba/avro/v2"

	"github.com/herald-go/herald/schema"
)

// maxAvroDepth bounds the levels of a schema's JSON before the library sees it.
const maxAvroDepth = 200

// parseAvro parses a schema after what it refers to, so that its names are known.
func parseAvro(v Version) (parsed avro.Schema, err error) {
	defer func() {
		if r := recover(); r != nil { // the library's, on what it did not think of
			err = invalid(v, fmt.Errorf("the library gave up: %v", r))
		}
	}()
	budget := schema.MaxText
	parsed, err = addAvro(v.Schema, &avro.SchemaCache{}, map[schema.Fingerprint]bool{}, 0, &budget)
	if err != nil {
		return nil, invalid(v, err)
	}
	return parsed, nil
}

func addAvro(s schema.Schema, names *avro.SchemaCache, done map[schema.Fingerprint]bool, depth int, budget *int) (avro.Schema, error) {
	if *budget -= len(s.Text); *budget < 0 || depth > schema.MaxReferenceDepth {
		return nil, fmt.Errorf("expected at most %d bytes and %d levels of references", schema.MaxText, schema.MaxReferenceDepth)
	}
	for _, r := range s.References {
		f := r.Fingerprint()
		if done[f] {
			continue
		}
		done[f] = true
		if _, err := addAvro(r.Schema, names, done, depth+1, budget); err != nil {
			return nil, fmt.Errorf("reference %q: %w", r.Name, err)
		}
	}
	if nesting(s.Text) > maxAvroDepth {
		return nil, fmt.Errorf("expected at most %d levels", maxAvroDepth)
	}
	if len(bytes.TrimSpace(s.Text)) == 0 {
		return nil, errors.New("expected a schema, got nothing")
	}
	return avro.ParseBytesWithCache(s.Text, "", names)
}

// nesting returns how deep the brackets of a JSON text go.
func nesting(text []byte) int {
	depth, deepest, quoted := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return deepest
}
