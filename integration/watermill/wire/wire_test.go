package wire_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/ThreeDotsLabs/watermill"
	wmamqp "github.com/ThreeDotsLabs/watermill-amqp/v3/pkg/amqp"
	wmkafka "github.com/ThreeDotsLabs/watermill-kafka/v3/pkg/kafka"
	"github.com/ThreeDotsLabs/watermill-redisstream/pkg/redisstream"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/herald-go/herald/adapters"
	heraldwatermill "github.com/herald-go/herald/contrib/watermill"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"
	amqp "github.com/rabbitmq/amqp091-go"
	goredis "github.com/redis/go-redis/v9"

	"github.com/herald-go/herald/integration/brokers"
)

// patience bounds each test, the declaring of topics on a busy machine included.
const patience = time.Minute

// library is one of Watermill's, on one broker.
type library struct {
	codec envelope.Codec
	// topic is the name that Watermill has for a topic of Herald's.
	topic      func(topic string) string
	publisher  func() (message.Publisher, error)
	subscriber func() (message.Subscriber, error)
}

// metadata are what has to survive: plain, an attribute of the event, and names and values that are no header of Herald's.
func metadata() message.Metadata {
	return message.Metadata{
		"tenant": "größe", "correlation_id": "corr-1", "herald_type": "order.placed", "X-Upper Case": "yes", "reason": "line 1\nline 2",
	}
}

func exchange(t *testing.T, b *brokers.Broker, l library) {
	t.Helper()
	t.Attr("suite", "watermill wire")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	topic := "wm-wire-" + strings.ToLower(rand.Text()[:8])
	broker, err := adapters.Open(ctx, b.URL(), messaging.WithCodec(l.codec))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := broker.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	received := make(chan messaging.Delivery, 100) // more than comes
	handler := messaging.HandlerFunc(func(_ context.Context, d *messaging.Delivery) error {
		received <- *d
		return nil
	})
	if _, err := broker.Subscribe(ctx, topic, handler, messaging.Group("herald")); err != nil {
		t.Fatal(err)
	}
	t.Run("theirs is read", func(t *testing.T) { theirs(ctx, t, l, topic, received) })
	t.Run("ours is read by them", func(t *testing.T) { ours(ctx, t, l, topic, broker) })
}

// theirs publishes with Watermill and looks at what Herald's handler gets.
func theirs(ctx context.Context, t *testing.T, l library, topic string, received <-chan messaging.Delivery) {
	t.Helper()
	publisher, err := l.publisher()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = publisher.Close() })
	msg := message.NewMessage(watermill.NewUUID(), []byte(`{"order":1}`))
	msg.Metadata = metadata()
	if err := publisher.Publish(l.topic(topic), msg); err != nil {
		t.Fatal(err)
	}
	bare := message.NewMessage(watermill.NewUUID(), []byte("\x00\xff"))
	if err := publisher.Publish(l.topic(topic), bare); err != nil {
		t.Fatal(err)
	}
	got := map[string]messaging.Delivery{}
	for len(got) < 2 {
		select {
		case d := <-received:
			got[d.ID] = d
		case <-ctx.Done():
			t.Fatalf("received %d messages of 2", len(got))
		}
	}
	d := got[msg.UUID]
	if d.Foreign || d.Type != "order.placed" || d.CorrelationID != "corr-1" || string(d.Data) != `{"order":1}` {
		t.Errorf("the event is %+v", d.Event)
	}
	if got := d.Headers.Get("tenant"); got != "größe" || len(d.Headers) != 3 {
		t.Errorf("the headers are %v", d.Headers)
	}
	if d := got[bare.UUID]; d.Type != heraldwatermill.DefaultType || string(d.Data) != "\x00\xff" || d.Headers != nil {
		t.Errorf("the bare event is %+v", d.Event)
	}
}

// ours publishes with Herald, what Herald reads of theirs and an event of its own, and looks at what Watermill's subscriber gets.
func ours(ctx context.Context, t *testing.T, l library, topic string, broker *messaging.Broker) {
	t.Helper()
	subscriber, err := l.subscriber()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = subscriber.Close() })
	messages, err := subscriber.Subscribe(ctx, l.topic(topic))
	if err != nil {
		t.Fatal(err)
	}
	bridge, err := heraldwatermill.NewPublisher(broker, heraldwatermill.PublisherConfig{})
	if err != nil {
		t.Fatal(err)
	}
	msg := message.NewMessage(watermill.NewUUID(), []byte(`{"order":2}`))
	msg.Metadata = metadata()
	if err := bridge.Publish(topic, msg); err != nil {
		t.Fatal(err)
	}
	event := envelope.New("order.paid", []byte("paid"), envelope.ID("paid-1"), envelope.Key("k"), envelope.WithHeader("tenant", "acme"))
	if err := broker.Publish(ctx, topic, event); err != nil {
		t.Fatal(err)
	}
	got := map[string]*message.Message{}
	for len(got) < 2 {
		select {
		case m, open := <-messages:
			if !open {
				t.Fatal("Watermill has closed the channel")
			}
			m.Ack()
			if m.UUID == msg.UUID || m.UUID == "paid-1" { // what the other half published may come too
				got[m.UUID] = m
			}
		case <-ctx.Done():
			t.Fatalf("received %d messages of 2", len(got))
		}
	}
	contains(t, got[msg.UUID], `{"order":2}`, metadata())
	contains(t, got["paid-1"], "paid", message.Metadata{"herald_type": "order.paid", "tenant": "acme"})
}

