package driver

import (
	"sync/atomic"
	"time"
)

// Header is one native header. It is an alias of an unnamed struct on purpose: package envelope declares the same one, so that slices pass
// between the two packages without a copy and without an import.
type Header = struct{ Key, Value string }

// Message is an event as a broker carries it. The first group of fields travels; a driver writes them into the broker's own fields where it
// has them and into the native headers named in this package where it has not.
type Message struct {
	// ID, Type, Key and ContentType are the event's attributes; received foreign messages may lack any of them.
	ID, Type, Key, ContentType string
	// Time is the event's time. Drivers carry at least milliseconds natively and the exact value in HeaderTime.
	Time time.Time
	// Slot is Slot(Key), set on every published message, so that partitions can be chosen later.
	Slot uint8
	// NotBefore, when set, must delay delivery until then; tiers may round up, never down. A driver that can't gives the fate Invalid with
	// ErrUnsupported. How long that is a driver must take from [Message.Due], since the clock may have jumped meanwhile.
	NotBefore time.Time
	// Headers are written as they stand. Received ones hold no native header of this package: those are read into the fields. Brokers that
	// keep headers in a map may change their order and keep one of two with the same key.
	Headers []Header
	// Body is written as it stands. Nil and empty are the same.
	Body []byte

	// FailFast, on a published message, asks for the fate Unavailable as soon as the broker is not connected, instead of waiting.
	FailFast bool

	// Source is where a received message is held from; never nil on a received message.
	Source *Source
	// Position is where a received message stands in its topic, as opaque text that a later Start can name; empty where there is none.
	Position string
	// Deliveries is the broker's own count of deliveries, this one included; 0 where the broker does not count.
	Deliveries int
	// Inbox tells that a received message came through the group's inbox, and not through the topic. A driver must never set it for
	// what anybody could have published to the topic: attempt counts are trusted only where it is set.
	Inbox bool
	// Exclusive tells that nothing else refers to the memory of a received message's Body, and that whoever keeps Body keeps little more than
	// that: its handler may get it and change it, instead of a copy. A driver that sets it must not look into Body again, but for its length.
	Exclusive bool
	// Ref and Seq are the driver's own, for settling.
	Ref any
	// Seq is the driver's own number, beside Ref so that an offset or tag needs no allocation.
	Seq uint64

	state uint32
	// due, unless 0, is when a message put off is due, since the process began: clocks that jump don't touch it.
	due time.Duration
}

// The states of a published message.
const (
	queued uint32 = iota
	claimed
	withdrawn
)

// Claim marks the message as about to be written. A driver must call it right before the message's first byte, once per message: after a
// true the message can't be withdrawn any more. When it returns false the caller has withdrawn the message: the driver must not write it, and
// must report Unavailable with ErrWithdrawn. Claim may be called again after true, for a second try, and then returns true.
func (m *Message) Claim() bool {
	return atomic.CompareAndSwapUint32(&m.state, queued, claimed) || atomic.LoadUint32(&m.state) == claimed
}

// Withdraw takes an unclaimed message back and reports whether it could; after true the driver will never write it. It is for the caller of
// Send, when the publisher's context ends.
func (m *Message) Withdraw() bool {
	return atomic.CompareAndSwapUint32(&m.state, queued, withdrawn)
}

// Claimed reports whether the driver has claimed the message, so that its bytes may have left.
func (m *Message) Claimed() bool { return atomic.LoadUint32(&m.state) == claimed }

// Withdrawn reports whether the caller has taken the message back. A driver may look at it to free room early.
func (m *Message) Withdrawn() bool { return atomic.LoadUint32(&m.state) == withdrawn }

// Size is what windows and queues count for the message, in bytes: body, headers and attributes.
func (m *Message) Size() int {
	n := len(m.ID) + len(m.Type) + len(m.Key) + len(m.ContentType) + len(m.Body)
	for i := range m.Headers {
		n += len(m.Headers[i].Key) + len(m.Headers[i].Value)
	}
	return n
}

// Lookup returns the value of the first header named key, and whether there is one.
func (m *Message) Lookup(key string) (string, bool) {
	for i := range m.Headers {
		if m.Headers[i].Key == key {
			return m.Headers[i].Value, true
		}
	}
	return "", false
}
