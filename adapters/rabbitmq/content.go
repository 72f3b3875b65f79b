package rabbitmq

import (
	"encoding/binary"
	"fmt"

	"github.com/herald-go/herald/pkg/driver"
)

// whole is the error for a method that ends too soon: after it nothing can be told any more.
func whole(bad bool) error {
	if bad {
		return errFrame
	}
	return nil
}

// content is a message of a channel of which not everything has come.
type content struct {
	hold          *hold     // whose delivery it is
	answers       *confirms // whose return it is
	tag           uint64
	exchange, key []byte
	reading
	left   uint64 // of the body
	headed bool   // its header has come
}

func (c *content) taken() bool { return c.hold != nil || c.answers != nil }

// begin begins a message, in place of one that was broken off.
func (c *content) begin(h *hold, answers *confirms) {
	c.reset()
	c.hold, c.answers = h, answers
}

func (c *content) reset() {
	*c = content{exchange: c.exchange, key: c.key}
}

// read takes a header or a piece of the body, and reports whether that was the last.
func (c *content) read(kind byte, payload []byte) (ended bool, err error) {
	if (kind == frameHeader) == c.headed {
		return false, errFrame
	}
	if kind == frameBody {
		if uint64(len(payload)) > c.left {
			return false, fmt.Errorf("%w: a body is longer than announced", errFrame)
		}
		c.room(len(payload))
		c.msg.Body = append(c.msg.Body, payload...)
		c.left -= uint64(len(payload))
		return c.left == 0, nil
	}
	if len(payload) < 14 {
		return false, errFrame
	}
	c.headed, c.left = true, binary.BigEndian.Uint64(payload[4:])
	c.msg = &driver.Message{Exclusive: true}
	if !c.properties(string(payload[12:])) {
		return false, errFrame
	}
	if c.left > 0 {
		c.msg.Body = make([]byte, 0, min(c.left, frameSize)) // and no more than that before it comes
	}
	return c.left == 0, nil
}

// ahead bounds the memory for a body by how many times as much of it has come.
const ahead = 8

// room makes room for the next piece of the body, and for the rest as far as enough has come for that: append grows a large slice by a quarter
// at a time, and allocates four times as much as a body of 1 MiB on the way.
func (c *content) room(piece int) {
	b := c.msg.Body
	has := len(b) + piece
	if has <= cap(b) {
		return
	}
	total := uint64(len(b)) + c.left                                          //nolint:gosec // a length
	c.msg.Body = append(make([]byte, 0, min(total, ahead*uint64(has))), b...) //nolint:gosec // lengths
}
