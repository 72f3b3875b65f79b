package chaos

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"

	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/integration/history"
)

// peer carries events by Watermill: its publisher, and its router with the middleware for tries and dead letters.
type peer struct {
	w         *worker
	publisher message.Publisher
	// subscriber opens one more subscriber of the group, of which there are so many.
	subscriber  func() (message.Subscriber, error)
	subscribers int

	open  []message.Subscriber
	stop  context.CancelFunc
	ended chan error

	mu    sync.Mutex
	tries map[string]int // by event, those that failed here
}

// metaKey is the metadata that carries an event's key, metaPoison the suffix of the topic of dead letters.
const (
	metaKey      = "key"
	poisonSuffix = "-poison"
)

func openWatermill(w *worker) (client, error) {
	p := &peer{w: w, subscribers: 1, tries: map[string]int{}}
	var err error
	switch brokers.Kind(w.role.Broker) {
	case brokers.RabbitMQ:
		err = p.overAMQP()
	case brokers.Kafka:
		err = p.overKafka()
	case brokers.Redis, brokers.Valkey:
		err = p.overRedis()
	default:
		err = fmt.Errorf("chaos: no broker %q", w.role.Broker)
	}
	return p, err
}

// publish publishes an event. What Publish returns does not tell whether it is stored, so every error leaves that open.
func (p *peer) publish(ctx context.Context, e envelope.Event) error {
	m := message.NewMessage(e.ID, e.Data)
	m.Metadata.Set(metaKey, e.Key)
	m.SetContext(ctx)
	return p.publisher.Publish(p.w.role.Topic, m)
}

func (p *peer) subscribe(context.Context) (wait func(), err error) {
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: 10 * time.Second}, watermill.NopLogger{})
	if err != nil {
		return nil, err
	}
	poison, err := middleware.PoisonQueue(telling{p.publisher, p.w}, p.w.role.Topic+poisonSuffix)
	if err != nil {
		return nil, err
	}
	tries := middleware.Retry{MaxRetries: 3, InitialInterval: 20 * time.Millisecond, MaxInterval: 20 * time.Millisecond, Multiplier: 1}
	router.AddMiddleware(poison, tries.Middleware)
	for i := range p.subscribers {
		s, err := p.subscriber()
		if err != nil {
			return nil, err
		}
		p.open = append(p.open, s)
		each := seat{p, fmt.Sprintf("%s/%d", p.w.role.Name, i)}
		router.AddConsumerHandler(each.member, p.w.role.Topic, s, each.handle)
	}
	running, stop := context.WithCancel(context.Background())
	p.stop, p.ended = stop, make(chan error, 1)
	go func() { p.ended <- router.Run(running) }() // close waits for it
	select {
	case <-router.Running():
		return nil, nil
	case err := <-p.ended:
		p.ended <- err
		return nil, errors.Join(errEnded, err)
	}
}

// seat is one subscriber. They know nothing of each other, so each is a member.
type seat struct {
	*peer
	member string
}

// note writes down what happens to a message.
func (s seat) note(kind history.Kind, m *message.Message) {
	o := s.w.op(kind, m.UUID, m.Metadata.Get(metaKey))
	o.Member = s.member
	s.w.note(o)
}

// handle is one attempt.
func (s seat) handle(m *message.Message) error {
	ctx, w := m.Context(), s.w
	if !w.gate.enter(ctx) {
		return context.Cause(ctx)
	}
	defer w.gate.leave()
	s.note(history.Start, m)
	err := outcome(s.delivery(m.UUID))
	if err == nil && w.role.Work > 0 {
		err = work(ctx, w.effort())
	}
	if err != nil {
		s.note(history.Freed, m)
		return err
	}
	s.mu.Lock()
	delete(s.tries, m.UUID)
	s.mu.Unlock()
	s.note(history.Done, m)
	return nil
}

// delivery is what an event's fate is decided by: a third try takes the place of the one by the inbox.
func (p *peer) delivery(id string) *messaging.Delivery {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tries[id]++
	d := &messaging.Delivery{Event: envelope.Event{ID: id}, Attempt: p.tries[id]}
	if d.Attempt > 2 {
		d.FirstFailed = time.Now()
	}
	return d
}

func (p *peer) close(ctx context.Context) error {
	var err error
	if p.stop != nil {
		p.stop()
		select {
		case err = <-p.ended:
		case <-ctx.Done():
			err = fmt.Errorf("router: %w", context.Cause(ctx))
		}
	}
	for _, s := range p.open { // the router closes them too
		err = errors.Join(err, s.Close())
	}
	return errors.Join(err, p.publisher.Close())
}

// telling notes dead letters when they are stored.
type telling struct {
	message.Publisher
	w *worker
}

// Publish implements message.Publisher.
func (t telling) Publish(topic string, msgs ...*message.Message) error {
	if err := t.Publisher.Publish(topic, msgs...); err != nil {
		return err
	}
	for _, m := range msgs {
		t.w.note(t.w.op(history.Dead, m.UUID, m.Metadata.Get(metaKey)))
	}
	return nil
}
