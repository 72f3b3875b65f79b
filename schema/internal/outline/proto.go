package outline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/herald-go/herald/schema"
)

// mainFile is what the text itself is called while it is compiled.
const mainFile = "herald-schema.proto"

func readProto(s schema.Schema) (*Node, error) {
	texts := map[string]string{mainFile: string(s.Text)}
	collectProto(&s, texts)
	compiler := protocompile.Compiler{
		MaxParallelism: 1,
		SourceInfoMode: protocompile.SourceInfoStandard,
		Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{Accessor: func(name string) (io.ReadCloser, error) {
			text, ok := texts[name]
			if !ok {
				return nil, fmt.Errorf("%q is not among the references", name)
			}
			return io.NopCloser(strings.NewReader(text)), nil
		}}),
	}
	files, err := compiler.Compile(context.Background(), mainFile)
	if err != nil {
		return nil, err
	}
	message, err := messageOf(files[0], s.Message)
	if err != nil {
		return nil, err
	}
	r := &protoReader{known: make(map[protoreflect.FullName]*Node)}
	return r.message(message)
}

func collectProto(s *schema.Schema, texts map[string]string) {
	for i := range s.References {
		texts[s.References[i].Name] = string(s.References[i].Text)
		collectProto(&s.References[i].Schema, texts)
	}
}

// messageOf returns the message of that full name, or the first one of the file.
func messageOf(file protoreflect.FileDescriptor, name string) (protoreflect.MessageDescriptor, error) {
	if name == "" {
		if file.Messages().Len() == 0 {
			return nil, errors.New("expected a message")
		}
		return file.Messages().Get(0), nil
	}
	found := findMessage(file.Messages(), protoreflect.FullName(name))
	if found == nil {
		return nil, fmt.Errorf("no message %q", name)
	}
	return found, nil
}

func findMessage(messages protoreflect.MessageDescriptors, name protoreflect.FullName) protoreflect.MessageDescriptor {
	for i := range messages.Len() {
		m := messages.Get(i)
		if m.FullName() == name {
			return m
		}
		if inner := findMessage(m.Messages(), name); inner != nil {
			return inner
		}
	}
	return nil
}

// protoReader turns Protobuf messages into nodes.
type protoReader struct {
	known map[protoreflect.FullName]*Node
}

// wellKnown are the messages with a JSON form of their own (the ProtoJSON format).
var wellKnown = map[protoreflect.FullName]Node{
	"google.protobuf.Timestamp":   {Kind: String, Format: "date-time"},
	"google.protobuf.Duration":    {Kind: String, Format: "duration"},
	"google.protobuf.FieldMask":   {Kind: String},
	"google.protobuf.Struct":      {Kind: Map, Elem: &Node{Kind: Any}},
	"google.protobuf.Value":       {Kind: Any},
	"google.protobuf.ListValue":   {Kind: Array, Elem: &Node{Kind: Any}},
	"google.protobuf.Any":         {Kind: Any},
	"google.protobuf.Empty":       {Kind: Object},
	"google.protobuf.StringValue": {Kind: String, Nullable: true},
	"google.protobuf.BytesValue":  {Kind: Bytes, Nullable: true},
	"google.protobuf.BoolValue":   {Kind: Boolean, Nullable: true},
	"google.protobuf.Int32Value":  {Kind: Integer, Nullable: true},
	"google.protobuf.Int64Value":  {Kind: Integer, Nullable: true},
	"google.protobuf.UInt32Value": {Kind: Integer, Nullable: true},
	"google.protobuf.UInt64Value": {Kind: Integer, Nullable: true},
	"google.protobuf.FloatValue":  {Kind: Number, Nullable: true},
	"google.protobuf.DoubleValue": {Kind: Number, Nullable: true},
}

