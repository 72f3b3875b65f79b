package contestants

import (
	"context"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	wmamqp "github.com/ThreeDotsLabs/watermill-amqp/v3/pkg/amqp"
	"github.com/ThreeDotsLabs/watermill/message"
	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/herald-go/herald/integration/bench/contest"
)

// watermillAMQP is watermill-amqp.
type watermillAMQP struct{ best bool }

// Profile implements contest.Contestant.
func (w watermillAMQP) Profile() contest.Profile {
	p := contest.Profile{
		Name: "Watermill", Broker: "rabbitmq", Library: "github.com/ThreeDotsLabs/watermill-amqp/v3",
		Settings: "NewDurablePubSubConfig with a quorum queue", Weaker: "Publish does not wait for the broker",
	}
	if w.best {
		p.Name, p.Weaker = "Watermill best", ""
		p.Settings += ", confirms, a pool of 64 channels, 16 subscribers with a prefetch of 100; one where keys must stay in order"
	}
	return p
}

// watermillQueue is the name that Watermill's generator gives.
func watermillQueue(topic, group string) string { return topic + "_" + group }

// Prepare implements contest.Contestant.
func (w watermillAMQP) Prepare(ctx context.Context, t *contest.Task, events *contest.Events) error {
	if err := makeQueues(ctx, t, "fanout", watermillQueue); err != nil {
		return err
	}
	return contest.Fill(ctx, watermillAMQP{best: true}, t, events)
}

// Clean implements contest.Contestant.
func (w watermillAMQP) Clean(ctx context.Context, t *contest.Task) error {
	return dropQueues(ctx, t, watermillQueue)
}

func (w watermillAMQP) config(ctx context.Context, t *contest.Task, group string) wmamqp.Config {
	cfg := wmamqp.NewDurablePubSubConfig(t.URL, wmamqp.GenerateQueueNameTopicNameWithSuffix(group))
	cfg.Connection.AmqpConfig = &amqp.Config{Heartbeat: 10 * time.Second, Locale: "en_US", Dial: amqpDial(ctx, t.Dialer())}
	cfg.Queue.Arguments = quorum()
	if w.best {
		cfg.Publish.ConfirmDelivery, cfg.Publish.ChannelPoolSize = true, 64
		cfg.Consume.Qos.PrefetchCount = max(1, t.Window(watermillMembers*100)/watermillBest(t))
	}
	return cfg
}

// Open implements contest.Contestant.
func (w watermillAMQP) Open(ctx context.Context, t *contest.Task, events *contest.Events) (contest.Session, error) {
	publisher, err := wmamqp.NewPublisher(w.config(ctx, t, ""), watermill.NopLogger{})
	if err != nil {
		return nil, err
	}
	s := &watermillSession{t: t, events: events, publisher: publisher}
	s.subscriber = func(group string) (message.Subscriber, error) {
		return wmamqp.NewSubscriber(w.config(ctx, t, group), watermill.NopLogger{})
	}
	if w.best {
		s.members = watermillBest(t)
	}
	return s, nil
}
