package rabbitmq

import (
	"encoding/binary"
	"math"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// cursor reads the fields of AMQP 0-9-1 from the front of b. What it returns shares b's memory. After the first thing that is not whole it is
// bad, and returns zero values.
type cursor[B []byte | string] struct {
	b   B
	bad bool
}

// piece returns the next n bytes.
func (c *cursor[B]) piece(n int) (p B) {
	if c.bad || n < 0 || n > len(c.b) {
		c.bad = true
		return p
	}
	p, c.b = c.b[:n], c.b[n:]
	return p
}

func (c *cursor[B]) u8() byte {
	p := c.piece(1)
	if c.bad {
		return 0
	}
	return p[0]
}

// number reads an unsigned number of n bytes.
func (c *cursor[B]) number(n int) (v uint64) {
	p := c.piece(n)
	for i := range len(p) {
		v = v<<8 | uint64(p[i])
	}
	return v
}

// short reads a string of at most 255 bytes.
func (c *cursor[B]) short() B { return c.piece(int(c.u8())) }

// long reads a string with a length of four bytes.
func (c *cursor[B]) long() B { return c.piece(int(min(c.number(4), math.MaxInt32))) } //nolint:gosec // bounded

// deepest is how deep tables and arrays may lie in one another: as deep as amqp091 reads.
const deepest = 32

// field reads the value of a header as amqp091 does, in the types that render knows.
//
//nolint:gosec // the conversions give the bits of a number their meaning
func (c *cursor[B]) field(kind byte, depth int) any {
	switch kind {
	case 't':
		return c.u8() != 0
	case 'b':
		return int8(c.u8())
	case 'B':
		return c.u8()
	case 's':
		return int16(c.number(2))
	case 'u':
		return uint16(c.number(2))
	case 'I':
		return int32(c.number(4))
	case 'i':
		return uint32(c.number(4))
	case 'l':
		return int64(c.number(8))
	case 'f':
		return math.Float32frombits(uint32(c.number(4)))
	case 'd':
		return math.Float64frombits(c.number(8))
	case 'D':
		return amqp.Decimal{Scale: c.u8(), Value: int32(c.number(4))}
	case 'S':
		return string(c.long())
	case 'x':
		return []byte(c.long())
	case 'T':
		return time.Unix(int64(c.number(8)), 0)
	case 'A':
		return c.array(depth + 1)
	case 'F':
		return c.table(depth + 1)
	case 'V':
		return nil
	}
	c.bad = true
	return nil
}

func (c *cursor[B]) array(depth int) []any {
	inner := c.inside(depth)
	all := []any{}
	for !inner.bad && len(inner.b) > 0 {
		all = append(all, inner.field(inner.u8(), depth))
	}
	c.bad = c.bad || inner.bad
	return all
}

func (c *cursor[B]) table(depth int) amqp.Table {
	inner := c.inside(depth)
	all := amqp.Table{}
	for !inner.bad && len(inner.b) > 0 {
		key := string(inner.short())
		all[key] = inner.field(inner.u8(), depth)
	}
	c.bad = c.bad || inner.bad
	return all
}

// inside returns a cursor over what an array or a table holds.
func (c *cursor[B]) inside(depth int) cursor[B] {
	inner := cursor[B]{b: c.long()}
	inner.bad = c.bad || depth > deepest
	return inner
}

// appendShort writes a string of at most 255 bytes.
func appendShort(b []byte, s string) []byte { return append(append(b, byte(len(s))), s...) }

// appendText writes a header with a text.
func appendText(b []byte, key, value string) []byte {
	b = append(appendShort(b, key), 'S')
	b = binary.BigEndian.AppendUint32(b, uint32(len(value))) //nolint:gosec // a header fits into a frame
	return append(b, value...)
}