func (r *protoReader) message(m protoreflect.MessageDescriptor) (*Node, error) {
	if n := r.known[m.FullName()]; n != nil {
		return n, nil
	}
	if len(r.known) > maxNodes {
		return nil, errNodes
	}
	n := &Node{Kind: Object, Name: string(m.FullName()), Native: string(m.FullName()), isBuilt: true}
	r.known[m.FullName()] = n
	n.Description = comment(m)
	n.Deprecated = isDeprecated(m)
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		field, err := r.field(f)
		if err != nil {
			return nil, err
		}
		isRequired := f.Cardinality() == protoreflect.Required
		n.Properties = append(n.Properties, Property{Name: string(f.Name()), Required: isRequired, Node: field})
	}
	return n, nil
}

func (r *protoReader) field(f protoreflect.FieldDescriptor) (*Node, error) {
	n, err := r.value(f)
	if err != nil {
		return nil, err
	}
	switch {
	case f.IsMap():
		elem, err := r.value(f.MapValue())
		if err != nil {
			return nil, err
		}
		n = &Node{Kind: Map, Elem: elem, Native: "map", isBuilt: true}
		if f.MapKey().Kind() != protoreflect.StringKind {
			n.Keys = &Node{Kind: protoKinds[f.MapKey().Kind()], Native: f.MapKey().Kind().String(), isBuilt: true}
		}
	case f.IsList():
		n = &Node{Kind: Array, Elem: n, Native: "repeated", isBuilt: true}
	}
	n.Description = comment(f)
	n.Deprecated = isDeprecated(f)
	if o := f.ContainingOneof(); o != nil && !o.IsSynthetic() {
		n.Description = strings.TrimSpace(n.Description + "\nOne of " + string(o.Name()) + ".")
	}
	if f.HasDefault() {
		n.Default, n.HasDefault = f.Default().String(), true
		if v, err := Decode([]byte(f.Default().String())); err == nil && n.Kind != String && n.Kind != Bytes {
			n.Default = v
		}
	}
	return n, nil
}

var protoKinds = map[protoreflect.Kind]Kind{
	protoreflect.BoolKind: Boolean, protoreflect.StringKind: String, protoreflect.BytesKind: Bytes,
	protoreflect.FloatKind: Number, protoreflect.DoubleKind: Number,
	protoreflect.Int32Kind: Integer, protoreflect.Sint32Kind: Integer, protoreflect.Uint32Kind: Integer, protoreflect.Fixed32Kind: Integer,
	protoreflect.Sfixed32Kind: Integer, protoreflect.Int64Kind: Integer, protoreflect.Sint64Kind: Integer, protoreflect.Uint64Kind: Integer,
	protoreflect.Fixed64Kind: Integer, protoreflect.Sfixed64Kind: Integer,
}

// value returns a new node for what one element of a field holds.
func (r *protoReader) value(f protoreflect.FieldDescriptor) (*Node, error) {
	if f.IsMap() {
		return nil, nil
	}
	switch f.Kind() {
	case protoreflect.EnumKind:
		n := &Node{Kind: String, Native: string(f.Enum().FullName()), isBuilt: true}
		for i := range f.Enum().Values().Len() {
			n.Enum = append(n.Enum, string(f.Enum().Values().Get(i).Name()))
		}
		return n, nil
	case protoreflect.MessageKind, protoreflect.GroupKind:
		if known, ok := wellKnown[f.Message().FullName()]; ok {
			known.Native, known.isBuilt = string(f.Message().FullName()), true
			return &known, nil
		}
		target, err := r.message(f.Message())
		if err != nil {
			return nil, err
		}
		return &Node{Kind: Ref, Target: target, isBuilt: true}, nil
	}
	return &Node{Kind: protoKinds[f.Kind()], Native: f.Kind().String(), isBuilt: true}, nil
}

// comment returns what is written above a declaration, or behind it.
func comment(d protoreflect.Descriptor) string {
	at := d.ParentFile().SourceLocations().ByDescriptor(d)
	text := at.LeadingComments
	if strings.TrimSpace(text) == "" {
		text = at.TrailingComments
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSpace(line)
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

// isDeprecated reads the option of messages and fields.
func isDeprecated(d protoreflect.Descriptor) bool {
	options, ok := d.Options().(interface{ GetDeprecated() bool })
	return ok && options.GetDeprecated()
}
