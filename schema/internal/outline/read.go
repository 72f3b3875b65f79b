package outline

import (
	"errors"
	"fmt"

	"github.com/herald-go/herald/schema"
)

// maxNodes bounds the tree; the largest schemas of practice have some thousands.
const maxNodes = 50_000

var errNodes = fmt.Errorf("expected at most %d subschemas", maxNodes)

// Read returns the root of a schema's tree. It reads the schema's text and references alone: no file, no connection. A schema that can't be
// read is an error that wraps schema.ErrInvalidSchema. Read does not judge a schema whole; compile it first where that matters.
func Read(s schema.Schema) (*Node, error) {
	var n *Node
	var err error
	switch {
	case weight(&s, 0) > schema.MaxText:
		err = fmt.Errorf("expected at most %d bytes and %d levels of references", schema.MaxText, schema.MaxReferenceDepth)
	case s.Format == schema.JSONSchema:
		n, err = readJSON(s)
	case s.Format == schema.Avro:
		n, err = readAvro(s)
	case s.Format == schema.Protobuf:
		n, err = readProto(s)
	default:
		err = errors.New("unknown format")
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", schema.ErrInvalidSchema, s.Source, err)
	}
	return n, nil
}

// weight is the size of all texts, and more than allowed when they are too deep.
func weight(s *schema.Schema, depth int) int {
	if depth > schema.MaxReferenceDepth {
		return schema.MaxText + 1
	}
	n := len(s.Text)
	for i := range s.References {
		if n += weight(&s.References[i].Schema, depth+1); n > schema.MaxText {
			break
		}
	}
	return n
}
