package compat_test

import "github.com/herald-go/herald/schema/compat"

const (
	updating       = "Protobuf language guide, Updating A Message Type: "
	confluentProto = "Confluent, Schema Evolution, Protobuf compatibility rules: "
)

// proto3 writes a file with a message of these fields, and more.
func proto3(fields string, more ...string) string {
	text := `syntax = "proto3"; package shop; message Order { ` + fields + ` }`
	for _, m := range more {
		text += " " + m
	}
	return text
}

func proto2(fields string, more ...string) string {
	text := `syntax = "proto2"; package shop; message Order { ` + fields + ` }`
	for _, m := range more {
		text += " " + m
	}
	return text
}

var protoFieldCases = []evolution{
	{
		name: "field added", source: updating + "new fields are ignored by old code, and absent in old messages",
		old: proto3(`string id = 1;`), new: proto3(`string id = 1; string note = 2;`),
		spares: rules{compat.RuleProtoRequired},
	},
	{
		name: "field removed and reserved", source: updating + "fields can be removed as long as the number is not used again",
		old: proto3(`string id = 1; string note = 2;`), new: proto3(`string id = 1; reserved 2; reserved "note";`),
		spares: rules{compat.RuleProtoReserved, compat.RuleProtoNumber},
	},
	{
		name: "reserved number used", source: "Protobuf language guide, Deleting Fields: reserved numbers must not be used again",
		old: proto3(`string id = 1; reserved 2;`), new: proto3(`string id = 1; string coupon = 2;`),
		backward: rules{compat.RuleProtoReserved}, forward: rules{compat.RuleProtoReserved},
	},
	{
		name: "number changed", source: updating + "don't change the field numbers for any existing fields",
		old: proto3(`string id = 1;`), new: proto3(`string id = 3;`),
		backward: rules{compat.RuleProtoNumber}, forward: rules{compat.RuleProtoNumber}, stricter: "Confluent sees a field removed and one added",
	},
	{
		name: "field renamed", source: confluentProto + "field name changed is compatible; the wire has no names",
		old: proto3(`string id = 1;`), new: proto3(`string order_id = 1;`),
		spares: rules{compat.RuleProtoJSONName, compat.RuleProtoType},
	},
	{
		name: "field renamed where JSON counts", source: "Protobuf language guide, JSON Mapping: names are lowerCamelCase field names",
		old: proto3(`string id = 1;`), new: proto3(`string order_id = 1;`), conf: compat.Config{JSONNames: true},
		backward: rules{compat.RuleProtoJSONName}, forward: rules{compat.RuleProtoJSONName},
	},
	{
		name: "field renamed with json_name", source: "Protobuf language guide, JSON Mapping: json_name overrides the name",
		old: proto3(`string id = 1;`), new: proto3(`string order_id = 1 [json_name = "id"];`), conf: compat.Config{JSONNames: true},
		spares: rules{compat.RuleProtoJSONName},
	},
	{
		name: "type of another wire form", source: confluentProto + "field kind changed; " + updating + "types of different wire forms",
		old: proto3(`string id = 1;`), new: proto3(`int64 id = 1;`),
		backward: rules{compat.RuleProtoType}, forward: rules{compat.RuleProtoType},
	},
	{
		name: "sint32 for int32", source: updating + "sint32 and sint64 are not compatible with the other integer types",
		old: proto3(`int32 n = 1;`), new: proto3(`sint32 n = 1;`),
		backward: rules{compat.RuleProtoType}, forward: rules{compat.RuleProtoType},
	},
	{
		name: "float for double", source: confluentProto + "float and double are groups of their own",
		old: proto3(`float n = 1;`), new: proto3(`double n = 1;`),
		backward: rules{compat.RuleProtoType}, forward: rules{compat.RuleProtoType},
	},
	{
		name: "int32 widened", source: updating + "int32, uint32, int64, uint64 and bool are compatible; a number that does not fit is cut off",
		old: proto3(`int32 n = 1;`), new: proto3(`int64 n = 1;`),
		forward: rules{compat.RuleProtoLossy}, spares: rules{compat.RuleProtoType}, stricter: "numbers of 64 bits are cut off",
	},
	{
		name: "bool widened", source: updating + "int32, uint32, int64, uint64 and bool are compatible",
		old: proto3(`bool n = 1;`), new: proto3(`uint32 n = 1;`),
		forward: rules{compat.RuleProtoLossy}, stricter: "a number above 1 is read as true",
	},
	{
		name: "fixed32 for sfixed32", source: updating + "fixed32 is compatible with sfixed32",
		old: proto3(`fixed32 n = 1;`), new: proto3(`sfixed32 n = 1;`),
		backward: rules{compat.RuleProtoLossy}, forward: rules{compat.RuleProtoLossy}, stricter: "the sign changes",
	},
	{
		name: "string became bytes", source: updating + "string and bytes are compatible as long as the bytes are valid UTF-8",
		old: proto3(`string id = 1;`), new: proto3(`bytes id = 1;`),
		forward: rules{compat.RuleProtoLossy}, stricter: "bytes need not be UTF-8",
	},
	{
		name: "enum became int64", source: updating + "enum is compatible with int32, uint32, int64 and uint64 on the wire",
		old: proto3(`State s = 1;`, `enum State { NEW = 0; }`), new: proto3(`int64 s = 1;`, `enum State { NEW = 0; }`),
		forward: rules{compat.RuleProtoLossy}, stricter: "an enum has 32 bits",
	},
	{
		name: "int32 became an open enum", source: updating + "enum is compatible with int32; unknown values are preserved in proto3",
		old: proto3(`int32 s = 1;`, `enum State { NEW = 0; }`), new: proto3(`State s = 1;`, `enum State { NEW = 0; }`),
		spares: rules{compat.RuleProtoLossy},
	},
	{
		name: "message became bytes", source: updating + "embedded messages are compatible with bytes if the bytes contain an encoded message",
		old: proto3(`Item i = 1;`, `message Item {}`), new: proto3(`bytes i = 1;`, `message Item {}`),
		forward: rules{compat.RuleProtoLossy}, stricter: "bytes need not be an encoded message",
	},
	{
		name: "number became repeated", source: confluentProto + "label of a numeric field changed; " + updating + "not generally safe for numeric types",
		old: proto3(`int32 n = 1;`), new: proto3(`repeated int32 n = 1;`),
		backward: rules{compat.RuleProtoLabel}, forward: rules{compat.RuleProtoLabel},
	},
	{
		name: "string became repeated", source: updating + "for string, bytes and message fields, singular is compatible with repeated",
		old: proto3(`string n = 1;`), new: proto3(`repeated string n = 1;`),
		forward: rules{compat.RuleProtoLabelLossy}, spares: rules{compat.RuleProtoLabel}, stricter: "only the last is kept",
	},
	{
		name: "message became repeated", source: updating + "for string, bytes and message fields, singular is compatible with repeated",
		old: proto3(`Item i = 1;`, `message Item {}`), new: proto3(`repeated Item i = 1;`, `message Item {}`),
		forward: rules{compat.RuleProtoLabelLossy}, stricter: "several are merged into one",
	},
	{
		name: "presence added", source: "Protobuf language guide, Field Presence: optional does not change the wire form",
		old: proto3(`string id = 1;`), new: proto3(`optional string id = 1;`),
		spares: rules{compat.RuleProtoLabelLossy, compat.RuleProtoOneofMoved, compat.RuleProtoOneofMember},
	},
	{
		name: "required field added", source: confluentProto + "required field added",
		old: proto2(`optional string id = 1;`), new: proto2(`optional string id = 1; required string total = 2;`),
		backward: rules{compat.RuleProtoRequired},
	},
	{
		name: "field became optional", source: updating + "proto2: adding and removing required breaks one way",
		old: proto2(`required string id = 1;`), new: proto2(`optional string id = 1;`),
		forward: rules{compat.RuleProtoRequired},
	},
	{
		name: "map written as entries", source: "Protobuf language guide, Maps, Backwards Compatibility: the map syntax is equivalent to repeated entries on the wire",
		old: proto3(`map<string, int32> m = 1;`), new: proto3(`repeated Entry m = 1;`, `message Entry { string key = 1; int32 value = 2; }`),
		forward: rules{compat.RuleProtoMessage}, spares: rules{compat.RuleProtoMessageType},
	},
	{
		name: "values of a map changed", source: confluentProto + "types of map keys and values are compared",
		old: proto3(`map<string, string> m = 1;`), new: proto3(`map<string, int32> m = 1;`),
		backward: rules{compat.RuleProtoType}, forward: rules{compat.RuleProtoType},
	},
}

