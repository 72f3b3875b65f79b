package rabbitmq_test

import (
	"encoding/json"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/herald-go/herald/integration/wire/exchange"
)

// plain is a program on amqp091-go alone.
type plain struct{ url string }

// message is what the scripts of the other languages print, too.
type message struct {
	RoutingKey string         `json:"routingKey"`
	Properties properties     `json:"properties"`
	Headers    map[string]any `json:"headers"`
	Body       string         `json:"body"`
}

type properties struct {
	ContentType     string `json:"contentType,omitempty"`
	ContentEncoding string `json:"contentEncoding,omitempty"`
	DeliveryMode    uint8  `json:"deliveryMode,omitempty"`
	Priority        uint8  `json:"priority,omitempty"`
	CorrelationID   string `json:"correlationId,omitempty"`
	ReplyTo         string `json:"replyTo,omitempty"`
	Expiration      string `json:"expiration,omitempty"`
	MessageID       string `json:"messageId,omitempty"`
	Timestamp       int64  `json:"timestamp,omitempty"`
	Type            string `json:"type,omitempty"`
	AppID           string `json:"appId,omitempty"`
}

func (p plain) channel(t *testing.T) *amqp.Channel {
	t.Helper()
	conn, err := amqp.Dial(p.url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	channel, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	return channel
}

func queueOf(topic string) string { return "foreign.plain." + topic }

func (p plain) Prepare(t *testing.T, topic string) {
	t.Helper()
	channel := p.channel(t)
	if _, err := channel.QueueDeclare(queueOf(topic), true, false, false, false, nil); err != nil {
		t.Fatal(err)
	}
	if err := channel.QueueBind(queueOf(topic), "#", topic, false, nil); err != nil {
		t.Fatal(err)
	}
}

func (p plain) Read(t *testing.T, topic string, n int) []json.RawMessage {
	t.Helper()
	deliveries, err := p.channel(t).ConsumeWithContext(t.Context(), queueOf(topic), "", true, false, false, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	var messages []json.RawMessage
	timeout := time.After(time.Minute)
	for len(messages) < n {
		select {
		case d, ok := <-deliveries:
			if !ok {
				t.Fatal("the channel is closed")
			}
			messages = append(messages, encode(t, &d))
		case <-timeout:
			t.Fatalf("%d of %d messages came", len(messages), n)
		}
	}
	return messages
}

func encode(t *testing.T, d *amqp.Delivery) json.RawMessage {
	t.Helper()
	m := message{
		RoutingKey: d.RoutingKey, Headers: map[string]any{}, Body: exchange.Encode(d.Body),
		Properties: properties{
			ContentType: d.ContentType, ContentEncoding: d.ContentEncoding, DeliveryMode: d.DeliveryMode, Priority: d.Priority,
			CorrelationID: d.CorrelationId, ReplyTo: d.ReplyTo, Expiration: d.Expiration, MessageID: d.MessageId, Type: d.Type, AppID: d.AppId,
		},
	}
	if !d.Timestamp.IsZero() {
		m.Properties.Timestamp = d.Timestamp.Unix()
	}
	for name, value := range d.Headers {
		m.Headers[name] = value
	}
	return exchange.Raw(t, m)
}

func (p plain) Publish(t *testing.T, topic string, messages []json.RawMessage) {
	t.Helper()
	channel := p.channel(t)
	if err := channel.Confirm(false); err != nil {
		t.Fatal(err)
	}
	for _, raw := range messages {
		var m message
		if err := json.Unmarshal(raw, &m); err != nil {
			t.Fatal(err)
		}
		confirmed, err := channel.PublishWithDeferredConfirmWithContext(t.Context(), topic, m.RoutingKey, true, false, m.publishing(t))
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := confirmed.WaitContext(t.Context()); !ok || err != nil {
			t.Fatalf("not confirmed: %v", err)
		}
	}
}

func (m message) publishing(t *testing.T) amqp.Publishing {
	t.Helper()
	headers := amqp.Table{}
	for name, value := range m.Headers {
		headers[name] = value
	}
	p := m.Properties
	out := amqp.Publishing{
		Headers: headers, ContentType: p.ContentType, ContentEncoding: p.ContentEncoding, DeliveryMode: p.DeliveryMode, Priority: p.Priority,
		CorrelationId: p.CorrelationID, ReplyTo: p.ReplyTo, Expiration: p.Expiration, MessageId: p.MessageID, Type: p.Type, AppId: p.AppID,
		Body: exchange.Decode(t, m.Body),
	}
	if p.Timestamp != 0 {
		out.Timestamp = time.Unix(p.Timestamp, 0)
	}
	return out
}
