package compat_test

import "github.com/herald-go/herald/schema/compat"

const (
	confluentJSON = "Confluent, Schema Evolution, JSON Schema compatibility rules: "
	coreSpec      = "JSON Schema 2020-12 Core: "
	validation    = "JSON Schema 2020-12 Validation: "
)

const closed = `"additionalProperties":false`

var jsonObjectCases = []evolution{
	{
		name: "optional property added to a closed object", source: confluentJSON + "optional property added to a closed content model is backward compatible",
		old:     `{"type":"object","properties":{"id":{"type":"string"}},` + closed + `}`,
		new:     `{"type":"object","properties":{"id":{"type":"string"},"note":{"type":"string"}},` + closed + `}`,
		forward: rules{compat.RuleJSONPropertyRefused}, spares: rules{compat.RuleJSONRequired, compat.RuleJSONPropertyConstrained},
	},
	{
		name: "optional property added to an open object", source: confluentJSON + "property added to an open content model is not backward compatible",
		old:      `{"type":"object","properties":{"id":{"type":"string"}}}`,
		new:      `{"type":"object","properties":{"id":{"type":"string"},"note":{"type":"string"}}}`,
		backward: rules{compat.RuleJSONPropertyConstrained}, spares: rules{compat.RuleJSONPropertyRefused},
	},
	{
		name: "optional property added to an open object of declared properties", source: "Config.DeclaredOnly: publishers send what they declare",
		old:    `{"type":"object","properties":{"id":{"type":"string"}}}`,
		new:    `{"type":"object","properties":{"id":{"type":"string"},"note":{"type":"string"}}}`,
		spares: rules{compat.RuleJSONPropertyConstrained}, conf: compat.Config{DeclaredOnly: true},
	},
	{
		name: "property type changed among declared properties", source: "Config.DeclaredOnly: what is declared is still compared",
		old:      `{"type":"object","properties":{"id":{"type":"string"}}}`,
		new:      `{"type":"object","properties":{"id":{"type":"integer"}}}`,
		backward: rules{compat.RuleJSONType}, forward: rules{compat.RuleJSONType}, conf: compat.Config{DeclaredOnly: true},
	},
	{
		name: "property without constraints added to an open object", source: confluentJSON + "property with an empty schema added to an open content model",
		old: `{"type":"object"}`, new: `{"type":"object","properties":{"note":{}}}`,
		spares: rules{compat.RuleJSONPropertyConstrained},
	},
	{
		name: "required property added to a closed object", source: confluentJSON + "required property added to a closed content model",
		old:      `{"type":"object","properties":{"id":{"type":"string"}},` + closed + `}`,
		new:      `{"type":"object","properties":{"id":{"type":"string"},"total":{"type":"number"}},"required":["total"],` + closed + `}`,
		backward: rules{compat.RuleJSONRequired}, forward: rules{compat.RuleJSONPropertyRefused},
	},
	{
		name: "property became required with a default", source: confluentJSON + "required attribute with default added; " + validation + "9.2, default has no effect on validation",
		old:      `{"type":"object","properties":{"id":{"type":"string"}}}`,
		new:      `{"type":"object","properties":{"id":{"type":"string","default":"none"}},"required":["id"]}`,
		backward: rules{compat.RuleJSONRequired}, stricter: "a validator does not fill in defaults",
	},
	{
		name: "property is no longer required", source: confluentJSON + "required attribute removed is backward compatible",
		old:     `{"type":"object","properties":{"id":{"type":"string"}},"required":["id"]}`,
		new:     `{"type":"object","properties":{"id":{"type":"string"}}}`,
		forward: rules{compat.RuleJSONRequired},
	},
	{
		name: "property removed from an open object", source: confluentJSON + "property removed from an open content model is backward compatible",
		old:     `{"type":"object","properties":{"id":{"type":"string"}}}`,
		new:     `{"type":"object"}`,
		forward: rules{compat.RuleJSONPropertyConstrained}, spares: rules{compat.RuleJSONPropertyRefused},
	},
	{
		name: "property removed from a closed object", source: confluentJSON + "property removed from a closed content model is not backward compatible",
		old:      `{"type":"object","properties":{"id":{"type":"string"},"note":{"type":"string"}},` + closed + `}`,
		new:      `{"type":"object","properties":{"id":{"type":"string"}},` + closed + `}`,
		backward: rules{compat.RuleJSONPropertyRefused},
	},
	{
		name: "property that was refused removed from a closed object", source: confluentJSON + "property with false removed from a closed content model",
		old: `{"type":"object","properties":{"note":false},` + closed + `}`, new: `{"type":"object",` + closed + `}`,
		spares: rules{compat.RuleJSONPropertyRefused},
	},
	{
		name: "object closed", source: confluentJSON + "additional properties removed",
		old: `{"type":"object","properties":{"id":{"type":"string"}}}`, new: `{"type":"object","properties":{"id":{"type":"string"}},` + closed + `}`,
		backward: rules{compat.RuleJSONAdditional},
	},
	{
		name: "additional properties narrowed", source: confluentJSON + "additional properties narrowed",
		old: `{"type":"object","additionalProperties":{"type":["string","null"]}}`, new: `{"type":"object","additionalProperties":{"type":"string"}}`,
		backward: rules{compat.RuleJSONAdditional},
	},
	{
		name: "additional properties kept in other words", source: coreSpec + "10.3.2.3, absent additionalProperties is an empty schema",
		old: `{"type":"object","additionalProperties":true}`, new: `{"type":"object","additionalProperties":{}}`,
		spares: rules{compat.RuleJSONAdditional},
	},
	{
		name: "property added where additional properties cover it", source: confluentJSON + "property added is covered by a partially open content model",
		old: `{"type":"object","additionalProperties":{"type":"string"}}`, new: `{"type":"object","properties":{"note":{"type":"string"}},"additionalProperties":{"type":"string"}}`,
		spares: rules{compat.RuleJSONPropertyConstrained, compat.RuleJSONType},
	},
	{
		name: "property added that additional properties contradict", source: confluentJSON + "property added not covered by a partially open content model",
		old: `{"type":"object","additionalProperties":{"type":"string"}}`, new: `{"type":"object","properties":{"note":{"type":"number"}},"additionalProperties":{"type":"string"}}`,
		backward: rules{compat.RuleJSONType}, forward: rules{compat.RuleJSONType},
	},
	{
		name: "property added where a pattern covers it", source: confluentJSON + "partially open content model by patternProperties",
		old: `{"type":"object","patternProperties":{"^i_":{"type":"integer"}},` + closed + `}`, new: `{"type":"object","properties":{"i_1":{"type":"number"}},"patternProperties":{"^i_":{"type":"integer"}},` + closed + `}`,
		spares: rules{compat.RuleJSONPropertyRefused},
	},
	{
		name: "pattern of names added to an open object", source: coreSpec + "10.3.2.2, patternProperties applies to every matching name",
		old: `{"type":"object"}`, new: `{"type":"object","patternProperties":{"^x-":{"type":"string"}}}`,
		backward: rules{compat.RuleJSONPropertyConstrained},
	},
	{
		name: "names of properties bounded", source: coreSpec + "10.3.2.4, propertyNames",
		old: `{"type":"object"}`, new: `{"type":"object","propertyNames":{"maxLength":10}}`,
		backward: rules{compat.RuleJSONAdditional},
	},
	{
		name: "names of a closed object bounded", source: coreSpec + "10.3.2.4, propertyNames of names that are known",
		old: `{"type":"object","properties":{"id":{}},` + closed + `}`, new: `{"type":"object","properties":{"id":{}},"propertyNames":{"maxLength":10},` + closed + `}`,
		spares: rules{compat.RuleJSONAdditional},
	},
	{
		name: "dependency added", source: confluentJSON + "dependency array added; " + validation + "6.5.4",
		old: `{"type":"object"}`, new: `{"type":"object","dependentRequired":{"card":["cvc"]}}`,
		backward: rules{compat.RuleJSONDependency},
	},
	{
		name: "dependency on what is required anyway", source: validation + "6.5.4, dependentRequired",
		old: `{"type":"object","required":["cvc"]}`, new: `{"type":"object","required":["cvc"],"dependentRequired":{"card":["cvc"]}}`,
		spares: rules{compat.RuleJSONDependency},
	},
	{
		name: "dependency of draft-07 extended", source: confluentJSON + "dependency array extended",
		old:      `{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","dependencies":{"card":["cvc"]}}`,
		new:      `{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","dependencies":{"card":["cvc","name"]}}`,
		backward: rules{compat.RuleJSONDependency},
	},
	{
		name: "schema for a property's presence added", source: confluentJSON + "dependency schema added",
		old: `{"type":"object"}`, new: `{"type":"object","dependentSchemas":{"card":{"required":["cvc"]}}}`,
		backward: rules{compat.RuleJSONRequired},
	},
	{
		name: "fewer properties allowed", source: confluentJSON + "maxProperties decreased, minProperties increased",
		old: `{"type":"object","maxProperties":5}`, new: `{"type":"object","maxProperties":4,"minProperties":1}`,
		backward: rules{compat.RuleJSONPropertyCount},
	},
	{
		name: "count of properties that required implies", source: validation + "6.5.2 and 6.5.3",
		old: `{"type":"object","properties":{"a":{}},"required":["a"],` + closed + `}`, new: `{"type":"object","properties":{"a":{}},"required":["a"],"minProperties":1,"maxProperties":1,` + closed + `}`,
		spares: rules{compat.RuleJSONPropertyCount},
	},
	{
		name: "property added to an object closed by unevaluatedProperties", source: coreSpec + "11.3, unevaluatedProperties; " + confluentJSON + "closed content model",
		old:     `{"$ref":"#/$defs/base","properties":{"a":{}},"unevaluatedProperties":false,"$defs":{"base":{"type":"object","properties":{"id":{"type":"string"}}}}}`,
		new:     `{"$ref":"#/$defs/base","properties":{"a":{},"b":{"type":"string"}},"unevaluatedProperties":false,"$defs":{"base":{"type":"object","properties":{"id":{"type":"string"}}}}}`,
		forward: rules{compat.RuleJSONPropertyRefused}, spares: rules{compat.RuleJSONPropertyConstrained},
	},
	{
		name: "documentation changed", source: confluentJSON + "id, title, description and default changed are compatible",
		old:    `{"title":"a","type":"object","properties":{"id":{"type":"string","description":"b","default":"c"}}}`,
		new:    `{"title":"d","type":"object","properties":{"id":{"type":"string","description":"e","default":"f"}}}`,
		spares: rules{compat.RuleUndecided},
	},
	{
		name: "everything allowed", source: confluentJSON + "anything can change to the empty schema",
		old: `{"type":"object","properties":{"id":{"type":"string"}},"required":["id"]}`, new: `{}`,
		forward: rules{compat.RuleJSONPropertyConstrained, compat.RuleJSONRequired, compat.RuleJSONType},
	},
	{
		name: "nothing allowed", source: coreSpec + "4.3.2, the schema false",
		old: `{"type":"object"}`, new: `false`,
		backward: rules{compat.RuleJSONNothing},
	},
	{
		name: "nothing allowed where nothing was", source: coreSpec + "4.3.2, the schema false",
		old: `{"properties":{"a":false}}`, new: `{"properties":{"a":{"not":{}}}}`,
		spares: rules{compat.RuleJSONNothing},
	},
}
