package compat

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// field compares two fields of the same number.
func (c *protoCheck) field(w, r protoreflect.FieldDescriptor) []Finding {
	path := string(r.FullName())
	var fs []Finding
	if r.Cardinality() == protoreflect.Required && w.Cardinality() != protoreflect.Required {
		fs = append(fs, c.finding(path, RuleProtoRequired, fmt.Sprintf("`%s` is required by %s: %s may lack it", r.Name(), c.reader, c.events())))
	}
	if c.jsonNames && w.JSONName() != r.JSONName() {
		fs = append(fs, c.finding(path, RuleProtoJSONName, fmt.Sprintf("`%s` is called %s: %s in JSON say `%s`",
			r.Name(), c.change("`"+r.JSONName()+"` now", "`"+r.JSONName()+"` in "+c.reader), c.events(), w.JSONName())))
	}
	if found := c.kinds(w, r); found != nil {
		return append(fs, *found)
	}
	fs = append(fs, c.label(w, r)...)
	switch {
	case w.Enum() != nil && r.Enum() != nil:
		fs = append(fs, c.enum(w.Enum(), r.Enum(), path)...)
	case w.Message() != nil && r.Message() != nil:
		fs = append(fs, c.below(w, r)...)
	}
	return fs
}

// below compares the messages of two fields. Map entries have no name of their own.
func (c *protoCheck) below(w, r protoreflect.FieldDescriptor) []Finding {
	from, to := w.Message(), r.Message()
	var fs []Finding
	if !from.IsMapEntry() && !to.IsMapEntry() && local(from) != local(to) {
		fs = append(fs, c.finding(string(r.FullName()), RuleProtoMessageType, fmt.Sprintf("`%s` changed from %s: %s hold a %s",
			r.Name(), c.change(local(from)+" to "+local(to), local(to)+" to "+local(from)), c.events(), local(from))))
	}
	return append(fs, c.message(from, to)...)
}

// local is a message's name within its package.
func local(m protoreflect.MessageDescriptor) string {
	return strings.TrimPrefix(string(m.FullName()), string(m.ParentFile().Package())+".")
}

// wireGroup puts kinds together that the language guide calls compatible on the wire.
func wireGroup(k protoreflect.Kind) string {
	switch k {
	case protoreflect.Int32Kind, protoreflect.Int64Kind, protoreflect.Uint32Kind, protoreflect.Uint64Kind, protoreflect.BoolKind, protoreflect.EnumKind:
		return "varint"
	case protoreflect.Sint32Kind, protoreflect.Sint64Kind:
		return "zigzag"
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind:
		return "fixed32"
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind:
		return "fixed64"
	case protoreflect.StringKind, protoreflect.BytesKind:
		return "text"
	}
	return k.String()
}

// holds lists, for a kind that is read, the other kinds of its group of which it holds every value. The guide calls the whole group compatible
// and says what happens to the rest: it is cut off as by a cast. That goes unnoticed, so it is reported.
var holds = map[protoreflect.Kind][]protoreflect.Kind{
	protoreflect.Int32Kind:  {protoreflect.BoolKind, protoreflect.EnumKind},
	protoreflect.Int64Kind:  {protoreflect.Int32Kind, protoreflect.Uint32Kind, protoreflect.BoolKind, protoreflect.EnumKind},
	protoreflect.Uint32Kind: {protoreflect.BoolKind},
	protoreflect.Uint64Kind: {protoreflect.Uint32Kind, protoreflect.BoolKind},
	protoreflect.Sint64Kind: {protoreflect.Sint32Kind},
	protoreflect.BytesKind:  {protoreflect.StringKind},
}

// kinds compares the types of two fields on the wire.
func (c *protoCheck) kinds(w, r protoreflect.FieldDescriptor) *Finding {
	a, b := w.Kind(), r.Kind()
	if a == b {
		return nil
	}
	path := string(r.FullName())
	from, to := typeName(w), typeName(r)
	changed := fmt.Sprintf("`%s` changed from %s: ", r.Name(), c.change(from+" to "+to, to+" to "+from))
	embedded := a == protoreflect.MessageKind && b == protoreflect.BytesKind
	switch {
	case embedded:
		return nil // the guide: bytes take an encoded message
	case a == protoreflect.BytesKind && b == protoreflect.MessageKind:
		f := c.finding(path, RuleProtoLossy, changed+c.events()+" may hold bytes that are no encoded message")
		return &f
	case wireGroup(a) != wireGroup(b):
		f := c.finding(path, RuleProtoType, changed+c.events()+" hold "+from+", which has another form on the wire")
		return &f
	}
	for _, k := range holds[b] {
		if k == a {
			return nil
		}
	}
	if b == protoreflect.EnumKind && !r.Enum().IsClosed() && a == protoreflect.Int32Kind {
		return nil // an open enum keeps every 32-bit number
	}
	f := c.finding(path, RuleProtoLossy, changed+c.events()+" may hold values that "+to+" does not")
	return &f
}

func typeName(f protoreflect.FieldDescriptor) string {
	switch {
	case f.Enum() != nil:
		return "enum " + string(f.Enum().Name())
	case f.IsMap():
		return "map"
	case f.Message() != nil:
		return f.Kind().String() + " " + local(f.Message())
	}
	return f.Kind().String()
}

// label compares repeated with singular. The guide: strings, bytes and messages are read either way, the last of several winning; numbers may
// be packed, which a singular field does not read.
func (c *protoCheck) label(w, r protoreflect.FieldDescriptor) []Finding {
	from, to := w.Cardinality() == protoreflect.Repeated, r.Cardinality() == protoreflect.Repeated
	if from == to {
		return nil
	}
	path := string(r.FullName())
	changed := fmt.Sprintf("`%s` changed from %s: ", r.Name(), c.change(labelName(from)+" to "+labelName(to), labelName(to)+" to "+labelName(from)))
	switch wireGroup(w.Kind()) {
	case "text", protoreflect.MessageKind.String(), protoreflect.GroupKind.String():
		if to {
			return nil
		}
		return []Finding{c.finding(path, RuleProtoLabelLossy, changed+c.events()+" may hold several, of which "+c.reader+" keeps the last")}
	}
	return []Finding{c.finding(path, RuleProtoLabel, changed+c.events()+" may carry the numbers in a form that "+c.reader+" does not read")}
}

func labelName(repeated bool) string {
	if repeated {
		return "repeated"
	}
	return "singular"
}

// enum compares the numbers of two enums. An open enum keeps a number that it does not know; a closed one loses it.
func (c *protoCheck) enum(w, r protoreflect.EnumDescriptor, path string) []Finding {
	var fs []Finding
	for i := range w.Values().Len() {
		v := w.Values().Get(i)
		to := r.Values().ByNumber(v.Number())
		if !c.spend() || len(fs) >= MaxFindings {
			return fs
		}
		if to == nil && r.IsClosed() {
			fs = append(fs, c.finding(path, RuleProtoEnumValue, fmt.Sprintf("the value %s = %d %s the closed enum %s: %s may hold it, and %s loses it",
				v.Name(), v.Number(), c.change("left", "is new in"), r.Name(), c.events(), c.reader)))
		}
		if c.jsonNames && r.Values().ByName(v.Name()) == nil {
			fs = append(fs, c.finding(path, RuleProtoJSONName, fmt.Sprintf("the value %s of the enum %s is not known to %s by this name: %s in JSON say it",
				v.Name(), r.Name(), c.reader, c.events())))
		}
	}
	return fs
}
