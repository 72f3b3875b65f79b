// Package schema says what the data of a (type, version) must look like.
//
// A [Schema] is the text of one schema in one [Format], with the texts that it refers to. A [Registry] finds it by [Ref]: [Memory] holds
// schemas in the program, [Folder] reads a directory such as order.placed/1.json from any file system, and package schema/confluent asks a
// registry over HTTP. A [Compiler] turns the text into a [Validator]; each format has its compiler in a package of its own (schema/jsonschema,
// schema/avro, schema/protobuf), so that a program carries only the libraries of the formats that it uses; schema/formats lists the three.
// A [Checker] puts them together and holds publishers and handlers to what they say.
//
// Data that does not fit is an [*Error], which names every place found by its JSON Pointer and says what was expected there, never what the
// data holds.
//
// This package imports the standard library and package envelope only, opens no file and no connection by itself, and starts no goroutine.
package schema
