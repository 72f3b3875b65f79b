// Package outline reads a schema of any format into one tree of nodes, for what people read and programs are written from: Go types, the
// catalogue, examples. It keeps the order in which a schema was written. It judges no data: validators do.
//
// What a node can't say of its schema, such as "if" and "not" of JSON Schema, is listed by keyword in Node.Rest.
package outline
