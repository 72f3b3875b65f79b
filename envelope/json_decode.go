package envelope

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// Decode reads the body's document, marked or bare. Members are matched
// exactly; unknown ones are passed over; null stands for an absent one, except
// that data of null is the text null. A document with a member twice at any
// depth, text after its end, lone surrogates, broken UTF-8 or without eventId
// and type is ErrMalformed; one with too many levels is ErrTooLarge.
//
// eventType is read as type; both may be there if they agree. version may be a
// number. Times are RFC 3339 text, or numbers since 1970: seconds below 1e11
// in magnitude, else milliseconds; fractions are kept down to nanoseconds.
//
// The document counts before the record's native attributes; of these only the
// time, the key, the trace context and user headers are taken, where the
// document has none. Reserved names among its headers are not user headers:
// trace context is read, herald and herald-* are passed over.
//
// Embedded data is the text as it stands in the body, shared, not copied.
func (JSONCodec) Decode(e *Event, r *Record, l Limits) error {
	l = l.WithDefaults()
	if n := r.Size(); n > l.Message {
		return tooLarge("message", "bytes", n, l.Message)
	}
	return decodeJSON(e, r, l)
}

func decodeJSON(e *Event, r *Record, l Limits) error {
	for i := range r.Headers {
		if r.Headers[i].Key == HeaderMark && r.Headers[i].Value != Mark {
			return malformed(HeaderMark, "expected form version "+Mark)
		}
	}
	d := document{e: e}
	if err := d.decode(r, l); err != nil {
		return err
	}
	return nil
}

// document is one json form being read.
type document struct {
	scanner
	e         *Event
	limits    Limits
	bare      bool // the form is still a guess
	marked    bool // the document has a numeric member herald
	field     string
	eventType string
	err       *Error
}

func (d *document) decode(r *Record, l Limits) *Error {
	*d.e = Event{}
	d.limits = l
	var keys [fewKeys * 2]keyRef
	d.keys = keys[:0]
	if !d.start(r.Body, l.Nesting) || !d.walk(d.set) || !d.end() {
		return d.failure()
	}
	return d.complete(r)
}

// failure says why walking stopped, by the member it was in.
func (d *document) failure() *Error {
	if d.err != nil {
		return d.err
	}
	field := d.field
	if field == "" {
		field = "body"
	}
	if d.deep {
		return tooLarge(field, "levels of nesting", d.depth, d.max)
	}
	return malformed(field, d.reason+" at byte "+strconv.Itoa(d.pos))
}

// walk reads the members of the document, each with set.
func (d *document) walk(set func(name []byte) bool) bool {
	o, ok := d.open()
	if !ok {
		return false
	}
	for {
		d.field = ""
		key, more, ok := d.member(&o)
		if !ok || !more {
			return ok
		}
		name := d.src[key.start:key.end]
		if key.escaped {
			name = appendUnescaped(nil, name)
		}
		if !set(name) {
			return false
		}
	}
}

// set reads the value of the member with this name.
func (d *document) set(name []byte) bool {
	e := d.e
	switch string(name) {
	case "herald":
		return d.mark()
	case "eventId":
		return d.textMember("eventId", &e.ID)
	case "type":
		return d.textMember("type", &e.Type)
	case "eventType":
		return d.textMember("eventType", &d.eventType)
	case "timestamp":
		return d.timeMember("timestamp", &e.Time)
	case "version":
		return d.versionMember(&e.Version)
	case "source":
		return d.textMember("source", &e.Source)
	case "correlationId":
		return d.textMember("correlationId", &e.CorrelationID)
	case "causationId":
		return d.textMember("causationId", &e.CausationID)
	case "key":
		return d.textMember("key", &e.Key)
	case "contentType":
		return d.textMember("contentType", &e.ContentType)
	case "schema":
		return d.textMember("schema", &e.Schema)
	case "replyTo":
		return d.textMember("replyTo", &e.ReplyTo)
	case "expiresAt":
		return d.timeMember("expiresAt", &e.ExpiresAt)
	case "deliverAt":
		return d.timeMember("deliverAt", &e.DeliverAt)
	case "traceparent":
		return d.textMember("traceparent", &e.TraceParent)
	case "tracestate":
		return d.textMember("tracestate", &e.TraceState)
	case "baggage":
		return d.textMember("baggage", &e.Baggage)
	case "headers":
		return d.headers()
	case "data":
		return d.data()
	case "data_base64":
		return d.base64()
	}
	return d.value()
}

// mark reads the member herald. A number is a claim; in a document that makes
// none otherwise, anything else is a member of someone else.
func (d *document) mark() bool {
	d.field = "herald"
	c := d.peek()
	if c != '-' && (c < '0' || c > '9') {
		if d.bare {
			return d.value()
		}
		return d.fail("expected the number " + Mark)
	}
	d.marked = true
	n, ok := d.number()
	if ok && string(n) != Mark {
		return d.fail("expected form version " + Mark)
	}
	return ok
}

