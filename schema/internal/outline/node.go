package outline

// Kind is what data of a node is.
type Kind string

// The kinds of nodes.
const (
	// Any is data of which the schema says nothing, or nothing that the tree can say.
	Any Kind = "any"
	// Object has Properties.
	Object Kind = "object"
	// Map has members of any name, each an Elem.
	Map Kind = "map"
	// Array has elements, each an Elem.
	Array Kind = "array"
	// String, Integer, Number, Boolean and Null are JSON's.
	String  Kind = "string"
	Integer Kind = "integer"
	Number  Kind = "number"
	Boolean Kind = "boolean"
	Null    Kind = "null"
	// Bytes is binary data: Avro's bytes and fixed, Protobuf's bytes, base64 in JSON.
	Bytes Kind = "bytes"
	// OneOf is data of one of the Branches.
	OneOf Kind = "one of"
	// Ref is data of another node, Target, which several places may share.
	Ref Kind = "ref"
)

// Node is one subschema. Nodes that Read returned must not be changed.
type Node struct {
	// Kind says which of the fields count.
	Kind Kind
	// Name is the name of a definition that others refer to; "" for the root and what is written in place.
	Name string
	// Title and Description are the schema's own words.
	Title, Description string
	// Deprecated says that the schema calls it so.
	Deprecated bool
	// Nullable says that it may be null instead.
	Nullable bool
	// Format is JSON Schema's "format", or what means the same in another language: "date-time", "uuid".
	Format string
	// Native is the name of the type in Avro or Protobuf, such as "fixed32"; "" in JSON Schema.
	Native string
	// Properties are those of an Object, in the order of the schema.
	Properties []Property
	// Closed says that an Object has no other properties.
	Closed bool
	// Elem is what an Array or a Map holds, and what other properties of an Object hold, if the schema says so.
	Elem *Node
	// Keys are the constraints on the names of a Map; nil is none.
	Keys *Node
	// Branches are those of a OneOf.
	Branches []*Node
	// Target is what a Ref names.
	Target *Node
	// Enum are the values allowed, as Decode returns them; a "const" is one value. Nil is no limit.
	Enum []any
	// Examples are the schema's own.
	Examples []any
	// Default is the schema's own, if HasDefault.
	Default    any
	HasDefault bool
	// Constraints are bounds, pattern and the like, in the order of the schema.
	Constraints []Constraint
	// Rest are the keywords that the tree does not express.
	Rest []string

	required []string // of properties, some of which come later
	isBuilt  bool
}

// Property is one member of an object.
type Property struct {
	// Name is the member's name.
	Name string
	// Required says that it must be there.
	Required bool
	// Node is what it holds.
	Node *Node
}

// Constraint is one rule on a value, by JSON Schema's keyword.
type Constraint struct {
	Keyword string
	// Value is as Decode returns it.
	Value any
}

// Resolve follows references to the node that has the data's shape. The result is n itself when it is no Ref, and a node of kind Any where
// references only lead to each other.
func (n *Node) Resolve() *Node {
	for range 100 {
		if n.Kind != Ref {
			return n
		}
		n = n.Target
	}
	return &Node{Kind: Any}
}

// Property returns the property of that name, or nil.
func (n *Node) Property(name string) *Property {
	for i := range n.Properties {
		if n.Properties[i].Name == name {
			return &n.Properties[i]
		}
	}
	return nil
}

// Constraint returns the value of a keyword, or nil.
func (n *Node) Constraint(keyword string) any {
	for _, c := range n.Constraints {
		if c.Keyword == keyword {
			return c.Value
		}
	}
	return nil
}
