package gotypes

import (
	"strings"

	"github.com/herald-go/herald/schema/internal/outline"
)

// options returns what the Go type does not say and a tag can.
func (g *generator) options(n *outline.Node, v *value) []option {
	if g.isAvro || v.isRaw {
		return nil
	}
	var out []option
	shape := n.Resolve()
	if n.HasDefault {
		out = appendLiteral(out, shape, "default", n.Default)
	}
	for _, e := range n.Examples {
		out = appendLiteral(out, shape, "example", e)
	}
	return append(out, limits(shape, v)...)
}

// limits returns the options of a node that is no struct and no type of constants.
func limits(n *outline.Node, v *value) []option {
	if n.Kind == outline.Object || isEnumeration(n) {
		return nil
	}
	var out []option
	if n.Format != "" && v.expr != "time.Time" && (n.Kind == outline.String || n.Kind == outline.Bytes) {
		out = append(out, option{"format", n.Format})
	}
	switch {
	case len(n.Enum) == 1:
		out = appendLiteral(out, n, "const", n.Enum[0])
	case len(n.Enum) > 1:
		out = appendEnum(out, n)
	}
	for _, c := range n.Constraints {
		if v.bounded && (c.Keyword == "minimum" || c.Keyword == "maximum") || !can(n.Kind, c.Keyword) {
			continue
		}
		out = append(out, bound(c)...)
	}
	switch n.Kind {
	case outline.Array:
		out = append(out, inner("items.", n.Elem)...)
	case outline.Map:
		out = append(out, inner("values.", n.Elem)...)
		if n.Keys != nil && n.Keys.Kind != outline.Integer {
			keys := *n.Keys.Resolve()
			keys.Kind = outline.String
			out = append(out, prefixed("keys.", limits(&keys, &value{expr: "string"}))...)
		}
	}
	return out
}

// inner returns the options of what a list or a map holds.
func inner(prefix string, elem *outline.Node) []option {
	shape := elem.Resolve()
	v := value{expr: "time.Time", bounded: shape.Kind == outline.Integer && sized(shape) != ""}
	if shape.Format != "date-time" || len(shape.Constraints) > 0 || shape.Enum != nil {
		v.expr = ""
	}
	if shape.Kind == outline.OneOf || shape.Kind == outline.Any {
		return nil
	}
	out := prefixed(prefix, limits(shape, &v))
	isNilable := shape.Kind == outline.Array || shape.Kind == outline.Map || shape.Kind == outline.Bytes
	if isNilable && !isNullable(elem) {
		out = append(out, option{name: prefix + "notnull"})
	}
	return out
}

func prefixed(prefix string, options []option) []option {
	for i := range options {
		options[i].name = prefix + options[i].name
	}
	return options
}

// can reports whether a tag may have the keyword for this kind of data.
func can(kind outline.Kind, keyword string) bool {
	for _, k := range keywords[kind] {
		if k == keyword {
			return true
		}
	}
	return false
}

// bound returns a constraint as an option; uniqueItems has no value.
func bound(c outline.Constraint) []option {
	switch v := c.Value.(type) {
	case bool:
		if !v {
			return nil
		}
		return []option{{name: c.Keyword}}
	case string:
		return []option{{c.Keyword, v}}
	}
	return []option{{c.Keyword, outline.Text(c.Value)}}
}

// appendLiteral adds a value in the way that tags write it.
func appendLiteral(out []option, n *outline.Node, name string, v any) []option {
	if v == nil {
		return out
	}
	if s, ok := v.(string); ok && (n.Kind == outline.String || n.Kind == outline.Bytes) {
		return append(out, option{name, s})
	}
	return append(out, option{name, outline.Text(v)})
}

// appendEnum adds the values of an enumeration that has no constants, such as fractions.
func appendEnum(out []option, n *outline.Node) []option {
	texts := make([]string, 0, len(n.Enum))
	for _, v := range n.Enum {
		text := outline.Text(v)
		if strings.ContainsRune(text, '|') {
			return out
		}
		texts = append(texts, text)
	}
	return append(out, option{"enum", strings.Join(texts, "|")})
}
