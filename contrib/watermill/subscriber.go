package heraldwatermill

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/herald-go/herald/pkg/messaging"
)

// Subscriber is Watermill's message.Subscriber over a Herald broker. It is safe for concurrent use.
type Subscriber struct {
	broker *messaging.Broker
	config SubscriberConfig

	mu      sync.Mutex
	closed  bool
	stop    chan struct{} // closed by Close
	feeds   map[string]*feed
	running sync.WaitGroup // outlets, and calls that open
}

var (
	_ message.Subscriber           = (*Subscriber)(nil)
	_ message.SubscribeInitializer = (*Subscriber)(nil)
)

// NewSubscriber makes a subscriber to topics of the broker. It does not own the broker: Close leaves it open.
func NewSubscriber(broker *messaging.Broker, config SubscriberConfig) (*Subscriber, error) {
	if broker == nil {
		return nil, errors.New("watermill subscriber: no broker to subscribe to")
	}
	config.setDefaults()
	if err := config.validate(); err != nil {
		return nil, err
	}
	return &Subscriber{broker: broker, config: config, stop: make(chan struct{}), feeds: make(map[string]*feed)}, nil
}

// Subscribe returns a channel of the topic's messages. It is unbuffered, and holds SubscriberConfig.InFlight messages out at a time, each to
// be acked or nacked once. It is closed when ctx has ended, when the subscriber is closed, or when the subscription has failed for good, and
// in each case only after the messages that are out were acked or given back. ctx also gives values to the messages' contexts, beneath those
// of Herald's handler; they end with the ack, and else when closing no longer waits.
//
// Several channels of one topic share its messages, and its InFlight. Another subscriber of the same group needs a broker of its own. A topic
// must be one of Herald's: words of [A-Za-z0-9_-] joined by dots.
func (s *Subscriber) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	opening, cancel, err := s.enter(ctx, topic)
	if err != nil {
		return nil, err
	}
	defer s.running.Done()
	defer cancel()
	for {
		f, fresh := s.feed(topic)
		if fresh {
			f.open(opening)
		} else if err := await(opening, f.opened, topic); err != nil {
			return nil, err
		}
		if f.err != nil {
			return nil, f.err
		}
		if out := f.join(ctx); out != nil {
			return out, nil
		}
		if err := await(opening, f.done, topic); err != nil { // it was just closing: another one
			return nil, err
		}
	}
}

// await waits for what another call does.
func await(ctx context.Context, done <-chan struct{}, topic string) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return &messaging.Error{Op: "subscribe", Topic: topic, Err: context.Cause(ctx)}
	}
}

// SubscribeInitialize makes the topic and the group exist, so that what is published from now on is kept for the group. For a broadcast
// there is nothing to make. It takes messages from no one.
func (s *Subscriber) SubscribeInitialize(topic string) error {
	if s.config.Broadcast {
		return nil
	}
	ctx, cancel, err := s.enter(context.Background(), topic)
	if err != nil {
		return err
	}
	defer s.running.Done()
	defer cancel()
	sub, err := s.broker.Subscribe(ctx, topic, messaging.HandlerFunc(giveBack), s.config.options()...)
	if errors.Is(err, messaging.ErrConflict) && s.subscribed(topic) {
		return nil
	}
	if err != nil {
		return err
	}
	return sub.Close(context.WithoutCancel(ctx))
}

// giveBack holds what comes to a subscription that is there to be closed, and so gives it back.
func giveBack(ctx context.Context, _ *messaging.Delivery) error {
	select {
	case <-messaging.Draining(ctx):
	case <-ctx.Done():
	}
	return messaging.Release()
}

// Close closes the channels of all subscriptions, and returns when they are closed. Messages that are out have CloseTimeout to be acked; what
// nobody has taken goes back at once. It leaves the broker open, for others that use it. It is idempotent.
func (s *Subscriber) Close() error {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.stop)
	}
	s.mu.Unlock()
	s.running.Wait()
	return nil
}

// enter begins a call, whose context also ends when the subscriber is closed.
func (s *Subscriber) enter(ctx context.Context, topic string) (context.Context, context.CancelFunc, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, nil, &messaging.Error{Op: "subscribe", Topic: topic, Err: messaging.ErrClosed}
	}
	s.running.Add(1)
	ctx, cancel := context.WithCancelCause(ctx)
	stop, over := s.stop, make(chan struct{})
	go func() {
		defer close(over)
		select {
		case <-stop:
			cancel(messaging.ErrClosed)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil); <-over }, nil
}

// feed returns the feed of a topic, and whether the caller is to open it.
func (s *Subscriber) feed(topic string) (*feed, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.feeds[topic]; f != nil {
		return f, false
	}
	f := &feed{s: s, topic: topic, opened: make(chan struct{}), done: make(chan struct{}), changed: make(chan struct{})}
	s.feeds[topic] = f
	return f, true
}

// forget lets the next Subscribe of the topic begin anew.
func (s *Subscriber) forget(f *feed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.feeds, f.topic)
	close(f.done)
}

func (s *Subscriber) subscribed(topic string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.feeds[topic] != nil
}

// patience is a context that ends when closing no longer waits for acks.
func (s *Subscriber) patience() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), max(s.config.CloseTimeout, 0))
}

// longest is how long a message may go on being nacked in its place; 0 is for ever.
func (s *Subscriber) longest() time.Duration { return s.broker.Capabilities().HoldLimit / 4 }

func (s *Subscriber) report(msg string, err error, topic string) {
	s.config.Logger.Error(msg, err, watermill.LogFields{"topic": topic, "group": s.config.Group})
}
