package heraldwatermill

import (
	"errors"
	"maps"
	"slices"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"
)

// uuidHeader is where Watermill's AMQP, Kafka and Redis marshalers have the message's UUID. It is what their messages are recognised by.
const uuidHeader = "_watermill_message_uuid"

// codec is the form of one of Watermill's marshalers. Give it to messaging.WithCodec: then Herald writes that form, and reads it beside all of
// its own.
type codec struct {
	name    string
	mapping Mapping
	write   func(r *envelope.Record, uuid string, md message.Metadata, payload []byte) error
	read    func(r *envelope.Record) (md message.Metadata, payload []byte, err error)
}

var (
	_ envelope.Codec     = (*codec)(nil)
	_ messaging.Detector = (*codec)(nil)
)

// AMQP is the form of watermill-amqp's DefaultMarshaler, for messaging.WithCodec: metadata are headers. The mapping is as for a Publisher.
//
// What is on RabbitMQ must meet too: Herald's topic is a durable topic exchange of this name, and a group has a queue of its own. Give
// Watermill's publisher an exchange of Type "topic" and Durable, and bind its subscribers' queues with the routing key "#".
func AMQP(m Mapping) envelope.Codec {
	m.setDefaults()
	return &codec{name: "watermill-amqp", mapping: m, write: writeHeaders, read: readHeaders}
}

// Kafka is the form of watermill-kafka's DefaultMarshaler, for messaging.WithCodec: metadata are headers. The mapping is as for a Publisher.
// The event's key is the record's, as watermill-kafka's marshaler with partitioning writes it.
func Kafka(m Mapping) envelope.Codec {
	m.setDefaults()
	return &codec{name: "watermill-kafka", mapping: m, write: writeHeaders, read: readHeaders}
}

// Redis is the form of watermill-redisstream's DefaultMarshallerUnmarshaller, for messaging.WithCodec: metadata are one field, in MessagePack,
// and the payload is another. The mapping is as for a Publisher. Herald's stream of the topic orders has the key {orders}: that is the topic
// to give Watermill.
func Redis(m Mapping) envelope.Codec {
	m.setDefaults()
	return &codec{name: "watermill-redisstream", mapping: m, write: writeFields, read: readFields}
}

// Name implements envelope.Codec.
func (c *codec) Name() string { return c.name }

// Detect implements messaging.Detector.
func (c *codec) Detect(r *envelope.Record) bool {
	found := false
	for i := range r.Headers {
		switch r.Headers[i].Key {
		case envelope.HeaderMark:
			return false // one of Herald's own
		case uuidHeader:
			found = true
		}
	}
	return found
}

// Encode implements envelope.Codec. Attributes that a Watermill message has no place for are not written: source, causation, and the times of
// delivery and expiry; the last two are refused, since dropping them would change what becomes of the event.
func (c *codec) Encode(r *envelope.Record, e *envelope.Event) error {
	if !e.ExpiresAt.IsZero() || !e.DeliverAt.IsZero() {
		return &envelope.Error{Field: "expiresAt, deliverAt", Reason: "Watermill's form has no place for it", Err: envelope.ErrInvalid}
	}
	msg := c.mapping.message("", e)
	if e.Key != "" {
		delete(msg.Metadata, MetadataKey) // it is native
	}
	if _, taken := msg.Metadata[uuidHeader]; taken {
		return &envelope.Error{Field: `header "` + uuidHeader + `"`, Reason: "it is the message's id", Err: envelope.ErrInvalid}
	}
	*r = envelope.Record{ID: e.ID, Type: e.Type, Key: e.Key, ContentType: e.ContentType, Time: e.Time, Headers: r.Headers[:0]}
	if err := c.write(r, e.ID, msg.Metadata, e.Data); err != nil {
		return &envelope.Error{Field: "headers", Reason: err.Error(), Err: envelope.ErrInvalid}
	}
	return nil
}

// Decode implements envelope.Codec.
func (c *codec) Decode(e *envelope.Event, r *envelope.Record, l envelope.Limits) error {
	if l = l.WithDefaults(); r.Size() > l.Message {
		return &envelope.Error{Field: "message", Reason: "it is larger than the limit", Err: envelope.ErrTooLarge}
	}
	uuid := ""
	for _, h := range r.Headers {
		if h.Key == uuidHeader {
			uuid = h.Value
		}
	}
	md, payload, err := c.read(r)
	if err != nil {
		return &envelope.Error{Field: "metadata", Reason: err.Error(), Err: envelope.ErrMalformed}
	}
	*e = envelope.Event{Type: c.mapping.Type, Version: "1", Key: r.Key, ContentType: r.ContentType, Time: r.Time, Data: payload}
	setHeaders(e, md)
	if e.Key == "" && c.mapping.Key != nil {
		e.Key = c.mapping.Key("", &message.Message{UUID: uuid, Metadata: md, Payload: payload})
	}
	for _, id := range []string{uuid, r.ID, r.Position} { // a UUID may be empty, and then some brokers have an id of their own
		if e.ID == "" {
			e.ID = id
		}
	}
	if e.ID == "" {
		e.ID = envelope.NewID()
	}
	var broken *envelope.Error
	if errors.As(e.Validate(l), &broken) {
		return &envelope.Error{Field: broken.Field, Reason: broken.Reason, Err: envelope.ErrMalformed}
	}
	return nil
}

// writeHeaders writes metadata as headers.
func writeHeaders(r *envelope.Record, uuid string, md message.Metadata, payload []byte) error {
	r.Headers = append(r.Headers, envelope.Header{Key: uuidHeader, Value: uuid})
	for _, key := range slices.Sorted(maps.Keys(md)) {
		r.Headers = append(r.Headers, envelope.Header{Key: key, Value: md[key]})
	}
	r.Body = payload
	return nil
}

func readHeaders(r *envelope.Record) (message.Metadata, []byte, error) {
	md := make(message.Metadata, len(r.Headers))
	for _, h := range r.Headers {
		if h.Key != uuidHeader && !own(h.Key) {
			md[h.Key] = h.Value
		}
	}
	return md, r.Body, nil
}

// Fields of watermill-redisstream's entries.
const (
	metadataField = "metadata"
	payloadField  = "payload"
)

// writeFields writes metadata and payload as fields of their own: the record's body stays empty.
func writeFields(r *envelope.Record, uuid string, md message.Metadata, payload []byte) error {
	packed, err := packMap(md)
	r.Headers = append(
		r.Headers, envelope.Header{Key: uuidHeader, Value: uuid}, envelope.Header{Key: metadataField, Value: packed},
		envelope.Header{Key: payloadField, Value: string(payload)},
	)
	return err
}

func readFields(r *envelope.Record) (message.Metadata, []byte, error) {
	md := message.Metadata{}
	payload := r.Body // of an entry of Watermill's own
	for _, h := range r.Headers {
		switch h.Key {
		case metadataField:
			var err error
			if md, err = unpackMap(h.Value); err != nil {
				return nil, nil, err
			}
		case payloadField:
			payload = []byte(h.Value)
		}
	}
	return md, payload, nil
}

// own reports whether a header is bookkeeping of Herald's, beside what the codec wrote.
func own(key string) bool {
	return len(key) > len("herald-") && key[:len("herald-")] == "herald-"
}
