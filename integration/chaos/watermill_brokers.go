package chaos

import (
	"context"
	"errors"
	"maps"
	"net"
	"strings"
	"time"

	"github.com/IBM/sarama"
	"github.com/ThreeDotsLabs/watermill"
	wmamqp "github.com/ThreeDotsLabs/watermill-amqp/v3/pkg/amqp"
	wmkafka "github.com/ThreeDotsLabs/watermill-kafka/v3/pkg/kafka"
	"github.com/ThreeDotsLabs/watermill-redisstream/pkg/redisstream"
	"github.com/ThreeDotsLabs/watermill/message"
	amqp "github.com/rabbitmq/amqp091-go"
	goredis "github.com/redis/go-redis/v9"
)

// dialTime bounds the making of a connection.
const dialTime = 3 * time.Second

// dial makes a connection to where the role's broker is, whatever address the broker names.
func (p *peer) dial(ctx context.Context) (net.Conn, error) {
	dialer := net.Dialer{Timeout: dialTime}
	return dialer.DialContext(ctx, "tcp", p.w.role.Through)
}

// reading reads what a quorum queue delivers again: the marshaler refuses the queue's own headers, which are numbers, so that such a message would go
// round for ever.
type reading struct{ wmamqp.DefaultMarshaler }

// Unmarshal implements wmamqp.Marshaler.
func (r reading) Unmarshal(d amqp.Delivery) (*message.Message, error) {
	maps.DeleteFunc(d.Headers, func(_ string, value any) bool {
		_, text := value.(string)
		return !text
	})
	return r.DefaultMarshaler.Unmarshal(d)
}

// overAMQP has durable quorum queues, with one active consumer, since nothing else keeps keys in order over several members, persistent messages,
// confirms, heartbeats of two seconds and short pauses between two tries to connect.
func (p *peer) overAMQP() error {
	cfg := wmamqp.NewDurablePubSubConfig(p.w.role.URL, wmamqp.GenerateQueueNameTopicNameWithSuffix(p.w.role.Group))
	cfg.Connection.AmqpConfig = &amqp.Config{
		Heartbeat: 2 * time.Second, Locale: "en_US",
		Dial: func(string, string) (net.Conn, error) {
			conn, err := p.dial(context.Background())
			if err != nil {
				return nil, err
			}
			return conn, conn.SetDeadline(time.Now().Add(dialTime)) // until the handshake is over
		},
	}
	cfg.Connection.Reconnect = &wmamqp.ReconnectConfig{
		BackoffInitialInterval: 50 * time.Millisecond, BackoffRandomizationFactor: 0.5, BackoffMultiplier: 1.5, BackoffMaxInterval: time.Second,
	}
	cfg.Queue.Arguments = amqp.Table{"x-queue-type": "quorum", "x-delivery-limit": int64(2147483647), "x-single-active-consumer": true}
	cfg.Publish.ConfirmDelivery, cfg.Marshaler = true, reading{} // a pool of channels panics when it is closed after a connection was lost
	cfg.Consume.Qos.PrefetchCount = p.w.role.Window
	publisher, err := wmamqp.NewPublisher(cfg, watermill.NopLogger{})
	if err != nil {
		return err
	}
	p.publisher = publisher
	p.subscriber = func() (message.Subscriber, error) {
		s, err := wmamqp.NewSubscriber(cfg, watermill.NopLogger{})
		if err != nil {
			return nil, err
		}
		return s, s.SubscribeInitialize(p.w.role.Topic + poisonSuffix) // or dead letters would go nowhere
	}
	return nil
}

// Dial implements proxy.Dialer, by which sarama connects.
func (p *peer) Dial(string, string) (net.Conn, error) { return p.dial(context.Background()) }