var protoMessageCases = []evolution{
	{
		name: "message added", source: confluentProto + "message added is backward compatible",
		old: proto3(``), new: proto3(``, `message Item {}`),
		forward: rules{compat.RuleProtoMessage},
	},
	{
		name: "message moved", source: confluentProto + "message moved is compatible",
		old: proto3(``, `message A {} message B {}`), new: proto3(``, `message B {} message A {}`),
		spares: rules{compat.RuleProtoMessage},
	},
	{
		name: "package changed", source: confluentProto + "package changed",
		old: `syntax = "proto3"; package shop; message Order {}`, new: `syntax = "proto3"; package store; message Order {}`,
		backward: rules{compat.RuleProtoPackage}, forward: rules{compat.RuleProtoPackage},
	},
	{
		name: "options of the file changed", source: confluentProto + "options are not compared",
		old: proto3(``), new: `syntax = "proto3"; package shop; option go_package = "example.com/shop"; message Order {}`,
		spares: rules{compat.RuleProtoPackage},
	},
	{
		name: "field holds another message", source: confluentProto + "field named type changed",
		old: proto3(`A a = 1;`, `message A {} message B {}`), new: proto3(`B a = 1;`, `message A {} message B {}`),
		backward: rules{compat.RuleProtoMessageType}, forward: rules{compat.RuleProtoMessageType},
	},
	{
		name: "field of a nested message changed", source: confluentProto + "nested messages are compared",
		old: proto3(`Item i = 1; message Item { int32 n = 1; }`), new: proto3(`Item i = 1; message Item { double n = 1; }`),
		backward: rules{compat.RuleProtoType}, forward: rules{compat.RuleProtoType},
	},
	{
		name: "recursive message changed", source: updating + "messages may hold themselves",
		old: proto3(`Order next = 1; int32 n = 2;`), new: proto3(`Order next = 1; string n = 2;`),
		backward: rules{compat.RuleProtoType}, forward: rules{compat.RuleProtoType},
	},
	{
		name: "another message of the file is the event", source: confluentProto + "message removed; the event's message is compared by its name",
		old: proto3(``, `message Other {}`), new: proto3(``, `message Other {}`), oldM: "shop.Order", newM: "shop.Other",
		backward: rules{compat.RuleProtoMessage}, forward: rules{compat.RuleProtoMessage},
	},
	{
		name: "single field moved into a new oneof", source: updating + "changing a single optional field into a member of a new oneof is safe",
		old: proto3(`string a = 1;`), new: proto3(`oneof o { string a = 1; }`),
		spares: rules{compat.RuleProtoOneofMoved},
	},
	{
		name: "fields moved into a new oneof", source: confluentProto + "multiple fields moved to oneof",
		old: proto3(`string a = 1; string b = 2;`), new: proto3(`oneof o { string a = 1; string b = 2; }`),
		backward: rules{compat.RuleProtoOneofMoved}, forward: rules{compat.RuleProtoOneofMoved},
	},
	{
		name: "field moved into an existing oneof", source: updating + "moving fields into an existing oneof is not safe",
		old: proto3(`string a = 1; oneof o { string b = 2; }`), new: proto3(`oneof o { string a = 1; string b = 2; }`),
		backward: rules{compat.RuleProtoOneofMoved}, forward: rules{compat.RuleProtoOneofMoved},
	},
	{
		name: "member removed from a oneof", source: confluentProto + "oneof field removed is not backward compatible",
		old: proto3(`oneof o { string a = 1; string b = 2; }`), new: proto3(`oneof o { string a = 1; }`),
		backward: rules{compat.RuleProtoOneofMember},
	},
	{
		name: "member of a oneof moved out", source: updating + "the field is still read",
		old: proto3(`oneof o { string a = 1; string b = 2; }`), new: proto3(`oneof o { string a = 1; } string b = 2;`),
		spares: rules{compat.RuleProtoOneofMember},
	},
	{
		name: "value added to a closed enum", source: "Protobuf enum behaviour: a closed enum puts unknown values into the unknown fields",
		old: proto2(`optional State s = 1;`, `enum State { NEW = 0; }`), new: proto2(`optional State s = 1;`, `enum State { NEW = 0; PAID = 1; }`),
		forward: rules{compat.RuleProtoEnumValue},
	},
	{
		name: "value removed from an open enum", source: confluentProto + "enum const removed is compatible; proto3 keeps unknown values",
		old: proto3(`State s = 1;`, `enum State { NEW = 0; PAID = 1; }`), new: proto3(`State s = 1;`, `enum State { NEW = 0; }`),
		spares: rules{compat.RuleProtoEnumValue},
	},
}
