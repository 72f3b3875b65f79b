// Package compat decides whether two versions of a schema can live side by side, offline, and says what breaks.
//
// [Check] compares a version with those before it by a [Mode]: backward (the newer version reads what the older wrote), forward (the older
// reads what the newer writes), full, and each transitively. The answer is a list of [Finding]: where, by which [Rule], and which events show
// it. An empty list is a promise; where the answer can't be known, the finding says [RuleUndecided].
//
// What compatible means, by format:
//
// JSON Schema (2020-12 and draft-07): every instance of the writer's schema is an instance of the reader's. Confluent's published rules for
// JSON Schema are the same idea, with open and closed content models: an optional property may be added to a closed object (additionalProperties
// false) and removed from an open one. Two things are stricter here. A property that became required breaks even if it has a default, since
// validators don't fill defaults in; and required counts whether or not the property is declared. format breaks when it is added or changed,
// though draft 2020-12 lets validators ignore it. Config.DeclaredOnly takes open objects to hold declared properties alone.
//
// Avro: the writer's schema resolves to the reader's for every value, by the section Schema Resolution of the specification 1.11: names match
// unqualified or by the reader's aliases, numbers, strings and bytes are promoted, a field that the writer lacks needs a default, and so does an
// enum that lacks a symbol. Every branch of a writer's union must resolve. Beyond the specification, which compares logical types for decimals
// alone, another unit (timestamp-millis, timestamp-micros) breaks: the bytes would be read as something else.
//
// Protobuf: the binary wire form, by the language guide's section Updating A Message Type, field number by field number. Fields may be added and
// removed, and renamed unless Config.JSONNames asks. Confluent's rules add what is not on the wire: packages, names of messages, members of
// oneofs. Types of one group (int32, uint32, int64, uint64, bool and enums; string and bytes) are told apart where the reader's does not hold
// every value of the writer's: the guide has such values cut off, which nobody would notice. A repeated string, bytes or message read as a single
// one keeps the last, and is reported for the same reason. Confluent accepts both.
package compat
