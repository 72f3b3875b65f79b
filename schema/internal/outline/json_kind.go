package outline

import (
	"encoding/json"
	"slices"
	"strings"
)

// constraints are the keywords that become Constraints.
var constraints = []string{
	"minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern", "minItems", "maxItems",
	"uniqueItems", "minProperties", "maxProperties", "contentMediaType",
}

// beyond are the keywords that the tree does not express.
var beyond = []string{
	"if", "then", "else", "not", "contains", "dependentRequired", "dependentSchemas", "dependencies", "patternProperties",
	"unevaluatedProperties", "unevaluatedItems", "prefixItems", "additionalItems", "$dynamicRef", "$recursiveRef",
}

func (n *Node) constrain(m *Members) {
	for _, name := range m.names {
		if slices.Contains(constraints, name) {
			n.Constraints = append(n.Constraints, Constraint{name, m.values[name]})
		}
		if slices.Contains(beyond, name) {
			n.Rest = append(n.Rest, name)
		}
	}
	n.required = append(n.required, list(m.Get("required"))...)
}

// list returns the texts of an array.
func list(v any) []string {
	var out []string
	values, _ := v.([]any)
	for _, e := range values {
		if s, ok := e.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// kind finds out what the data is, and reads the subschemas of that kind.
func (r *jsonReader) kind(n *Node, d *document, m *Members) error {
	types := typesOf(n, m)
	if i := slices.Index(types, string(Null)); i >= 0 && len(types) > 1 {
		n.Nullable = true
		types = slices.Delete(types, i, i+1)
	}
	switch len(types) {
	case 0:
		return nil
	case 1:
		return r.shape(n, d, m, types[0])
	}
	n.Kind = OneOf
	for _, t := range types {
		branch := &Node{isBuilt: true}
		if err := r.shape(branch, d, m, t); err != nil {
			return err
		}
		n.Branches = append(n.Branches, branch)
	}
	return nil
}

// typesOf returns the types that a subschema names, or else that of what it says.
func typesOf(n *Node, m *Members) []string {
	switch t := m.Get("type").(type) {
	case string:
		return []string{t}
	case []any:
		return list(t)
	}
	if len(n.Enum) > 0 {
		return typesOfValues(n.Enum)
	}
	for _, name := range m.names {
		switch name {
		case "properties", "additionalProperties", "propertyNames", "patternProperties", "minProperties", "maxProperties", "required":
			return []string{string(Object)}
		case "items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains":
			return []string{string(Array)}
		case "pattern", "minLength", "maxLength", "format":
			return []string{string(String)}
		case "minimum", "maximum", "multipleOf", "exclusiveMinimum", "exclusiveMaximum":
			return []string{string(Number)}
		}
	}
	return nil
}

// typesOfValues returns the types of an enumeration, each once.
func typesOfValues(values []any) []string {
	var out []string
	for _, v := range values {
		t := string(Null)
		switch v := v.(type) {
		case string:
			t = string(String)
		case bool:
			t = string(Boolean)
		case json.Number:
			t = string(Integer)
			if strings.ContainsAny(v.String(), ".eE") {
				t = string(Number)
			}
		case *Members:
			t = string(Object)
		case []any:
			t = string(Array)
		}
		if !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out
}

// shape reads n as one type.
func (r *jsonReader) shape(n *Node, d *document, m *Members, name string) error {
	switch name {
	case "object":
		return r.object(n, d, m)
	case "array":
		return r.array(n, d, m)
	case "string":
		n.Kind = String
		if m.Get("contentEncoding") == "base64" {
			n.Kind = Bytes
		}
	case "integer", "number", "boolean", "null":
		n.Kind = Kind(name)
	}
	return nil
}

func (r *jsonReader) object(n *Node, d *document, m *Members) error {
	n.Kind = Object
	properties, _ := m.Get("properties").(*Members)
	if properties != nil {
		for _, name := range properties.names {
			node, err := r.node(d, properties.values[name])
			if err != nil {
				return err
			}
			n.Properties = append(n.Properties, Property{Name: name, Node: node})
		}
	}
	more := m.Get("additionalProperties")
	if more == false {
		n.Closed = !m.Has("patternProperties")
	}
	if _, ok := more.(*Members); ok {
		elem, err := r.node(d, more)
		if err != nil {
			return err
		}
		n.Elem = elem
	}
	if names, ok := m.Get("propertyNames").(*Members); ok {
		keys, err := r.node(d, names)
		if err != nil {
			return err
		}
		n.Keys = keys
	}
	isOpen := !n.Closed && len(n.Properties) == 0 && len(n.required) == 0
	if isOpen && !m.Has("allOf") && !m.Has("anyOf") && !m.Has("oneOf") && !m.Has("$ref") {
		n.Kind = Map
		if n.Elem == nil {
			n.Elem = &Node{Kind: Any, isBuilt: true}
		}
	}
	return nil
}

func (r *jsonReader) array(n *Node, d *document, m *Members) error {
	n.Kind = Array
	n.Elem = &Node{Kind: Any, isBuilt: true}
	switch items := m.Get("items").(type) {
	case *Members:
		if m.Has("prefixItems") { // the elements before are of another kind
			return nil
		}
		elem, err := r.node(d, items)
		if err != nil {
			return err
		}
		n.Elem = elem
	case []any:
		n.Rest = append(n.Rest, "items")
	}
	return nil
}
