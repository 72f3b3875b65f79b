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
	if err := s.CheckLimits(); err != nil {
		return nil, err
	}
	var n *Node
	var err error
	switch {
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
