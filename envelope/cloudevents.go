package envelope

import (
	"slices"
	"strings"
)

// CloudEvents is the binary content mode of CloudEvents 1.0.2; see the table
// at [ContentTypeCloudEvents].
var CloudEvents Codec = CloudEventsCodec{}

// CloudEventsStructured is the structured content mode of CloudEvents 1.0.2 in
// its JSON event format; see the table at [ContentTypeCloudEvents].
var CloudEventsStructured Codec = CloudEventsStructuredCodec{}

// ContentTypeCloudEvents is the content type of a record in the structured
// mode. It marks the record by itself. It can't be the content type of an
// event's own data in the two CloudEvents forms, nor can any other that begins
// with application/cloudevents.
//
// Both modes have the same attributes, in the order in which they are written:
//
//	attribute        event          value                           written
//	specversion      the mark       "1.0"                           always, first
//	id               ID             text                            always
//	source           Source         URI-reference                   always
//	type             Type           text                            always
//	time             Time           RFC 3339, ns, UTC               unless zero
//	datacontenttype  ContentType    media type                      unless ""
//	dataschema       Schema         absolute URI                    if it is one
//	partitionkey     Key            text                            unless ""
//	correlationid    CorrelationID  text                            unless ""
//	causationid      CausationID    text                            unless ""
//	expirytime       ExpiresAt      RFC 3339, ns, UTC               unless zero
//	deliverat        DeliverAt      RFC 3339, ns, UTC               unless zero
//	eventversion     Version        text                            unless "1" or ""
//	replyto          ReplyTo        text                            unless ""
//	traceparent      TraceParent    W3C Trace Context               unless ""
//	tracestate       TraceState     W3C Trace Context               unless ""
//	baggage          Baggage        W3C Baggage                     unless ""
//	heraldsource     Source         text                            if source can't be it
//	heraldschema     Schema         text                            if dataschema can't be it
//	heraldheaders    Headers        key=value,… percent-encoded     if need be
//	(any other)      Headers        text                            as they are
//
// In binary mode an attribute is a header with the prefix "ce_", except that
// datacontenttype is the record's content type. Reading also knows the
// prefixes "ce-", "cloudEvents:" and "cloudEvents_", one of them in a record,
// and a header content-type where the record has no native one. In structured
// mode an attribute is a member of the body's document.
//
// CloudEvents wants a source: the event without one has CloudEventsNoSource.
// A source that is no URI-reference is percent-encoded there and stands as it
// is in heraldsource.
//
// A user header is an extension attribute of its name if the name matches
// [a-z0-9]{1,20} and is not in the table, and the value is a String of
// CloudEvents, which has no control characters. Another is a header of its
// own in binary mode, and goes into heraldheaders in structured mode.
// Reading, an extension attribute that the table doesn't have is a user header
// of that name, and of "ce_" and the name if it doesn't match the pattern.
const ContentTypeCloudEvents = "application/cloudevents+json"

// CloudEventsNoSource is what the CloudEvents forms write as the source of an
// event that has none. Reading it gives an empty Source.
const CloudEventsNoSource = "herald:none"

const (
	cloudEventsFamily  = "application/cloudevents"
	cloudEventsVersion = "1.0"
	cloudEventsPrefix  = "ce_"
	contentTypeHeader  = "content-type"
)

// CloudEventsCodec is the binary content mode of CloudEvents: the body is the
// data as it is. It is ready to use.
type CloudEventsCodec struct{}

// Name returns "cloudevents".
func (CloudEventsCodec) Name() string { return "cloudevents" }

// Encode writes the event into r, whose body then is e.Data, not a copy. The
// native attributes are set too. It refuses a content type that would make the
// record another form, a header key twice or reserved for own headers, and
// times that RFC 3339 can't write; the rest is left to Event.Validate.
func (CloudEventsCodec) Encode(r *Record, e *Event) error {
	if err := e.cloudEvent(); err != nil {
		return err
	}
	hs := slices.Grow(r.Headers[:0], int(cloudEventCount)+len(e.Headers))
	for a := ceSpecVersion; a < ceHeraldHeaders; a++ {
		if a == ceDataContentType {
			continue
		}
		if value := a.of(e); value != "" {
			hs = append(hs, Header{cloudEventHeaders[a], value})
		}
	}
	hs, err := appendExtensions(hs, e.Headers)
	if err != nil {
		return err
	}
	*r = Record{
		ID: e.ID, Type: e.Type, Key: e.Key, ContentType: e.ContentType,
		Time: e.Time, Headers: hs, Body: e.Data,
	}
	return nil
}

