package contestants

import (
	"context"

	"github.com/IBM/sarama"
	"github.com/ThreeDotsLabs/watermill"
	wmkafka "github.com/ThreeDotsLabs/watermill-kafka/v3/pkg/kafka"
	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/herald-go/herald/integration/bench/contest"
)

// watermillKafka is watermill-kafka.
type watermillKafka struct{ best bool }

// Profile implements contest.Contestant.
func (w watermillKafka) Profile() contest.Profile {
	p := contest.Profile{
		Name: "Watermill", Broker: "kafka", Library: "github.com/ThreeDotsLabs/watermill-kafka/v3",
		Settings: "defaults; keys by NewWithPartitioningMarshaler; commits every second", Weaker: "acks=1: one node has the event",
	}
	if w.best {
		p.Name, p.Weaker = "Watermill best", ""
		p.Settings = "acks=all, idempotent; fetches of 1 MiB, buffers of 1,000; 64 partitions where 64 handlers keep the order of keys"
	}
	return p
}

// Prepare implements contest.Contestant.
func (w watermillKafka) Prepare(ctx context.Context, t *contest.Task, events *contest.Events) error {
	partitions := partitionsOf(t)
	if w.best && t.Workers() > 1 {
		partitions = t.Workers() // one message of each partition is in hand
	}
	if err := makeTopics(ctx, t, partitions); err != nil {
		return err
	}
	return contest.Fill(ctx, w, t, events)
}

// Clean implements contest.Contestant.
func (watermillKafka) Clean(ctx context.Context, t *contest.Task) error { return dropTopics(ctx, t) }

// dialSarama lets sarama dial through the task's dialer.
func dialSarama(cfg *sarama.Config, t *contest.Task) *sarama.Config {
	cfg.Net.Proxy.Enable, cfg.Net.Proxy.Dialer = true, plainDialer{t.Dialer()}
	return cfg
}

// safest asks sarama for what Herald does without being asked.
func safest(cfg *sarama.Config, t *contest.Task) {
	cfg.Version = sarama.V2_8_0_0
	cfg.Producer.RequiredAcks, cfg.Producer.Idempotent, cfg.Net.MaxOpenRequests = sarama.WaitForAll, true, 1
	if t.Params.Size > 900_000 {
		cfg.Producer.MaxMessageBytes = kafkaMaxMessage
	}
}

// Open implements contest.Contestant.
func (w watermillKafka) Open(_ context.Context, t *contest.Task, events *contest.Events) (contest.Session, error) {
	cfg := dialSarama(wmkafka.DefaultSaramaSyncPublisherConfig(), t)
	if w.best {
		safest(cfg, t)
	}
	keys := wmkafka.NewWithPartitioningMarshaler(func(_ string, m *message.Message) (string, error) { return m.Metadata.Get(metaKey), nil })
	publisher, err := wmkafka.NewPublisher(wmkafka.PublisherConfig{
		Brokers: []string{t.Addr}, Marshaler: keys, OverwriteSaramaConfig: cfg,
	}, watermill.NopLogger{})
	if err != nil {
		return nil, err
	}
	s := &watermillSession{t: t, events: events, publisher: publisher}
	s.subscriber = func(group string) (message.Subscriber, error) {
		cfg := dialSarama(wmkafka.DefaultSaramaSubscriberConfig(), t)
		cfg.Consumer.Offsets.Initial = sarama.OffsetOldest
		if w.best {
			cfg.Version, cfg.Consumer.Fetch.Default, cfg.ChannelBufferSize = sarama.V2_8_0_0, 1<<20, 1000
		}
		return wmkafka.NewSubscriber(wmkafka.SubscriberConfig{
			Brokers: []string{t.Addr}, Unmarshaler: keys, OverwriteSaramaConfig: cfg, ConsumerGroup: t.Topic + "." + group,
		}, watermill.NopLogger{})
	}
	return s, nil
}
