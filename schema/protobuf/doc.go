// Package protobuf compiles Protocol Buffers files for package schema, and encodes generated messages as the data of typed events.
//
// Data is checked by a walk over its bytes that allocates nothing: each known field must have the wire type that its declaration asks for,
// text must be UTF-8 where the file's syntax says so, required fields must be there. Fields that the schema does not know are no mismatch: that
// is how the format lets old and new services talk. See [Compiler] for the bounds.
package protobuf
