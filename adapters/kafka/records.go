package kafka

import (
	"encoding/binary"
	"hash/crc32"
	"slices"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go/compress"

	"github.com/herald-go/herald/pkg/driver"
)

// aborted is a transaction whose records must not be seen.
type aborted struct{ producer, from int64 }

// records walks over what was fetched of a partition. What nobody should see is passed over: control records, aborted transactions, batches
// without records, and the tail that the broker cut off. It belongs to one goroutine.
type records struct {
	data    []byte // batches that were not begun
	aborted []aborted
	dead    map[int64]struct{} // producers whose transaction is being passed over

	// The batch at hand.
	rest      []byte
	left      int
	base      int64
	last      int64
	time      int64
	fixedTime bool

	next int64 // the offset after all that was passed
	skip int64 // records before it were not asked for
	bad  int64 // how many records could not be read, for the notice
}

// newRecords walks over the batches in data, beginning at an offset.
func newRecords(data []byte, from int64, gone []aborted) records {
	slices.SortFunc(gone, func(a, b aborted) int { return int(min(1, max(-1, a.from-b.from))) })
	return records{data: data, aborted: gone, next: from, skip: from}
}

// size is how many bytes are still to be read.
func (r *records) size() int { return len(r.data) + len(r.rest) }

// record is one record as it lies in the fetched bytes.
type record struct {
	offset, time     int64
	key, value, tail []byte // tail holds the headers
	headers          int
}

// read returns the next record, or false at the end. It never fails: what can't be read is counted in bad and passed over.
func (r *records) read(rec *record) bool {
	for {
		if r.left == 0 {
			r.rest = nil
			if !r.open() {
				return false
			}
			continue
		}
		r.left--
		if !r.parse(rec) {
			r.bad += int64(r.left) + 1
			r.left, r.rest = 0, nil
			r.next = r.last + 1
			continue
		}
		if r.left == 0 {
			r.next = r.last + 1 // compaction may have taken what followed
		} else {
			r.next = rec.offset + 1
		}
		if rec.offset >= r.skip {
			return true
		}
	}
}

// open begins the next batch that has something to show, or reports that there is none.
func (r *records) open() bool {
	for len(r.data) >= atMagic+1 {
		length := int(int32(binary.BigEndian.Uint32(r.data[atLength:]))) + 12 //nolint:gosec // the wire's sign
		if length < atMagic+1 || length > len(r.data) {
			r.data = nil // cut off by the broker: fetched again
			return false
		}
		b := r.data[:length:length]
		r.data = r.data[length:]
		if len(r.data) == 0 {
			r.data = nil
		}
		if r.enter(b) {
			return true
		}
	}
	r.data = nil
	return false
}

// enter reads a batch's header and reports whether it has records to show.
func (r *records) enter(b []byte) bool {
	r.base = int64(binary.BigEndian.Uint64(b)) //nolint:gosec // the wire's sign
	if b[atMagic] != magic2 || len(b) < batchHeader {
		r.unreadable(r.base)
		return false
	}
	delta := int32(binary.BigEndian.Uint32(b[atLastDelta:])) //nolint:gosec // the wire's sign
	r.last = r.base + int64(max(0, delta))
	if r.last < r.skip {
		return false
	}
	flags := binary.BigEndian.Uint16(b[atAttributes:])
	id := int64(binary.BigEndian.Uint64(b[atProducer:]))      //nolint:gosec // the wire's sign
	count := int(int32(binary.BigEndian.Uint32(b[atCount:]))) //nolint:gosec // the wire's sign
	if crc32.Checksum(b[atAttributes:], castagnoli) != binary.BigEndian.Uint32(b[atCRC:]) {
		r.unreadable(r.last)
		return false
	}
	r.abort()
	body := b[batchHeader:]
	if codec := compress.Compression(flags & bitsCodec); codec != compress.None { //nolint:gosec // three bits
		var err error
		if body, err = inflate(body, codec); err != nil {
			r.unreadable(r.last)
			return false
		}
	}
	if flags&bitControl != 0 {
		r.control(id, body)
		r.next = r.last + 1
		return false
	}
	if _, dead := r.dead[id]; dead && flags&bitTxn != 0 || count <= 0 {
		r.next = r.last + 1
		return false
	}
	r.rest, r.left = body, count
	r.time = int64(binary.BigEndian.Uint64(b[atFirstTime:])) //nolint:gosec // the wire's sign
	r.fixedTime = flags&bitAppendTime != 0
	if r.fixedTime {
		r.time = int64(binary.BigEndian.Uint64(b[atMaxTime:])) //nolint:gosec // the wire's sign
	}
	return true
}

