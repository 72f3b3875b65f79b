package heraldwatermill

import (
	"encoding/base64"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/herald-go/herald/envelope"
)

// Metadata that are attributes of the event. A publisher reads them from the message and does not write them as headers. A subscriber sets
// those whose attribute is not empty and not the default, so that a message that is passed on is the same event to whoever gets it.
const (
	// MetadataType is the event's type; without it the type is the Type of the config.
	MetadataType = "herald_type"
	// MetadataVersion is the version of the data; without it, "1".
	MetadataVersion = "herald_version"
	// MetadataKey is the key by which events are kept in order; without it the config's Key says, or there is none.
	MetadataKey = "herald_key"
	// MetadataContentType is the media type of the payload; without it the payload counts as JSON.
	MetadataContentType = "herald_content_type"
	// MetadataSchema is the reference to the schema of the payload.
	MetadataSchema = "herald_schema"
	// MetadataReplyTo is the topic where an answer is expected.
	MetadataReplyTo = "herald_reply_to"
	// MetadataCorrelationID is the correlation id; Watermill's own middleware uses the same name. Without it the event inherits that of the
	// event whose handler the message's context belongs to.
	MetadataCorrelationID = "correlation_id"
	// MetadataTraceParent, MetadataTraceState and MetadataBaggage are the trace context, as OpenTelemetry's propagators write it.
	MetadataTraceParent = "traceparent"
	// MetadataTraceState goes with MetadataTraceParent.
	MetadataTraceState = "tracestate"
	// MetadataBaggage goes with MetadataTraceParent.
	MetadataBaggage = "baggage"
)

// attribute returns the attribute of e that a metadata key stands for, or nil.
func attribute(e *envelope.Event, key string) *string {
	switch key {
	case MetadataType:
		return &e.Type
	case MetadataVersion:
		return &e.Version
	case MetadataKey:
		return &e.Key
	case MetadataContentType:
		return &e.ContentType
	case MetadataSchema:
		return &e.Schema
	case MetadataReplyTo:
		return &e.ReplyTo
	case MetadataCorrelationID:
		return &e.CorrelationID
	case MetadataTraceParent:
		return &e.TraceParent
	case MetadataTraceState:
		return &e.TraceState
	case MetadataBaggage:
		return &e.Baggage
	default:
		return nil
	}
}

// Metadata that headers can't carry as they are have a header whose name begins so: the rest of the name is the key, escaped.
const (
	escapedPrefix = "wm."  // the value is the metadata's
	encodedPrefix = "wmb." // the value is base64 of the metadata's
)

// setHeaders makes metadata the event's headers and attributes. Their order is that of the keys, so that the same message is the same on the
// wire.
func setHeaders(e *envelope.Event, md message.Metadata) {
	if len(md) == 0 {
		return
	}
	e.Headers = make(envelope.Headers, 0, len(md))
	for key, value := range md {
		if a := attribute(e, key); a != nil {
			*a = value
			continue
		}
		e.Headers = append(e.Headers, header(key, value))
	}
	slices.SortFunc(e.Headers, func(a, b envelope.Header) int { return strings.Compare(a.Key, b.Key) })
}

// header writes one pair of metadata as a header.
func header(key, value string) envelope.Header {
	if !utf8.ValidString(value) || strings.ContainsAny(value, "\r\n\x00") {
		return envelope.Header{Key: encodedPrefix + escape(key), Value: base64.StdEncoding.EncodeToString([]byte(value))}
	}
	if !plain(key) {
		return envelope.Header{Key: escapedPrefix + escape(key), Value: value}
	}
	return envelope.Header{Key: key, Value: value}
}

// plain reports whether a metadata key can be a header's name as it is.
func plain(key string) bool {
	if key == "" || len(key) > 128 || strings.HasPrefix(key, escapedPrefix) || strings.HasPrefix(key, encodedPrefix) || envelope.ReservedHeader(key) {
		return false
	}
	for i := range len(key) {
		if c := key[i]; !kept(c) && c != '_' {
			return false
		}
	}
	return true
}

// kept reports whether a byte stands for itself in an escaped key.
func kept(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '.' || c == '-'
}

const hexDigits = "0123456789abcdef"

// escape writes a key in the characters of header names: a byte that is none of [a-z0-9.-] is an underscore and two hexadecimal digits.
func escape(key string) string {
	var b strings.Builder
	for i := range len(key) {
		if c := key[i]; kept(c) {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'_', hexDigits[c>>4], hexDigits[c&15]})
		}
	}
	return b.String()
}

// unescape is the inverse of escape.
func unescape(name string) (string, bool) {
	b := make([]byte, 0, len(name))
	for i := 0; i < len(name); i++ {
		if name[i] != '_' {
			b = append(b, name[i])
			continue
		}
		if i+2 >= len(name) {
			return "", false
		}
		hi, lo := strings.IndexByte(hexDigits, name[i+1]), strings.IndexByte(hexDigits, name[i+2])
		if hi < 0 || lo < 0 {
			return "", false
		}
		b = append(b, byte(hi<<4|lo))
		i += 2
	}
	return string(b), true
}

// metadata reads one header; what is not written by header is taken as it stands.
func metadata(h envelope.Header) (key, value string) {
	if name, ok := strings.CutPrefix(h.Key, escapedPrefix); ok {
		if key, ok := unescape(name); ok {
			return key, h.Value
		}
	}
	if name, ok := strings.CutPrefix(h.Key, encodedPrefix); ok {
		key, ok := unescape(name)
		if value, err := base64.StdEncoding.DecodeString(h.Value); ok && err == nil {
			return key, string(value)
		}
	}
	return h.Key, h.Value
}
