package protobuf

import (
	"strconv"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/herald-go/herald/schema"
)

// maxDepth is how many levels of messages and groups data may have.
const maxDepth = 100

// validator checks data against one message type.
type validator struct{ root *node }

// Validate implements schema.Validator.
func (v *validator) Validate(data []byte) error {
	bad := v.root.check(data, 0)
	if bad == nil {
		return nil
	}
	p := ""
	for i := len(bad.tokens) - 1; i >= 0; i-- {
		p = schema.Pointer(p, bad.tokens[i])
	}
	return &schema.Error{Violations: []schema.Violation{{Pointer: p, Keyword: bad.keyword, Expected: bad.expected}}}
}

// broken is where a walk ended. The tokens of its pointer are gathered on the way back, so that a walk that succeeds writes none.
type broken struct {
	keyword, expected string
	tokens            []string // the innermost first
}

// check walks over one message.
func (n *node) check(data []byte, depth int) *broken {
	if depth > maxDepth {
		return &broken{keyword: "limit", expected: "at most " + strconv.Itoa(maxDepth) + " levels of messages"}
	}
	var few [1]uint64
	seen := few[:]
	if len(n.required) > 64 {
		seen = make([]uint64, (len(n.required)+63)/64)
	}
	for rest := data; len(rest) > 0; {
		number, wire, size := protowire.ConsumeTag(rest)
		if size < 0 {
			return &broken{keyword: "wire", expected: "a field of " + n.name + " at its byte " + strconv.Itoa(len(data)-len(rest))}
		}
		f := n.fields[number]
		if f != nil && f.required >= 0 {
			seen[f.required/64] |= 1 << (f.required % 64)
		}
		value, used, bad := read(f, number, wire, rest[size:])
		if bad == nil && f != nil {
			bad = f.check(value, wire, depth)
		}
		if bad != nil {
			return n.inside(bad, f, data[:len(data)-len(rest)], value)
		}
		rest = rest[size+used:]
	}
	for i, f := range n.required {
		if seen[i/64]&(1<<(i%64)) == 0 {
			return &broken{keyword: "required", expected: "the field " + f.name}
		}
	}
	return nil
}

// read takes the bytes of one field: of those with a length what the length encloses, of a group what its tags do.
func read(f *field, number protowire.Number, wire protowire.Type, b []byte) (value []byte, used int, bad *broken) {
	switch wire {
	case protowire.BytesType:
		value, used = protowire.ConsumeBytes(b)
	case protowire.StartGroupType:
		if depth := groupDepth(b); depth > maxDepth {
			return nil, 0, &broken{keyword: "limit", expected: "at most " + strconv.Itoa(maxDepth) + " levels of groups"}
		}
		value, used = protowire.ConsumeGroup(number, b)
	default:
		used = protowire.ConsumeFieldValue(number, wire, b)
		value = b[:max(used, 0)]
	}
	if used < 0 {
		name := "unknown field " + strconv.Itoa(int(number))
		if f != nil {
			name = "field"
		}
		return nil, 0, &broken{keyword: "wire", expected: "the " + name + " to end within its message"}
	}
	return value, used, nil
}

// groupDepth returns how deep groups open before the data ends or breaks.
func groupDepth(b []byte) int {
	deepest, now := 1, 1
	for len(b) > 0 && now > 0 && deepest <= maxDepth {
		number, wire, n := protowire.ConsumeTag(b)
		if n < 0 {
			return deepest
		}
		b = b[n:]
		switch wire {
		case protowire.StartGroupType:
			now++
			deepest = max(deepest, now)
		case protowire.EndGroupType:
			now--
		default:
			if n = protowire.ConsumeFieldValue(number, wire, b); n < 0 {
				return deepest
			}
			b = b[n:]
		}
	}
	return deepest
}

// check walks over the value of one field.
func (f *field) check(value []byte, wire protowire.Type, depth int) *broken {
	switch {
	case wire == f.wire && f.message != nil:
		return f.message.check(value, depth+1)
	case wire == f.wire:
		if f.isUTF8 && !utf8.Valid(value) {
			return &broken{keyword: "type", expected: "text of UTF-8"}
		}
		return nil
	case wire == protowire.BytesType && f.isPacked:
		return f.checkPacked(value)
	}
	return &broken{keyword: "type", expected: f.kind.String() + ", wire type " + wireName(f.wire) + ", got " + wireName(wire)}
}

func (f *field) checkPacked(b []byte) *broken {
	for len(b) > 0 {
		n := protowire.ConsumeFieldValue(f.number, f.wire, b)
		if n < 0 {
			return &broken{keyword: "wire", expected: "packed values of " + f.kind.String()}
		}
		b = b[n:]
	}
	return nil
}

// inside adds where in the message it broke. before is what the message had before the field.
func (n *node) inside(bad *broken, f *field, before, value []byte) *broken {
	switch {
	case f == nil:
		return bad
	case f.isMap:
		if len(bad.tokens) > 0 {
			bad.tokens = bad.tokens[:len(bad.tokens)-1] // the entry's own "key" or "value"
		}
		bad.tokens = append(bad.tokens, f.key(value))
	case f.isList:
		bad.tokens = append(bad.tokens, strconv.Itoa(count(before, f.number)))
	}
	bad.tokens = append(bad.tokens, f.name)
	return bad
}

// count returns how often a field stands in b, which has been walked over.
func count(b []byte, number protowire.Number) int {
	found := 0
	for len(b) > 0 {
		at, _, n := protowire.ConsumeField(b)
		if n < 0 {
			return found
		}
		if at == number {
			found++
		}
		b = b[n:]
	}
	return found
}

// key returns the key of a map's entry for a pointer.
func (f *field) key(entry []byte) string {
	kind := f.message.fields[1].kind
	for len(entry) > 0 {
		number, wire, n := protowire.ConsumeTag(entry)
		if n < 0 {
			return ""
		}
		entry = entry[n:]
		if number == 1 {
			return keyText(kind, wire, entry)
		}
		if n = protowire.ConsumeFieldValue(number, wire, entry); n < 0 {
			return ""
		}
		entry = entry[n:]
	}
	return ""
}

func keyText(kind protoreflect.Kind, wire protowire.Type, b []byte) string {
	switch wire {
	case protowire.BytesType:
		text, _ := protowire.ConsumeString(b)
		return clip(text)
	case protowire.VarintType:
		v, _ := protowire.ConsumeVarint(b)
		if kind == protoreflect.Sint32Kind || kind == protoreflect.Sint64Kind {
			return strconv.FormatInt(protowire.DecodeZigZag(v), 10)
		}
		return strconv.FormatInt(int64(v), 10)
	default:
		return ""
	}
}
