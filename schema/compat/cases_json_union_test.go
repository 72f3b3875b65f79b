package compat_test

import (
	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/compat"
)

const card, cash = `{"type":"object","properties":{"kind":{"const":"card"},"number":{"type":"string"}},"required":["kind"]}`,
	`{"type":"object","properties":{"kind":{"const":"cash"}},"required":["kind"]}`

var jsonUnionCases = []evolution{
	{
		name: "branch added to oneOf", source: confluentJSON + "sum type extended is backward compatible",
		old: `{"oneOf":[` + card + `]}`, new: `{"oneOf":[` + cash + `,` + card + `]}`,
		forward: rules{compat.RuleJSONUnion}, spares: rules{compat.RuleUndecided},
	},
	{
		name: "branches of oneOf in another order", source: confluentJSON + "subschemas are matched, not counted",
		old: `{"oneOf":[` + card + `,` + cash + `]}`, new: `{"oneOf":[` + cash + `,` + card + `]}`,
		spares: rules{compat.RuleJSONUnion},
	},
	{
		name: "branch changed", source: confluentJSON + "combined type subschemas changed",
		old: `{"oneOf":[{"type":"string"}]}`, new: `{"oneOf":[{"type":"number"}]}`,
		backward: rules{compat.RuleJSONUnion}, forward: rules{compat.RuleJSONUnion},
	},
	{
		name: "branch that may overlap", source: coreSpec + "10.2.1.3, oneOf wants exactly one",
		old: `{"oneOf":[{"type":"string"}]}`, new: `{"oneOf":[{"type":"string"},{"minLength":3}]}`,
		backward: rules{compat.RuleUndecided}, forward: rules{compat.RuleJSONUnion}, stricter: "a text of three characters fits two branches",
	},
	{
		name: "branches that one property does not tell apart", source: coreSpec + "10.2.1.3, oneOf wants exactly one",
		old:      `{"type":"object","properties":{"k":{"type":"string"}},"required":["k"]}`,
		new:      `{"oneOf":[{"type":"object","properties":{"k":{"type":"string"}},"required":["k"]},{"type":"object","properties":{"k":{}},"required":["k"]}]}`,
		backward: rules{compat.RuleUndecided}, forward: rules{compat.RuleJSONType}, stricter: "a text fits two branches",
	},
	{
		name: "property declared under a condition among declared properties", source: "Config.DeclaredOnly: a property may be declared in any subschema",
		old:      `{"type":"object","properties":{"kind":{}},"if":{"required":["kind"]},"then":{"properties":{"note":{"type":"string"}}}}`,
		new:      `{"type":"object","properties":{"kind":{},"note":{"type":"integer"}}}`,
		backward: rules{compat.RuleJSONPropertyConstrained}, forward: rules{compat.RuleJSONType}, conf: compat.Config{DeclaredOnly: true},
	},
	{
		name: "property of a reference changed below unevaluatedProperties", source: coreSpec + "11.3, what $ref evaluates is evaluated",
		old:      `{"$ref":"#/$defs/base","unevaluatedProperties":false,"$defs":{"base":{"type":"object","properties":{"id":{"type":"string"}}}}}`,
		new:      `{"$ref":"#/$defs/base","unevaluatedProperties":false,"$defs":{"base":{"type":"object","properties":{"id":{"type":"integer"}}}}}`,
		backward: rules{compat.RuleJSONType}, forward: rules{compat.RuleJSONType},
	},
	{
		name: "types written as branches", source: coreSpec + "10.2.1.2, anyOf",
		old: `{"type":["string","null"]}`, new: `{"anyOf":[{"type":"null"},{"type":"string"}]}`,
		spares: rules{compat.RuleJSONUnion, compat.RuleJSONType},
	},
	{
		name: "oneOf became anyOf", source: confluentJSON + "combined type extended",
		old: `{"oneOf":[{"type":"string"},{"minLength":3}]}`, new: `{"anyOf":[{"type":"string"},{"minLength":3}]}`,
		forward: rules{compat.RuleUndecided},
	},
	{
		name: "constraint moved into allOf", source: coreSpec + "10.2.1.1, allOf",
		old: `{"type":"string","maxLength":3}`, new: `{"allOf":[{"type":"string"},{"maxLength":3}]}`,
		spares: rules{compat.RuleJSONLength},
	},
	{
		name: "constraint added in allOf", source: confluentJSON + "product type extended",
		old: `{"allOf":[{"type":"string"}]}`, new: `{"allOf":[{"type":"string"},{"maxLength":3}]}`,
		backward: rules{compat.RuleJSONLength},
	},
	{
		name: "not narrowed", source: confluentJSON + "not type narrowed is backward compatible",
		old: `{"not":{"type":"number"}}`, new: `{"not":{"type":"integer"}}`,
		forward: rules{compat.RuleUndecided},
	},
	{
		name: "not of another type", source: coreSpec + "10.2.1.4, not",
		old: `{"type":"string"}`, new: `{"type":"string","not":{"type":"integer"}}`,
		spares: rules{compat.RuleUndecided},
	},
	{
		name: "condition asks for more", source: coreSpec + "10.2.2, if, then and else",
		old:      `{"type":"object","properties":{"kind":{"type":"string"}},"if":{"properties":{"kind":{"const":"card"}}},"then":{"required":["number"]}}`,
		new:      `{"type":"object","properties":{"kind":{"type":"string"}},"if":{"properties":{"kind":{"const":"card"}}},"then":{"required":["number","cvc"]}}`,
		backward: rules{compat.RuleJSONRequired},
	},
	{
		name: "condition removed", source: coreSpec + "10.2.2, if, then and else",
		old:     `{"type":"object","if":{"properties":{"kind":{"const":"card"}}},"then":{"required":["number"]}}`,
		new:     `{"type":"object"}`,
		forward: rules{compat.RuleJSONRequired},
	},
}

