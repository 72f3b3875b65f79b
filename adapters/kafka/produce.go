package kafka

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go/protocol"
)

// produceOverhead is more than a request adds to its batches, and to each of them; names have at most 249 bytes.
const (
	produceOverhead = 512
	produceRoom     = 2 * produceOverhead // of a request with one batch
)

// shipment is one produce request with its answer. It is encoded and read here and not by the client library, and used again, so that a request
// makes no garbage. One goroutine ships; who got no answer must throw it away, since the connection may still know it.
type shipment struct {
	exchange
	version  int16
	client   string
	wait     time.Duration
	batches  []*batch
	verdicts []shipped
	reader   wireReader
	topic    string                                      // the latest of an answer
	fill     func(out *bytes.Buffer, serial int32) error // write, made once
}

// shipped is what the broker says of one partition.
type shipped struct {
	topic  string
	number int
	code   int16
}

func newShipment() *shipment {
	s := &shipment{}
	s.exchange = exchange{finished: make(chan error, 1), read: s.answered}
	s.fill = s.write
	return s
}

// produce sends finished batches to one leader and returns what it says of each partition, which holds until s is used again.
func (c *conn) produce(ctx context.Context, s *shipment, batches []*batch, wait time.Duration) ([]shipped, error) {
	version, err := c.version(protocol.Produce)
	if err != nil {
		return nil, err
	}
	s.version, s.client, s.wait, s.batches = version, c.client, wait, batches
	err = c.send(&s.exchange, s.fill)
	s.batches = nil
	if err != nil {
		return nil, err
	}
	if err := c.wait(ctx, &s.exchange, wait+c.limit); err != nil {
		return nil, err
	}
	return s.verdicts, nil
}

func (s *shipment) write(out *bytes.Buffer, serial int32) error {
	const all = 0xffff // acks -1: every replica in sync has it
	out.Grow(size(s.batches) + len(s.batches)*produceOverhead + produceOverhead)
	b := out.AvailableBuffer()
	b = binary.BigEndian.AppendUint32(b, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(protocol.Produce))
	b = binary.BigEndian.AppendUint16(b, uint16(s.version)) //nolint:gosec // a small number
	b = binary.BigEndian.AppendUint32(b, uint32(serial))    //nolint:gosec // bits as they are
	b = appendString(b, s.client)
	b = binary.BigEndian.AppendUint16(b, 0xffff) // no transaction
	b = binary.BigEndian.AppendUint16(b, all)
	b = binary.BigEndian.AppendUint32(b, uint32(s.wait.Milliseconds())) //nolint:gosec // some seconds
	b = appendBatches(b, s.batches)
	binary.BigEndian.PutUint32(b, uint32(len(b)-4)) //nolint:gosec // bounded by the sender
	_, err := out.Write(b)
	return err
}

// The versions of a produce answer from which a partition has these fields.
const (
	withAppendTime = 2
	withLogStart   = 5
)

// answered reads the answer: https://kafka.apache.org/protocol#The_Messages_Produce.
func (s *shipment) answered(br *bufio.Reader, size int) error {
	s.verdicts = s.verdicts[:0]
	r := &s.reader
	*r = wireReader{r: br, left: size}
	for range r.count() {
		s.topic = r.stringLike(s.topic)
		for range r.count() {
			v := shipped{topic: s.topic, number: int(r.int32()), code: r.int16()}
			r.int64() // offset
			if s.version >= withAppendTime {
				r.int64()
			}
			if s.version >= withLogStart {
				r.int64()
			}
			if r.err != nil {
				return fmt.Errorf("%w: produce: %w", errProtocol, r.err)
			}
			s.verdicts = append(s.verdicts, v)
		}
	}
	r.int32() // throttled for
	r.rest()
	if r.err != nil {
		return fmt.Errorf("%w: produce: %w", errProtocol, r.err)
	}
	return nil
}

// verdictOf returns what the broker says of batch i. Answers mostly stand in the order of the request.
func verdictOf(all []shipped, i int, x *part) (code int16, answered bool) {
	is := func(v *shipped) bool { return v.number == x.number && v.topic == x.topic }
	if i < len(all) && is(&all[i]) {
		return all[i].code, true
	}
	for i := range all {
		if is(&all[i]) {
			return all[i].code, true
		}
	}
	return 0, false
}

// appendBatches groups the batches by topic, as they come.
func appendBatches(b []byte, batches []*batch) []byte {
	topics, at := 0, len(b)
	b = binary.BigEndian.AppendUint32(b, 0)
	for i := 0; i < len(batches); {
		n := 1
		for i+n < len(batches) && batches[i+n].part.topic == batches[i].part.topic {
			n++
		}
		b = appendString(b, batches[i].part.topic)
		b = binary.BigEndian.AppendUint32(b, uint32(n)) //nolint:gosec // a count
		for _, x := range batches[i : i+n] {
			b = binary.BigEndian.AppendUint32(b, uint32(x.part.number)) //nolint:gosec // not negative
			b = append(b, x.bytes...)
		}
		topics++
		i += n
	}
	binary.BigEndian.PutUint32(b[at:], uint32(topics)) //nolint:gosec // a count
	return b
}
