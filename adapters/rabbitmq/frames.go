package rabbitmq

import (
	"encoding/binary"
	"strconv"
	"strings"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// Frames of AMQP 0-9-1: type, channel, size, payload, end.
const (
	frameMethod    = 1
	frameHeader    = 2
	frameBody      = 3
	frameHeartbeat = 8
	frameEnd       = 0xCE
	frameHead      = 7
)

// Methods, by class and number.
const (
	methodPublish     = 60<<16 | 40
	methodReturn      = 60<<16 | 50
	methodDeliver     = 60<<16 | 60
	methodAck         = 60<<16 | 80
	methodNack        = 60<<16 | 120
	methodConfirming  = 85<<16 | 11
	methodCloseByPeer = 20<<16 | 40
)

// classBasic is the class of messages.
const classBasic = 60

// way is how one message goes through the broker.
type way struct {
	exchange, key string
	mandatory     bool
	expiration    string // when it leaves the queue that it waits in
	levels        uint   // the levels of delay that it waits in, by bit
	topic         string // where a delay leads to
}

// begin begins a frame and returns where it does.
func begin(b []byte, kind byte, channel uint16) ([]byte, int) {
	b = binary.BigEndian.AppendUint16(append(b, kind), channel)
	return append(b, 0, 0, 0, 0), len(b) + 4
}

// finish ends the frame whose payload began at a place.
func finish(b []byte, payload int) []byte {
	binary.BigEndian.PutUint32(b[payload-4:], uint32(len(b)-payload)) //nolint:gosec // within a frame
	return append(b, frameEnd)
}

// appendPublish writes a message as frames of at most most bytes. stamp is when, in milliseconds since 1970. What does not fit (see unfit)
// must not come here.
func appendPublish(b []byte, channel uint16, most int, w *way, m *driver.Message, stamp int64) []byte {
	b, at := begin(b, frameMethod, channel)
	b = binary.BigEndian.AppendUint32(b, methodPublish)
	b = append(b, 0, 0)
	b = appendShort(appendShort(b, w.exchange), w.key)
	mandatory := byte(0)
	if w.mandatory {
		mandatory = 1
	}
	b = finish(append(b, mandatory), at)
	b, at = begin(b, frameHeader, channel)
	b = append(b, 0, classBasic, 0, 0)
	b = binary.BigEndian.AppendUint64(b, uint64(len(m.Body)))
	b = finish(appendProperties(b, w, m, stamp), at)
	for body := m.Body; len(body) > 0; {
		piece := body[:min(len(body), most-frameHead-1)]
		body = body[len(piece):]
		b, at = begin(b, frameBody, channel)
		b = finish(append(b, piece...), at)
	}
	return b
}

// appendProperties writes the flags, and the properties in their order.
func appendProperties(b []byte, w *way, m *driver.Message, stamp int64) []byte {
	flags, at := uint16(hasHeaders|hasDeliveryMode), len(b)
	b = append(b, 0, 0)
	str := func(flag uint16, value string) {
		if value != "" && len(value) <= shortLimit {
			flags |= flag
			b = appendShort(b, value)
		}
	}
	str(hasContentType, m.ContentType)
	b = appendHeaders(b, w, m, stamp)
	b = append(b, persistent)
	str(hasExpiration, w.expiration)
	str(hasMessageID, m.ID)
	if !m.Time.IsZero() && m.Time.Unix() >= 0 { // AMQP's timestamps begin at 1970
		flags |= hasTimestamp
		b = binary.BigEndian.AppendUint64(b, uint64(m.Time.Unix())) //nolint:gosec // not negative
	}
	str(hasType, m.Type)
	binary.BigEndian.PutUint16(b[at:], flags)
	return b
}

// persistent is a delivery mode.
const persistent = 2

// appendHeaders writes the table of headers: the message's own, and what has no property of its own or does not fit into it.
func appendHeaders(b []byte, w *way, m *driver.Message, stamp int64) []byte {
	at := len(b)
	b = append(b, 0, 0, 0, 0)
	for i := range m.Headers {
		key := m.Headers[i].Key
		if isOrder(key) || strings.HasPrefix(key, headerAs) {
			key = headerAs + key
		}
		b = appendText(b, key, m.Headers[i].Value)
	}
	for _, long := range [...]struct{ key, value string }{
		{driver.HeaderID, m.ID}, {driver.HeaderType, m.Type}, {driver.HeaderContentType, m.ContentType},
	} {
		if len(long.value) > shortLimit {
			b = appendText(b, long.key, long.value)
		}
	}
	b = appendText(b, driver.HeaderSlot, slotTexts[m.Slot%driver.Slots])
	b = appendNumber(b, headerSent, stamp)
	if m.Key != "" {
		b = appendText(b, driver.HeaderKey, m.Key)
	}
	b = appendTime(b, driver.HeaderTime, m.Time)
	b = appendTime(b, driver.HeaderNotBefore, m.NotBefore)
	if w.levels != 0 {
		b = appendLevels(b, w)
	}
	binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-4)) //nolint:gosec // within a frame
	return b
}

// appendNumber writes a header with a number, as text: some clients take no other headers.
func appendNumber(b []byte, key string, n int64) []byte {
	b = append(appendShort(b, key), 'S', 0, 0, 0, 0)
	at := len(b)
	b = strconv.AppendInt(b, n, 10)
	binary.BigEndian.PutUint32(b[at-4:], uint32(len(b)-at)) //nolint:gosec // a few bytes
	return b
}

// appendTime writes a header with a time, unless there is none.
func appendTime(b []byte, key string, t time.Time) []byte {
	if t.IsZero() {
		return b
	}
	b = append(appendShort(b, key), 'S', 0, 0, 0, 0)
	at := len(b)
	b = t.UTC().AppendFormat(b, time.RFC3339Nano)
	binary.BigEndian.PutUint32(b[at-4:], uint32(len(b)-at)) //nolint:gosec // a few bytes
	return b
}
