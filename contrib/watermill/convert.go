package heraldwatermill

import (
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/herald-go/herald/envelope"
)

// DefaultType is the type of events whose message names none.
const DefaultType = "watermill.message"

// Mapping says how messages become events and events messages. The zero value is ready. Publishers and subscribers of one topic should have
// the same.
type Mapping struct {
	// Type is the type of a message without MetadataType. Defaults to DefaultType. A subscriber leaves MetadataType out where the event has
	// this type.
	Type string
	// Key returns the key of a message without MetadataKey: messages of one key are handled one at a time, in order. Nil is no key. It must
	// be safe for concurrent use and must not change the message.
	Key func(topic string, m *message.Message) string
}

func (m *Mapping) setDefaults() {
	if m.Type == "" {
		m.Type = DefaultType
	}
}

// event makes an event of a message. It shares the payload.
func (m *Mapping) event(topic string, msg *message.Message) envelope.Event {
	e := envelope.Event{ID: msg.UUID, Type: m.Type, Version: "1", Data: msg.Payload}
	setHeaders(&e, msg.Metadata)
	if e.Key == "" && m.Key != nil {
		e.Key = m.Key(topic, msg)
	}
	e.Inherit(msg.Context())
	return e
}

// message makes a message of an event. It shares the data.
func (m *Mapping) message(topic string, e *envelope.Event) *message.Message {
	msg := message.NewMessage(e.ID, e.Data)
	set := func(key, value string) {
		if value != "" {
			msg.Metadata[key] = value
		}
	}
	for _, h := range e.Headers {
		msg.Metadata.Set(metadata(h))
	}
	if e.Type != m.Type {
		set(MetadataType, e.Type)
	}
	if !envelope.SameVersion(e.Version, "1") {
		set(MetadataVersion, e.Version)
	}
	set(MetadataContentType, e.ContentType)
	set(MetadataSchema, e.Schema)
	set(MetadataReplyTo, e.ReplyTo)
	set(MetadataCorrelationID, e.CorrelationID)
	set(MetadataTraceParent, e.TraceParent)
	set(MetadataTraceState, e.TraceState)
	set(MetadataBaggage, e.Baggage)
	if e.Key != "" && (m.Key == nil || m.Key(topic, msg) != e.Key) {
		set(MetadataKey, e.Key)
	}
	return msg
}
