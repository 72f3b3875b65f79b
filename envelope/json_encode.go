package envelope

import (
	"encoding/base64"
	"time"
	"unicode/utf8"
)

// JSON is the json form, marked, with the member names of JSONSchema.
var JSON Codec = JSONCodec{}

// JSONCodec is the json form: the body is one document with every attribute.
// The zero value writes the marked form. Reading doesn't depend on the fields.
//
// Members come in this order, those without a value left out: herald, eventId,
// type, timestamp, version (always), source, correlationId, causationId, key,
// contentType, schema, replyTo, expiresAt, deliverAt, traceparent, tracestate,
// baggage, headers, and data or data_base64.
//
// Data is embedded byte for byte if its content type is JSON (none,
// application/json or +json) and it is one JSON value that Decode would take:
// strictly valid, no white space around it, no member twice, within Nesting.
// Other data is base64. Nil data is neither.
type JSONCodec struct {
	// TypeMember names the member of the type: "type", the default, or
	// "eventType".
	TypeMember string
	// Unmarked leaves out the mark: no member herald, no header herald, and
	// the content type application/json. Readers then guess (FormBareJSON).
	Unmarked bool
	// Nesting is the most levels that a document with embedded data may have.
	// It should not exceed the readers' Limits.Nesting. The default is
	// DefaultNesting.
	Nesting int
}

// Name returns "json".
func (JSONCodec) Name() string { return "json" }

// Encode writes the event into r with a new body; the native attributes are
// set too. It refuses what JSON can't carry: text that is not UTF-8, a year
// outside 0 to 9999, a header key twice or reserved for own headers.
func (c JSONCodec) Encode(r *Record, e *Event) error {
	body, err := c.appendDocument(nil, e)
	if err != nil {
		return err
	}
	hs, contentType := r.Headers[:0], "application/json"
	if !c.Unmarked {
		hs, contentType = append(hs, Header{HeaderMark, Mark}), ContentTypeEvent
	}
	*r = Record{
		ID: e.ID, Type: e.Type, Key: e.Key, ContentType: contentType,
		Time: e.Time, Headers: hs, Body: body,
	}
	return nil
}

// writer appends a document and remembers the first thing it can't write.
type writer struct {
	b   []byte
	err *Error
}

func (c JSONCodec) appendDocument(b []byte, e *Event) ([]byte, error) {
	if c.TypeMember != "" && c.TypeMember != "type" && c.TypeMember != "eventType" {
		return nil, invalid("type", `expected the codec's TypeMember to be "type" or "eventType"`)
	}
	if e.err != nil {
		return nil, e.failure()
	}
	if b == nil {
		b = make([]byte, 0, documentSize(e))
	}
	w := writer{b: append(b, '{')}
	if !c.Unmarked {
		w.b = append(w.b, `"herald":`+Mark...)
	}
	w.member("eventId", e.ID)
	if c.TypeMember == "eventType" {
		w.member("eventType", e.Type)
	} else {
		w.member("type", e.Type)
	}
	w.time("timestamp", e.Time)
	if e.Version == "" {
		w.member("version", defaultVersion)
	} else {
		w.member("version", e.Version)
	}
	w.member("source", e.Source)
	w.member("correlationId", e.CorrelationID)
	w.member("causationId", e.CausationID)
	w.member("key", e.Key)
	w.member("contentType", e.ContentType)
	w.member("schema", e.Schema)
	w.member("replyTo", e.ReplyTo)
	w.time("expiresAt", e.ExpiresAt)
	w.time("deliverAt", e.DeliverAt)
	w.member(HeaderTraceParent, e.TraceParent)
	w.member(HeaderTraceState, e.TraceState)
	w.member(HeaderBaggage, e.Baggage)
	w.headers(e.Headers)
	w.data(e, jsonContentType(e.ContentType), c.Nesting)
	if w.err != nil {
		return nil, w.err
	}
	return append(w.b, '}'), nil
}

// documentSize guesses the size so that most documents are written in one
// allocation; base64 and escapes may need another.
func documentSize(e *Event) int {
	const names, perHeader = 320, 6
	n := names + len(e.ID) + len(e.Type) + len(e.Version) + len(e.Source) + len(e.CorrelationID) + len(e.CausationID) +
		len(e.Key) + len(e.ContentType) + len(e.Schema) + len(e.ReplyTo) +
		len(e.TraceParent) + len(e.TraceState) + len(e.Baggage) + len(e.Data)
	return n + headerBytes(e.Headers) + perHeader*len(e.Headers)
}

// name appends a member's name, which needs no escapes.
func (w *writer) name(name string) {
	if w.b[len(w.b)-1] != '{' {
		w.b = append(w.b, ',')
	}
	w.b = append(w.b, '"')
	w.b = append(w.b, name...)
	w.b = append(w.b, '"', ':')
}

func (w *writer) member(name, value string) {
	if value == "" {
		return
	}
	w.name(name)
	if !utf8.ValidString(value) {
		w.fail(invalid(name, "expected valid UTF-8"))
		return
	}
	w.b = appendQuoted(w.b, value)
}

func (w *writer) time(name string, t time.Time) {
	if t.IsZero() {
		return
	}
	if !validTime(t) {
		w.fail(invalid(name, wantYear))
		return
	}
	w.name(name)
	w.b = append(w.b, '"')
	w.b = t.UTC().AppendFormat(w.b, time.RFC3339Nano)
	w.b = append(w.b, '"')
}

func (w *writer) fail(err *Error) {
	if w.err == nil {
		w.err = err
	}
}

func (w *writer) headers(hs Headers) {
	if len(hs) == 0 {
		return
	}
	if i := repeated(hs); i >= 0 {
		w.fail(headerError(hs[i].Key, "expected each key once"))
		return
	}
	w.name("headers")
	w.b = append(w.b, '{')
	for i := range hs {
		if ownHeader(hs[i].Key) {
			w.fail(headerError(hs[i].Key, "expected a key that is not reserved"))
			return
		}
		if !utf8.ValidString(hs[i].Key) || !utf8.ValidString(hs[i].Value) {
			w.fail(headerError(hs[i].Key, "expected valid UTF-8"))
			return
		}
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.b = appendQuoted(w.b, hs[i].Key)
		w.b = append(w.b, ':')
		w.b = appendQuoted(w.b, hs[i].Value)
	}
	w.b = append(w.b, '}')
}

func (w *writer) data(e *Event, isJSON bool, nesting int) {
	if e.Data == nil {
		return
	}
	if isJSON && embeddable(e.Data, nesting) {
		w.name("data")
		w.b = append(w.b, e.Data...)
		return
	}
	w.name("data_base64")
	w.b = append(w.b, '"')
	w.b = base64.StdEncoding.AppendEncode(w.b, e.Data)
	w.b = append(w.b, '"')
}

// embeddable reports whether reading the document gives these very bytes.
func embeddable(data []byte, nesting int) bool {
	if len(data) == 0 || isSpace(data[0]) || isSpace(data[len(data)-1]) {
		return false
	}
	nesting = Limits{Nesting: nesting}.WithDefaults().Nesting
	var s scanner
	var keys [fewKeys * 2]keyRef
	s.keys = keys[:0]
	// The document around the data is one level.
	return s.start(data, nesting-1) && s.value() && s.end()
}
