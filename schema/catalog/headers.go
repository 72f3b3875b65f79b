package catalog

import "github.com/herald-go/herald/envelope"

// headersKey names the schema of the headers.
const headersKey = "herald-headers"

// headers returns the schema of what stands beside the data in the binary form of package envelope. Where a broker has a field of its own for
// the id, the type, the key, the content type and the time, they stand there.
func headers() *members {
	properties := object()
	for _, h := range []struct{ name, description, format string }{
		{envelope.HeaderMark, "Marks an event; the version of the form.", ""},
		{envelope.HeaderVersion, "The version of the data; absent means 1.", ""},
		{envelope.HeaderSource, "The service that published the event.", ""},
		{envelope.HeaderCorrelationID, "Shared by all events of one business operation.", ""},
		{envelope.HeaderCausationID, "The id of the event that led to this one.", ""},
		{envelope.HeaderSchema, "A reference to the schema of the data.", ""},
		{envelope.HeaderReplyTo, "The topic where an answer is expected.", ""},
		{envelope.HeaderExpiresAt, "When the event is no longer worth handling.", "date-time"},
		{envelope.HeaderDeliverAt, "The earliest time at which it may be handled.", "date-time"},
		{envelope.HeaderTraceParent, "W3C Trace Context.", ""},
		{envelope.HeaderTraceState, "W3C Trace Context.", ""},
		{envelope.HeaderBaggage, "W3C Baggage.", ""},
	} {
		m := object().Set("type", "string").Set("description", h.description)
		if h.name == envelope.HeaderMark {
			m.Set("const", envelope.Mark)
		}
		set(m, "format", h.format)
		properties.Set(h.name, m)
	}
	return object().Set("type", "object").
		Set("description", "The headers of Herald's binary form. The service's own headers stand beside them.").
		Set("required", []any{envelope.HeaderMark}).Set("properties", properties).
		Set("additionalProperties", object().Set("type", "string"))
}
