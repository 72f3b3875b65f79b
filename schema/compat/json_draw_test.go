package compat_test

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
)

// schemas draws JSON Schemas over a small world of values, so that instances hit what the schemas say.
type schemas struct {
	*rand.Rand
	plain bool // no applicators in place
}

var (
	worldNames  = []string{"a", "b", "c", "ab"}
	worldValues = []any{nil, true, false, 0, 1, 2, 5, -1, 0.5, 2.5, "", "a", "ab", "abc", "abcd", []any{}, map[string]any{}}
	worldTypes  = []string{"null", "boolean", "object", "array", "string", "integer", "number"}
)

func pick[T any](g *rand.Rand, list []T) T { return list[g.IntN(len(list))] }

// schema draws a schema of at most this depth. Most are of one type with keywords for it, so that most can be fulfilled.
func (g schemas) schema(depth int) any {
	if g.IntN(30) == 0 {
		return g.IntN(2) == 0
	}
	s := map[string]any{}
	kind := pick(g.Rand, worldTypes)
	if depth > 0 && g.IntN(3) > 0 {
		kind = pick(g.Rand, []string{"object", "object", "array"})
	}
	if g.IntN(6) > 0 {
		s["type"] = kind
		if other := pick(g.Rand, worldTypes); g.IntN(4) == 0 && other != kind {
			s["type"] = []any{kind, other}
		}
	}
	if g.IntN(5) == 0 {
		kind = ""
	}
	g.add(s, kind, depth)
	return s
}

// add draws keywords for a kind of values.
func (g schemas) add(s map[string]any, kind string, depth int) {
	switch {
	case kind == "object" && depth > 0:
		g.object(s, depth-1)
	case kind == "array" && depth > 0:
		g.array(s, depth-1)
	case kind == "string" || kind == "integer" || kind == "number":
		g.scalar(s, kind)
	case depth > 0:
		g.applicator(s, depth-1)
	}
}

func (g schemas) scalar(s map[string]any, kind string) {
	draws := []func(){
		func() {
			s["enum"] = []any{pick(g.Rand, worldValues[:4]), pick(g.Rand, worldValues[4:9]), pick(g.Rand, worldValues[10:15])}
		},
		func() { s["const"] = pick(g.Rand, worldValues) },
		func() { s["minLength"] = g.IntN(3) },
		func() { s["maxLength"] = g.IntN(5) },
		func() { s["pattern"] = pick(g.Rand, []string{"^a", "b", "c$"}) },
		func() { s["minimum"] = g.IntN(4) - 1 },
		func() { s["maximum"] = g.IntN(6) },
		func() { s["exclusiveMinimum"] = g.IntN(4) - 1 },
		func() { s["exclusiveMaximum"] = float64(g.IntN(12)) / 2 },
		func() { s["multipleOf"] = pick(g.Rand, []any{1, 2, 0.5, 2.5}) },
	}
	switch {
	case kind == "string":
		draws = append(draws[:1], draws[2:5]...)
	case kind != "":
		draws = append(draws[:1], draws[5:]...)
	}
	pick(g.Rand, draws)()
}

func (g schemas) object(s map[string]any, depth int) {
	properties := map[string]any{}
	for range 1 + g.IntN(3) {
		properties[pick(g.Rand, worldNames)] = g.schema(depth)
	}
	s["properties"] = properties
	if g.IntN(2) == 0 {
		s["required"] = []any{pick(g.Rand, worldNames)}
	}
	switch g.IntN(10) {
	case 0, 1, 2:
		s["additionalProperties"] = false
	case 3:
		s["additionalProperties"] = g.schema(depth)
	case 4:
		s["patternProperties"] = map[string]any{pick(g.Rand, []string{"^a", "b"}): g.schema(depth)}
	case 5:
		s["propertyNames"] = map[string]any{"maxLength": 1 + g.IntN(2)}
	case 6:
		s["dependentRequired"] = map[string]any{pick(g.Rand, worldNames): []any{pick(g.Rand, worldNames)}}
	case 7:
		s["minProperties"], s["maxProperties"] = g.IntN(2), 1+g.IntN(3)
	}
	if g.plain {
		return
	}
	switch g.IntN(6) {
	case 0:
		s["unevaluatedProperties"] = g.IntN(2) == 0
	case 1:
		s["dependentSchemas"] = map[string]any{pick(g.Rand, worldNames): g.schema(depth)}
	}
}

func (g schemas) array(s map[string]any, depth int) {
	switch g.IntN(6) {
	case 0, 1:
		s["items"] = g.schema(depth)
	case 2:
		s["prefixItems"], s["items"] = []any{g.schema(depth)}, g.schema(0)
	case 3:
		s["minItems"], s["maxItems"] = g.IntN(2), 1+g.IntN(2)
	case 4:
		s["uniqueItems"] = true
	case 5:
		s["contains"], s["maxContains"] = g.schema(depth), 1+g.IntN(2)
		s["unevaluatedItems"] = g.schema(0)
	}
}

func (g schemas) applicator(s map[string]any, depth int) {
	if g.plain {
		g.scalar(s, "")
		return
	}
	switch g.IntN(6) {
	case 0:
		s["anyOf"] = []any{g.schema(depth), g.schema(depth)}
	case 1:
		s["oneOf"] = []any{g.schema(depth), g.schema(depth)}
	case 2:
		s["allOf"] = []any{g.schema(depth)}
	case 3:
		s["not"] = g.schema(0)
	case 4:
		s["if"], s["then"], s["else"] = g.schema(0), g.schema(depth), g.schema(depth)
	case 5:
		s["$ref"] = pick(g.Rand, []string{"#/$defs/x", "#/$defs/y"})
	}
}

