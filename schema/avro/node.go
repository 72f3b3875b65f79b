package avro

import (
	"errors"
	"fmt"

	"github.com/hamba/avro/v2"
)

// node is one type of a compiled schema, made for a quick walk over data.
type node struct {
	typ      avro.Type
	name     string // what messages call it
	fields   []field
	item     *node   // of arrays and maps
	branches []*node // of unions
	size     int     // of a fixed
	symbols  int     // of an enum
}

type field struct {
	name string
	node *node
}

// builder makes nodes. A named type is one node however often it is used, so that a type may contain itself.
type builder struct {
	named map[string]*node
	total int
}

// maxNodes bounds a compiled schema.
const maxNodes = 100_000

var errNodes = fmt.Errorf("expected at most %d types", maxNodes)

func (b *builder) node(s avro.Schema, depth int) (*node, error) {
	if depth > maxLevels {
		return nil, fmt.Errorf("expected at most %d levels of types", maxLevels)
	}
	if b.total++; b.total > maxNodes {
		return nil, errNodes
	}
	if ref, ok := s.(*avro.RefSchema); ok {
		s = ref.Schema()
	}
	n := &node{typ: s.Type(), name: string(s.Type())}
	if named, ok := s.(avro.NamedSchema); ok {
		if known, ok := b.named[named.FullName()]; ok {
			return known, nil
		}
		n.name = named.FullName()
		b.named[n.name] = n
	}
	return n, b.fill(n, s, depth)
}

// fill completes a node, which those below it may already point to.
func (b *builder) fill(n *node, s avro.Schema, depth int) (err error) {
	switch s := s.(type) {
	case *avro.RecordSchema:
		for _, f := range s.Fields() {
			inner, err := b.node(f.Type(), depth+1)
			if err != nil {
				return err
			}
			n.fields = append(n.fields, field{f.Name(), inner})
		}
	case *avro.ArraySchema:
		n.item, err = b.node(s.Items(), depth+1)
	case *avro.MapSchema:
		n.item, err = b.node(s.Values(), depth+1)
	case *avro.UnionSchema:
		for _, t := range s.Types() {
			inner, err := b.node(t, depth+1)
			if err != nil {
				return err
			}
			n.branches = append(n.branches, inner)
		}
	case *avro.FixedSchema:
		n.size = s.Size()
		if n.size < 0 {
			return errors.New("expected a fixed of zero bytes or more")
		}
	case *avro.EnumSchema:
		n.symbols = len(s.Symbols())
	}
	return err
}
