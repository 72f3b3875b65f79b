package config

import _ "embed"

//go:embed herald.schema.json
var jsonSchema string

// Schema returns the JSON Schema (draft 2020-12) of the file as a text of its own, for editors and other tools. It knows every key that
// Load knows, and Load checks more than a schema can say.
func Schema() []byte { return []byte(jsonSchema) }