// Decode reads a marked record. e.Data is r.Body, not a copy, and e's strings
// are those of r; e.Headers is the only allocation, unless there are
// heraldheaders. Another specversion than 1.0, no id, source or type, or one
// that an Event can't have, a time that doesn't parse, an attribute twice and
// two prefixes in one record are ErrMalformed. That source and dataschema are
// URIs is not checked.
//
// Attributes count before the record's native fields; of these only the time,
// the key, the trace context and the user headers are taken, where there is no
// attribute.
func (CloudEventsCodec) Decode(e *Event, r *Record, l Limits) error {
	l = l.WithDefaults()
	if n := r.Size(); n > l.Message {
		return tooLarge("message", "bytes", n, l.Message)
	}
	return decodeCloudEvent(e, r, l)
}

func decodeCloudEvent(e *Event, r *Record, l Limits) error {
	*e = Event{ContentType: r.ContentType, Data: r.Body}
	c := cloudEvent{e: e, limits: l}
	if err := c.headers(r); err != nil {
		return err
	}
	if err := c.complete(r); err != nil {
		return err
	}
	return nil
}

// headers reads a record's headers: attributes, and user's in their order.
func (c *cloudEvent) headers(r *Record) *Error {
	count, size := 0, 0
	used := noPrefix
	for i := range r.Headers {
		key := r.Headers[i].Key
		prefix, name := cutPrefix(key)
		if prefix != noPrefix {
			if used != noPrefix && used != prefix {
				return malformed("specversion", "expected one prefix for all attributes")
			}
			used = prefix
		}
		user, err := c.header(r, i, prefix, name)
		if err != nil {
			return err
		}
		if user {
			count++
			size += len(r.Headers[i].Value)
			if prefix == noPrefix {
				size += len(key)
			} else {
				size += userKeySize(name)
			}
		}
	}
	if err := c.limits.headers(count, size); err != nil {
		return err
	}
	if count == 0 {
		return nil
	}
	return c.userHeaders(r, count)
}

// header reads one header, unless it is the user's.
func (c *cloudEvent) header(r *Record, i int, prefix prefix, name string) (user bool, err *Error) {
	h := &r.Headers[i]
	if prefix != noPrefix {
		a := cloudEventOf(name)
		if a == ceExtension {
			return true, nil
		}
		return false, c.set(a, h.Value)
	}
	if isContentType(h.Key) {
		if r.ContentType == "" {
			return false, c.set(ceDataContentType, h.Value)
		}
		return h.Value != r.ContentType, nil
	}
	return !ownHeader(h.Key), nil
}

// userHeaders keeps extension attributes and the headers that are none.
func (c *cloudEvent) userHeaders(r *Record, count int) *Error {
	hs := make(Headers, 0, count)
	for i := range r.Headers {
		h := r.Headers[i]
		prefix, name := cutPrefix(h.Key)
		switch {
		case prefix != noPrefix:
			if cloudEventOf(name) != ceExtension {
				continue
			}
			for j := range i {
				if r.Headers[j].Key == h.Key {
					return malformed(extensionField(name), wantOnce)
				}
			}
			hs = append(hs, Header{userKey(name), h.Value})
		case isContentType(h.Key):
			if r.ContentType != "" && h.Value != r.ContentType {
				hs = append(hs, h)
			}
		case !ownHeader(h.Key):
			hs = append(hs, h)
		}
	}
	c.e.Headers = hs
	return nil
}

// prefix is one of those that attributes have in some protocol.
type prefix uint8

const (
	noPrefix    prefix = iota
	underscored        // ce_, the binding for Kafka
	dashed             // ce-, the bindings for HTTP and NATS
	colon              // cloudEvents:, the binding for AMQP 1.0
	jms                // cloudEvents_, the same where a colon can't be
)

// cutPrefix returns which prefix a header's key has, and what follows it.
func cutPrefix(key string) (prefix, string) {
	const short, long = len(cloudEventsPrefix), len("cloudEvents_")
	if len(key) < short || key[0] != 'c' {
		return noPrefix, key
	}
	switch {
	case key[:short] == cloudEventsPrefix:
		return underscored, key[short:]
	case key[:short] == "ce-":
		return dashed, key[short:]
	case strings.HasPrefix(key, "cloudEvents:"):
		return colon, key[long:]
	case strings.HasPrefix(key, "cloudEvents_"):
		return jms, key[long:]
	}
	return noPrefix, key
}

// isContentType reports whether the key is content-type in any case.
func isContentType(key string) bool {
	return len(key) == len(contentTypeHeader) && strings.EqualFold(key, contentTypeHeader)
}

// cloudEventsMark reports whether the header claims that the record is a
// CloudEvent.
func cloudEventsMark(key string) bool {
	prefix, name := cutPrefix(key)
	return prefix != noPrefix && name == "specversion"
}

// structuredContentType reports whether t is ContentTypeCloudEvents, whatever
// its case and parameters.
func structuredContentType(t string) bool {
	return familyContentType(t) && strings.EqualFold(mediaType(t), ContentTypeCloudEvents)
}

// familyContentType reports whether t begins as those of all event formats.
func familyContentType(t string) bool {
	const n = len(cloudEventsFamily)
	return len(t) >= n && strings.EqualFold(t[:n], cloudEventsFamily)
}
