package outline

import (
	"errors"
	"fmt"
	"strings"

	"github.com/herald-go/herald/schema"
)

// avroReader turns an Avro schema into nodes.
type avroReader struct {
	names  map[string]*Node // by full name
	others map[string]*schema.Schema
	count  int
	depth  int
}

func readAvro(s schema.Schema) (*Node, error) {
	r := &avroReader{names: make(map[string]*Node), others: make(map[string]*schema.Schema)}
	r.collect(&s)
	return r.text(&s)
}

// collect notes which names other texts declare.
func (r *avroReader) collect(s *schema.Schema) {
	for i := range s.References {
		ref := &s.References[i]
		r.others[ref.Name] = &ref.Schema
		r.collect(&ref.Schema)
	}
}

func (r *avroReader) text(s *schema.Schema) (*Node, error) {
	v, err := Decode(s.Text)
	if err != nil {
		return nil, err
	}
	return r.node(v, "")
}

// avroKinds are the primitive types.
var avroKinds = map[string]Kind{
	"null": Null, "boolean": Boolean, "int": Integer, "long": Integer, "float": Number, "double": Number, "bytes": Bytes, "string": String,
}

// avroFormats are what logical types are called in JSON Schema.
var avroFormats = map[string]string{
	"timestamp-millis": "date-time", "timestamp-micros": "date-time", "timestamp-nanos": "date-time", "date": "date", "uuid": "uuid",
	"time-millis": "time", "time-micros": "time", "duration": "duration", "decimal": "decimal",
	"local-timestamp-millis": "local-date-time", "local-timestamp-micros": "local-date-time",
}

func (r *avroReader) node(v any, namespace string) (*Node, error) {
	if r.count++; r.count > maxNodes {
		return nil, errNodes
	}
	switch v := v.(type) {
	case string:
		return r.named(v, namespace)
	case []any:
		return r.union(v, namespace)
	case *Members:
		return r.complex(v, namespace)
	}
	return nil, errors.New("expected a name, a list or an object")
}

// named returns a primitive type, or one that is declared elsewhere.
func (r *avroReader) named(name, namespace string) (*Node, error) {
	if kind, ok := avroKinds[name]; ok {
		return &Node{Kind: kind, Native: name, isBuilt: true}, nil
	}
	full := fullName(name, namespace)
	for _, candidate := range []string{full, name} {
		if n := r.names[candidate]; n != nil {
			return &Node{Kind: Ref, Target: n, isBuilt: true}, nil
		}
		other := r.others[candidate]
		if other == nil || r.depth > schema.MaxReferenceDepth {
			continue
		}
		r.depth++
		_, err := r.text(other)
		r.depth--
		if err != nil {
			return nil, fmt.Errorf("reference %q: %w", candidate, err)
		}
		if n := r.names[candidate]; n != nil {
			return &Node{Kind: Ref, Target: n, isBuilt: true}, nil
		}
	}
	return nil, fmt.Errorf("%q is declared nowhere", full)
}

func fullName(name, namespace string) string {
	if namespace == "" || strings.Contains(name, ".") {
		return name
	}
	return namespace + "." + name
}

// union reads a list of branches; null among them makes the rest nullable.
func (r *avroReader) union(branches []any, namespace string) (*Node, error) {
	var nodes []*Node
	isNullable := false
	for _, b := range branches {
		if b == "null" {
			isNullable = true
			continue
		}
		n, err := r.node(b, namespace)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	switch len(nodes) {
	case 0:
		return &Node{Kind: Null, Native: "null", isBuilt: true}, nil
	case 1:
		if !isNullable {
			return nodes[0], nil
		}
		if nodes[0].Name != "" {
			return &Node{Kind: Ref, Target: nodes[0], Nullable: true, isBuilt: true}, nil
		}
		n := *nodes[0]
		n.Nullable = true
		return &n, nil
	}
	return &Node{Kind: OneOf, Branches: nodes, Nullable: isNullable, Native: "union", isBuilt: true}, nil
}

// complex reads what is written as an object.
func (r *avroReader) complex(m *Members, namespace string) (*Node, error) {
	typ, isName := m.Get("type").(string)
	if !isName {
		return r.node(m.Get("type"), namespace)
	}
	n := &Node{Native: typ}
	n.Description, _ = m.Get("doc").(string)
	switch typ {
	case "record", "error", "enum", "fixed":
		return n, r.declare(n, m, namespace)
	case "array":
		n.Kind = Array
		return n, r.elem(n, m.Get("items"), namespace)
	case "map":
		n.Kind = Map
		return n, r.elem(n, m.Get("values"), namespace)
	}
	kind, ok := avroKinds[typ]
	if !ok {
		return r.named(typ, namespace)
	}
	n.Kind = kind
	n.logical(m)
	return n, nil
}

// logical reads a logical type; one that is unknown is ignored, as Avro's specification asks.
func (n *Node) logical(m *Members) {
	logical, _ := m.Get("logicalType").(string)
	format, ok := avroFormats[logical]
	if !ok {
		return
	}
	n.Format = format
	n.Native += " " + logical
	for _, keyword := range []string{"precision", "scale"} {
		if m.Has(keyword) {
			n.Constraints = append(n.Constraints, Constraint{keyword, m.Get(keyword)})
		}
	}
}

func (r *avroReader) elem(n *Node, v any, namespace string) error {
	elem, err := r.node(v, namespace)
	n.Elem = elem
	return err
}

// declare reads a named type.
func (r *avroReader) declare(n *Node, m *Members, namespace string) error {
	name, _ := m.Get("name").(string)
	if name == "" {
		return errors.New("a named type without a name")
	}
	if own, ok := m.Get("namespace").(string); ok && !strings.Contains(name, ".") {
		namespace = own
	}
	n.Name = fullName(name, namespace)
	if i := strings.LastIndexByte(n.Name, '.'); i >= 0 {
		namespace = n.Name[:i]
	}
	if r.names[n.Name] == nil {
		r.names[n.Name] = n
	}
	switch n.Native {
	case "enum":
		n.Kind = String
		for _, symbol := range list(m.Get("symbols")) {
			n.Enum = append(n.Enum, symbol)
		}
		n.Default, n.HasDefault = m.Get("default"), m.Has("default")
		return nil
	case "fixed":
		n.Kind = Bytes
		n.logical(m)
		n.Constraints = append(n.Constraints, Constraint{"size", m.Get("size")})
		return nil
	}
	n.Kind, n.Closed = Object, true
	fields, _ := m.Get("fields").([]any)
	for _, f := range fields {
		if err := r.field(n, f, namespace); err != nil {
			return err
		}
	}
	return nil
}

// field reads one field of a record. One without a default is required: a reader fails without it.
func (r *avroReader) field(n *Node, v any, namespace string) error {
	m, ok := v.(*Members)
	if !ok {
		return fmt.Errorf("a field of %s is no object", n.Name)
	}
	name, _ := m.Get("name").(string)
	typ, err := r.node(m.Get("type"), namespace)
	if err != nil {
		return fmt.Errorf("field %q: %w", name, err)
	}
	own := &Node{Kind: Ref, Target: typ, Nullable: typ.Nullable, isBuilt: true}
	if typ.Name == "" {
		c := *typ
		own = &c
	}
	if doc, ok := m.Get("doc").(string); ok {
		own.Description = doc
	}
	own.Default, own.HasDefault = m.Get("default"), m.Has("default")
	n.Properties = append(n.Properties, Property{Name: name, Required: !own.HasDefault, Node: own})
	return nil
}
