package messaging

import (
	"strconv"
	"time"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/driver"
)

// Headers that copies into an inbox carry. They are a wire format, trusted only on messages from the group's own inbox.
const (
	headerAttempts    = "herald-attempts"       // failed attempts so far
	headerLater       = "herald-later"          // redeliveries through the inbox so far
	headerFirstFailed = "herald-first-failed"   // RFC 3339
	headerUnrouted    = "herald-unrouted-since" // RFC 3339
	headerRedrive     = "herald-redrive"        // the id of the request
	headerOrigin      = "herald-origin"         // position in the topic
	headerQuick       = "herald-quick"          // quick tries used up, of one that was moved for being held too long
)

// item is one message in hand.
type item struct {
	msg  *driver.Message
	next *item // behind it in its lane
	key  string
	size int

	since int64 // when it came, since Subscription.base; only where the broker limits how long it may be held

	original *pristine // what the message's body was copied to, where the handler has the body itself

	attempt *attempt // decoded ahead, for the first try
	broken  error    // why it could not be

	tries       int       // failed attempts in this process
	quick       int       // quick tries used up since it was delivered, or before it was moved
	recorded    int       // failed attempts recorded in the copy that this is
	later       int       // redeliveries recorded
	due         time.Time // the end of its last wait
	firstFailed time.Time
	unrouted    time.Time
	redrive     string
	origin      string
	lastError   error
}

// newItem reads what a copy from the inbox has recorded.
func (s *Subscription) newItem(m *driver.Message) *item {
	it, _ := s.items.Get().(*item)
	if it == nil {
		it = &item{}
	}
	it.msg, it.key, it.size, it.origin = m, m.Key, m.Size(), m.Position
	if m.Inbox {
		it.read(m.Headers)
	}
	if it.key == "" && s.inside(m) {
		it.key = s.keyInside(m)
	}
	return it
}

func (it *item) read(headers []driver.Header) {
	for i := range headers {
		h := &headers[i]
		switch h.Key {
		case headerAttempts:
			it.recorded = count(h.Value)
		case headerQuick:
			it.quick = count(h.Value)
		case headerLater:
			it.later = count(h.Value)
		case headerFirstFailed:
			it.firstFailed, _ = time.Parse(time.RFC3339Nano, h.Value) // zero when it is broken: then this failure is the first
		case headerUnrouted:
			it.unrouted, _ = time.Parse(time.RFC3339Nano, h.Value)
		case headerRedrive:
			it.redrive = h.Value
		case headerOrigin:
			it.origin = h.Value
		}
	}
}

func count(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// inside reports whether the message is an envelope of somebody else's making, so that its key may stand in the body, or in a header, alone.
func (s *Subscription) inside(m *driver.Message) bool {
	if len(m.Headers) > 0 && m.Headers[0].Key == envelope.HeaderMark {
		return false // ours: its key is native
	}
	r := envelope.Record{ID: m.ID, Type: m.Type, ContentType: m.ContentType, Headers: m.Headers, Body: m.Body}
	switch envelope.Detect(&r) {
	case envelope.FormForeign, envelope.FormForeignNoID:
		return false
	default:
		return true
	}
}

// keyInside decodes a message for its key. It is decoded again for the handler: such messages are rare, and attempts share nothing.
func (s *Subscription) keyInside(m *driver.Message) string {
	var e envelope.Event
	if _, err := s.broker.decode(&e, m); err != nil {
		return ""
	}
	return e.Key
}

// withoutBookkeeping returns headers without what copies record.
func withoutBookkeeping(headers []driver.Header) []driver.Header {
	kept := make([]driver.Header, 0, len(headers)+6)
	for _, h := range headers {
		switch h.Key {
		case headerAttempts, headerLater, headerFirstFailed, headerUnrouted, headerRedrive, headerOrigin, headerQuick:
		default:
			kept = append(kept, h)
		}
	}
	return kept
}

// record appends what a copy of it records.
func (it *item) record(headers []driver.Header) []driver.Header {
	put := func(key, value string) {
		if value != "" {
			headers = append(headers, driver.Header{Key: key, Value: value})
		}
	}
	if n := it.recorded + it.tries; n > 0 {
		put(headerAttempts, strconv.Itoa(n))
	}
	if it.later > 0 {
		put(headerLater, strconv.Itoa(it.later))
	}
	put(headerFirstFailed, stamp(it.firstFailed))
	put(headerUnrouted, stamp(it.unrouted))
	put(headerRedrive, it.redrive)
	put(headerOrigin, it.origin)
	return headers
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
