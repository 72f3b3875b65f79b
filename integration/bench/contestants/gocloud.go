package contestants

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/IBM/sarama"
	amqp "github.com/rabbitmq/amqp091-go"
	"gocloud.dev/pubsub"
	"gocloud.dev/pubsub/kafkapubsub"
	"gocloud.dev/pubsub/rabbitpubsub"

	"github.com/herald-go/herald/integration/bench/contest"
)

// cloudSession does the works through gocloud.dev's portable types.
type cloudSession struct {
	t      *contest.Task
	events *contest.Events
	topics map[string]*pubsub.Topic
	// subscription opens a group, and end gives up what that took.
	subscription func(ctx context.Context, group string) (sub *pubsub.Subscription, end func() error, err error)
	end          func() error
}

func (s *cloudSession) one(ctx context.Context, i int) error {
	return s.topics[s.t.TopicOf(i)].Send(ctx, &pubsub.Message{
		Body: s.events.Body(i), Metadata: map[string]string{metaKey: s.events.Key(i), "type": eventType},
	})
}

// Send implements contest.Session. Send takes one message: those of a batch are sent side by side, and the library gathers them.
func (s *cloudSession) Send(ctx context.Context, from, to int) error {
	if to-from == 1 {
		return s.one(ctx, from)
	}
	return s.many(ctx, from, to, to-from)
}

// Stream implements contest.Session.
func (s *cloudSession) Stream(ctx context.Context, from, to int) error {
	return s.many(ctx, from, to, s.t.Window(rabbitWindow))
}

func (s *cloudSession) many(ctx context.Context, from, to, callers int) error {
	var wg sync.WaitGroup
	var next atomic.Int64
	var failed atomic.Pointer[error]
	next.Store(int64(from))
	for range min(callers, to-from) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < to && failed.Load() == nil; i = int(next.Add(1)) - 1 {
				if err := s.one(ctx, i); err != nil {
					failed.CompareAndSwap(nil, &err)
				}
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

// Consume implements contest.Session.
func (s *cloudSession) Consume(ctx context.Context, c contest.Consumption, ready func()) error {
	if c.Retries > 0 {
		return contest.Cannot("retries and dead letters are the program's to write")
	}
	sub, end, err := s.subscription(ctx, c.Group)
	if err != nil {
		return err
	}
	ready()
	handle := func(m *pubsub.Message) {
		if c.Handle(m.Body) == nil {
			m.Ack()
		}
	}
	put := handle
	wait := func() {}
	if c.Workers > 1 {
		l := newLanes(c.Workers, handle)
		put, wait = func(m *pubsub.Message) { l.put(m.Metadata[metaKey], m) }, l.close
	}
	for {
		m, err := sub.Receive(ctx)
		if err != nil {
			wait()
			return errors.Join(ended(ctx, err), ended(ctx, sub.Shutdown(context.WithoutCancel(ctx))), end())
		}
		put(m)
	}
}

// Close implements contest.Session.
func (s *cloudSession) Close(ctx context.Context) error {
	var errs []error
	for _, t := range s.topics {
		errs = append(errs, t.Shutdown(ctx))
	}
	return errors.Join(append(errs, s.end())...)
}

// cloudRabbit is gocloud.dev/pubsub/rabbitpubsub.
type cloudRabbit struct{}

// Profile implements contest.Contestant.
func (cloudRabbit) Profile() contest.Profile {
	return contest.Profile{
		Name: "gocloud", Broker: "rabbitmq", Library: "gocloud.dev/pubsub/rabbitpubsub",
		Settings: "fanout exchange, quorum queue, confirms; prefetch 1,000",
	}
}

// Prepare implements contest.Contestant.
func (g cloudRabbit) Prepare(ctx context.Context, t *contest.Task, events *contest.Events) error {
	if err := makeQueues(ctx, t, "fanout", queueName); err != nil {
		return err
	}
	return contest.Fill(ctx, g, t, events)
}

// Clean implements contest.Contestant.
func (cloudRabbit) Clean(ctx context.Context, t *contest.Task) error {
	return dropQueues(ctx, t, queueName)
}

// Open implements contest.Contestant.
func (cloudRabbit) Open(ctx context.Context, t *contest.Task, events *contest.Events) (contest.Session, error) {
	conn, err := dialAMQP(ctx, t)
	if err != nil {
		return nil, err
	}
	s := &cloudSession{t: t, events: events, topics: map[string]*pubsub.Topic{}, end: func() error { return closedOnce(conn.Close()) }}
	for _, topic := range t.AllTopics() {
		s.topics[topic] = rabbitpubsub.OpenTopic(conn, topic, nil)
	}
	s.subscription = func(ctx context.Context, group string) (*pubsub.Subscription, func() error, error) {
		var own *amqp.Connection
		own, err := dialAMQP(ctx, t)
		if err != nil {
			return nil, nil, err
		}
		prefetch := t.Window(rabbitWindow)
		sub := rabbitpubsub.OpenSubscription(own, queueName(t.Topic, group), &rabbitpubsub.SubscriptionOptions{PrefetchCount: &prefetch})
		return sub, func() error { return closedOnce(own.Close()) }, nil
	}
	return s, nil
}

// cloudKafka is gocloud.dev/pubsub/kafkapubsub.
type cloudKafka struct{}

// Profile implements contest.Contestant.
func (cloudKafka) Profile() contest.Profile {
	return contest.Profile{
		Name: "gocloud", Broker: "kafka", Library: "gocloud.dev/pubsub/kafkapubsub", Settings: "acks=all, idempotent; keys by KeyName",
	}
}

// Prepare implements contest.Contestant.
func (g cloudKafka) Prepare(ctx context.Context, t *contest.Task, events *contest.Events) error {
	return prepareKafka(ctx, t, events)
}

// Clean implements contest.Contestant.
func (cloudKafka) Clean(ctx context.Context, t *contest.Task) error { return dropTopics(ctx, t) }

// Open implements contest.Contestant.
func (cloudKafka) Open(_ context.Context, t *contest.Task, events *contest.Events) (contest.Session, error) {
	cfg := dialSarama(kafkapubsub.MinimalConfig(), t)
	safest(cfg, t)
	s := &cloudSession{t: t, events: events, topics: map[string]*pubsub.Topic{}, end: func() error { return nil }}
	for _, name := range t.AllTopics() {
		topic, err := kafkapubsub.OpenTopic([]string{t.Addr}, cfg, name, &kafkapubsub.TopicOptions{KeyName: metaKey})
		if err != nil {
			return nil, err
		}
		s.topics[name] = topic
	}
	s.subscription = func(_ context.Context, group string) (*pubsub.Subscription, func() error, error) {
		cfg := dialSarama(kafkapubsub.MinimalConfig(), t)
		cfg.Version, cfg.Consumer.Offsets.Initial = sarama.V2_8_0_0, sarama.OffsetOldest
		sub, err := kafkapubsub.OpenSubscription(
			[]string{t.Addr}, cfg, t.Topic+"."+group, []string{t.Topic}, &kafkapubsub.SubscriptionOptions{KeyName: metaKey},
		)
		return sub, func() error { return nil }, err
	}
	return s, nil
}
