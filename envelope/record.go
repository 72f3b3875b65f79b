package envelope

import "time"

// Record is an event as a broker carries it: native attributes, headers and a
// body. An adapter maps the native attributes to what its broker has for them
// (AMQP properties, Kafka headers, Redis fields) and the headers as they are.
// The zero value is an empty foreign message.
type Record struct {
	// ID, Type, Key and ContentType are the native attributes.
	ID, Type, Key, ContentType string
	// Time is the native timestamp, with nanoseconds wherever the adapter can
	// carry them. Zero means none.
	Time time.Time
	// Headers are all the headers, own and user's, in their order.
	Headers []Header
	// Body is the message's body.
	Body []byte
	// Position is where the record stands in the broker, as opaque text. It is
	// the id of a foreign event that brings none. May be empty.
	Position string
}

// Size returns the bytes of the record as written: native attributes, with 8
// for the time, headers and body. Headers that begin with "herald-" and that
// the binary form doesn't have are not counted, since they come on top of what
// a publisher wrote. Position isn't counted either.
func (r *Record) Size() int {
	n := len(r.ID) + len(r.Type) + len(r.Key) + len(r.ContentType) + timeSize(r.Time) + len(r.Body)
	for i := range r.Headers {
		if key := r.Headers[i].Key; !heraldHeader(key) || attributeOf(key) != attributeNone {
			n += len(key) + len(r.Headers[i].Value)
		}
	}
	return n
}

// Codec is one wire form. A Codec must be safe for concurrent use and must
// not keep what it is given.
type Codec interface {
	// Name names the form in configuration: "binary", "json",
	// "cloudevents", "cloudevents-json".
	Name() string
	// Encode writes e into r. It must set every field of r, must append to
	// r.Headers[:0] so that a record can be used again, and must not write
	// into an old r.Body. It may share e.Data as r.Body. It must not change e.
	// The caller validates e before and compares r.Size with its limit after,
	// since a form may be larger than Event.Size. Encode must refuse, with an
	// *Error that wraps ErrInvalid, what it could not read back.
	Encode(r *Record, e *Event) error
	// Decode reads r, which is in this form, into e and must set every field
	// of e. e.Data may share r.Body, and e's strings may share those of r;
	// e.Headers must be its own. It must not change r. An error must be an
	// *Error that wraps ErrMalformed or ErrTooLarge; e is then unspecified.
	Decode(e *Event, r *Record, l Limits) error
}

// userHeaders returns dst with those of the record's headers that are not
// own ones, and that dst doesn't have yet, in one allocation.
func userHeaders(dst Headers, r *Record, l Limits) (Headers, *Error) {
	count, bytes := len(dst), headerBytes(dst)
	for i := range r.Headers {
		if !ownHeader(r.Headers[i].Key) {
			count++
			bytes += len(r.Headers[i].Key) + len(r.Headers[i].Value)
		}
	}
	if err := l.headers(count, bytes); err != nil {
		return nil, err
	}
	if count == len(dst) {
		return dst, nil
	}
	out := make(Headers, len(dst), count)
	copy(out, dst)
	for i := range r.Headers {
		key := r.Headers[i].Key
		if ownHeader(key) {
			continue
		}
		if _, taken := dst.Lookup(key); !taken {
			out = append(out, r.Headers[i])
		}
	}
	return out, nil
}

// nativeTrace fills the trace context from the record's headers where the
// event has none. Of repeated headers the last counts: the nearest hop's.
func nativeTrace(e *Event, r *Record) {
	var parent, state, baggage string
	for i := range r.Headers {
		switch r.Headers[i].Key {
		case HeaderTraceParent:
			parent = r.Headers[i].Value
		case HeaderTraceState:
			state = r.Headers[i].Value
		case HeaderBaggage:
			baggage = r.Headers[i].Value
		}
	}
	if e.TraceParent == "" && e.TraceState == "" {
		e.TraceParent, e.TraceState = parent, state
	}
	if e.Baggage == "" {
		e.Baggage = baggage
	}
}