// root draws the schema of an event's data, an object, with definitions.
func (g schemas) root() map[string]any {
	s := map[string]any{"type": "object"}
	g.object(s, 2)
	if g.IntN(3) == 0 {
		g.applicator(s, 2)
	}
	s["$defs"] = map[string]any{
		"x": g.schema(1),
		"y": map[string]any{"type": "object", "properties": map[string]any{"a": map[string]any{"$ref": "#/$defs/y"}, "b": g.schema(0)}},
	}
	return s
}

// evolve draws a change of a schema: a keyword less, a keyword more, another type, or a change further down.
func (g schemas) evolve(raw map[string]any) map[string]any {
	text, _ := json.Marshal(raw)
	var s map[string]any
	_ = json.Unmarshal(text, &s)
	at := s
	for range g.IntN(3) {
		if below := g.below(at); below != nil {
			at = below
		}
	}
	var keys []string
	for k := range at {
		if k != "$defs" && k != "if" {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	kind, _ := at["type"].(string)
	switch {
	case len(keys) > 0 && g.IntN(3) == 0:
		delete(at, pick(g.Rand, keys))
	case kind != "object" && g.IntN(4) == 0:
		at["type"] = pick(g.Rand, worldTypes)
	case kind == "object" && g.IntN(3) > 0:
		properties, _ := at["properties"].(map[string]any)
		if properties == nil {
			properties = map[string]any{}
			at["properties"] = properties
		}
		properties[pick(g.Rand, worldNames)] = g.schema(1)
	default:
		g.add(at, kind, 2)
	}
	return s
}

func (g schemas) below(at map[string]any) map[string]any {
	var found []map[string]any
	for _, k := range []string{"properties", "items", "prefixItems", "anyOf", "oneOf", "allOf", "$defs", "additionalProperties"} {
		switch v := at[k].(type) {
		case map[string]any:
			if k == "items" || k == "additionalProperties" {
				found = append(found, v)
				continue
			}
			for _, name := range append([]string{"x", "y"}, worldNames...) {
				if m, ok := v[name].(map[string]any); ok {
					found = append(found, m)
				}
			}
		case []any:
			for _, e := range v {
				if m, ok := e.(map[string]any); ok {
					found = append(found, m)
				}
			}
		}
	}
	if len(found) == 0 {
		return nil
	}
	return pick(g.Rand, found)
}

// worldOf are the values of each type.
var worldOf = map[string][]any{
	"null": worldValues[:1], "boolean": worldValues[1:3], "integer": worldValues[3:8], "number": worldValues[3:10],
	"string": worldValues[10:15], "array": worldValues[15:16], "object": worldValues[16:],
}

// value draws an instance, led by a schema, of which root has the definitions, where it leads anywhere.
func (g schemas) value(root map[string]any, s any, depth int) any {
	m, _ := s.(map[string]any)
	if next := g.lead(root, m); next != nil && depth > 0 {
		return g.value(root, next, depth-1)
	}
	if values, ok := m["enum"].([]any); ok {
		return pick(g.Rand, values)
	}
	if c, ok := m["const"]; ok {
		return c
	}
	kind, _ := m["type"].(string)
	if kinds, ok := m["type"].([]any); ok {
		kind, _ = pick(g.Rand, kinds).(string)
	}
	switch {
	case kind == "" && m["properties"] != nil && g.IntN(3) > 0:
		kind = "object"
	case kind == "" || g.IntN(20) == 0:
		kind = pick(g.Rand, worldTypes)
	}
	switch {
	case kind == "object" && depth > 0:
		return g.members(root, m, depth-1)
	case kind == "array" && depth > 0:
		list := []any{}
		first, _ := m["prefixItems"].([]any)
		for i := range g.IntN(4) {
			lead := m["items"]
			if i < len(first) {
				lead = first[i]
			}
			list = append(list, g.value(root, lead, depth-1))
		}
		return list
	}
	return pick(g.Rand, worldOf[kind])
}

// lead draws a subschema in place to be led by, or nil.
func (g schemas) lead(root, m map[string]any) any {
	for _, k := range []string{"anyOf", "oneOf", "allOf"} {
		if list, ok := m[k].([]any); ok && g.IntN(3) == 0 {
			return pick(g.Rand, list)
		}
	}
	if ref, ok := m["$ref"].(string); ok && g.IntN(2) == 0 {
		definitions, _ := root["$defs"].(map[string]any)
		return definitions[ref[len("#/$defs/"):]]
	}
	return nil
}

func (g schemas) members(root, m map[string]any, depth int) any {
	o := map[string]any{}
	properties, _ := m["properties"].(map[string]any)
	required, _ := m["required"].([]any)
	closed := g.plain || m["additionalProperties"] == false && g.IntN(8) > 0
	for _, name := range worldNames {
		below, declared := properties[name]
		if declared && (g.IntN(2) == 0 || slices.Contains(required, any(name))) || !closed && g.IntN(4) == 0 {
			o[name] = g.value(root, below, depth)
		}
	}
	return o
}
