package envelope

import (
	"bytes"
	"slices"
	"time"
)

// Header is one name and value. It is an alias of an unnamed struct so that a
// slice of headers passes between packages that declare the same alias
// without a copy.
type Header = struct{ Key, Value string }

// Headers are the user's own headers, in the order in which they were added.
// The zero value is an empty set. Methods only read.
type Headers []Header

// Get returns the value of the first header with this key, or "".
// Keys are compared exactly.
func (h Headers) Get(key string) string {
	v, _ := h.Lookup(key)
	return v
}

// Lookup returns the value of the first header with this key and whether
// there is one. Keys are compared exactly.
func (h Headers) Lookup(key string) (string, bool) {
	for i := range h {
		if h[i].Key == key {
			return h[i].Value, true
		}
	}
	return "", false
}

// Map returns a new map of the headers, which the caller owns. It is never
// nil. Where a foreign event repeats a key the first value wins, as in Get.
func (h Headers) Map() map[string]string {
	m := make(map[string]string, len(h))
	for i := range h {
		if _, ok := m[h[i].Key]; !ok {
			m[h[i].Key] = h[i].Value
		}
	}
	return m
}

// Event is one event with its attributes. Events are immutable once published
// or received: other holders may share Headers and Data, so whoever wants to
// change them takes a Clone first. The zero value is not publishable; see
// [New] and [Event.Validate].
type Event struct {
	// ID names the event for ever; it is the key for recognising duplicates.
	// At most 1024 bytes. New sets a UUIDv7.
	ID string
	// Type says what happened, such as "order.placed".
	// It matches [A-Za-z0-9._:/-]{1,255}.
	Type string
	// Version is the version of the data's schema. "" means "1"; compare with
	// SameVersion. At most 1024 bytes.
	Version string
	// Source names the service that published the event. At most 1024 bytes.
	Source string
	// CorrelationID is shared by all events of one business operation, and
	// CausationID is the id of the event that led to this one.
	// At most 1024 bytes each.
	CorrelationID, CausationID string
	// Time is when it happened, with nanoseconds. Decoded times are in UTC.
	Time time.Time
	// Key orders events: those with the same key are handled one at a time.
	// "" means no order. At most 1024 bytes.
	Key string
	// ContentType is the media type of Data; "" means JSON. At most 255 bytes.
	ContentType string
	// Schema is a reference to the schema of Data. At most 1024 bytes.
	Schema string
	// ReplyTo is the topic where an answer is expected. At most 1024 bytes.
	ReplyTo string
	// ExpiresAt is when the event is no longer worth handling, and DeliverAt
	// the earliest moment at which it may be; zero means never and at once.
	ExpiresAt, DeliverAt time.Time
	// TraceParent, TraceState and Baggage are the W3C trace context.
	// TraceParent is at most 1024 bytes, the others 8192 each.
	TraceParent, TraceState, Baggage string
	// Headers are the user's own. Keys match [a-z0-9._-]{1,128}, none twice.
	Headers Headers
	// Data is the payload. Decoding may share it with the record's body.
	Data []byte

	// err is why the event can't be published; set by Failed.
	err error
}

// New returns an event of this type with a new UUIDv7 as its ID, the current
// time in UTC and Version "1", and then applies the options, whose order does
// not matter unless one is given twice. It keeps data, not a copy, and does
// not validate: publishing does, see [Event.Validate].
func New(typ string, data []byte, opts ...Option) Event {
	if len(opts) > 0 {
		return newWith(typ, data, opts)
	}
	return Event{ID: NewID(), Type: typ, Version: defaultVersion, Time: utc(time.Now()), Data: data}
}

// newWith stands apart from New because an event that options see lives on
// the heap.
func newWith(typ string, data []byte, opts []Option) Event {
	e := Event{Type: typ, Version: defaultVersion, Time: utc(time.Now()), Data: data}
	for _, opt := range opts {
		opt(&e)
	}
	if e.ID == "" {
		e.ID = NewID()
	}
	return e
}

// Clone returns a copy that shares neither Headers nor Data with e.
// Nil stays nil.
func (e *Event) Clone() Event {
	c := *e
	c.Headers = slices.Clone(e.Headers)
	c.Data = bytes.Clone(e.Data)
	return c
}

// Size returns the bytes that Limits.Message counts: the attributes, the
// headers and the data as the binary form writes them. It equals the
// [Record.Size] of that form; the json form is larger.
func (e *Event) Size() int {
	n := len(HeaderMark) + len(Mark) + len(e.ID) + len(e.Type) + len(e.Key) + len(e.ContentType)
	n += timeSize(e.Time) + len(e.Data)
	if e.Version != "" && e.Version != defaultVersion {
		n += len(HeaderVersion) + len(e.Version)
	}
	n += attributeSize(HeaderSource, e.Source)
	n += attributeSize(HeaderCorrelationID, e.CorrelationID)
	n += attributeSize(HeaderCausationID, e.CausationID)
	n += attributeSize(HeaderSchema, e.Schema)
	n += attributeSize(HeaderReplyTo, e.ReplyTo)
	n += timeHeaderSize(HeaderExpiresAt, e.ExpiresAt)
	n += timeHeaderSize(HeaderDeliverAt, e.DeliverAt)
	n += attributeSize(HeaderTraceParent, e.TraceParent)
	n += attributeSize(HeaderTraceState, e.TraceState)
	n += attributeSize(HeaderBaggage, e.Baggage)
	return n + headerBytes(e.Headers)
}

func attributeSize(name, value string) int {
	if value == "" {
		return 0
	}
	return len(name) + len(value)
}

func timeHeaderSize(name string, t time.Time) int {
	if t.IsZero() {
		return 0
	}
	var buf [len(time.RFC3339Nano) + 8]byte
	return len(name) + len(t.UTC().AppendFormat(buf[:0], time.RFC3339Nano))
}

// timeSize is what a native timestamp counts for: the 64 bits that AMQP and
// Kafka spend on one.
func timeSize(t time.Time) int {
	if t.IsZero() {
		return 0
	}
	return 8
}

func headerBytes(hs []Header) int {
	n := 0
	for i := range hs {
		n += len(hs[i].Key) + len(hs[i].Value)
	}
	return n
}

// MarshalJSON returns the marked json form of the event, as JSON writes it.
// Note that encoding/json compacts what it gets from here, and escapes <, >
// and & in it unless told otherwise, so embedded data keeps its meaning there
// but not its bytes. An event that the form can't carry gives an *Error that
// wraps ErrInvalid.
func (e Event) MarshalJSON() ([]byte, error) {
	return JSONCodec{}.appendDocument(nil, &e)
}

// UnmarshalJSON sets e from a json form, marked or bare, under the default
// limits. It copies what it keeps. Errors are *Error and wrap ErrMalformed or
// ErrTooLarge; e is then unchanged.
func (e *Event) UnmarshalJSON(b []byte) error {
	// encoding/json reuses b after the call.
	r := Record{Body: bytes.Clone(b)}
	var decoded Event
	if err := (JSONCodec{}).Decode(&decoded, &r, Limits{}); err != nil {
		return err
	}
	*e = decoded
	return nil
}
