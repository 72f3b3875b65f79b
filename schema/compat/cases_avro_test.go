package compat_test

import "github.com/herald-go/herald/schema/compat"

const resolution = "Avro 1.11 specification, Schema Resolution: "

// record writes an Avro record of these fields.
func record(fields string) string {
	return `{"type":"record","name":"Order","namespace":"shop","fields":[` + fields + `]}`
}

const idField = `{"name":"id","type":"string"}`

var avroCases = []evolution{
	{
		name: "field with default added", source: resolution + "if the reader's record has a field with a default that the writer's has not, the default is used",
		old: record(idField), new: record(idField + `,{"name":"note","type":"string","default":""}`),
		spares: rules{compat.RuleAvroDefault},
	},
	{
		name: "field without default added", source: resolution + "a field without default that the writer lacks is an error",
		old: record(idField), new: record(idField + `,{"name":"total","type":"double"}`),
		backward: rules{compat.RuleAvroDefault},
	},
	{
		name: "field without default removed", source: resolution + "a field that only the writer has is ignored",
		old: record(idField + `,{"name":"total","type":"double"}`), new: record(idField),
		forward: rules{compat.RuleAvroDefault},
	},
	{
		name: "field renamed with an alias", source: "Avro 1.11 specification, Aliases: the reader's aliases rewrite the writer's names",
		old: record(idField), new: record(`{"name":"orderId","type":"string","aliases":["id"]}`),
		forward: rules{compat.RuleAvroDefault},
	},
	{
		name: "record renamed", source: resolution + "both are records with the same unqualified name",
		old: `{"type":"record","name":"Order","fields":[]}`, new: `{"type":"record","name":"Purchase","fields":[]}`,
		backward: rules{compat.RuleAvroName}, forward: rules{compat.RuleAvroName},
	},
	{
		name: "record renamed with an alias", source: "Avro 1.11 specification, Aliases",
		old: `{"type":"record","name":"Order","namespace":"shop","fields":[]}`, new: `{"type":"record","name":"Purchase","namespace":"shop","aliases":["Order"],"fields":[]}`,
		forward: rules{compat.RuleAvroName},
	},
	{
		name: "namespace changed", source: resolution + "names match unqualified",
		old: `{"type":"record","name":"Order","namespace":"shop","fields":[]}`, new: `{"type":"record","name":"Order","namespace":"store","fields":[]}`,
		spares: rules{compat.RuleAvroName},
	},
	{
		name: "int promoted to long", source: resolution + "int is promotable to long, float or double",
		old: record(`{"name":"n","type":"int"}`), new: record(`{"name":"n","type":"long"}`),
		forward: rules{compat.RuleAvroType},
	},
	{
		name: "long promoted to float", source: resolution + "long is promotable to float or double",
		old: `"long"`, new: `"float"`,
		forward: rules{compat.RuleAvroType},
	},
	{
		name: "float promoted to double", source: resolution + "float is promotable to double",
		old: `"float"`, new: `"double"`,
		forward: rules{compat.RuleAvroType},
	},
	{
		name: "string became bytes", source: resolution + "string is promotable to bytes, bytes to string",
		old: `"string"`, new: `"bytes"`,
		spares: rules{compat.RuleAvroType},
	},
	{
		name: "int became string", source: resolution + "no promotion",
		old: `"int"`, new: `"string"`,
		backward: rules{compat.RuleAvroType}, forward: rules{compat.RuleAvroType},
	},
	{
		name: "symbol added", source: resolution + "a symbol that is not in the reader's enum is an error without default",
		old: `{"type":"enum","name":"State","symbols":["NEW"]}`, new: `{"type":"enum","name":"State","symbols":["NEW","PAID"]}`,
		forward: rules{compat.RuleAvroSymbol},
	},
	{
		name: "symbol added with a default", source: resolution + "the enum's default is used for a symbol that the reader lacks",
		old: `{"type":"enum","name":"State","symbols":["NEW"],"default":"NEW"}`, new: `{"type":"enum","name":"State","symbols":["NEW","PAID"],"default":"NEW"}`,
		spares: rules{compat.RuleAvroSymbol},
	},
	{
		name: "size of fixed changed", source: resolution + "both are fixed whose sizes and unqualified names match",
		old: `{"type":"fixed","name":"Hash","size":16}`, new: `{"type":"fixed","name":"Hash","size":32}`,
		backward: rules{compat.RuleAvroFixed}, forward: rules{compat.RuleAvroFixed},
	},
	{
		name: "fixed in another namespace", source: resolution + "both are fixed whose sizes and unqualified names match",
		old: `{"type":"fixed","name":"a.Hash","size":16}`, new: `{"type":"fixed","name":"b.Hash","size":16}`,
		spares: rules{compat.RuleAvroFixed},
	},
	{
		name: "field became nullable", source: resolution + "the reader is a union: the first branch that matches the writer's is taken",
		old: record(idField), new: record(`{"name":"id","type":["null","string"]}`),
		forward: rules{compat.RuleAvroUnion},
	},
	{
		name: "branch removed", source: resolution + "both are unions: an error if no branch matches the writer's",
		old: `["null","string","int"]`, new: `["null","string"]`,
		backward: rules{compat.RuleAvroUnion},
	},
	{
		name: "branch promoted", source: resolution + "branches are resolved recursively, with promotion",
		old: `["null","int"]`, new: `["null","long"]`,
		forward: rules{compat.RuleAvroUnion},
	},
	{
		name: "branches in another order", source: resolution + "unions match by schema, not by position",
		old: `["null","string"]`, new: `["string","null"]`,
		spares: rules{compat.RuleAvroUnion},
	},
	{
		name: "record in a union changed", source: resolution + "the branch of the same name is resolved recursively",
		old: `["null",` + record(idField) + `]`, new: `["null",` + record(idField+`,{"name":"total","type":"double"}`) + `]`,
		backward: rules{compat.RuleAvroDefault},
	},
	{
		name: "items narrowed", source: resolution + "arrays match if their items do",
		old: `{"type":"array","items":"long"}`, new: `{"type":"array","items":"int"}`,
		backward: rules{compat.RuleAvroType},
	},
	{
		name: "values of a map narrowed", source: resolution + "maps match if their values do",
		old: `{"type":"map","values":"double"}`, new: `{"type":"map","values":"float"}`,
		backward: rules{compat.RuleAvroType},
	},
	{
		name: "scale of a decimal changed", source: "Avro 1.11 specification, Decimal: two decimals match if their scales and precisions match",
		old: `{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}`, new: `{"type":"bytes","logicalType":"decimal","precision":9,"scale":3}`,
		backward: rules{compat.RuleAvroLogical}, forward: rules{compat.RuleAvroLogical},
	},
	{
		name: "unit of a timestamp changed", source: "Avro 1.11 specification, Timestamps: milliseconds and microseconds since the epoch",
		old: `{"type":"long","logicalType":"timestamp-millis"}`, new: `{"type":"long","logicalType":"timestamp-micros"}`,
		backward: rules{compat.RuleAvroLogical}, forward: rules{compat.RuleAvroLogical}, stricter: "the bytes resolve, and mean a thousandth",
	},
	{
		name: "logical type added", source: "Avro 1.11 specification, Logical Types: implementations may use the underlying type",
		old: `"long"`, new: `{"type":"long","logicalType":"timestamp-micros"}`,
		spares: rules{compat.RuleAvroLogical},
	},
	{
		name: "record that one branch refuses and another takes, and a field refuses too", source: resolution + "the first branch that matches recursively is taken",
		old: `{"type":"record","name":"Order","fields":[
			{"name":"a","type":{"type":"record","name":"n.R","fields":[{"name":"f","type":{"type":"record","name":"m.I","fields":[{"name":"v","type":"long"}]}}]}},
			{"name":"b","type":"m.I"}]}`,
		new: `{"type":"record","name":"Order","fields":[
			{"name":"a","type":[
				{"type":"record","name":"n1.R","fields":[{"name":"f","type":{"type":"record","name":"m1.I","fields":[{"name":"v","type":"int"}]}}]},
				{"type":"record","name":"n2.R","fields":[{"name":"f","type":{"type":"record","name":"m2.I","fields":[{"name":"v","type":"long"}]}}]}]},
			{"name":"b","type":"m1.I"}]}`,
		backward: rules{compat.RuleAvroType},
	},
	{
		name: "recursive record changed", source: resolution + "records are resolved recursively",
		old:     `{"type":"record","name":"Node","fields":[{"name":"v","type":"int"},{"name":"next","type":["null","Node"]}]}`,
		new:     `{"type":"record","name":"Node","fields":[{"name":"v","type":"long"},{"name":"next","type":["null","Node"]}]}`,
		forward: rules{compat.RuleAvroType},
	},
}
