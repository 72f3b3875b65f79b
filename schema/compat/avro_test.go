package compat_test

import (
	"slices"
	"testing"

	"github.com/hamba/avro/v2"

	"github.com/herald-go/herald/schema/compat"
)

// The library resolves at run time what is let pass here; it must not refuse it. It compares no logical types.
func TestAvroVerdictsAreThoseOfTheLibraryThatResolves(t *testing.T) {
	t.Parallel()
	for _, e := range avroCases {
		older, newer := avro.MustParse(e.old), avro.MustParse(e.new)
		for _, way := range []struct {
			direction      compat.Direction
			writer, reader avro.Schema
			found          rules
		}{{compat.NewReadsOld, older, newer, e.backward}, {compat.OldReadsNew, newer, older, e.forward}} {
			err := avro.NewSchemaCompatibility().Compatible(way.reader, way.writer)
			if found := len(way.found) > 0 && !slices.Contains(way.found, compat.RuleAvroLogical); found != (err != nil) {
				t.Errorf("%s: %s: found %v, the library says %v", e.name, way.direction, way.found, err)
			}
		}
	}
}
