package memory

import (
	"bytes"
	"sort"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// Storage grows in chunks, so that a million entries cost no copying and the front can be dropped a chunk at a time. A slab of 32 KiB is the
// largest that the runtime serves from a size class.
const (
	chunkLen   = 256
	slabBytes  = 32 << 10
	slabHeader = 512
)

// entry is one stored message. It is written once, before anybody can see it, and never changed: deliveries to any number of groups and
// readers share its strings, headers and body.
type entry struct {
	seq         uint64 // place in the topic, or arrival in an inbox
	stored      int64  // nanoseconds since 1970; never falls within a topic
	due         int64  // not delivered before, in the same nanoseconds; 0 is at once
	id          string
	typ         string
	key         string
	contentType string
	time        time.Time
	notBefore   time.Time
	headers     []driver.Header
	body        []byte
	size        int
	slot        uint8
	twice, cut  bool // injected faults
}

// fill copies what travels of m; headers and body come as copies of the caller's.
func (e *entry) fill(m *driver.Message, headers []driver.Header, body []byte) {
	e.id, e.typ, e.key, e.contentType = m.ID, m.Type, m.Key, m.ContentType
	e.time, e.notBefore = wall(m.Time), wall(m.NotBefore)
	e.headers, e.body = headers, body
	e.size, e.slot = m.Size(), m.Slot%driver.Slots
}

// write makes m a delivery of e.
func (e *entry) write(m *driver.Message) {
	m.ID, m.Type, m.Key, m.ContentType = e.id, e.typ, e.key, e.contentType
	m.Time, m.NotBefore = e.time, e.notBefore
	m.Headers, m.Body, m.Slot, m.Seq = e.headers, e.body, e.slot, e.seq
}

// wall is t as a broker would carry it: in UTC and without a monotonic reading.
func wall(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.Round(0).UTC()
}

type chunk [chunkLen]entry

// record is a topic's log: the entries first ≤ seq < next. The owner's lock guards it.
type record struct {
	chunks      []*chunk
	base        uint64 // seq of chunks[0][0]
	first, next uint64
	bytes       int64
	slab        []byte
	headers     []driver.Header
}

func newRecord() record { return record{base: 1, first: 1, next: 1} }

// at returns the entry of a held sequence number.
func (r *record) at(seq uint64) *entry {
	i := seq - r.base
	return &r.chunks[i/chunkLen][i%chunkLen]
}

// grow returns the next entry, to be filled by the caller.
func (r *record) grow() *entry {
	i := r.next - r.base
	if i/chunkLen == uint64(len(r.chunks)) {
		r.chunks = append(r.chunks, new(chunk))
	}
	e := &r.chunks[i/chunkLen][i%chunkLen]
	e.seq = r.next
	r.next++
	return e
}

// drop forgets the entries before to. Deliveries in hand keep theirs alive.
func (r *record) drop(to uint64) {
	for ; r.first < to; r.first++ {
		r.bytes -= int64(r.at(r.first).size)
	}
	n := int((r.first - r.base) / chunkLen) //nolint:gosec // chunks in memory fit an int
	if n == 0 {
		return
	}
	clear(r.chunks[:n])
	r.chunks = r.chunks[n:]
	r.base += uint64(n) * chunkLen //nolint:gosec // n is positive
}

// since returns the first held sequence number stored at or after t, or next.
func (r *record) since(t time.Time) uint64 {
	n := int(r.next - r.first) //nolint:gosec // entries in memory fit an int
	return r.first + uint64(sort.Search(n, func(i int) bool {
		return !time.Unix(0, r.at(r.first+uint64(i)).stored).Before(t) //nolint:gosec // i is in range
	})) //nolint:gosec // Search returns 0 to n
}

// copyBody copies b into the current slab. Large bodies get their own memory, so that a slab is never mostly waste.
func (r *record) copyBody(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	if len(b) > slabBytes/4 {
		return bytes.Clone(b)
	}
	if len(r.slab) < len(b) {
		r.slab = make([]byte, slabBytes)
	}
	c := r.slab[:len(b):len(b)]
	r.slab = r.slab[len(b):]
	copy(c, b)
	return c
}

// copyHeaders copies h into the current slab of headers.
func (r *record) copyHeaders(h []driver.Header) []driver.Header {
	if len(h) == 0 {
		return nil
	}
	if len(h) > slabHeader/4 {
		return append([]driver.Header(nil), h...)
	}
	if len(r.headers) < len(h) {
		r.headers = make([]driver.Header, slabHeader)
	}
	c := r.headers[:len(h):len(h)]
	r.headers = r.headers[len(h):]
	copy(c, h)
	return c
}

// lone makes an entry of m in memory of its own, for what is kept out of order and would hold a whole slab otherwise.
func lone(m *driver.Message) *entry {
	e := new(entry)
	var headers []driver.Header
	if len(m.Headers) > 0 {
		headers = append(headers, m.Headers...)
	}
	e.fill(m, headers, bytes.Clone(m.Body))
	return e
}
