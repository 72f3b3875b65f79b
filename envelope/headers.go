package envelope

import "strings"

// The headers of the binary form, in the order in which they are written.
// ID, Type, Key, ContentType and Time are native fields of the [Record].
//
//	header                 attribute      value               written
//	herald                 the mark       "1"                 always, first
//	herald-version         Version        text                unless "1" or ""
//	herald-source          Source         text                unless ""
//	herald-correlation-id  CorrelationID  text                unless ""
//	herald-causation-id    CausationID    text                unless ""
//	herald-schema          Schema         text                unless ""
//	herald-reply-to        ReplyTo        text                unless ""
//	herald-expires-at      ExpiresAt      RFC 3339, ns, UTC   unless zero
//	herald-deliver-at      DeliverAt      RFC 3339, ns, UTC   unless zero
//	traceparent            TraceParent    W3C Trace Context   unless ""
//	tracestate             TraceState     W3C Trace Context   unless ""
//	baggage                Baggage        W3C Baggage         unless ""
//	(any other)            Headers        as they are         as they are
//
// Other names that begin with "herald-" belong to whoever carries the record.
// Decoding passes over them: they are neither user headers nor counted by
// Limits.
const (
	// HeaderMark marks a record as an event; its value is the version of the
	// form. Both own forms carry it.
	HeaderMark          = "herald"
	HeaderVersion       = "herald-version"
	HeaderSource        = "herald-source"
	HeaderCorrelationID = "herald-correlation-id"
	HeaderCausationID   = "herald-causation-id"
	HeaderSchema        = "herald-schema"
	HeaderReplyTo       = "herald-reply-to"
	HeaderExpiresAt     = "herald-expires-at"
	HeaderDeliverAt     = "herald-deliver-at"
	HeaderTraceParent   = "traceparent"
	HeaderTraceState    = "tracestate"
	HeaderBaggage       = "baggage"
)

// ContentTypeEvent is the content type of a record in the marked json form.
// It marks the record by itself. It can't be an event's own content type.
const ContentTypeEvent = "application/vnd.herald.event+json"

// Mark is the version of the forms that this package writes.
const Mark = "1"

// headerContentType is the native header of the content type on brokers that have no field for it.
const headerContentType = "content-type"

// ReservedHeader reports whether a user header may not have this key because
// the wire forms, brokers or dead letters use it: herald, herald-*,
// traceparent, tracestate, baggage, and all that begins with ce, cloudevents,
// x- or orig-.
func ReservedHeader(key string) bool {
	return ownHeader(key) || key == headerContentType ||
		strings.HasPrefix(key, "ce") ||
		strings.HasPrefix(key, "cloudevents") || strings.HasPrefix(key, "cloudEvents") ||
		strings.HasPrefix(key, "x-") ||
		strings.HasPrefix(key, "orig-")
}

// ownHeader reports whether the binary form reads the key as something else
// than a user header.
func ownHeader(key string) bool {
	if len(key) < len(HeaderMark) {
		return false
	}
	switch key[0] {
	case 'h':
		return heraldHeader(key)
	case 't':
		return key == HeaderTraceParent || key == HeaderTraceState
	case 'b':
		return key == HeaderBaggage
	}
	return false
}

// heraldHeader reports whether the key is the mark or begins with "herald-".
func heraldHeader(key string) bool {
	const n = len(HeaderMark)
	return len(key) >= n && key[:n] == HeaderMark && (len(key) == n || key[n] == '-')
}

// eventContentType reports whether t is ContentTypeEvent, whatever its case
// and parameters.
func eventContentType(t string) bool {
	const n = len(ContentTypeEvent)
	return len(t) >= n && strings.EqualFold(t[:n], ContentTypeEvent) && strings.EqualFold(mediaType(t), ContentTypeEvent)
}

// jsonContentType reports whether data of this content type is JSON: none,
// application/json or a structured suffix +json (RFC 6839).
func jsonContentType(t string) bool {
	if t == "" {
		return true
	}
	m := mediaType(t)
	if strings.EqualFold(m, "application/json") {
		return true
	}
	const suffix = "+json"
	return len(m) > len(suffix) && strings.Contains(m, "/") && strings.EqualFold(m[len(m)-len(suffix):], suffix)
}

// cloudEventsJSON is jsonContentType with the rule of the JSON event format
// (CloudEvents 1.0.2, section 3.1.1), which takes any subtype json too.
func cloudEventsJSON(t string) bool {
	if jsonContentType(t) {
		return true
	}
	_, subtype, ok := strings.Cut(mediaType(t), "/")
	return ok && strings.EqualFold(subtype, "json")
}

// mediaType cuts the parameters off.
func mediaType(t string) string {
	m, _, _ := strings.Cut(t, ";")
	return strings.TrimSpace(m)
}
