package kafka

import (
	"encoding/binary"
	"io"
	"math"

	"github.com/segmentio/kafka-go/protocol"
)

// Flexible versions of requests have lengths as uvarints, one more than they are since 0 is null, and tagged fields behind each structure, of
// which none is used here: https://kafka.apache.org/protocol#protocol_types.

// flexible reports whether a request that is encoded here is of such a version, so that its head has tagged fields too.
func flexible(key protocol.ApiKey, version int16) bool {
	return key == protocol.Fetch && version >= 12 || key == protocol.Metadata && version >= 9
}

const noTags = 0

func appendCount(b []byte, n int) []byte {
	return binary.AppendUvarint(b, uint64(n)+1) //nolint:gosec // a count
}

func appendCompact(b []byte, s string) []byte { return append(appendCount(b, len(s)), s...) }

func (r *wireReader) uvarint() uint64 {
	var v uint64
	for shift := 0; shift < 64; shift += 7 {
		b := r.take(1)[0]
		v |= uint64(b&0x7f) << shift
		if b < 0x80 || r.err != nil {
			return v
		}
	}
	r.err = errProtocol
	return 0
}

// many reads the length of an array or a text, 0 for none; no answer holds more elements than bytes.
func (r *wireReader) many() int {
	n := r.uvarint()
	if n > math.MaxInt32 || int(n) > r.left+1 {
		r.err = io.ErrUnexpectedEOF
	}
	if r.err != nil || n == 0 {
		return 0
	}
	return int(n) - 1
}

func (r *wireReader) compact() string { return string(r.block(r.many())) }

func (r *wireReader) id() (id topicID) {
	copy(id[:], r.take(8))
	copy(id[8:], r.take(8))
	return id
}

func (r *wireReader) numbers() (n int) {
	n = r.many()
	for range n {
		r.int32()
	}
	return n
}

// tags passes over tagged fields.
func (r *wireReader) tags() {
	for range min(r.uvarint(), math.MaxInt32) {
		if r.err != nil {
			return
		}
		r.uvarint()
		r.pass(r.uvarint())
	}
}

// pass passes over n bytes.
func (r *wireReader) pass(n uint64) {
	switch {
	case r.err != nil:
	case n > uint64(r.left): //nolint:gosec // not negative
		r.err = io.ErrUnexpectedEOF
	default:
		_, r.err = io.CopyN(io.Discard, r.r, int64(n)) //nolint:gosec // bounded
		r.left -= int(n)                               //nolint:gosec // bounded
	}
}