// sarama is a configuration with the settings that Herald's roles have, and what Herald does without being asked: acks of all, idempotent.
func (p *peer) sarama(cfg *sarama.Config) *sarama.Config {
	cfg.Version = sarama.V2_8_0_0
	cfg.Net.Proxy.Enable, cfg.Net.Proxy.Dialer = true, p
	cfg.Net.DialTimeout, cfg.Net.ReadTimeout, cfg.Net.WriteTimeout = dialTime, dialTime, dialTime
	cfg.Metadata.Retry.Backoff, cfg.Metadata.Retry.Max = 250*time.Millisecond, 20
	cfg.Producer.RequiredAcks, cfg.Producer.Idempotent, cfg.Net.MaxOpenRequests = sarama.WaitForAll, true, 1
	cfg.Producer.Retry.Max, cfg.Producer.Retry.Backoff, cfg.Producer.Timeout = 20, 100*time.Millisecond, 2*time.Second
	cfg.Consumer.Group.Session.Timeout, cfg.Consumer.Group.Heartbeat.Interval = 6*time.Second, 500*time.Millisecond
	cfg.Consumer.Offsets.Initial, cfg.Consumer.Offsets.AutoCommit.Interval = sarama.OffsetOldest, 100*time.Millisecond
	cfg.Consumer.MaxWaitTime = 100 * time.Millisecond
	return cfg
}

func (p *peer) overKafka() error {
	keys := wmkafka.NewWithPartitioningMarshaler(func(_ string, m *message.Message) (string, error) { return m.Metadata.Get(metaKey), nil })
	at := []string{strings.TrimPrefix(p.w.role.URL, "kafka://")}
	publisher, err := wmkafka.NewPublisher(wmkafka.PublisherConfig{
		Brokers: at, Marshaler: keys, OverwriteSaramaConfig: p.sarama(wmkafka.DefaultSaramaSyncPublisherConfig()),
	}, watermill.NopLogger{})
	if err != nil {
		return err
	}
	p.publisher = publisher
	p.subscriber = func() (message.Subscriber, error) {
		s, err := wmkafka.NewSubscriber(wmkafka.SubscriberConfig{
			Brokers: at, Unmarshaler: keys, ConsumerGroup: p.w.role.Group, ReconnectRetrySleep: 100 * time.Millisecond,
			OverwriteSaramaConfig:  p.sarama(wmkafka.DefaultSaramaSubscriberConfig()),
			InitializeTopicDetails: &sarama.TopicDetail{NumPartitions: int32(p.w.role.Partitions), ReplicationFactor: 1},
		}, watermill.NopLogger{})
		if err != nil {
			return nil, err
		}
		return s, errors.Join(s.SubscribeInitialize(p.w.role.Topic), s.SubscribeInitialize(p.w.role.Topic+poisonSuffix))
	}
	return nil
}

// redisClient is a client with the time-outs that Herald's roles have, which repeats commands so often by itself.
func (p *peer) redisClient(conns, repeats int) goredis.UniversalClient {
	return goredis.NewClient(&goredis.Options{
		PoolSize: conns, MaxRetries: repeats, DialTimeout: dialTime, ReadTimeout: 2 * time.Second, WriteTimeout: 2 * time.Second, ContextTimeoutEnabled: true,
		Dialer: func(ctx context.Context, _, _ string) (net.Conn, error) { return p.dial(ctx) },
	})
}

// How often the client repeats a command by itself: an XADD whose answer is lost may have been carried out, and repeating it makes a copy that nobody
// knows of; reading again is harmless.
const (
	never     = -1
	sometimes = 3
)

// overRedis claims what a member held that is gone after three seconds, as Herald's roles do. Four subscribers in each member handle one event each.
func (p *peer) overRedis() error {
	publisher, err := redisstream.NewPublisher(redisstream.PublisherConfig{Client: p.redisClient(2*keys, never)}, watermill.NopLogger{})
	if err != nil {
		return err
	}
	p.publisher, p.subscribers = publisher, 4
	p.subscriber = func() (message.Subscriber, error) {
		return redisstream.NewSubscriber(redisstream.SubscriberConfig{
			Client: p.redisClient(4, sometimes), ConsumerGroup: p.w.role.Group, DisableIndefiniteInitialBlock: true,
			MaxIdleTime: 3 * time.Second, ClaimInterval: 500 * time.Millisecond, ClaimBatchSize: 100,
		}, watermill.NopLogger{})
	}
	return nil
}
