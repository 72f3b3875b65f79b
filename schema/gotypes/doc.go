// Package gotypes makes JSON Schemas from Go types, and Go types from schemas.
//
// # From Go
//
// [From] describes what encoding/json writes of a type, by reflection; [FromSource] reads a package's source and so has the doc comments too:
// they become descriptions, and a paragraph that begins with "Deprecated:" becomes "deprecated". Both follow the same rules:
//
//   - A field is required unless it has omitempty or omitzero, or stands in an embedded pointer.
//   - What encoding/json can write as null may be null: pointers, slices and maps whose field has neither of the two. `schema:"notnull"` says
//     that the program sees to it that there is a value.
//   - Integers of 8, 16 and 32 bits and unsigned ones have the bounds of their types. []byte is base64. time.Time is a date-time,
//     json.RawMessage and interfaces are anything. A type with MarshalText is a string.
//   - A type with MarshalJSON needs `schema:"type=string"` or the like on the field, because its JSON is not known.
//   - Named structs are "$defs", also where they refer to themselves. Embedded structs are promoted as encoding/json does it.
//   - A type with a method Values() []T is an enumeration. By reflection the method says its values; from the source the constants of the
//     type do, because nothing is run. Constants alone promise nothing: a type without the method may get more of them.
//   - A field `json:"-" schema:"additionalProperties"` that is a map holds the members that have no field; MarshalJSON of its struct is taken
//     to see to that.
//
// The `schema` tag has options with commas between them, named as the keywords of JSON Schema. A value with a comma or a quote stands in
// single quotes, in which two quotes are one; a backslash is doubled, as in every struct tag.
//
//	Total int64  `json:"total" schema:"minimum=0,description='In cents, with tax.'"`
//	Code  string `json:"code" schema:"pattern='^[A-Z]{2,3}$',example=NOK"`
//	Tags  []Tag  `json:"tags" schema:"notnull,maxItems=10,items.minLength=1"`
//
//	option                                                       of
//	minimum maximum exclusiveMinimum exclusiveMaximum multipleOf  numbers
//	minLength maxLength pattern format contentMediaType           strings
//	minItems maxItems uniqueItems                                 lists
//	minProperties maxProperties                                   maps and structs
//	enum=a|b const=a default=a example=a (may be repeated)        all; text as it is, anything else as JSON
//	title description deprecated                                  all; they win over comments
//	required optional notnull nullable                            the member, in the place of the rules above
//	type=string (integer number boolean object array any)         a field whose type writes itself
//	additionalProperties                                          a map that holds the members of other names
//	items.… values.… keys.…                                       what a list or a map holds, a map's names
//
// # To Go
//
// [To] writes the types of JSON Schemas (2020-12 and draft-07) and of Avro schemas, for go generate. Properties that are not required are
// pointers, or slices and maps with omitzero, so that absent and zero are two things. Enumerations are types with constants and the method
// Values. "allOf" is merged, a union with null is a pointer, and any other "oneOf" or "anyOf" stays json.RawMessage, with the types that it
// may be beside it. What the Go type does not say stands in `schema` tags, so that From gives it back; what tags can't say either ("if",
// "not", "patternProperties") is noted in a comment. References are followed within the schema and its references alone.
//
// Avro types have `avro` tags for the codec of schema/avro; unions of several types are any. [Proto] writes what protoc-gen-go writes, which
// is what the Protobuf codec marshals.
package gotypes
