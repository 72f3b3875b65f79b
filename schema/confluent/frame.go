package confluent

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/herald-go/herald/schema"
)

// Magic is the first byte of a frame.
const Magic = 0x00

// prefixSize is the magic byte and the id.
const prefixSize = 5

// maxIndexes is how deep a message may be declared in others.
const maxIndexes = 64

// frame is what stands before the data of one type and version.
type frame struct {
	id      int
	indexes []int // of Protobuf only
	bytes   []byte
}

// AppendFrame appends a frame to b: 0, the id as four bytes, the highest first, and for Protobuf the path of indexes to the message, as zig-zag
// numbers with their count before them; the path [0] is the single byte 0. Formats other than Protobuf have no indexes.
func AppendFrame(b []byte, id int, indexes []int) ([]byte, error) {
	if id < 0 || id > math.MaxInt32 {
		return b, fmt.Errorf("frame: expected an id of 31 bits, got %d", id)
	}
	b = append(b, Magic)
	b = binary.BigEndian.AppendUint32(b, uint32(id))
	switch {
	case indexes == nil:
		return b, nil
	case slices.Equal(indexes, []int{0}):
		return append(b, 0), nil
	}
	b = binary.AppendVarint(b, int64(len(indexes)))
	for _, i := range indexes {
		b = binary.AppendVarint(b, int64(i))
	}
	return b, nil
}

var (
	errFrame   = errors.New("frame: expected the byte 0 and an id of four bytes")
	errIndexes = errors.New("frame: expected the indexes of a message")
)

// CutFrame returns the id of a frame and what follows it.
func CutFrame(data []byte) (id int, rest []byte, err error) {
	if len(data) < prefixSize || data[0] != Magic {
		return 0, data, errFrame
	}
	n := binary.BigEndian.Uint32(data[1:])
	if n > math.MaxInt32 {
		return 0, data, errFrame
	}
	return int(n), data[prefixSize:], nil
}

// CutIndexes returns the path of indexes that follows the id where the schema is Protobuf, and what follows it.
func CutIndexes(data []byte) (indexes []int, rest []byte, err error) {
	count, n := binary.Varint(data)
	if n <= 0 || count < 0 || count > maxIndexes {
		return nil, data, errIndexes
	}
	rest = data[n:]
	if count == 0 {
		return []int{0}, rest, nil
	}
	for range count {
		i, n := binary.Varint(rest)
		if n <= 0 || i < 0 || i > math.MaxInt32 {
			return nil, data, errIndexes
		}
		indexes, rest = append(indexes, int(i)), rest[n:]
	}
	return indexes, rest, nil
}

// Frame implements schema.Framing.
func (c *Client) Frame(ctx context.Context, ref schema.Ref, s schema.Schema, data []byte) ([]byte, error) {
	f, err := c.frame(ctx, ref, s)
	if err != nil {
		return nil, err
	}
	framed := make([]byte, 0, len(f.bytes)+len(data))
	return append(append(framed, f.bytes...), data...), nil
}

// Unframe implements schema.Framing.
func (c *Client) Unframe(ctx context.Context, ref schema.Ref, s schema.Schema, data []byte) ([]byte, error) {
	f, err := c.frame(ctx, ref, s)
	if err != nil {
		return nil, err
	}
	if rest, ok := bytes.CutPrefix(data, f.bytes); ok {
		return rest, nil
	}
	id, rest, err := CutFrame(data)
	switch {
	case err != nil:
		return nil, mismatch(fmt.Sprintf("a frame: the byte 0 and the schema's id %d", f.id))
	case id != f.id:
		return nil, mismatch(fmt.Sprintf("the frame of the schema's id %d, got %d", f.id, id))
	}
	// The id is right and the bytes differ: the indexes may be written in another way.
	indexes, rest, err := CutIndexes(rest)
	if err != nil || !slices.Equal(indexes, f.indexes) {
		return nil, mismatch(fmt.Sprintf("the indexes %v of the schema's message", f.indexes))
	}
	return rest, nil
}

func mismatch(expected string) error {
	return &schema.Error{Violations: []schema.Violation{{Keyword: "frame", Expected: expected}}}
}

// frame returns what stands before the data of ref.
func (c *Client) frame(ctx context.Context, ref schema.Ref, s schema.Schema) (frame, error) {
	return c.frames.get(ctx, ref.Canonical(), func(ctx context.Context) (frame, error) {
		id, err := c.ID(ctx, ref)
		if err != nil {
			return frame{}, err
		}
		f := frame{id: id}
		if s.Format == schema.Protobuf {
			if f.indexes, err = c.indexes(s); err != nil {
				return frame{}, err
			}
		}
		f.bytes, err = AppendFrame(nil, f.id, f.indexes)
		return f, err
	})
}

func (c *Client) indexes(s schema.Schema) ([]int, error) {
	switch {
	case c.config.Indexes != nil:
		return c.config.Indexes(s)
	case s.Message != "":
		return nil, fmt.Errorf("%w: %s: its message is not the first, and Config.Indexes is not set", schema.ErrInvalidSchema, s.Source)
	}
	return []int{0}, nil
}
