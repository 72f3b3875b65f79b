package protobuf

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// node is one message type, made for a quick walk over data.
type node struct {
	name     string
	fields   map[protowire.Number]*field
	required []*field
}

// field is one field of a message type.
type field struct {
	number   protowire.Number
	name     string // its JSON name
	wire     protowire.Type
	kind     protoreflect.Kind
	isList   bool
	isMap    bool
	isPacked bool // may come packed
	isUTF8   bool
	required int   // its place among the required fields, -1 when it is none
	message  *node // of messages and groups
}

// nodes are the message types of one schema. A type is one node however often it is used, so that a type may contain itself.
type nodes map[protoreflect.FullName]*node

func (all nodes) message(m protoreflect.MessageDescriptor) *node {
	if n, ok := all[m.FullName()]; ok {
		return n
	}
	n := &node{name: string(m.FullName()), fields: make(map[protowire.Number]*field, m.Fields().Len())}
	all[m.FullName()] = n
	for i := range m.Fields().Len() {
		n.add(all.field(m.Fields().Get(i)))
	}
	return n
}

func (n *node) add(f *field) {
	n.fields[f.number] = f
	if f.required == 0 {
		f.required = len(n.required)
		n.required = append(n.required, f)
	}
}

func (all nodes) field(d protoreflect.FieldDescriptor) *field {
	f := &field{
		number: d.Number(), name: d.JSONName(), kind: d.Kind(), wire: wireOf(d.Kind()), isList: d.IsList(), isMap: d.IsMap(), required: -1,
		isUTF8: d.Kind() == protoreflect.StringKind && d.ParentFile().Syntax() != protoreflect.Proto2,
	}
	f.isPacked = f.isList && f.wire != protowire.BytesType && f.wire != protowire.StartGroupType
	if d.Cardinality() == protoreflect.Required {
		f.required = 0
	}
	if d.Message() != nil {
		f.message = all.message(d.Message())
	}
	return f
}

// wireOf returns the wire type of a kind, by the format's specification, "Message Structure".
func wireOf(k protoreflect.Kind) protowire.Type {
	switch k {
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind, protoreflect.FloatKind:
		return protowire.Fixed32Type
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind, protoreflect.DoubleKind:
		return protowire.Fixed64Type
	case protoreflect.StringKind, protoreflect.BytesKind, protoreflect.MessageKind:
		return protowire.BytesType
	case protoreflect.GroupKind:
		return protowire.StartGroupType
	default:
		return protowire.VarintType
	}
}

// wireName returns the name that the format's specification has for a wire type.
func wireName(t protowire.Type) string {
	names := [...]string{"VARINT", "I64", "LEN", "SGROUP", "EGROUP", "I32"}
	if t < 0 || int(t) >= len(names) {
		return "unknown"
	}
	return names[t]
}
