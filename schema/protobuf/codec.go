package protobuf

import (
	"fmt"
	"reflect"

	"google.golang.org/protobuf/proto"
)

// ContentType is the media type of what a Codec writes.
const ContentType = "application/protobuf"

// Codec encodes generated messages. It is a data codec for pkg/messaging's DefineWith. The zero value is ready and safe for concurrent use.
type Codec[T proto.Message] struct{}

// ContentType returns ContentType.
func (Codec[T]) ContentType() string { return ContentType }

// Marshal encodes v. The bytes are the caller's. Two encodings of one message may differ, as the library has it.
func (Codec[T]) Marshal(v T) ([]byte, error) {
	data, err := proto.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode protobuf: %w", err)
	}
	return data, nil
}

// limits are the depth that Compiler's validators allow.
var limits = proto.UnmarshalOptions{RecursionLimit: maxDepth}

// Unmarshal decodes data into a new message and sets v to it. A T that is an interface names no message: that is an error.
func (Codec[T]) Unmarshal(data []byte, v *T) error {
	var zero T
	if any(zero) == nil {
		return fmt.Errorf("decode protobuf: expected the codec of a generated message, got that of %v", reflect.TypeFor[T]())
	}
	m, ok := zero.ProtoReflect().Type().New().Interface().(T)
	if !ok {
		return fmt.Errorf("decode protobuf: %T is not its own message", zero)
	}
	if err := limits.Unmarshal(data, m); err != nil {
		return fmt.Errorf("decode protobuf: %w", err)
	}
	*v = m
	return nil
}
