package compat_test

import "github.com/herald-go/herald/schema/compat"

var jsonScalarCases = []evolution{
	{
		name: "integer became number", source: confluentJSON + "type extended; " + validation + "6.1.1, every integer is a number",
		old: `{"type":"integer"}`, new: `{"type":"number"}`,
		forward: rules{compat.RuleJSONType},
	},
	{
		name: "type extended by null", source: confluentJSON + "sum type extended",
		old: `{"type":"string"}`, new: `{"type":["string","null"]}`,
		forward: rules{compat.RuleJSONType},
	},
	{
		name: "type in a list of one", source: validation + "6.1.1, a string is a list of one",
		old: `{"type":"string"}`, new: `{"type":["string"]}`,
		spares: rules{compat.RuleJSONType},
	},
	{
		name: "type changed", source: confluentJSON + "type changed",
		old: `{"type":"string"}`, new: `{"type":"integer"}`,
		backward: rules{compat.RuleJSONType}, forward: rules{compat.RuleJSONType},
	},
	{
		name: "enum extended", source: confluentJSON + "enum array extended is backward compatible",
		old: `{"enum":["new","paid"]}`, new: `{"enum":["new","paid","sent"]}`,
		forward: rules{compat.RuleJSONEnum},
	},
	{
		name: "enum in another order", source: validation + "6.1.2, enum is a set",
		old: `{"enum":["new","paid",1.0]}`, new: `{"enum":[1,"paid","new"]}`,
		spares: rules{compat.RuleJSONEnum},
	},
	{
		name: "enum added", source: confluentJSON + "product type extended",
		old: `{"type":"string"}`, new: `{"type":"string","enum":["new"]}`,
		backward: rules{compat.RuleJSONEnum},
	},
	{
		name: "const became enum", source: validation + "6.1.3, const is an enum of one",
		old: `{"const":"EUR"}`, new: `{"enum":["EUR","USD"]}`,
		forward: rules{compat.RuleJSONEnum},
	},
	{
		name: "enum that a bound refuses", source: validation + "6.3.1, every keyword applies to every value",
		old: `{"enum":["a","bbbb"]}`, new: `{"type":"string","maxLength":3}`,
		backward: rules{compat.RuleJSONValue}, forward: rules{compat.RuleJSONEnum},
	},
	{
		name: "enum within a bound", source: validation + "6.3.1, every keyword applies to every value",
		old: `{"enum":["a","bbb"]}`, new: `{"type":"string","enum":["a","bbb"],"maxLength":3,"pattern":"^[ab]+$"}`,
		spares: rules{compat.RuleJSONValue, compat.RuleJSONPattern, compat.RuleJSONLength},
	},
	{
		name: "maximum decreased", source: confluentJSON + "maximum decreased",
		old: `{"type":"number","maximum":10}`, new: `{"type":"number","maximum":9}`,
		backward: rules{compat.RuleJSONRange},
	},
	{
		name: "minimum added", source: confluentJSON + "minimum added",
		old: `{"type":"number"}`, new: `{"type":"number","minimum":0}`,
		backward: rules{compat.RuleJSONRange},
	},
	{
		name: "exclusive bound of integers in other words", source: validation + "6.2.5, exclusiveMinimum",
		old: `{"type":"integer","exclusiveMinimum":0}`, new: `{"type":"integer","minimum":1}`,
		spares: rules{compat.RuleJSONRange},
	},
	{
		name: "exclusive bound of numbers", source: validation + "6.2.5, exclusiveMinimum",
		old: `{"type":"number","minimum":0}`, new: `{"type":"number","exclusiveMinimum":0}`,
		backward: rules{compat.RuleJSONRange},
	},
	{
		name: "multipleOf reduced", source: confluentJSON + "multipleOf reduced is backward compatible",
		old: `{"type":"number","multipleOf":10}`, new: `{"type":"number","multipleOf":2.5}`,
		forward: rules{compat.RuleJSONMultipleOf},
	},
	{
		name: "multipleOf one for integers", source: validation + "6.2.1, multipleOf",
		old: `{"type":"integer"}`, new: `{"type":"integer","multipleOf":1}`,
		spares: rules{compat.RuleJSONMultipleOf},
	},
	{
		name: "maxLength decreased", source: confluentJSON + "maxLength decreased",
		old: `{"type":"string","maxLength":10}`, new: `{"type":"string","maxLength":9}`,
		backward: rules{compat.RuleJSONLength},
	},
	{
		name: "minLength added", source: confluentJSON + "minLength added",
		old: `{"type":"string"}`, new: `{"type":"string","minLength":1}`,
		backward: rules{compat.RuleJSONLength},
	},
	{
		name: "pattern added", source: confluentJSON + "pattern added",
		old: `{"type":"string"}`, new: `{"type":"string","pattern":"^ord_"}`,
		backward: rules{compat.RuleJSONPattern},
	},
	{
		name: "pattern changed", source: confluentJSON + "pattern changed is not compatible",
		old: `{"type":"string","pattern":"^ord_"}`, new: `{"type":"string","pattern":"^(ord|inv)_"}`,
		backward: rules{compat.RuleUndecided}, forward: rules{compat.RuleUndecided}, spares: rules{compat.RuleJSONPattern},
	},
	{
		name: "format added", source: validation + "7.2.2, validators may assert format",
		old: `{"type":"string"}`, new: `{"type":"string","format":"uuid"}`,
		backward: rules{compat.RuleJSONFormat}, stricter: "Confluent does not compare format, and validators may assert it",
	},
	{
		name: "format of numbers", source: validation + "7.2.1, a format applies to its own type",
		old: `{"type":"integer"}`, new: `{"type":"integer","format":"date"}`,
		spares: rules{compat.RuleJSONFormat},
	},
	{
		name: "maxItems decreased", source: confluentJSON + "maxItems decreased",
		old: `{"type":"array","maxItems":10}`, new: `{"type":"array","maxItems":9}`,
		backward: rules{compat.RuleJSONItemCount},
	},
	{
		name: "maxItems that a closed tuple implies", source: validation + "6.4.1; " + coreSpec + "10.3.1.2",
		old: `{"type":"array","prefixItems":[{}],"items":false}`, new: `{"type":"array","prefixItems":[{}],"items":false,"maxItems":1,"uniqueItems":true}`,
		spares: rules{compat.RuleJSONItemCount, compat.RuleJSONUnique},
	},
	{
		name: "uniqueItems added", source: confluentJSON + "uniqueItems added",
		old: `{"type":"array"}`, new: `{"type":"array","uniqueItems":true}`,
		backward: rules{compat.RuleJSONUnique},
	},
	{
		name: "items narrowed", source: confluentJSON + "type narrowed",
		old: `{"type":"array","items":{"type":"number"}}`, new: `{"type":"array","items":{"type":"integer"}}`,
		backward: rules{compat.RuleJSONType},
	},
	{
		name: "item added to a closed tuple", source: confluentJSON + "item added to a closed content model is backward compatible",
		old: `{"type":"array","prefixItems":[{"type":"string"}],"items":false}`, new: `{"type":"array","prefixItems":[{"type":"string"},{"type":"string"}],"items":false}`,
		forward: rules{compat.RuleJSONItemRefused},
	},
	{
		name: "item added to a closed tuple of draft-07", source: confluentJSON + "additional items; draft-07 Validation 6.4.2",
		old:     `{"$schema":"http://json-schema.org/draft-07/schema#","type":"array","items":[{"type":"string"}],"additionalItems":false}`,
		new:     `{"$schema":"http://json-schema.org/draft-07/schema#","type":"array","items":[{"type":"string"},{"type":"string"}],"additionalItems":false}`,
		forward: rules{compat.RuleJSONItemRefused},
	},
	{
		name: "tuple with items that the bound on their count refuses", source: validation + "6.4.1, maxItems",
		old: `{"type":"array","maxItems":1}`, new: `{"type":"array","prefixItems":[{}],"items":false}`,
		spares: rules{compat.RuleJSONItemRefused},
	},
	{
		name: "item asked for", source: coreSpec + "10.3.1.3, contains",
		old: `{"type":"array"}`, new: `{"type":"array","contains":{"const":1}}`,
		backward: rules{compat.RuleJSONContains},
	},
	{
		name: "item asked for that is always there", source: coreSpec + "10.3.1.3, contains; " + validation + "6.4.4, minItems",
		old: `{"type":"array","minItems":1,"items":{"type":"integer"}}`, new: `{"type":"array","minItems":1,"items":{"type":"integer"},"contains":{"type":"number"}}`,
		spares: rules{compat.RuleJSONContains},
	},
}
