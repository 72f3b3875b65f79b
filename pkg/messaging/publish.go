package messaging

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/driver"
)

// Publish implements Publisher. It waits within ctx, or Config.PublishTimeout if ctx has no deadline, also while the broker is away. Events
// without an ID or Time get them; empty CorrelationID and CausationID are inherited from the handler that ctx belongs to. Order holds for
// the events of one call, and for calls that follow each other, key by key.
func (b *Broker) Publish(ctx context.Context, topic string, events ...envelope.Event) error {
	return b.producer.Publish(ctx, topic, events...)
}

// Publish implements Publisher with this producer's options.
func (p *Producer) Publish(ctx context.Context, topic string, events ...envelope.Event) error {
	if len(events) == 0 {
		return nil
	}
	if p.broker.hooks.Publish == nil {
		return p.publish(ctx, topic, events)
	}
	events = append([]envelope.Event(nil), events...)
	ctx, done := p.broker.hooks.Publish(ctx, topic, events)
	err := p.publish(ctx, topic, events)
	if done != nil {
		done(err)
	}
	return err
}

func (p *Producer) publish(ctx context.Context, topic string, events []envelope.Event) error {
	c := p.broker.newCall(len(events))
	b := p.broker
	b.stats.published.Add(int64(len(events)))
	if !p.prepare(ctx, c, topic, events) {
		err := c.failure(b.name, topic)
		b.unpublished(err)
		c.free()
		return err
	}
	err := p.transmit(ctx, c, topic)
	if err == nil {
		c.free()
		return nil
	}
	b.unpublished(err)
	return err
}

func (b *Broker) unpublished(err error) {
	var failed *PublishError
	if errors.As(err, &failed) {
		b.stats.unpublished.Add(int64(len(failed.Failed)))
	}
}

// prepare encodes every event into the call, or records why not, and reports whether any of them may be sent.
func (p *Producer) prepare(ctx context.Context, c *call, topic string, events []envelope.Event) bool {
	b := p.broker
	var whole error
	switch {
	case b.closed.Load():
		whole = fmt.Errorf("%w: %w", ErrUnavailable, ErrClosed)
	case !driver.ValidName(topic):
		whole = invalidName("topic", topic)
	case ctx.Err() != nil:
		whole = fmt.Errorf("%w: %w", ErrUnavailable, cause(ctx))
	}
	now := time.Time{}
	for i := range events {
		e := &c.scratch.event
		*e = events[i]
		if e.ID == "" {
			e.ID = envelope.NewID()
		}
		if e.Time.IsZero() {
			if now.IsZero() {
				now = b.clock().UTC()
			}
			e.Time = now
		}
		if e.Source == "" {
			e.Source = b.config.Service
		}
		e.Inherit(ctx)
		err := whole
		if err == nil && p.ordered {
			err = p.blockedKey(topic, e.Key)
		}
		if err == nil {
			err = b.checkPublish(ctx, topic, e)
		}
		if err == nil {
			err = b.encode(c.add(), e, &c.scratch.record)
		} else {
			c.add()
		}
		c.ids = append(c.ids, e.ID)
		if err != nil && p.ordered {
			p.stop(topic, e.Key, c)
		}
		c.fail(i, err)
		c.msgs[i].FailFast = p.failFast
	}
	return c.sendable()
}

// encode writes e into m in the broker's wire form, by way of r.
func (b *Broker) encode(m *driver.Message, e *envelope.Event, r *envelope.Record) error {
	if err := e.Validate(b.config.Limits); err != nil {
		return err
	}
	*r = envelope.Record{Headers: m.Headers[:0]}
	if err := b.codec.Encode(r, e); err != nil {
		return err
	}
	if n := r.Size(); n > b.maxMessage {
		return fmt.Errorf("%w: %d bytes as written, the limit is %d", ErrTooLarge, n, b.maxMessage)
	}
	m.ID, m.Type, m.Key, m.ContentType, m.Time = r.ID, r.Type, r.Key, r.ContentType, r.Time
	m.Headers, m.Body = r.Headers, r.Body
	m.Slot = driver.Slot(e.Key)
	m.NotBefore = e.DeliverAt
	if !m.NotBefore.IsZero() {
		if err := b.need(driver.FeatureDelay); err != nil {
			return fmt.Errorf("%w: deliverAt: %w", ErrInvalid, err)
		}
	}
	return nil
}

// transmit sends what prepare has encoded and waits for the fates. After an error the call may still be in the driver's hands and must be
// left to the collector.
func (p *Producer) transmit(ctx context.Context, c *call, topic string) error {
	b := p.broker
	to := driver.Address{Topic: topic, Unrouted: b.config.Unrouted}
	if p.ordered {
		p.follow(topic, c)
		defer p.unfollow(c)
	}
	c.ctx.begin(ctx, b.config.PublishTimeout)
	b.driverPublisher.Send(&c.ctx, to, c.send, c)
	if why := c.wait(); why != nil && !c.withdraw(why) {
		<-c.done // the last fate came first; its token must not outlive the call
	}
	c.ctx.end()
	err := c.failure(b.name, topic)
	if p.ordered {
		p.block(topic, c)
	}
	return err
}
