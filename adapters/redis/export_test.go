package redis

import (
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

// Quota returns how many partitions a member owns.
func Quota(members []string, me string, n int) int { return quota(members, me, n) }

// EncodeNative writes what a channel carries.
func EncodeNative(m *driver.Message, from string, seq uint64) ([]byte, error) {
	return encodeNative(m, from, seq)
}

// DecodeNative reads what a channel carried.
func DecodeNative(raw []byte) (m *driver.Message, from string, seq uint64) {
	m = &driver.Message{}
	from, seq = decodeNative(m, raw)
	return m, from, seq
}

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
	var spans []span
	for range r.head('*') {
		r.head('*')
		r.text()
		for range r.head('*') {
			if spans = r.entry(&e, spans); r.err != nil {
				return nil, r.err
			}
			all = append(all, append(append([]string{e.id}, e.fields...), string(e.body)))
		}
	}
	return all, r.err
}
