package envelope

import "strings"

// CloudEventsStructuredCodec is the structured content mode of CloudEvents in
// its JSON event format: the body is one document with every attribute. The
// zero value is ready to use.
//
// Data is embedded byte for byte, as the member data, if its content type is
// none, application/json or text/json and it is one JSON value that Decode
// would take: strictly valid, no white space around it, no member twice, within
// Nesting. Other data is data_base64, and so is what readers are known to get
// wrong as data: the value null, and JSON of a type that ends in +json
// (github.com/cloudevents/sdk-go, issues 797 and 1273). Nil data is neither.
type CloudEventsStructuredCodec struct {
	// Nesting is the most levels that a document with embedded data may have.
	// It should not exceed the readers' Limits.Nesting. The default is
	// DefaultNesting.
	Nesting int
}

// Name returns "cloudevents-json".
func (CloudEventsStructuredCodec) Name() string { return "cloudevents-json" }

// Encode writes the event into r with a new body; the native attributes are
// set too, and the content type is ContentTypeCloudEvents. It refuses what
// CloudEventsCodec refuses, and attributes that are not UTF-8.
func (c CloudEventsStructuredCodec) Encode(r *Record, e *Event) error {
	if err := e.cloudEvent(); err != nil {
		return err
	}
	w := writer{b: append(make([]byte, 0, documentSize(e)), '{')}
	for a := ceSpecVersion; a < ceHeraldHeaders; a++ {
		w.member(cloudEventNames[a], a.of(e))
	}
	w.extensions(e.Headers)
	w.data(e, embeddedJSON(e), c.Nesting)
	if w.err != nil {
		return w.err
	}
	*r = Record{
		ID: e.ID, Type: e.Type, Key: e.Key, ContentType: ContentTypeCloudEvents,
		Time: e.Time, Headers: r.Headers[:0], Body: append(w.b, '}'),
	}
	return nil
}

// embeddedJSON reports whether every reader takes the data as it is embedded,
// if it is JSON.
func embeddedJSON(e *Event) bool {
	if string(e.Data) == "null" {
		return false
	}
	t := mediaType(e.ContentType)
	return e.ContentType == "" || strings.EqualFold(t, "application/json") || strings.EqualFold(t, "text/json")
}

// extensions writes the user's headers.
func (w *writer) extensions(hs Headers) {
	list := false
	for i := range hs {
		if ownHeader(hs[i].Key) && !extensionName(hs[i].Key) {
			w.fail(headerError(hs[i].Key, "expected a key that is not reserved"))
			return
		}
		list = list || !isMember(hs[i])
	}
	if list {
		w.member(cloudEventNames[ceHeraldHeaders], listHeaders(hs, func(h Header) bool { return !isMember(h) }))
	}
	for i := range hs {
		if !isMember(hs[i]) {
			continue
		}
		name, _ := extensionOf(hs[i].Key)
		if w.b[len(w.b)-1] != '{' {
			w.b = append(w.b, ',')
		}
		w.b = appendQuoted(w.b, name)
		w.b = append(w.b, ':')
		w.b = appendQuoted(w.b, hs[i].Value)
	}
}

// isMember reports whether the user header can be a member of the document.
func isMember(h Header) bool {
	name, ok := extensionOf(h.Key)
	return ok && attributeValue(name) && attributeValue(h.Value)
}

// Decode reads the body's document. Member names are matched exactly and null
// stands for an absent one, except that data of null is the text null where
// the data is JSON: without a content type, or with one of a subtype json or
// that ends in +json. Numbers and booleans among the extension attributes are
// read as their text. What the json form refuses is refused here, and what
// CloudEventsCodec refuses; an extension attribute that is a list or an
// object, and data that is neither JSON by its content type nor a string.
//
// The document counts before the record's native attributes; of these only the
// time, the key, the trace context and user headers are taken, where the
// document has none. The record's headers of binary mode are passed over.
//
// Embedded JSON is the text as it stands in the body, shared, not copied.
func (CloudEventsStructuredCodec) Decode(e *Event, r *Record, l Limits) error {
	l = l.WithDefaults()
	if n := r.Size(); n > l.Message {
		return tooLarge("message", "bytes", n, l.Message)
	}
	return decodeStructured(e, r, l)
}

