package rabbitmq

import "encoding/binary"

// protocolHeader is what a client writes before its first frame.
const protocolHeader = "AMQP\x00\x00\x09\x01"

// edge follows a stream of frames to tell where one ends.
type edge struct {
	left int // bytes until the end of a frame whose head is known
	head [frameHead]byte
	n    int // bytes of the head
}

// inside reports whether a frame is begun and not ended.
func (e *edge) inside() bool { return e.left > 0 || e.n > 0 }

// advance takes the next bytes in, and reports whether the last of them ends a frame.
func (e *edge) advance(p []byte) bool {
	for len(p) > 0 {
		if e.left > 0 {
			n := min(e.left, len(p))
			e.left -= n
			p = p[n:]
			continue
		}
		n := copy(e.head[e.n:], p)
		e.n += n
		p = p[n:]
		if e.n == frameHead {
			e.left, e.n = int(binary.BigEndian.Uint32(e.head[3:]))+1, 0
		}
	}
	return !e.inside()
}