func jsonReferenceCases() []evolution {
	address := func(text string) []schema.Reference {
		return []schema.Reference{{Name: "address.json", Schema: schema.Schema{Format: schema.JSONSchema, Text: []byte(text)}}}
	}
	const tree = `{"$ref":"#/$defs/node","$defs":{"node":{"type":"object","properties":{"value":{"type":`
	const branch = `},"children":{"type":"array","items":{"$ref":"#/$defs/node"}}},"required":["value"]}}}`
	return []evolution{
		{
			name: "definition under another name", source: coreSpec + "8.2.3.1, $ref",
			old: `{"$ref":"#/$defs/a","$defs":{"a":{"type":"string"}}}`, new: `{"$ref":"#/$defs/b","$defs":{"b":{"type":"string"}}}`,
			spares: rules{compat.RuleJSONType},
		},
		{
			name: "recursive schema narrowed", source: coreSpec + "8.2.3.1, $ref may be recursive",
			old: tree + `"number"` + branch, new: tree + `"integer"` + branch,
			backward: rules{compat.RuleJSONType},
		},
		{
			name: "recursive schema unchanged", source: coreSpec + "8.2.3.1, $ref may be recursive",
			old: tree + `"integer"` + branch, new: tree + `"number"` + branch,
			forward: rules{compat.RuleJSONType}, spares: rules{compat.RuleUndecided},
		},
		{
			name: "schema of another file narrowed", source: coreSpec + "8.2.3.1, $ref to another document",
			old: `{"properties":{"to":{"$ref":"address.json"}}}`, new: `{"properties":{"to":{"$ref":"address.json"}}}`,
			oldRef: address(`{"type":["string","null"]}`), newRef: address(`{"type":"string"}`),
			backward: rules{compat.RuleJSONType},
		},
		{
			name: "definition that one branch refuses and another takes, and a property refuses too", source: coreSpec + "10.2.1.2, anyOf wants one branch",
			old:      `{"properties":{"a":{"$ref":"#/$defs/i"},"b":{"$ref":"#/$defs/i"}},"$defs":{"i":{"properties":{"v":{"type":"string"}}}}}`,
			new:      `{"properties":{"a":{"anyOf":[{"$ref":"#/$defs/i"},{}]},"b":{"$ref":"#/$defs/i"}},"$defs":{"i":{"properties":{"v":{"type":"string","maxLength":3}}}}}`,
			backward: rules{compat.RuleJSONLength}, forward: rules{compat.RuleJSONPropertyConstrained},
		},
		{
			name: "anchor and pointer", source: coreSpec + "8.2.2, $anchor",
			old: `{"$ref":"#name","$defs":{"n":{"$anchor":"name","type":"string"}}}`, new: `{"$ref":"#/$defs/n","$defs":{"n":{"type":"string"}}}`,
			spares: rules{compat.RuleJSONType},
		},
		{
			name: "schema that refers to itself alone", source: coreSpec + "9.4.1, a schema must not be run into an infinite loop",
			old: `{"type":"string"}`, new: `{"anyOf":[{"$ref":"#"},{"type":"integer"}]}`,
			backward: rules{compat.RuleJSONUnion}, forward: rules{compat.RuleJSONType},
		},
		{
			name: "dynamic reference", source: coreSpec + "8.2.3.2, $dynamicRef depends on the way to it",
			old: `{"type":"string"}`, new: `{"type":"string","allOf":[{"$dynamicRef":"#x"}],"$defs":{"x":{"$dynamicAnchor":"x"}}}`,
			backward: rules{compat.RuleUndecided},
		},
	}
}
