package kafka

import (
	"encoding/binary"
	"math/bits"
	"strconv"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// Headers of this adapter alone. They are a wire format.
const (
	// headerDelayed marks what a group has put off from its topic into its own inbox: it is no more to be trusted than what stands in the
	// topic.
	headerDelayed = "herald-delayed"
	// headerDropped marks what nobody wanted to keep: broadcast readers get it, groups do not.
	headerDropped = "herald-dropped"
)

// mark says what an adapter-internal header adds to a record.
type mark uint8

const (
	unmarked mark = iota
	markDelayed
	markDropped
)

func (m mark) header() string {
	if m == markDelayed {
		return headerDelayed
	}
	return headerDropped
}

// attributes is what a record says in headers of its own, formatted once for measuring and writing.
type attributes struct {
	slot, time, notBefore []byte
	times, dates          stamp // of events, and of those put off
	buf                   [96]byte
}

func (a *attributes) format(m *driver.Message, wall time.Time) {
	b := a.buf[:0]
	b = strconv.AppendUint(b, uint64(m.Slot), 10)
	slot := len(b)
	if !m.Time.IsZero() {
		b = a.times.append(b, m.Time)
	}
	stamp := len(b)
	if !m.NotBefore.IsZero() {
		b = a.dates.append(b, m.Due(wall))
	}
	a.slot, a.time, a.notBefore = b[:slot], b[slot:stamp], b[stamp:]
}

// headersSize returns how many headers a message has as a record, and how many bytes they take.
func headersSize(m *driver.Message, a *attributes, k mark) (count, size int) {
	add := func(key, value int) {
		if value > 0 {
			count++
			size += varintSize(key) + key + varintSize(value) + value
		}
	}
	add(len(driver.HeaderID), len(m.ID))
	add(len(driver.HeaderType), len(m.Type))
	add(len(driver.HeaderSlot), len(a.slot))
	add(len(driver.HeaderTime), len(a.time))
	add(len(driver.HeaderNotBefore), len(a.notBefore))
	add(len(driver.HeaderContentType), len(m.ContentType))
	if k != unmarked {
		add(len(k.header()), 1)
	}
	for i := range m.Headers {
		key, value := len(m.Headers[i].Key), len(m.Headers[i].Value)
		count++
		size += varintSize(key) + key + varintSize(value) + value
	}
	return count, size + varintSize(count)
}

func appendHeaders(b []byte, m *driver.Message, a *attributes, k mark, count int) []byte {
	b = binary.AppendVarint(b, int64(count))
	b = appendHeader(b, driver.HeaderID, m.ID)
	b = appendHeader(b, driver.HeaderType, m.Type)
	b = appendHeader(b, driver.HeaderSlot, a.slot)
	b = appendHeader(b, driver.HeaderTime, a.time)
	b = appendHeader(b, driver.HeaderNotBefore, a.notBefore)
	b = appendHeader(b, driver.HeaderContentType, m.ContentType)
	if k != unmarked {
		b = appendHeader(b, k.header(), "1")
	}
	for i := range m.Headers {
		b = appendText(appendText(b, m.Headers[i].Key), m.Headers[i].Value)
	}
	return b
}

// appendHeader leaves out an attribute that is not there.
func appendHeader[T string | []byte](b []byte, key string, value T) []byte {
	if len(value) == 0 {
		return b
	}
	return appendText(appendText(b, key), value)
}

func appendText[T string | []byte](b []byte, s T) []byte {
	return append(binary.AppendVarint(b, int64(len(s))), s...)
}

// varintSize is how many bytes n takes as a zigzag varint; n is not negative.
func varintSize(n int) int {
	return (bits.Len64(uint64(n)<<1|1) + 6) / 7 //nolint:gosec // lengths
}

// native reads a header of the driver's into the message, and reports whether it was one. What is broken is left out.
func (f *fields) native(m *driver.Message, key, value string) bool {
	switch key {
	case driver.HeaderID:
		m.ID = or(m.ID, value)
	case driver.HeaderType:
		m.Type = or(m.Type, value)
	case driver.HeaderContentType:
		m.ContentType = or(m.ContentType, value)
	case driver.HeaderKey:
		m.Key = or(m.Key, value)
	case driver.HeaderSlot:
		if n, err := strconv.ParseUint(value, 10, 8); err == nil && n < driver.Slots && !f.slotted {
			m.Slot, f.slotted = uint8(n), true
		}
	case driver.HeaderTime:
		if t, err := time.Parse(time.RFC3339Nano, value); err == nil && m.Time.IsZero() {
			m.Time = t
		}
	case driver.HeaderNotBefore:
		if t, err := time.Parse(time.RFC3339Nano, value); err == nil && m.NotBefore.IsZero() {
			m.NotBefore = t
		}
	case headerDelayed:
		f.delayed = true
	case headerDropped:
		f.dropped = true
	default:
		return false
	}
	return true
}

// fields is what a record says beside what a message holds.
type fields struct {
	slotted, delayed, dropped bool
}