func (r *records) unreadable(last int64) {
	r.bad += max(1, last-max(r.base, r.skip)+1)
	r.next = max(r.next, last+1)
}

// abort begins the aborted transactions that start up to the batch at hand.
func (r *records) abort() {
	for len(r.aborted) > 0 && r.aborted[0].from <= r.last {
		if r.dead == nil {
			r.dead = map[int64]struct{}{}
		}
		r.dead[r.aborted[0].producer] = struct{}{}
		r.aborted = r.aborted[1:]
	}
}

// control reads a control batch: the end of an aborted transaction ends the passing over.
func (r *records) control(id int64, body []byte) {
	const abort = 0
	var rec record
	r.rest = body
	if r.parse(&rec) && len(rec.key) >= 4 && binary.BigEndian.Uint16(rec.key[2:]) == abort {
		delete(r.dead, id)
	}
	r.rest = nil
}

// parse reads one record from the batch at hand.
func (r *records) parse(rec *record) bool {
	p := parser{b: r.rest}
	length := p.varint()
	if length < 0 || length > int64(len(p.b)) || p.bad {
		return false
	}
	r.rest = p.b[length:]
	p.b = p.b[:length]
	p.skip(1)
	rec.time = r.time + p.varint()
	if r.fixedTime {
		rec.time = r.time
	}
	rec.offset = r.base + p.varint()
	rec.key = p.bytes()
	rec.value = p.bytes()
	n := p.varint()
	rec.headers, rec.tail = int(n), p.b
	return !p.bad && n >= 0 && n <= int64(len(p.b))
}

// parser reads the parts of a record; a part that is not whole sets bad.
type parser struct {
	b   []byte
	bad bool
}

func (p *parser) skip(n int) {
	if n > len(p.b) {
		p.bad = true
		return
	}
	p.b = p.b[n:]
}

func (p *parser) varint() int64 {
	v, n := binary.Varint(p.b)
	if n <= 0 {
		p.bad = true
		return 0
	}
	p.b = p.b[n:]
	return v
}

// bytes reads a length and so many bytes; nil for the length -1. The result can't be extended into what follows.
func (p *parser) bytes() []byte {
	n := p.varint()
	if n < 0 || p.bad {
		return nil
	}
	if n > int64(len(p.b)) {
		p.bad = true
		return nil
	}
	out := p.b[:n:n]
	p.b = p.b[n:]
	return out
}

// reader turns records into messages. Bodies stay where they were fetched; texts get memory of their own, one piece for each message, so that
// an id that somebody keeps does not keep the whole fetch. It belongs to one goroutine.
type reader struct {
	scratch []byte
	headers []driver.Header
}

// fill reads a record into a message. It reports false for headers that can't be read; the message then has what was read before.
func (d *reader) fill(m *driver.Message, rec *record) (f fields, whole bool) {
	d.scratch = append(append(d.scratch[:0], rec.key...), rec.tail...)
	text := string(d.scratch)
	m.Key, text = text[:len(rec.key)], text[len(rec.key):]
	m.Body = rec.value
	if rec.headers > cap(d.headers)-len(d.headers) {
		d.headers = make([]driver.Header, 0, max(256, rec.headers))
	}
	first := len(d.headers)
	p := parser{b: rec.tail}
	for range rec.headers {
		key := p.text(text)
		value := p.text(text)
		if p.bad {
			break
		}
		if !f.native(m, key, value) {
			d.headers = append(d.headers, driver.Header{Key: key, Value: value})
		}
	}
	if len(d.headers) > first {
		m.Headers = d.headers[first:len(d.headers):len(d.headers)]
	}
	if !f.slotted {
		m.Slot = driver.Slot(m.Key)
	}
	if m.Time.IsZero() && rec.time > 0 {
		m.Time = time.UnixMilli(rec.time).UTC()
	}
	return f, !p.bad
}

// text is bytes as a part of the text that holds the same.
func (p *parser) text(whole string) string {
	b := p.bytes()
	end := len(whole) - len(p.b)
	return whole[end-len(b) : end]
}

// position is where a record stands in its topic, as Message.Position has it: partition, offset, and the time in milliseconds, by which the
// other partitions are lined up. It is a wire format.
func position(b []byte, partition int, offset, ms int64) []byte {
	b = strconv.AppendInt(b, int64(partition), 10)
	b = strconv.AppendInt(append(b, ':'), offset, 10)
	return strconv.AppendInt(append(b, ':'), ms, 10)
}
