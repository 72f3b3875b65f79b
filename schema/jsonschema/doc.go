// Package jsonschema compiles JSON Schema, drafts 2020-12 and draft-07, for package schema.
//
// It adds to the validator library what hostile schemas and data call for: nothing is loaded but a schema's own references and the drafts'
// meta-schemas, which are part of the program; and the text, the nesting, the numbers, the patterns and the work of one validation are
// bounded. See [Compiler] for the bounds.
package jsonschema
