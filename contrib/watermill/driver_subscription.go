package heraldwatermill

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/herald-go/herald/pkg/driver"
)

// roundMost is how long a message of an inbox is held that is not due yet, before it goes to the inbox's end: so none holds up others for
// longer, nor longer than what Watermill's brokers wait for an ack.
const roundMost = 100 * time.Millisecond

var errChannelClosed = errors.New("watermill has closed the channel of messages")

// subscription is a driver.Subscription over Watermill subscribers.
type subscription struct {
	d      *Driver
	spec   driver.Spec
	source *driver.Source

	cancel   context.CancelFunc // ends the Watermill subscriptions
	messages chan *driver.Message
	stopped  chan struct{} // closed by Stop
	broken   chan struct{} // closed when a channel of messages was closed by itself
	breaking sync.Once
	stopping sync.Once
	running  sync.WaitGroup

	mu     sync.Mutex
	subs   []message.Subscriber
	held   map[*driver.Message]struct{}
	bytes  int
	acking []*message.Message // settled, and perhaps not at the broker yet
	room   chan struct{}      // capacity 1: something was settled

	closer   sync.Once
	closeErr error
}

func newSubscription(d *Driver, spec driver.Spec) *subscription {
	return &subscription{
		d: d, spec: spec, source: driver.NewSource(spec.Topic), messages: make(chan *driver.Message), stopped: make(chan struct{}),
		broken: make(chan struct{}), held: make(map[*driver.Message]struct{}), room: make(chan struct{}, 1),
	}
}

// open subscribes to the topic and to the inbox. The Watermill subscriptions live until Close.
func (s *subscription) open() error {
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	topic := s.d.config.topicOf(driver.Address{Topic: s.spec.Topic})
	if s.spec.Broadcast {
		return s.follow(ctx, topic, false) // of several each would get every message
	}
	inbox := s.d.config.topicOf(driver.Address{Topic: s.spec.Topic, Group: s.spec.Group})
	for range s.d.config.Members {
		if err := s.follow(ctx, topic, false); err != nil {
			return err
		}
		if err := s.follow(ctx, inbox, true); err != nil {
			return err
		}
	}
	return nil
}

// follow subscribes to one Watermill topic and starts the goroutine that takes its messages.
func (s *subscription) follow(ctx context.Context, topic string, inbox bool) error {
	sub, err := s.d.config.Subscriber(s.spec.Group)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.subs = append(s.subs, sub)
	s.mu.Unlock()
	if i, ok := sub.(message.SubscribeInitializer); ok && !s.spec.Broadcast {
		if err := i.SubscribeInitialize(topic); err != nil {
			return err
		}
	}
	in, err := sub.Subscribe(ctx, topic)
	if err != nil {
		return err
	}
	s.running.Add(1)
	go s.take(ctx, in, topic, inbox)
	return nil
}

// take hands on what comes on one channel, one after the other.
func (s *subscription) take(ctx context.Context, in <-chan *message.Message, topic string, inbox bool) {
	defer s.running.Done()
	for {
		var msg *message.Message
		var open bool
		select {
		case msg, open = <-in:
		case <-s.stopped:
			return
		}
		if !open {
			s.breaking.Do(func() { close(s.broken) })
			return
		}
		m := decode(msg, s.source)
		m.Inbox = inbox
		if inbox && s.d.clock().Before(m.NotBefore) {
			s.goRound(ctx, topic, m, msg)
			continue
		}
		select {
		case s.messages <- m:
		case <-s.stopped:
			s.settled(msg, msg.Nack)
			return
		}
	}
}

// goRound puts a message that is not due at the inbox's end, so that those behind it are seen.
func (s *subscription) goRound(ctx context.Context, topic string, m *driver.Message, msg *message.Message) {
	timer := time.NewTimer(min(m.NotBefore.Sub(s.d.clock()), roundMost))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-s.stopped:
		s.settled(msg, msg.Nack)
		return
	}
	if err := s.d.config.Publisher.Publish(topic, msg.Copy()); err != nil {
		s.settled(msg, msg.Nack) // it comes again, from here
		return
	}
	s.settled(msg, msg.Ack)
}

