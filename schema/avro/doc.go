// Package avro compiles Apache Avro schemas for package schema, and encodes typed data in Avro's single-object encoding.
//
// Data is checked by a walk over its bytes that allocates nothing, before the Avro library sees it: lengths, counts, text, enums, unions and
// the end of the data are checked there, and what hostile data could ask for is bounded. See [Compiler] for the bounds.
package avro
