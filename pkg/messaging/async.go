package messaging

import (
	"context"
	"errors"
	"time"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/driver"
)

// async is an asynchronous call's place in its producer's list.
type async struct {
	topic    string
	prev     *call
	next     *call
	deadline time.Time
	stop     func() bool // ends the watch on the caller's context
	done     func(error)
}

// PublishAsync begins to publish one event and returns when the driver has taken it, in order with every other call of this goroutine. It
// blocks for room (the driver's queue is bounded by count and bytes) until ctx ends. done is called exactly once, perhaps before
// PublishAsync returns, with what Publish would have returned, from the goroutine that learned it: it must be fast and must not publish
// synchronously. The event's Data must stay as it is until then. A nil done is allowed: failures are then only counted.
func (b *Broker) PublishAsync(ctx context.Context, topic string, event envelope.Event, done func(error)) {
	b.producer.PublishAsync(ctx, topic, event, done)
}

// PublishAsync is Broker.PublishAsync with this producer's options.
func (p *Producer) PublishAsync(ctx context.Context, topic string, event envelope.Event, done func(error)) {
	b := p.broker
	events := []envelope.Event{event}
	if b.hooks.Publish != nil {
		var hooked func(error)
		if ctx, hooked = b.hooks.Publish(ctx, topic, events); hooked != nil {
			done = both(hooked, done)
		}
	}
	c := makeCall() // never pooled: its deadline and its context's watch may outlive its fate
	if !p.prepare(ctx, c, topic, events) {
		err := c.failure(b.name, topic)
		if done != nil {
			done(err)
		}
		return
	}
	c.then = p.finish
	c.queue.topic, c.queue.done = topic, done
	p.enter(ctx, c)
	c.ctx.begin(ctx, b.config.PublishTimeout)
	b.driverPublisher.Send(&c.ctx, driver.Address{Topic: topic, Unrouted: b.config.Unrouted}, c.send, c)
	c.ctx.end()
}

func both(first, second func(error)) func(error) {
	return func(err error) {
		first(err)
		if second != nil {
			second(err)
		}
	}
}

// enter lists the call and watches its context.
func (p *Producer) enter(ctx context.Context, c *call) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if deadline, ok := ctx.Deadline(); ok {
		c.queue.deadline = deadline
	} else {
		c.queue.deadline = time.Now().Add(p.broker.config.PublishTimeout)
	}
	if ctx.Done() != nil {
		c.queue.stop = context.AfterFunc(ctx, func() { p.abandon(c, cause(ctx)) })
	}
	c.queue.prev = p.last
	if p.last != nil {
		p.last.queue.next = c
	} else {
		p.first = c
	}
	p.last = c
	p.timer.arm(c.queue.deadline, p.expire)
}

// leave takes the call off the list.
func (p *Producer) leave(c *call) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.queue.prev != nil {
		c.queue.prev.queue.next = c.queue.next
	} else {
		p.first = c.queue.next
	}
	if c.queue.next != nil {
		c.queue.next.queue.prev = c.queue.prev
	} else {
		p.last = c.queue.prev
	}
	c.queue.prev, c.queue.next = nil, nil
	if p.first == nil {
		p.timer.disarm()
		if p.flushed != nil {
			close(p.flushed)
			p.flushed = nil
		}
	}
}

// abandon gives a call up whose context or time is over.
func (p *Producer) abandon(c *call, why error) {
	if c.withdraw(why) {
		p.finish(c)
	}
}

// finish tells the outcome of a call, once: whoever brought the last fate, or gave the call up, comes here.
func (p *Producer) finish(c *call) {
	b := p.broker
	if c.queue.stop != nil {
		c.queue.stop()
	}
	err := c.failure(b.name, c.queue.topic)
	b.stats.published.Add(1)
	if err != nil {
		b.stats.unpublished.Add(1)
		var failed *PublishError
		if p.ordered && errors.As(err, &failed) {
			p.block(c.queue.topic, c, failed)
		}
	}
	if c.queue.done != nil {
		c.queue.done(err)
	}
	p.leave(c)
}

// expire gives up every listed call whose time is over.
func (p *Producer) expire() {
	now := time.Now()
	var over []*call
	p.mu.Lock()
	p.timer.fired()
	for c := p.first; c != nil; c = c.queue.next {
		if c.queue.deadline.After(now) {
			p.timer.arm(c.queue.deadline, p.expire)
			continue
		}
		over = append(over, c)
	}
	p.mu.Unlock()
	for _, c := range over {
		p.abandon(c, context.DeadlineExceeded)
	}
}

// sweep is one timer for many deadlines: it fires at the earliest it was armed for. Its owner's mutex guards it.
type sweep struct {
	timer *time.Timer
	at    time.Time
}

func (s *sweep) arm(at time.Time, f func()) {
	if !s.at.IsZero() && !at.Before(s.at) {
		return
	}
	s.at = at
	if s.timer == nil {
		s.timer = time.AfterFunc(time.Until(at), f)
		return
	}
	s.timer.Reset(time.Until(at))
}

func (s *sweep) fired() { s.at = time.Time{} }

func (s *sweep) disarm() {
	if s.timer != nil {
		s.timer.Stop()
	}
	s.at = time.Time{}
}
