package redis

import (
	"context"
	"encoding/json"
	"net"
	"strconv"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// Fields returns what a message is written as.
func Fields(m *driver.Message) []string { return fieldsOf(m) }

// ReadFields reads an entry.
func ReadFields(fields []string) *driver.Message {
	m := &driver.Message{}
	readFields(m, fields)
	return m
}

// Pack returns the member of a sorted set that a message waits as, without what makes it unique.
func Pack(m *driver.Message) []byte { return pack(m, time.Unix(0, 0))[packPrefix:] }

// Keys returns every key of a topic with so many partitions and one group.
func Keys(topic, group string, partitions int) []string {
	keys := []string{topicKey(topic)}
	for _, p := range places(topic, partitions) {
		keys = append(keys, p.stream(), p.later(), p.inbox(group), p.inboxLater(group), p.members(group), p.lease(group))
	}
	return keys
}

// Partition returns the partition of a slot.
func Partition(slot uint8, partitions int) int { return partitionOf(slot, partitions) }

// IsLater compares the ids of entries.
func IsLater(a, b string) bool { return isLater(a, b) }

// Resume returns what counts as told to a member that joins.
func Resume(own, counted, told int64) int64 { return resume(own, counted, told) }

// Quota returns how many partitions a member owns.
func Quota(members []string, me string, n int) int { return quota(members, me, n) }

// EncodeNative writes what a channel carries.
func EncodeNative(m *driver.Message, from string, seq uint64) []byte {
	return appendNative(nil, m, from, seq)
}

// DecodeNative reads what a channel carried.
func DecodeNative(raw []byte) (m *driver.Message, from string, seq uint64) {
	m = &driver.Message{}
	from, seq = decodeNative(m, raw)
	return m, from, seq
}

// IsPlainJSON looks whether bytes are JSON.
func IsPlainJSON(raw []byte) bool { return isPlainJSON(raw) }

// Missed counts what is missing in a sequence of numbers from one publisher.
func Missed(numbers ...uint64) (missed []int64) {
	var s sequences
	for _, n := range numbers {
		missed = append(missed, s.missed("p", n))
	}
	return missed
}

// Before returns the last entry id before a time.
func Before(t time.Time) string { return before(t).String() }

// ParsePosition reads a position and writes it again.
func ParsePosition(s string, partitions int) (string, error) {
	part, at, err := parsePosition(s, partitions)
	if err != nil {
		return "", err
	}
	return position(part, at.String()), nil
}

// ParseEntries reads the entries of an answer that names one stream: each as its id, its fields and its body.
func ParseEntries(raw string) (all [][]string, err error) {
	r := parser{raw: []byte(raw)}
	var e entry
	for range r.list() {
		r.list()
		r.text()
		for range r.list() {
			if r.entry(&e); r.err != nil {
				return nil, r.err
			}
			one := []string{string(r.bytes(e.id))}
			for _, f := range e.fields {
				one = append(one, string(r.bytes(f)))
			}
			body := ""
			if e.whole {
				body = string(r.bytes(e.body))
			}
			all = append(all, append(one, body))
		}
	}
	return all, r.err
}

// ListensTo is what a Pub/Sub reader of a topic subscribes to.
func ListensTo(mode, topic string, types []string) (channels []string, pattern string) {
	return Config{PubSub: true, Channels: mode}.listensTo(topic, types)
}

// Member writes the member of a channel's message, once by hand and once by the JSON library.
func Member(m *driver.Message, from string, seq uint64, body bool) (hand, library []byte) {
	n := native{ID: m.ID, Type: m.Type, Key: m.Key, Slot: m.Slot, ContentType: m.ContentType, From: from, Seq: seq}
	if !m.Time.IsZero() {
		n.Time = m.Time.UTC().Format(time.RFC3339Nano)
	}
	for _, h := range m.Headers {
		n.Headers = append(n.Headers, [2]string{h.Key, h.Value})
	}
	if body {
		raw := append([]byte{}, m.Body...)
		n.Body = &raw
	}
	library, _ = json.Marshal(n) // it always can be
	return appendMember(nil, m, from, seq, body), library
}

// ReadMember reads a member by hand, and by the JSON library; ok is whether it can be read by hand.
func ReadMember(raw []byte) (hand, library any, ok bool, err error) {
	type both struct {
		native
		all []driver.Header
	}
	n, headers, ok := readMember(raw)
	var l native
	err = json.Unmarshal(raw, &l)
	all := l.headers()
	l.Headers = nil
	return both{n, headers}, both{l, all}, ok, err
}

// Decode makes messages of an answer that names one stream, as a member of a group does, so many times.
func Decode(stream, raw string, times int) ([]*driver.Message, error) {
	d := &Driver{}
	s := d.newSubscription(driver.Spec{Topic: stream, Group: "g", Window: 1, WindowBytes: 1})
	l := newLanes(places(stream, 0), "g", false)[0]
	l.begin(1, "m")
	var dec decoder
	var all []*driver.Message
	for range times {
		holds, _, err := s.decode(&dec, plan{lanes: []*lane{l}, epochs: []*epoch{l.epoch}}, []byte(raw))
		if err != nil {
			return nil, err
		}
		all = all[:0]
		for _, x := range holds {
			all = append(all, &x.msg)
		}
		dec.clear()
	}
	return all, nil
}

// The bounds of a slab, and of what a feed keeps.
const (
	SlabHolds, SlabBytes, SlabOwn = slabHolds, slabBytes, slabOwn
	FeedFirst, FeedKept           = feedFirst, feedKept
)

// Feed is a connection of a reader.
type Feed struct{ f feed }

// NewFeed reads from a connection.
func NewFeed(c net.Conn) *Feed { return &Feed{feed{conn: c, within: time.Second}} }

// Next returns the next value.
func (f *Feed) Next(within time.Duration) (string, error) {
	raw, err := f.f.next(within)
	return string(raw), err
}

// Size returns how large the buffer is.
func (f *Feed) Size() int { return len(f.f.buf) }

// Relax gives up a large buffer that is empty.
func (f *Feed) Relax() { f.f.relax() }

const readerSession = 8 * time.Second

// Reader is a member of a group that has no server.
type Reader struct {
	s *subscription
	l *lane
	w settlement
}

// NewReader returns one that has found more than fits its window.
func NewReader(window int) *Reader { return NewPasser(window, nil) }

// NewPasser returns one that hands over straight, too.
func NewPasser(window int, deliver func([]*driver.Message) bool) *Reader {
	d := &Driver{cfg: Config{Session: readerSession}}
	s := d.newSubscription(driver.Spec{Topic: "orders", Group: "g", Window: window, WindowBytes: 1 << 30, Deliver: deliver})
	l := newLanes(places("orders", 0), "g", false)[0]
	l.begin(1, "m")
	l.take = false
	s.lanes, s.full, s.average = []*lane{l}, true, 1
	return &Reader{s: s, l: l}
}

// Subscription is what an application sees of it.
func (m *Reader) Subscription() driver.Subscription { return m.s }

// Arrive makes messages ready.
func (m *Reader) Arrive(n int) {
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	for i := range n {
		m.s.admit(&hold{epoch: m.l.epoch, entry: strconv.Itoa(i)})
	}
}

// Pass brings one message, as a read does.
func (m *Reader) Pass(position string) {
	m.s.mu.Lock()
	x := &hold{epoch: m.l.epoch, entry: position}
	x.msg.Position = position
	m.s.admit(x)
	m.s.mu.Unlock()
	m.s.pass()
}

// Await returns when nothing is in hand.
func (m *Reader) Await() {
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	for len(m.s.ready) > 0 || m.s.held > 0 {
		m.s.cond.Wait()
	}
}

// Blocks returns for how long the next read may be held up when the last beat was so long ago; false is that there must be none.
func (m *Reader) Blocks(age time.Duration) (time.Duration, bool) {
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	m.l.epoch.sure = time.Now().Add(-age)
	var p plan
	ok := m.s.choose(&p, m.s.lanes)
	return p.block, ok
}

// Ask returns how many messages the next read asks for. It goes on holding that room.
func (m *Reader) Ask(ctx context.Context) int {
	p, _ := m.s.next(ctx, m.s.lanes, 1)
	return p.count
}

// Work waits for the next settlement, and returns how many acks it has.
func (m *Reader) Work(ctx context.Context) int {
	m.w, _ = m.s.work(ctx)
	return len(m.w.acks)
}

// Answer ends what Work began.
func (m *Reader) Answer() { m.s.answered(m.w) }

// Add is the command that adds a message to a stream.
func Add(stream string, must bool, m *driver.Message) []byte { return appendAdd(nil, stream, must, m) }
