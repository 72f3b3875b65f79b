package kafka

import (
	"encoding/binary"
	"hash/crc32"
	"time"

	"github.com/segmentio/kafka-go/compress"

	"github.com/herald-go/herald/pkg/driver"
)

// The layout of a record batch, version 2: https://kafka.apache.org/documentation/#recordbatch.
const (
	batchHeader   = 61
	atLength      = 8
	atMagic       = 16
	atCRC         = 17
	atAttributes  = 21
	atLastDelta   = 23
	atFirstTime   = 27
	atMaxTime     = 35
	atProducer    = 43
	atEpoch       = 51
	atSequence    = 53
	atCount       = 57
	magic2        = 2
	bitsCodec     = 0x07
	bitAppendTime = 0x08
	bitTxn        = 0x10
	bitControl    = 0x20
)

// castagnoli is CRC-32C, as the record batch has it.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// producer is who writes: the broker stores each (producer, epoch, sequence) once.
type producer struct {
	id    int64
	epoch int16
}

// frame is what a finished batch has before its records: the four bytes of length that a produce request wants, and the batch's header.
const frame = 4 + batchHeader

var noFrame [frame]byte

// encoder makes record batches, each in memory that it is given. It belongs to one goroutine.
type encoder struct {
	codec  compress.Compression
	out    []byte // room for the frame, and the records as they are
	memory []byte // of the batch at hand, where it is to be compressed: out is not it then
	raw    []byte // what is compressed, again and again
	attrs  attributes
	count  int
	before int // where the latest record begins
	wall   time.Time
}

// begin starts a batch of the time wall that overwrites memory, and has more if it needs more.
func (e *encoder) begin(memory []byte, wall time.Time) {
	e.count, e.out, e.memory, e.wall = 0, memory[:0], nil, wall
	if e.codec != compress.None {
		e.out, e.memory = e.raw[:0], memory
	}
	e.out = append(e.out, noFrame[:]...)
}

// size is how many bytes the batch has before compression.
func (e *encoder) size() int { return len(e.out) - 4 }

// recordSize is how many bytes a message takes as the only record of a batch, with the batch.
func recordSize(m *driver.Message, k mark) int {
	var e encoder
	n := e.measure(m, k)
	return batchHeader + varintSize(n) + n
}

func (e *encoder) measure(m *driver.Message, k mark) int {
	e.attrs.format(m, e.wall)
	_, headers := headersSize(m, &e.attrs, k)
	n := 1 + 1 + varintSize(e.count) // attributes, no time difference, offset difference
	if m.Key == "" {
		n++ // null, as the length -1
	} else {
		n += varintSize(len(m.Key)) + len(m.Key)
	}
	return n + varintSize(len(m.Body)) + len(m.Body) + headers
}

// add appends a message, unless the batch would then be larger than limit; the first one is always taken.
func (e *encoder) add(m *driver.Message, k mark, limit int) bool {
	n := e.measure(m, k)
	if e.count > 0 && e.size()+varintSize(n)+n > limit {
		return false
	}
	e.before = len(e.out)
	b := binary.AppendVarint(e.out, int64(n))
	b = append(b, 0, 0) // attributes; the time is the batch's
	b = binary.AppendVarint(b, int64(e.count))
	if m.Key == "" {
		b = binary.AppendVarint(b, -1)
	} else {
		b = appendText(b, m.Key)
	}
	b = appendText(b, m.Body) // never null: that would be a tombstone where topics are compacted
	count, _ := headersSize(m, &e.attrs, k)
	e.out = appendHeaders(b, m, &e.attrs, k, count)
	e.count++
	return true
}

// undo takes the latest record out again.
func (e *encoder) undo() {
	e.out = e.out[:e.before]
	e.count--
}

// finish returns the batch, behind the four bytes of length that a produce request wants. Its memory is the caller's: the encoder forgets it.
func (e *encoder) finish(p producer, sequence int32) ([]byte, error) {
	out := e.out
	if e.codec != compress.None {
		e.raw = e.out
		var err error
		if out, err = deflate(append(e.memory[:0], noFrame[:]...), e.raw[frame:], e.codec); err != nil {
			return nil, err
		}
	}
	e.out, e.memory = nil, nil
	binary.BigEndian.PutUint32(out, uint32(len(out)-4)) //nolint:gosec // bounded by the limit of add
	b, now := out[4:], e.wall.UnixMilli()
	binary.BigEndian.PutUint32(b[atLength:], uint32(len(b)-12)) //nolint:gosec // as above
	binary.BigEndian.PutUint32(b[12:], 0xffffffff)              // leader epoch -1: not known to producers
	b[atMagic] = magic2
	binary.BigEndian.PutUint16(b[atAttributes:], uint16(e.codec)&bitsCodec) //nolint:gosec // three bits
	binary.BigEndian.PutUint32(b[atLastDelta:], uint32(max(0, e.count-1)))  //nolint:gosec // a count
	binary.BigEndian.PutUint64(b[atFirstTime:], uint64(now))                //nolint:gosec // bits as they are
	binary.BigEndian.PutUint64(b[atMaxTime:], uint64(now))                  //nolint:gosec // bits as they are
	binary.BigEndian.PutUint32(b[atCount:], uint32(e.count))                //nolint:gosec // a count
	sign(out, p, sequence)
	return out, nil
}

// sign writes who sends a finished batch, and the checksum.
func sign(out []byte, p producer, sequence int32) {
	b := out[4:]
	binary.BigEndian.PutUint64(b[atProducer:], uint64(p.id))     //nolint:gosec // bits as they are
	binary.BigEndian.PutUint16(b[atEpoch:], uint16(p.epoch))     //nolint:gosec // bits as they are
	binary.BigEndian.PutUint32(b[atSequence:], uint32(sequence)) //nolint:gosec // not negative
	binary.BigEndian.PutUint32(b[atCRC:], crc32.Checksum(b[atAttributes:], castagnoli))
}

// after returns the sequence that follows a batch of n records: they wrap at 2^31.
func after(sequence int32, n int) int32 {
	return int32((int64(sequence) + int64(n)) & 0x7fffffff) //nolint:gosec // masked
}
