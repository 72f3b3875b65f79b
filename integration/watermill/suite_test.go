package watermill_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/tests"
	"github.com/herald-go/herald/adapters/kafka"
	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/adapters/rabbitmq"
	"github.com/herald-go/herald/adapters/redis"
	heraldwatermill "github.com/herald-go/herald/contrib/watermill"
	"github.com/herald-go/herald/pkg/messaging"

	"github.com/herald-go/herald/integration/brokers"
)

// suite is one run of the universal suite.
type suite struct {
	features tests.Features
	// open opens a broker of its own for each publisher and subscriber that the suite constructs.
	open func(ctx context.Context) (*messaging.Broker, error)
	// fresh gives each subscriber a group of its own, as watermill-redisstream's run of the suite has it; else all share one.
	fresh bool
	// config is what all subscribers have beside their group, and publishers the mapping of.
	config heraldwatermill.SubscriberConfig
}

// byPayload makes the payload the key: the suite asks for the order of messages with the same payload.
var byPayload = heraldwatermill.Mapping{Key: func(_ string, m *message.Message) string { return string(m.Payload) }}

func (s suite) run(t *testing.T) {
	t.Helper()
	t.Attr("suite", "watermill")
	construct := func(t *testing.T) (message.Publisher, message.Subscriber) {
		group := "suite"
		if s.fresh {
			group = watermill.NewShortUUID()
		}
		return s.construct(t, group)
	}
	if os.Getenv("HERALD_TEST_WATERMILL_STRESS") != "" {
		tests.TestPubSubStressTest(t, s.features, construct, s.construct)
		return
	}
	tests.TestPubSub(t, s.features, construct, s.construct)
}

func (s suite) construct(t *testing.T, group string) (message.Publisher, message.Subscriber) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	broker, err := s.open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := broker.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	config := s.config
	config.Group = group
	config.CloseTimeout = 100 * time.Millisecond // the suite closes subscribers one by one that hold messages which nobody will ack
	publisher, err := heraldwatermill.NewPublisher(broker, heraldwatermill.PublisherConfig{Mapping: config.Mapping})
	if err != nil {
		t.Fatal(err)
	}
	subscriber, err := heraldwatermill.NewSubscriber(broker, config)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(t.Name(), "TestReconnect") {
		s := &settled{at: map[string]time.Time{}}
		return noting{publisher, s}, waiting{subscriber, s}
	}
	return publisher, subscriber
}

func TestMemory(t *testing.T) {
	t.Attr("broker", "memory")
	server, err := memory.NewServer(memory.Config{})
	if err != nil {
		t.Fatal(err)
	}
	suite{
		features: tests.Features{ConsumerGroups: true, GuaranteedOrder: true, Persistent: true, NewSubscriberReceivesOldMessages: true},
		open:     func(ctx context.Context) (*messaging.Broker, error) { return memory.OpenServer(ctx, server) },
		fresh:    true,
	}.run(t)
}

// TestMemoryOneGroup has one group for all, whose members keep the order of keys among them.
func TestMemoryOneGroup(t *testing.T) {
	t.Attr("broker", "memory")
	server, err := memory.NewServer(memory.Config{})
	if err != nil {
		t.Fatal(err)
	}
	suite{
		features: tests.Features{ConsumerGroups: true, GuaranteedOrder: true, Persistent: true},
		open:     func(ctx context.Context) (*messaging.Broker, error) { return memory.OpenServer(ctx, server) },
		config:   ordered(50),
	}.run(t)
}

// ordered keeps the order of each payload across the members of a group.
func ordered(partitions int) heraldwatermill.SubscriberConfig {
	return heraldwatermill.SubscriberConfig{
		Mapping: byPayload, Options: []messaging.SubscribeOption{messaging.OrderAcrossReplicas(partitions)},
	}
}

func TestRabbitMQ(t *testing.T) {
	b := brokers.Own(t, brokers.RabbitMQ)
	suite{
		features: tests.Features{ConsumerGroups: true, GuaranteedOrder: true, Persistent: true, RestartServiceCommand: restartCommand(t, b)},
		open:     func(ctx context.Context) (*messaging.Broker, error) { return rabbitmq.Open(ctx, b.URL()) },
		config:   ordered(8),
	}.run(t)
}

func TestKafka(t *testing.T) {
	b := brokers.Own(t, brokers.Kafka)
	suite{
		features: tests.Features{ConsumerGroups: true, Persistent: true, RestartServiceCommand: restartCommand(t, b)},
		open:     openKafka(b),
	}.run(t)
}

// TestKafkaByKey keeps the order of keys.
func TestKafkaByKey(t *testing.T) {
	b := brokers.Own(t, brokers.Kafka)
	suite{
		features: tests.Features{ConsumerGroups: true, GuaranteedOrder: true, Persistent: true, RestartServiceCommand: restartCommand(t, b)},
		open:     openKafka(b),
		config:   heraldwatermill.SubscriberConfig{Mapping: byPayload},
	}.run(t)
}

// openKafka opens brokers whose topics have several partitions, fewer than the suite has subscribers, and that notice soon when a member goes.
func openKafka(b *brokers.Broker) func(ctx context.Context) (*messaging.Broker, error) {
	return func(ctx context.Context) (*messaging.Broker, error) {
		cfg, err := kafka.ParseURL(b.URL())
		if err != nil {
			return nil, err
		}
		cfg.Partitions, cfg.Session, cfg.Heartbeat = 8, 9*time.Second, 500*time.Millisecond
		return kafka.OpenConfig(ctx, cfg)
	}
}

func TestRedis(t *testing.T) {
	b := brokers.Own(t, brokers.Redis)
	suite{
		features: tests.Features{
			ConsumerGroups: true, GuaranteedOrderWithSingleSubscriber: true, GuaranteedOrder: true, Persistent: true,
			NewSubscriberReceivesOldMessages: true, RestartServiceCommand: restartCommand(t, b),
		},
		open:  func(ctx context.Context) (*messaging.Broker, error) { return redis.Open(ctx, b.URL()) },
		fresh: true,
	}.run(t)
}

// TestRedisOneGroup has one group for all.
func TestRedisOneGroup(t *testing.T) {
	b := brokers.Own(t, brokers.Redis)
	suite{
		features: tests.Features{
			ConsumerGroups: true, GuaranteedOrderWithSingleSubscriber: true, GuaranteedOrder: true, Persistent: true,
			RestartServiceCommand: restartCommand(t, b),
		},
		open: func(ctx context.Context) (*messaging.Broker, error) { return redis.Open(ctx, b.URL()) },
	}.run(t)
}
