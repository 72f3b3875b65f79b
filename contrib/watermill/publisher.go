package heraldwatermill

import (
	"context"
	"errors"
	"sync"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"
)

// PublisherConfig configures a Publisher. The zero value is ready.
type PublisherConfig struct {
	Mapping
}

// Publisher is Watermill's message.Publisher over a Herald publisher. It is safe for concurrent use: calls share round trips.
type Publisher struct {
	to     messaging.Publisher
	config PublisherConfig

	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup
}

var _ message.Publisher = (*Publisher)(nil)

// NewPublisher makes a publisher that publishes through to: a *messaging.Broker, a *messaging.Producer with options of its own, or whatever
// decorates one. It does not own it: Close leaves it open.
func NewPublisher(to messaging.Publisher, config PublisherConfig) (*Publisher, error) {
	if to == nil {
		return nil, errors.New("watermill publisher: no broker to publish through")
	}
	config.setDefaults()
	return &Publisher{to: to, config: config}, nil
}

// Publish stores the messages under the topic and returns nil only when the broker has taken responsibility for each, in their order. The
// error is that of messaging.Publisher: a *messaging.PublishError names the messages that were not stored, by their index. It blocks until
// the broker has answered, or for the broker's PublishTimeout.
//
// The first message's context gives values, such as the trace context, to all of the call. Its end does not end the call: a message that a
// handler returns, or that a middleware sends to a poison queue, is published also when the handler's time is over.
func (p *Publisher) Publish(topic string, messages ...*message.Message) error {
	if len(messages) == 0 {
		return nil
	}
	if !p.enter() {
		return &messaging.Error{Op: "publish", Topic: topic, Err: messaging.ErrClosed}
	}
	defer p.running.Done()
	events := make([]envelope.Event, len(messages))
	for i, m := range messages {
		events[i] = p.config.event(topic, m)
	}
	return p.to.Publish(context.WithoutCancel(messages[0].Context()), topic, events...)
}

func (p *Publisher) enter() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.running.Add(1)
	}
	return !p.closed
}

// Close refuses further messages and waits for the fates of those that are being published. It leaves the broker open, for others that use
// it. It is idempotent and returns nil.
func (p *Publisher) Close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.running.Wait()
	return nil
}
