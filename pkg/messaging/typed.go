package messaging

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/herald-go/herald/envelope"
)

// Definition is one kind of event: its type, its version, and the Go type of its data. One package-level value serves publishers, handlers
// and catalogues. It is immutable and safe for concurrent use.
type Definition[T any] struct {
	typ, version string
	codec        DataCodec[T] // nil is JSON
}

// DataCodec turns values into the data of events and back. Implementations must be safe for concurrent use. schema/avro and schema/protobuf
// have one each.
type DataCodec[T any] interface {
	// ContentType returns the media type of what Marshal writes.
	ContentType() string
	// Marshal returns the data of v, in bytes that are the caller's.
	Marshal(v T) ([]byte, error)
	// Unmarshal reads data into v and must not keep data.
	Unmarshal(data []byte, v *T) error
}

// Define names a kind of event whose data is JSON of T. An empty version is "1".
func Define[T any](typ, version string) Definition[T] {
	if version == "" {
		version = "1"
	}
	return Definition[T]{typ: typ, version: version}
}

// DefineWith is Define for data that a codec writes and reads. A nil codec is JSON.
func DefineWith[T any](typ, version string, codec DataCodec[T]) Definition[T] {
	d := Define[T](typ, version)
	d.codec = codec
	return d
}

// Type returns the event type.
func (d Definition[T]) Type() string { return d.typ }

// Version returns the version of the data.
func (d Definition[T]) Version() string { return d.version }

// New makes an event of value. Options apply after type and version. A value that can't be encoded makes an event that Publish refuses
// with ErrInvalid and the codec's error.
func (d Definition[T]) New(value T, opts ...envelope.Option) envelope.Event {
	data, contentType, err := d.encode(value)
	all := make([]envelope.Option, 0, len(opts)+3)
	all = append(all, envelope.Version(d.version), envelope.ContentType(contentType))
	all = append(all, opts...)
	if err != nil {
		all = append(all, envelope.Failed(err))
	}
	return envelope.New(d.typ, data, all...)
}

// encode returns the data of value and its media type.
func (d Definition[T]) encode(value T) (data []byte, contentType string, err error) {
	if d.codec == nil {
		data, err = json.Marshal(value)
		return data, contentTypeJSON, err
	}
	data, err = d.codec.Marshal(value)
	return data, d.codec.ContentType(), err
}

// Decode reads an event's data into a T.
func (d Definition[T]) Decode(e *envelope.Event) (T, error) {
	var v T
	var err error
	if d.codec == nil {
		err = json.Unmarshal(e.Data, &v)
	} else {
		err = d.codec.Unmarshal(e.Data, &v)
	}
	if err != nil {
		return v, fmt.Errorf("data of %s version %s: %w", e.Type, e.Version, err)
	}
	return v, nil
}

const contentTypeJSON = "application/json"

// Typed is a delivery with its data decoded.
type Typed[T any] struct {
	*Delivery
	// Value is the decoded data.
	Value T
}

// On binds a function to a definition. Data that does not decode is a dead letter with reason "decode", and the function is not called.
func On[T any](d Definition[T], f func(ctx context.Context, e Typed[T]) error) Binding {
	if f == nil {
		return Binding{typ: d.typ, version: d.version}
	}
	return Binding{typ: d.typ, version: d.version, handler: HandlerFunc(func(ctx context.Context, dl *Delivery) error {
		v, err := d.Decode(&dl.Event)
		if err != nil {
			return refused(ReasonDecode, err)
		}
		return f(ctx, Typed[T]{Delivery: dl, Value: v})
	})}
}
