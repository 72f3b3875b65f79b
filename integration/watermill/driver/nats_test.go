package driver_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	wmnats "github.com/ThreeDotsLabs/watermill-nats/v2/pkg/nats"
	"github.com/ThreeDotsLabs/watermill/message"
	heraldwatermill "github.com/herald-go/herald/contrib/watermill"
	"github.com/herald-go/herald/pkg/driver"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// streams is JetStream on a server inside this process.
type streams struct {
	t   *testing.T
	url string
	js  nats.JetStreamContext
}

func startNATS(t *testing.T) *streams {
	t.Helper()
	t.Attr("broker", "nats")
	t.Attr("version", server.VERSION)
	t.Attr("origin", "embedded")
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(30 * time.Second) {
		t.Fatal("the server is not ready")
	}
	conn, err := nats.Connect(s.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := conn.JetStream()
	if err != nil {
		t.Fatal(err)
	}
	return &streams{t: t, url: s.ClientURL(), js: js}
}

// config makes a stream of each topic and a durable consumer of each group: it belongs to the group, and outlives its subscribers.
func (s *streams) config() heraldwatermill.DriverConfig {
	s.t.Helper()
	publisher, err := wmnats.NewPublisher(wmnats.PublisherConfig{URL: s.url}, watermill.NopLogger{})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = publisher.Close() })
	return heraldwatermill.DriverConfig{
		Name: "nats", Publisher: provisioning{publisher, s}, Groups: true, Broadcast: true, Durability: driver.DurableOS, MaxMessage: 1 << 20,
		Topic:      func(topic string) string { return strings.ReplaceAll(topic, ".", "=") }, // streams have no dots in their names
		Subscriber: func(group string) (message.Subscriber, error) { return &member{streams: s, group: group}, nil },
	}
}

func (s *streams) provide(topic string) error {
	_, err := s.js.AddStream(&nats.StreamConfig{Name: topic, Subjects: []string{topic}})
	return err
}

// provisioning makes the stream before it publishes to it.
type provisioning struct {
	message.Publisher
	streams *streams
}

func (p provisioning) Publish(topic string, messages ...*message.Message) error {
	if err := p.streams.provide(topic); err != nil {
		return err
	}
	return p.Publisher.Publish(topic, messages...)
}

// member is a subscriber whose consumer is made by itself: one that the library makes is deleted with its last subscriber, and the group's
// place with it.
type member struct {
	streams *streams
	group   string

	mu   sync.Mutex
	open []message.Subscriber
}

func (m *member) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	if err := m.streams.provide(topic); err != nil {
		return nil, err
	}
	options := []nats.SubOpt{nats.DeliverNew()}
	queue := ""
	if m.group != "" {
		queue = fmt.Sprintf("%x", m.group)
		options = nil // they are the consumer's
		if err := m.consumer(topic, queue); err != nil {
			return nil, err
		}
	}
	sub, err := wmnats.NewSubscriber(wmnats.SubscriberConfig{
		URL: m.streams.url, CloseTimeout: time.Second, AckWaitTimeout: 30 * time.Second,
		SubjectCalculator: func(_, topic string) *wmnats.SubjectDetail {
			return &wmnats.SubjectDetail{Primary: topic, QueueGroup: queue}
		},
		JetStream: wmnats.JetStreamConfig{DurablePrefix: queue, SubscribeOptions: options},
	}, watermill.NopLogger{})
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	m.open = append(m.open, sub)
	m.mu.Unlock()
	return sub.Subscribe(ctx, topic)
}

func (m *member) consumer(topic, queue string) error {
	if _, err := m.streams.js.ConsumerInfo(topic, queue); err == nil {
		return nil
	}
	_, err := m.streams.js.AddConsumer(topic, &nats.ConsumerConfig{
		Durable: queue, DeliverGroup: queue, DeliverSubject: nats.NewInbox(), AckPolicy: nats.AckExplicitPolicy,
		DeliverPolicy: nats.DeliverAllPolicy, MaxAckPending: 1,
	})
	return err
}

func (m *member) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var errs []error
	for _, sub := range m.open {
		errs = append(errs, sub.Close())
	}
	return errors.Join(errs...)
}

func TestNATS_FailedEventsWaitAndDie(t *testing.T) { deaths(t, startNATS(t).config()) }