// settled settles a message that the caller of Receive never had.
func (s *subscription) settled(msg *message.Message, settle func() bool) {
	settle()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.acking = append(slices.DeleteFunc(s.acking, arrived), msg)
}

// arrived reports whether the broker knows that the message is settled: then Watermill ends its context.
func arrived(m *message.Message) bool { return m.Context().Err() != nil }

// Receive implements driver.Subscription. It returns one message: Watermill has few out at a time.
func (s *subscription) Receive(ctx context.Context, _, _ int) ([]*driver.Message, error) {
	if err := s.awaitRoom(ctx); err != nil {
		return nil, err
	}
	select {
	case <-s.stopped:
		return nil, io.EOF
	default:
	}
	select {
	case m := <-s.messages:
		return []*driver.Message{s.hold(m)}, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-s.stopped:
		return nil, io.EOF
	case <-s.broken:
		return nil, errChannelClosed
	}
}

// awaitRoom waits until the window has room.
func (s *subscription) awaitRoom(ctx context.Context) error {
	for {
		s.mu.Lock()
		full := len(s.held) > 0 && (len(s.held) >= s.spec.Window || s.bytes >= s.spec.WindowBytes)
		s.mu.Unlock()
		if !full {
			return nil
		}
		select {
		case <-s.room:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-s.stopped:
			return io.EOF
		}
	}
}

func (s *subscription) hold(m *driver.Message) *driver.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held[m] = struct{}{}
	s.bytes += len(m.Body)
	return m
}

// Settle implements driver.Subscription.
func (s *subscription) Settle(outcomes []driver.Outcome) {
	acks := 0
	s.mu.Lock()
	for _, o := range outcomes {
		if _, ok := s.held[o.Message]; !ok {
			continue
		}
		delete(s.held, o.Message)
		s.bytes -= len(o.Message.Body)
		msg, _ := o.Message.Ref.(*message.Message)
		if o.Verdict == driver.Ack {
			msg.Ack()
			s.acking = append(s.acking, msg)
			acks++
		} else {
			msg.Nack()
		}
	}
	s.acking = slices.DeleteFunc(s.acking, arrived)
	s.mu.Unlock()
	select {
	case s.room <- struct{}{}:
	default:
	}
	if acks > 0 && s.spec.Settled != nil {
		s.spec.Settled(acks)
	}
}

// Stop implements driver.Subscription.
func (s *subscription) Stop() { s.stopping.Do(func() { close(s.stopped) }) }

// Close implements driver.Subscription.
func (s *subscription) Close(ctx context.Context) error {
	s.closer.Do(func() { s.closeErr = s.end(ctx) })
	return s.closeErr
}

func (s *subscription) end(ctx context.Context) error {
	s.Stop()
	s.running.Wait()
	s.mu.Lock()
	settled := s.acking
	for m := range s.held {
		if msg, ok := m.Ref.(*message.Message); ok {
			msg.Nack()
			settled = append(settled, msg)
		}
	}
	clear(s.held)
	subs := slices.Clone(s.subs)
	s.mu.Unlock()
	flush(ctx, settled)
	if s.cancel != nil {
		s.cancel()
	}
	over := make(chan error, 1)
	go func() {
		var errs []error
		for _, sub := range subs {
			errs = append(errs, sub.Close())
		}
		over <- errors.Join(errs...)
	}()
	defer s.d.forget(s)
	defer s.source.Lose()
	select {
	case err := <-over:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// flushMost is how long Close waits for acks and nacks to get to the broker. It is for publishers that keep the contexts of messages alive, where nothing tells.
const flushMost = time.Second

// flush waits until acks and nacks have reached the broker: then Watermill ends the message's context.
func flush(ctx context.Context, settled []*message.Message) {
	ctx, cancel := context.WithTimeout(ctx, flushMost)
	defer cancel()
	for _, msg := range settled {
		select {
		case <-msg.Context().Done():
		case <-ctx.Done():
			return
		}
	}
}
