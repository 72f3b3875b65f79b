package kafka

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/segmentio/kafka-go/protocol"
)

// Fetching is encoded here, and not by the client library: its decoder copies what it reads, panics on empty batches and drops the list of
// aborted transactions.
const (
	fetchVersion         = 10 // the first that takes zstd, without tagged fields
	deleteRecordsVersion = 1
	// fetchRoom is about what a request has for each partition, and what is common to all.
	fetchRoom = 64
)

// want is what is asked of one partition.
type want struct {
	topic     string
	partition int
	offset    int64
	bytes     int
	log       topicID // zero to ask by name
}

// got is the answer for one partition.
type got struct {
	topic             string
	partition         int
	err               error
	highWater, stable int64 // the end of what is replicated, and of what is decided
	start             int64
	data              []byte
	aborted           []aborted
}

// fetch asks for records of several partitions of one leader, which must be grouped by topic. It waits up to wait for the first byte. Records
// of transactions come only once they are decided.
func (c *conn) fetch(ctx context.Context, wants []want, wait time.Duration, most int) ([]got, error) {
	if _, err := c.version(protocol.Fetch); err != nil {
		return nil, err
	}
	version, encode, decode := int16(fetchVersion), appendFetch, readFetch
	if c.takes(protocol.Fetch, fetchByIDVersion) && byID(wants) {
		version, encode, decode = fetchByIDVersion, appendFetchByID, readFetchByID
	}
	body := encode(make([]byte, 0, fetchRoom*(1+len(wants))), wants, wait, most)
	var all []got
	err := c.raw(ctx, protocol.Fetch, version, body, wait+c.limit, func(r *bufio.Reader, size int) (err error) {
		all, err = decode(&wireReader{r: r, left: size}, wants)
		return err
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// appendFetchHead writes what stands before the topics.
func appendFetchHead(b []byte, wait time.Duration, most int) []byte {
	const readCommitted = 1
	b = binary.BigEndian.AppendUint32(b, 0xffffffff)                  // no replica
	b = binary.BigEndian.AppendUint32(b, uint32(wait.Milliseconds())) //nolint:gosec // some hundred
	b = binary.BigEndian.AppendUint32(b, 1)
	b = binary.BigEndian.AppendUint32(b, uint32(most)) //nolint:gosec // bounded by the caller
	b = append(b, readCommitted)
	b = binary.BigEndian.AppendUint32(b, 0)             // no fetch session
	return binary.BigEndian.AppendUint32(b, 0xffffffff) // and none wanted
}

func appendFetch(b []byte, wants []want, wait time.Duration, most int) []byte {
	b = appendFetchHead(b, wait, most)
	topics, at := 0, len(b)
	b = binary.BigEndian.AppendUint32(b, 0)
	for i := 0; i < len(wants); {
		n := 1
		for i+n < len(wants) && wants[i+n].topic == wants[i].topic {
			n++
		}
		b = appendString(b, wants[i].topic)
		b = binary.BigEndian.AppendUint32(b, uint32(n)) //nolint:gosec // a count
		for _, w := range wants[i : i+n] {
			b = binary.BigEndian.AppendUint32(b, uint32(w.partition)) //nolint:gosec // not negative
			b = binary.BigEndian.AppendUint32(b, 0xffffffff)          // leader epoch not checked
			b = binary.BigEndian.AppendUint64(b, uint64(w.offset))    //nolint:gosec // bits as they are
			b = binary.BigEndian.AppendUint64(b, ^uint64(0))          // log start, for followers only
			b = binary.BigEndian.AppendUint32(b, uint32(w.bytes))     //nolint:gosec // bounded by the caller
		}
		topics++
		i += n
	}
	binary.BigEndian.PutUint32(b[at:], uint32(topics)) //nolint:gosec // a count
	return binary.BigEndian.AppendUint32(b, 0)         // nothing to forget
}

func readFetch(r *wireReader, wants []want) ([]got, error) {
	r.int32() // throttled for
	if err := code(r.int16()); err != nil {
		r.rest()
		return nil, err
	}
	r.int32() // session
	all := make([]got, 0, len(wants))
	for range r.count() {
		topic := r.string()
		for range r.count() {
			g := got{topic: topic, partition: int(r.int32()), err: code(r.int16())}
			g.highWater, g.stable, g.start = r.int64(), r.int64(), r.int64()
			for range r.count() {
				g.aborted = append(g.aborted, aborted{producer: r.int64(), from: r.int64()})
			}
			g.data = r.bytes()
			if r.err != nil {
				return nil, fmt.Errorf("%w: fetch: %w", errProtocol, r.err)
			}
			all = append(all, g)
		}
	}
	r.rest()
	if r.err != nil {
		return nil, fmt.Errorf("%w: fetch: %w", errProtocol, r.err)
	}
	return all, nil
}

// deleteRecords lets the broker drop what lies before the offsets.
func (c *conn) deleteRecords(ctx context.Context, topic string, before map[int]int64) error {
	if _, err := c.version(protocol.DeleteRecords); err != nil {
		return err
	}
	b := binary.BigEndian.AppendUint32(nil, 1)
	b = appendString(b, topic)
	b = binary.BigEndian.AppendUint32(b, uint32(len(before))) //nolint:gosec // a count
	for partition, offset := range before {
		b = binary.BigEndian.AppendUint32(b, uint32(partition)) //nolint:gosec // not negative
		b = binary.BigEndian.AppendUint64(b, uint64(offset))    //nolint:gosec // bits as they are
	}
	b = binary.BigEndian.AppendUint32(b, uint32(c.limit.Milliseconds()/2)) //nolint:gosec // some seconds
	var failed error
	err := c.raw(ctx, protocol.DeleteRecords, deleteRecordsVersion, b, c.limit, func(br *bufio.Reader, size int) error {
		r := &wireReader{r: br, left: size}
		r.int32() // throttled for
		for range r.count() {
			r.string()
			for range r.count() {
				r.int32()
				r.int64()
				if e := code(r.int16()); e != nil {
					failed = e
				}
			}
		}
		r.rest()
		return r.err
	})
	if err != nil {
		return err
	}
	return failed
}

// wireReader reads an answer's fields; the first error stays, and all is zero after it.
type wireReader struct {
	r    *bufio.Reader
	left int
	err  error
	buf  [8]byte
}

func (r *wireReader) take(n int) []byte {
	if r.err == nil && n > r.left {
		r.err = io.ErrUnexpectedEOF
	}
	b := r.buf[:n]
	clear(b)
	if r.err == nil {
		_, r.err = io.ReadFull(r.r, b)
		r.left -= n
	}
	return b
}

func (r *wireReader) int16() int16 { return int16(binary.BigEndian.Uint16(r.take(2))) } //nolint:gosec // the wire's sign
func (r *wireReader) int32() int32 { return int32(binary.BigEndian.Uint32(r.take(4))) } //nolint:gosec // the wire's sign
func (r *wireReader) int64() int64 { return int64(binary.BigEndian.Uint64(r.take(8))) } //nolint:gosec // the wire's sign

// count reads the length of an array, 0 for none; no answer holds more elements than bytes.
func (r *wireReader) count() int {
	n := int(r.int32())
	if n > r.left {
		r.err = io.ErrUnexpectedEOF
	}
	if r.err != nil || n < 0 {
		return 0
	}
	return n
}

func (r *wireReader) string() string { return string(r.block(int(r.int16()))) }

// stringLike reads a string, and makes none where it is the one that is known.
func (r *wireReader) stringLike(known string) string {
	n := int(r.int16())
	if r.err == nil && n == len(known) && n <= r.left {
		if b, err := r.r.Peek(n); err == nil && string(b) == known {
			_, r.err = r.r.Discard(n)
			r.left -= n
			return known
		}
	}
	return string(r.block(n))
}

func (r *wireReader) bytes() []byte { return r.block(int(r.int32())) }

func (r *wireReader) block(n int) []byte {
	if n <= 0 || r.err != nil {
		return nil
	}
	if n > r.left {
		r.err = io.ErrUnexpectedEOF
		return nil
	}
	b := make([]byte, n)
	_, r.err = io.ReadFull(r.r, b)
	r.left -= n
	return b
}

// rest passes over what is left.
func (r *wireReader) rest() {
	if r.err == nil && r.left > 0 {
		_, r.err = io.CopyN(io.Discard, r.r, int64(r.left))
		r.left = 0
	}
}