// null passes over a null, if there is one.
func (d *document) null() bool { return d.peek() == 'n' && d.literal("null") }

func (d *document) textMember(name string, dst *string) bool {
	d.field = name
	if d.null() {
		return true
	}
	if d.peek() != '"' {
		return d.fail("expected a string")
	}
	at, ok := d.str()
	if ok {
		*dst = d.text(at)
	}
	return ok
}

func (d *document) versionMember(dst *string) bool {
	c := d.peek()
	if c == '"' || c == 'n' {
		return d.textMember("version", dst)
	}
	d.field = "version"
	if c != '-' && (c < '0' || c > '9') {
		return d.fail("expected a string or a number")
	}
	n, ok := d.number()
	*dst = string(n)
	return ok
}

func (d *document) timeMember(name string, dst *time.Time) bool {
	d.field = name
	if d.null() {
		return true
	}
	var t time.Time
	var valid bool
	from := d.pos
	if d.peek() == '"' {
		at, ok := d.str()
		if !ok {
			return false
		}
		t, valid = parseTime(d.text(at))
	} else {
		if c := d.peek(); c != '-' && (c < '0' || c > '9') {
			return d.fail("expected an RFC 3339 time or a number")
		}
		n, ok := d.number()
		if !ok {
			return false
		}
		t, valid = parseEpoch(n)
	}
	if !valid {
		d.pos = from
		return d.fail("expected an RFC 3339 time, or seconds or milliseconds since 1970")
	}
	*dst = t
	return true
}

// headers reads the user's headers. Their number is checked before there is
// room for them.
func (d *document) headers() bool {
	d.field = "headers"
	if d.null() {
		return true
	}
	o, ok := d.open()
	if !ok {
		return false
	}
	bytes := 0
	for {
		key, more, ok := d.member(&o)
		if !ok || !more {
			return ok
		}
		h := Header{Key: d.text(key)}
		if d.peek() != '"' {
			return d.fail("expected a string as a header's value")
		}
		value, ok := d.str()
		if !ok {
			return false
		}
		h.Value = d.text(value)
		if ownHeader(h.Key) {
			d.traceHeader(h)
			continue
		}
		bytes += len(h.Key) + len(h.Value)
		if d.err = d.limits.headers(len(d.e.Headers)+1, bytes); d.err != nil {
			return false
		}
		d.e.Headers = append(d.e.Headers, h)
	}
}

// traceHeader takes trace context from where documents without members of
// their own for it carry it.
func (d *document) traceHeader(h Header) {
	e := d.e
	switch {
	case h.Key == HeaderTraceParent && e.TraceParent == "":
		e.TraceParent = h.Value
	case h.Key == HeaderTraceState && e.TraceState == "":
		e.TraceState = h.Value
	case h.Key == HeaderBaggage && e.Baggage == "":
		e.Baggage = h.Value
	}
}

const oneData = "expected either data or data_base64"

func (d *document) data() bool {
	d.field = "data"
	if d.e.Data != nil {
		return d.fail(oneData)
	}
	d.peek()
	from := d.pos
	ok := d.value()
	if ok {
		d.e.Data = d.src[from:d.pos:d.pos]
	}
	return ok
}

func (d *document) base64() bool {
	d.field = "data_base64"
	if d.null() {
		return true
	}
	if d.e.Data != nil {
		return d.fail(oneData)
	}
	if d.peek() != '"' {
		return d.fail("expected a string")
	}
	at, ok := d.str()
	if !ok {
		return false
	}
	text := d.text(at)
	// The decoder passes over line ends, which are no part of the form.
	if strings.ContainsAny(text, "\r\n") {
		return d.fail("expected base64 (RFC 4648, section 4) with padding")
	}
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		return d.fail("expected base64 (RFC 4648, section 4) with padding")
	}
	d.e.Data = b
	return true
}

// complete checks what the document must have and fills in what it lacks.
func (d *document) complete(r *Record) *Error {
	e := d.e
	if e.Type == "" {
		e.Type = d.eventType
	}
	switch {
	case d.eventType != "" && d.eventType != e.Type:
		return malformed("eventType", "expected the same as type")
	case !validID(e.ID):
		return malformed("eventId", wantID)
	case !validType(e.Type):
		return malformed("type", wantType)
	}
	if e.Version == "" {
		e.Version = defaultVersion
	}
	if e.Time.IsZero() {
		e.Time = utc(r.Time)
	}
	if e.Key == "" {
		e.Key = r.Key
	}
	nativeTrace(e, r)
	hs, err := userHeaders(e.Headers, r, d.limits)
	if err != nil {
		return err
	}
	e.Headers = hs
	return nil
}

// text returns a string's value.
func (d *document) text(at span) string {
	raw := d.src[at.start:at.end]
	if !at.escaped {
		return string(raw)
	}
	return string(appendUnescaped(make([]byte, 0, len(raw)), raw))
}
