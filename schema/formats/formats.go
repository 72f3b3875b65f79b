// Package formats lists the compilers of every schema format that Herald knows, for programs that don't choose. It brings the libraries of all
// of them; a program that needs only one imports that one's package instead.
package formats

import (
	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/avro"
	"github.com/herald-go/herald/schema/jsonschema"
	"github.com/herald-go/herald/schema/protobuf"
)

// All returns the compilers of JSON Schema, Avro (single-object encoding) and Protobuf, each with its defaults.
func All() []schema.Compiler {
	return []schema.Compiler{jsonschema.Compiler{}, avro.Compiler{}, protobuf.Compiler{}}
}

// Bare returns the compilers for data that a registry's frame stands before: draft-07 is the default of JSON Schema there, and Avro data has no
// header of its own.
func Bare() []schema.Compiler {
	return []schema.Compiler{jsonschema.Compiler{Draft: jsonschema.Draft7}, avro.Compiler{Bare: true}, protobuf.Compiler{}}
}