func decodeStructured(e *Event, r *Record, l Limits) error {
	*e = Event{}
	d := cloudDocument{document: document{e: e, limits: l}, cloud: cloudEvent{e: e, limits: l}}
	var keys [fewKeys * 2]keyRef
	d.keys = keys[:0]
	if !d.start(r.Body, l.Nesting) || !d.walk(d.set) || !d.end() {
		return d.failure()
	}
	if err := d.complete(r); err != nil {
		return err
	}
	return nil
}

// cloudDocument is one document of the structured mode being read.
type cloudDocument struct {
	document
	cloud    cloudEvent
	bytes    int  // of the extensions that are user headers
	embedded bool // the data is the member data, still as JSON
}

// set reads the value of the member with this name.
func (d *cloudDocument) set(name []byte) bool {
	switch string(name) {
	case "data":
		d.embedded = d.data()
		return d.embedded
	case "data_base64":
		return d.base64()
	}
	a := cloudEventOf(string(name))
	if a == ceExtension {
		return d.extension(string(name))
	}
	d.field = cloudEventNames[a]
	if d.null() {
		return true
	}
	if d.peek() != '"' {
		return d.fail("expected a string")
	}
	at, ok := d.str()
	if ok {
		d.err = d.cloud.set(a, d.text(at))
	}
	return ok && d.err == nil
}

// extension reads an attribute that an Event has no place for.
func (d *cloudDocument) extension(name string) bool {
	d.field = extensionField(name)
	if d.null() {
		return true
	}
	h := Header{Key: userKey(name)}
	switch c := d.peek(); {
	case c == '"':
		at, ok := d.str()
		if !ok {
			return false
		}
		h.Value = d.text(at)
	case c == '{' || c == '[':
		return d.fail("expected a string, a number or a boolean")
	default:
		from := d.pos
		if !d.value() {
			return false
		}
		h.Value = string(d.src[from:d.pos])
	}
	d.bytes += len(h.Key) + len(h.Value)
	d.err = d.limits.headers(len(d.e.Headers)+1, d.bytes)
	if d.err == nil {
		d.e.Headers = append(d.e.Headers, h)
	}
	return d.err == nil
}

// complete settles what the data is, and adds the record's own headers.
func (d *cloudDocument) complete(r *Record) *Error {
	if err := d.plainData(); err != nil {
		return err
	}
	if err := d.cloud.complete(r); err != nil {
		return err
	}
	hs, err := recordHeaders(d.e.Headers, r, d.limits)
	if err != nil {
		return err
	}
	d.e.Headers = hs
	return nil
}

// plainData takes data that is not JSON out of the string that carries it.
// The content type may follow the data, so this waits for the end.
func (d *cloudDocument) plainData() *Error {
	e := d.e
	if !d.embedded || cloudEventsJSON(e.ContentType) {
		return nil
	}
	switch text := e.Data; text[0] {
	case '"':
		e.Data = appendUnescaped(make([]byte, 0, len(text)), text[1:len(text)-1])
	case 'n':
		e.Data = nil
	default:
		return malformed("data", "expected a string where the content type is not JSON")
	}
	return nil
}

// recordHeaders is userHeaders without those of the binary mode, which a
// structured record may repeat.
func recordHeaders(dst Headers, r *Record, l Limits) (Headers, *Error) {
	own := 0
	for i := range r.Headers {
		if modeHeader(r.Headers[i].Key) {
			own++
		}
	}
	if own == 0 {
		return userHeaders(dst, r, l)
	}
	rest := make([]Header, 0, len(r.Headers)-own)
	for i := range r.Headers {
		if !modeHeader(r.Headers[i].Key) {
			rest = append(rest, r.Headers[i])
		}
	}
	return userHeaders(dst, &Record{Headers: rest}, l)
}

// modeHeader reports whether the key is one of the binary mode.
func modeHeader(key string) bool {
	prefix, _ := cutPrefix(key)
	return prefix != noPrefix || isContentType(key)
}
