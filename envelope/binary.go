package envelope

import (
	"slices"
	"time"
)

// Binary is the default form; see the table at HeaderMark.
var Binary Codec = BinaryCodec{}

// BinaryCodec is the binary form: the body is the data as it is, everything
// else travels in native attributes and headers. It is ready to use.
type BinaryCodec struct{}

// Name returns "binary".
func (BinaryCodec) Name() string { return "binary" }

// Encode writes the event into r, whose body then is e.Data, not a copy. It
// allocates only when r.Headers is too small. It refuses a content type or a
// header key that would read back as something else, and times that RFC 3339
// can't write; the rest is left to Event.Validate.
func (BinaryCodec) Encode(r *Record, e *Event) error {
	if e.err != nil {
		return e.failure()
	}
	if eventContentType(e.ContentType) {
		return invalid("contentType", "expected the type of the data, not "+ContentTypeEvent)
	}
	if !validTime(e.ExpiresAt) {
		return invalid("expiresAt", wantYear)
	}
	if !validTime(e.DeliverAt) {
		return invalid("deliverAt", wantYear)
	}
	hs := slices.Grow(r.Headers[:0], int(attributeCount)+len(e.Headers))
	hs = append(hs, Header{HeaderMark, Mark})
	if e.Version != "" && e.Version != defaultVersion {
		hs = append(hs, Header{HeaderVersion, e.Version})
	}
	hs = appendText(hs, HeaderSource, e.Source)
	hs = appendText(hs, HeaderCorrelationID, e.CorrelationID)
	hs = appendText(hs, HeaderCausationID, e.CausationID)
	hs = appendText(hs, HeaderSchema, e.Schema)
	hs = appendText(hs, HeaderReplyTo, e.ReplyTo)
	hs = appendTime(hs, HeaderExpiresAt, e.ExpiresAt)
	hs = appendTime(hs, HeaderDeliverAt, e.DeliverAt)
	hs = appendText(hs, HeaderTraceParent, e.TraceParent)
	hs = appendText(hs, HeaderTraceState, e.TraceState)
	hs = appendText(hs, HeaderBaggage, e.Baggage)
	for i := range e.Headers {
		if ownHeader(e.Headers[i].Key) {
			return headerError(e.Headers[i].Key, "expected a key that is not reserved")
		}
		hs = append(hs, e.Headers[i])
	}
	*r = Record{
		ID: e.ID, Type: e.Type, Key: e.Key, ContentType: e.ContentType,
		Time: e.Time, Headers: hs, Body: e.Data,
	}
	return nil
}

func appendText(hs []Header, key, value string) []Header {
	if value == "" {
		return hs
	}
	return append(hs, Header{key, value})
}

func appendTime(hs []Header, key string, t time.Time) []Header {
	if t.IsZero() {
		return hs
	}
	return append(hs, Header{key, t.UTC().Format(time.RFC3339Nano)})
}

// Decode reads a marked record. e.Data is r.Body, not a copy; the only
// allocation is e.Headers, if there are any. A missing or unknown mark, an id
// or type that breaks its grammar, a time that doesn't parse and a repeated
// own header are ErrMalformed; of a repeated traceparent, tracestate or
// baggage the last counts. User headers are kept as they are, even where
// publishing would refuse them.
func (BinaryCodec) Decode(e *Event, r *Record, l Limits) error {
	l = l.WithDefaults()
	if n := r.Size(); n > l.Message {
		return tooLarge("message", "bytes", n, l.Message)
	}
	return decodeBinary(e, r, l)
}

func decodeBinary(e *Event, r *Record, l Limits) error {
	*e = Event{
		ID: r.ID, Type: r.Type, Version: defaultVersion, Key: r.Key, ContentType: r.ContentType,
		Time: utc(r.Time), Data: r.Body,
	}
	if !validID(e.ID) {
		return malformed("eventId", wantID)
	}
	if !validType(e.Type) {
		return malformed("type", wantType)
	}
	if err := binaryAttributes(e, r.Headers); err != nil {
		return err
	}
	hs, err := userHeaders(nil, r, l)
	if err != nil {
		return err
	}
	e.Headers = hs
	return nil
}

// binaryAttributes reads the own headers.
func binaryAttributes(e *Event, hs []Header) *Error {
	var seen uint32
	for i := range hs {
		a := attributeOf(hs[i].Key)
		if a == attributeNone {
			continue
		}
		if seen&(1<<a) != 0 && a < attributeTraceParent {
			return malformed(hs[i].Key, "expected the header once")
		}
		seen |= 1 << a
		if err := setAttribute(e, a, hs[i].Value); err != nil {
			return err
		}
	}
	if seen&(1<<attributeMark) == 0 {
		return malformed(HeaderMark, "expected the header "+HeaderMark)
	}
	return nil
}

// attribute is an own header of the binary form.
type attribute uint8

const (
	attributeNone attribute = iota
	attributeMark
	attributeVersion
	attributeSource
	attributeCorrelationID
	attributeCausationID
	attributeSchema
	attributeReplyTo
	attributeExpiresAt
	attributeDeliverAt
	attributeTraceParent // from here on a repetition is allowed
	attributeTraceState
	attributeBaggage
	attributeCount
)

func attributeOf(key string) attribute {
	// Every own header is one of these lengths at least and begins so, which
	// spares user headers the comparisons below.
	if len(key) < len(HeaderMark) || key[0] != 'h' && key[0] != 't' && key[0] != 'b' {
		return attributeNone
	}
	switch key {
	case HeaderMark:
		return attributeMark
	case HeaderVersion:
		return attributeVersion
	case HeaderSource:
		return attributeSource
	case HeaderCorrelationID:
		return attributeCorrelationID
	case HeaderCausationID:
		return attributeCausationID
	case HeaderSchema:
		return attributeSchema
	case HeaderReplyTo:
		return attributeReplyTo
	case HeaderExpiresAt:
		return attributeExpiresAt
	case HeaderDeliverAt:
		return attributeDeliverAt
	case HeaderTraceParent:
		return attributeTraceParent
	case HeaderTraceState:
		return attributeTraceState
	case HeaderBaggage:
		return attributeBaggage
	}
	return attributeNone
}

func setAttribute(e *Event, a attribute, value string) *Error {
	switch a {
	case attributeMark:
		if value != Mark {
			return malformed(HeaderMark, "expected form version "+Mark)
		}
	case attributeVersion:
		e.Version = value
		if value == "" {
			e.Version = defaultVersion
		}
	case attributeSource:
		e.Source = value
	case attributeCorrelationID:
		e.CorrelationID = value
	case attributeCausationID:
		e.CausationID = value
	case attributeSchema:
		e.Schema = value
	case attributeReplyTo:
		e.ReplyTo = value
	case attributeExpiresAt:
		return setTime(&e.ExpiresAt, HeaderExpiresAt, value)
	case attributeDeliverAt:
		return setTime(&e.DeliverAt, HeaderDeliverAt, value)
	case attributeTraceParent:
		e.TraceParent = value
	case attributeTraceState:
		e.TraceState = value
	case attributeBaggage:
		e.Baggage = value
	}
	return nil
}

func setTime(dst *time.Time, field, value string) *Error {
	t, ok := parseTime(value)
	if !ok {
		return malformed(field, "expected an RFC 3339 time")
	}
	*dst = t
	return nil
}
