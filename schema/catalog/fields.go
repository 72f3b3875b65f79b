package catalog

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/herald-go/herald/schema/internal/outline"
)

// field is one line of a table of fields.
type field struct {
	Path, Name  string
	Depth       int
	Type        string
	Required    bool
	Deprecated  bool
	Description string
	Rules       []string
}

// maxFields bounds a table: definitions that use each other twice grow with the power of their depth.
const maxFields = 400

// fieldsOf returns the fields of a schema with those below them, in the order of the schema; isCut says that there are more. What contains
// itself is shown once.
func fieldsOf(root *outline.Node) (list []field, isCut bool) {
	f := fields{}
	f.below(root, "", 0, nil)
	return f.list, f.isCut
}

type fields struct {
	list  []field
	isCut bool
}

// below adds what a node contains.
func (f *fields) below(n *outline.Node, path string, depth int, trail []*outline.Node) {
	n = n.Resolve()
	for _, t := range trail {
		if t == n {
			return
		}
	}
	trail = append(trail, n)
	switch n.Kind {
	case outline.Object:
		for i := range n.Properties {
			f.property(&n.Properties[i], path, depth, trail)
		}
		if n.Elem != nil && len(n.Properties) > 0 {
			f.property(&outline.Property{Name: "(any other)", Node: n.Elem}, path, depth, trail)
		}
	case outline.Array:
		f.below(n.Elem, path+"[]", depth, trail)
	case outline.Map:
		f.below(n.Elem, path+".*", depth, trail)
	case outline.OneOf:
		for i, b := range n.Branches {
			if shape := b.Resolve(); shape.Kind == outline.Object {
				f.below(b, fmt.Sprintf("%s(%s)", path, cmp.Or(nameOf(b), fmt.Sprint(i+1))), depth, trail)
			}
		}
	default:
	}
}

func (f *fields) property(p *outline.Property, path string, depth int, trail []*outline.Node) {
	if len(f.list) >= maxFields {
		f.isCut = true
		return
	}
	full := p.Name
	if path != "" {
		full = path + "." + p.Name
	}
	shape := p.Node.Resolve()
	f.list = append(f.list, field{
		Path: full, Name: p.Name, Depth: min(depth, 6), Type: typeText(p.Node, 0), Required: p.Required,
		Deprecated:  p.Node.Deprecated || shape.Deprecated,
		Description: cmp.Or(p.Node.Description, shape.Description, p.Node.Title), Rules: rules(p.Node),
	})
	f.below(p.Node, full, depth+1, trail)
}

// nameOf returns what a definition is called, without the namespace of Avro and the package of Protobuf.
func nameOf(n *outline.Node) string {
	if n.Name == "" && n.Kind == outline.Ref {
		n = n.Resolve()
	}
	return n.Name[strings.LastIndexByte(n.Name, '.')+1:]
}

// typeText says what a node is in words.
func typeText(n *outline.Node, depth int) string {
	if depth > 8 {
		return "…"
	}
	shape := n.Resolve()
	text := shapeText(shape, depth)
	if n.Nullable || shape.Nullable {
		text += " or null"
	}
	return text
}

func shapeText(n *outline.Node, depth int) string {
	switch n.Kind {
	case outline.Array:
		return "list of " + typeText(n.Elem, depth+1)
	case outline.Map:
		return "map of " + typeText(n.Elem, depth+1)
	case outline.OneOf:
		var branches []string
		for _, b := range n.Branches[:min(len(n.Branches), 8)] {
			branches = append(branches, typeText(b, depth+1))
		}
		return strings.Join(branches, " | ")
	case outline.Object:
		return cmp.Or(nameOf(n), "object")
	case outline.Any:
		return "anything"
	default:
	}
	text := string(n.Kind)
	if n.Native != "" && !strings.Contains(n.Native, ".") {
		text, _, _ = strings.Cut(n.Native, " ")
	}
	if n.Format != "" {
		text += " (" + n.Format + ")"
	}
	return text
}

// phrases say a keyword in words, with the value in the place of the verb.
var phrases = map[string]string{
	"minimum": "at least %s", "exclusiveMinimum": "more than %s", "maximum": "at most %s", "exclusiveMaximum": "less than %s",
	"multipleOf": "a multiple of %s", "minLength": "at least %s characters", "maxLength": "at most %s characters", "pattern": "matches %s",
	"minItems": "at least %s elements", "maxItems": "at most %s elements", "minProperties": "at least %s members",
	"maxProperties": "at most %s members", "precision": "precision %s", "scale": "scale %s", "size": "%s bytes", "contentMediaType": "%s",
}

// rules says what else a value must keep.
func rules(n *outline.Node) []string {
	shape := n.Resolve()
	out := rulesOf(shape)
	if shape.Kind == outline.Array || shape.Kind == outline.Map {
		for _, r := range rulesOf(shape.Elem.Resolve()) {
			out = append(out, "each: "+r)
		}
	}
	switch {
	case n.HasDefault:
		out = append(out, "default "+outline.Text(n.Default))
	case shape.HasDefault && shape != n:
		out = append(out, "default "+outline.Text(shape.Default))
	}
	return out
}

func rulesOf(n *outline.Node) []string {
	var out []string
	switch len(n.Enum) {
	case 0:
	case 1:
		out = append(out, "always "+plain(n.Enum[0]))
	default:
		var values []string
		for _, v := range n.Enum[:min(len(n.Enum), 50)] {
			values = append(values, plain(v))
		}
		if len(n.Enum) > len(values) {
			values = append(values, "…")
		}
		out = append(out, "one of "+strings.Join(values, ", "))
	}
	for _, c := range n.Constraints {
		phrase, ok := phrases[c.Keyword]
		switch {
		case ok:
			said := fmt.Sprintf(phrase, plain(c.Value))
			if plain(c.Value) == "1" && strings.HasSuffix(phrase, "s") {
				said = strings.TrimSuffix(said, "s")
			}
			out = append(out, said)
		case c.Keyword == "uniqueItems" && c.Value == true:
			out = append(out, "no two alike")
		}
	}
	if n.Closed && n.Native == "" && n.Kind == outline.Object {
		out = append(out, "no other members")
	}
	if len(n.Rest) > 0 {
		out = append(out, "see the schema for "+strings.Join(n.Rest, ", "))
	}
	return out
}

// plain shows a value without quotes where it is a text.
func plain(v any) string {
	if s, ok := v.(string); ok && s != "" {
		return s
	}
	return outline.Text(v)
}