// contains compares a message; what Herald wrote beside it, under its own names, may be there.
func contains(t *testing.T, m *message.Message, payload string, md message.Metadata) {
	t.Helper()
	if string(m.Payload) != payload {
		t.Errorf("the payload of %s is %q, want %q", m.UUID, m.Payload, payload)
	}
	rest := message.Metadata{}
	for key, value := range m.Metadata {
		if !strings.HasPrefix(key, "herald-") && key != "content-type" {
			rest[key] = value
		}
	}
	if fmt.Sprint(rest) != fmt.Sprint(md) {
		t.Errorf("the metadata of %s are\n%q, want\n%q", m.UUID, rest, md)
	}
}

func same(topic string) string { return topic }

// heralds is the topology of Watermill where the exchange is Herald's: it is there already.
type heralds struct{ wmamqp.DefaultTopologyBuilder }

func (heralds) ExchangeDeclare(*amqp.Channel, string, wmamqp.Config) error { return nil }

func (heralds) BuildTopology(ch *amqp.Channel, p wmamqp.BuildTopologyParams, c wmamqp.Config, _ watermill.LoggerAdapter) error {
	if _, err := ch.QueueDeclare(p.QueueName, c.Queue.Durable, c.Queue.AutoDelete, c.Queue.Exclusive, c.Queue.NoWait, c.Queue.Arguments); err != nil {
		return err
	}
	return ch.QueueBind(p.QueueName, p.RoutingKey, p.ExchangeName, c.QueueBind.NoWait, c.QueueBind.Arguments)
}

func TestRabbitMQ(t *testing.T) {
	b := brokers.Need(t, brokers.RabbitMQ)
	config := wmamqp.NewDurablePubSubConfig(b.URL(), wmamqp.GenerateQueueNameTopicNameWithSuffix("watermill"))
	config.TopologyBuilder = heralds{}
	config.QueueBind.GenerateRoutingKey = func(string) string { return "#" }
	config.Publish.ConfirmDelivery = true
	exchange(t, b, library{
		codec: heraldwatermill.AMQP(heraldwatermill.Mapping{}), topic: same,
		publisher:  func() (message.Publisher, error) { return wmamqp.NewPublisher(config, watermill.NopLogger{}) },
		subscriber: func() (message.Subscriber, error) { return wmamqp.NewSubscriber(config, watermill.NopLogger{}) },
	})
}

func TestKafka(t *testing.T) {
	b := brokers.Need(t, brokers.Kafka)
	config := wmkafka.DefaultSaramaSubscriberConfig()
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	exchange(t, b, library{
		codec: heraldwatermill.Kafka(heraldwatermill.Mapping{}), topic: same,
		publisher: func() (message.Publisher, error) {
			return wmkafka.NewPublisher(
				wmkafka.PublisherConfig{Brokers: []string{b.Addr()}, Marshaler: wmkafka.DefaultMarshaler{}}, watermill.NopLogger{},
			)
		},
		subscriber: func() (message.Subscriber, error) {
			return wmkafka.NewSubscriber(wmkafka.SubscriberConfig{
				Brokers: []string{b.Addr()}, Unmarshaler: wmkafka.DefaultMarshaler{}, ConsumerGroup: "watermill", OverwriteSaramaConfig: config,
			}, watermill.NopLogger{})
		},
	})
}

func TestRedis(t *testing.T) {
	b := brokers.Need(t, brokers.Redis)
	options, err := goredis.ParseURL(b.URL())
	if err != nil {
		t.Fatal(err)
	}
	exchange(t, b, library{
		codec: heraldwatermill.Redis(heraldwatermill.Mapping{}),
		topic: func(topic string) string { return "{" + topic + "}" },
		publisher: func() (message.Publisher, error) {
			return redisstream.NewPublisher(redisstream.PublisherConfig{Client: goredis.NewClient(options)}, watermill.NopLogger{})
		},
		subscriber: func() (message.Subscriber, error) {
			return redisstream.NewSubscriber(
				redisstream.SubscriberConfig{Client: goredis.NewClient(options), ConsumerGroup: "watermill"}, watermill.NopLogger{},
			)
		},
	})
}
