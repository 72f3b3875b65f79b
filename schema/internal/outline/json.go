package outline

import (
	"errors"
	"slices"
	"strings"

	"github.com/herald-go/herald/schema"
)

// jsonReader turns a JSON Schema into nodes.
type jsonReader struct {
	known map[*Members]*Node
	count int
}

func readJSON(s schema.Schema) (*Node, error) {
	d, err := openDocument(s)
	if err != nil {
		return nil, err
	}
	r := &jsonReader{known: make(map[*Members]*Node)}
	return r.node(d, d.root)
}

// node returns the node of a subschema, the same one for the same place.
func (r *jsonReader) node(d *document, v any) (*Node, error) {
	if r.count++; r.count > maxNodes {
		return nil, errNodes
	}
	switch v := v.(type) {
	case bool:
		if v {
			return &Node{Kind: Any, isBuilt: true}, nil
		}
		return &Node{Kind: Any, Rest: []string{"false"}, isBuilt: true}, nil
	case *Members:
		if n := r.known[v]; n != nil {
			return n, nil
		}
		n := &Node{Kind: Any}
		r.known[v] = n
		if err := r.fill(n, d, v); err != nil {
			return nil, err
		}
		n.isBuilt = true
		return n, nil
	}
	return nil, errors.New("a schema must be an object or a boolean")
}

// fill reads all keywords of a subschema into n.
func (r *jsonReader) fill(n *Node, d *document, m *Members) error {
	n.annotate(m)
	n.constrain(m)
	if err := r.kind(n, d, m); err != nil {
		return err
	}
	if ref, ok := m.Get("$ref").(string); ok {
		if err := r.refer(n, d, ref); err != nil {
			return err
		}
	}
	for _, keyword := range []string{"allOf", "anyOf", "oneOf"} {
		branches, _ := m.Get(keyword).([]any)
		if len(branches) == 0 {
			continue
		}
		if err := r.combine(n, d, keyword, branches); err != nil {
			return err
		}
	}
	n.require()
	return nil
}

// require marks the properties that are required, also those that came by "allOf".
func (n *Node) require() {
	for _, name := range n.required {
		if p := n.Property(name); p != nil {
			p.Required = true
		} else if n.Kind == Object {
			n.Properties = append(n.Properties, Property{Name: name, Required: true, Node: &Node{Kind: Any, isBuilt: true}})
		}
	}
}

// refer makes n a reference; rules beside it are what a tree can't say unless they are words.
func (r *jsonReader) refer(n *Node, d *document, ref string) error {
	p, err := d.find(ref)
	if err != nil {
		return err
	}
	target, err := r.node(p.doc, p.at)
	if err != nil {
		return err
	}
	if target.Name == "" && p.at != d.root {
		target.Name = p.name
	}
	if n.Kind != Any && target.isBuilt {
		r.merge(n, target)
		return nil
	}
	n.Kind, n.Target = Ref, target
	return nil
}

// combine reads "allOf", "anyOf" and "oneOf".
func (r *jsonReader) combine(n *Node, d *document, keyword string, branches []any) error {
	var nodes []*Node
	for _, b := range branches {
		if keyword != "allOf" && isNull(b) {
			n.Nullable = true
			continue
		}
		node, err := r.node(d, b)
		if err != nil {
			return err
		}
		nodes = append(nodes, node)
	}
	switch {
	case len(nodes) == 0:
	case keyword == "allOf" || len(nodes) == 1:
		for _, node := range nodes {
			r.merge(n, node)
		}
	case n.Kind == Any:
		n.Kind, n.Branches = OneOf, nodes
	default:
		n.Rest = append(n.Rest, keyword)
	}
	return nil
}

// isNull reports whether a subschema allows null alone.
func isNull(v any) bool {
	m, ok := v.(*Members)
	return ok && m.Get("type") == "null"
}

// merge adds what another node says that holds of the same data.
func (r *jsonReader) merge(n, other *Node) {
	if other.Kind == Ref && n.Kind == Any {
		n.Kind, n.Target = Ref, other.Target
		n.adopt(other)
		return
	}
	if n.Kind == Any && other.Name != "" {
		n.Kind, n.Target = Ref, other
		return
	}
	if n.Kind == Ref && n.Target.isBuilt {
		shape := n.Resolve()
		n.Kind, n.Target = Any, nil
		r.merge(n, unnamed(shape))
	}
	from := unnamed(other.Resolve())
	if !from.isBuilt || n.Kind != Any && from.Kind != Any && n.Kind != from.Kind {
		n.Rest = append(n.Rest, "allOf")
		return
	}
	if n.Kind == Any {
		n.Kind, n.Closed, n.Elem, n.Keys, n.Branches = from.Kind, from.Closed, from.Elem, from.Keys, from.Branches
	}
	for _, p := range from.Properties {
		if n.Property(p.Name) == nil {
			n.Properties = append(n.Properties, p)
		}
	}
	n.required = union(n.required, from.required)
	n.Rest = union(n.Rest, from.Rest)
	for _, c := range from.Constraints {
		if n.Constraint(c.Keyword) == nil {
			n.Constraints = append(n.Constraints, c)
		}
	}
	n.Nullable = n.Nullable || from.Nullable
	if n.Enum == nil {
		n.Enum = from.Enum
	}
	if n.Format == "" {
		n.Format = from.Format
	}
	n.adopt(from)
}

// union returns the words of both, each once: branches that say the same must not add up.
func union(a, b []string) []string {
	for _, word := range b {
		if !slices.Contains(a, word) {
			a = append(a, word)
		}
	}
	return a
}

// unnamed returns a copy that merge may take apart without taking it for a definition.
func unnamed(n *Node) *Node {
	c := *n
	c.Name = ""
	return &c
}

// adopt takes the words of another node where n has none.
func (n *Node) adopt(other *Node) {
	if n.Title == "" {
		n.Title = other.Title
	}
	if n.Description == "" {
		n.Description = other.Description
	}
	if n.Examples == nil {
		n.Examples = other.Examples
	}
	if !n.HasDefault {
		n.Default, n.HasDefault = other.Default, other.HasDefault
	}
	n.Deprecated = n.Deprecated || other.Deprecated
}

// annotate reads what is said to people.
func (n *Node) annotate(m *Members) {
	n.Title, _ = m.Get("title").(string)
	n.Description, _ = m.Get("description").(string)
	n.Deprecated, _ = m.Get("deprecated").(bool)
	n.Format, _ = m.Get("format").(string)
	n.Examples, _ = m.Get("examples").([]any)
	n.Default, n.HasDefault = m.Get("default"), m.Has("default")
	if comment, ok := m.Get("$comment").(string); ok && n.Description == "" {
		n.Description = comment
	}
	switch values, ok := m.Get("enum").([]any); {
	case m.Has("const"):
		n.Enum = []any{m.Get("const")}
	case ok:
		n.Enum = slices.Clone(values)
	}
	if i := slices.Index(n.Enum, nil); i >= 0 && len(n.Enum) > 1 {
		n.Nullable = true
		n.Enum = slices.Delete(n.Enum, i, i+1)
	}
	n.Description = strings.TrimSpace(n.Description)
}
