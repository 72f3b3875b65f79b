package envelope

import _ "embed"

//go:embed event.schema.json
var jsonSchema string

// JSONSchema returns the JSON Schema (draft 2020-12) of the marked json form
// as a text of its own, for publishers in other languages and for documents.
// It describes what to write; Decode also reads unmarked documents and null
// members.
func JSONSchema() []byte { return []byte(jsonSchema) }
