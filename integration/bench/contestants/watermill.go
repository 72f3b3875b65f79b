package contestants

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"

	"github.com/herald-go/herald/integration/bench/contest"
)

// metaKey is the metadata that carries an event's key.
const metaKey = "key"

// watermillMembers is how many subscribers share a group at the best settings, where a subscriber has one message in hand.
const watermillMembers = 16

// watermillBest returns how many subscribers that is where the window varies: one that is smaller than their number has fewer.
func watermillBest(t *contest.Task) int { return min(watermillMembers, t.Window(watermillMembers)) }

// watermillSession does the works through Watermill's own interfaces.
type watermillSession struct {
	t         *contest.Task
	events    *contest.Events
	publisher message.Publisher
	// subscriber opens one more subscriber of a group.
	subscriber func(group string) (message.Subscriber, error)
	// members is how many of them share the work where the order of keys does not matter.
	members int
}

func (s *watermillSession) message(i int) *message.Message {
	m := message.NewMessage(watermill.NewUUID(), s.events.Body(i))
	m.Metadata.Set(metaKey, s.events.Key(i))
	m.Metadata.Set("type", eventType)
	return m
}

// Send implements contest.Session.
func (s *watermillSession) Send(_ context.Context, from, to int) error {
	msgs := make([]*message.Message, 0, to-from)
	for i := from; i < to; i++ {
		msgs = append(msgs, s.message(i))
	}
	return s.publisher.Publish(s.t.TopicOf(from), msgs...)
}

// Stream implements contest.Session.
func (s *watermillSession) Stream(context.Context, int, int) error {
	return contest.Cannot("Publish waits for each message")
}

// Consume implements contest.Session.
func (s *watermillSession) Consume(ctx context.Context, c contest.Consumption, ready func()) error {
	members := max(1, s.members)
	if c.Workers > 1 {
		members = 1 // several would lose the order of keys
	}
	if c.Retries > 0 {
		return s.route(ctx, c, members, ready)
	}
	var all []message.Subscriber
	var channels []<-chan *message.Message
	for range members {
		sub, err := s.subscriber(c.Group)
		if err != nil {
			return errors.Join(err, closeAll(all))
		}
		all = append(all, sub)
		ch, err := sub.Subscribe(ctx, s.t.Topic)
		if err != nil {
			return errors.Join(err, closeAll(all))
		}
		channels = append(channels, ch)
	}
	ready()
	var wg sync.WaitGroup
	for _, ch := range channels {
		wg.Go(func() { drainChannel(ch, c) })
	}
	<-ctx.Done()
	err := closeAll(all)
	wg.Wait()
	return err
}

func drainChannel(ch <-chan *message.Message, c contest.Consumption) {
	for m := range ch {
		if c.Handle(m.Payload) == nil {
			m.Ack()
		} else {
			m.Nack()
		}
	}
}

func closeAll(subscribers []message.Subscriber) error {
	errs := make([]error, len(subscribers))
	var wg sync.WaitGroup
	for i, s := range subscribers {
		wg.Go(func() { errs[i] = s.Close() })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// route is the way to retries and dead letters: a Router with Watermill's own middleware.
func (s *watermillSession) route(ctx context.Context, c contest.Consumption, members int, ready func()) error {
	router, err := message.NewRouter(message.RouterConfig{}, watermill.NopLogger{})
	if err != nil {
		return err
	}
	poison, err := middleware.PoisonQueue(counted{s.publisher, c.Dead}, s.t.Topic+"-poison")
	if err != nil {
		return err
	}
	retry := middleware.Retry{MaxRetries: c.Retries, InitialInterval: retryDelay, MaxInterval: retryDelay, Multiplier: 1}
	router.AddMiddleware(poison, retry.Middleware)
	for i := range members {
		sub, err := s.subscriber(c.Group)
		if err != nil {
			return err
		}
		router.AddConsumerHandler(fmt.Sprintf("handler-%d", i), s.t.Topic, sub, func(m *message.Message) error { return c.Handle(m.Payload) })
	}
	ran := make(chan error, 1)
	go func() { ran <- router.Run(ctx) }() // waited for below
	select {
	case <-router.Running():
		ready()
	case err := <-ran:
		return ended(ctx, err)
	}
	return ended(ctx, <-ran)
}

// counted counts what it has published.
type counted struct {
	message.Publisher
	count func()
}

// Publish implements message.Publisher.
func (p counted) Publish(topic string, msgs ...*message.Message) error {
	err := p.Publisher.Publish(topic, msgs...)
	if err == nil {
		for range msgs {
			p.count()
		}
	}
	return err
}

// Close implements contest.Session.
func (s *watermillSession) Close(context.Context) error { return s.publisher.Close() }
