package messaging

import (
	"context"
	"time"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/driver"
)

// async is an asynchronous call's place in its producer's list.
type async struct {
	producer *Producer
	topic    string
	listed   bool
	prev     *call
	next     *call
	deadline time.Time
	number   uint64 // counts the producer's calls
	watch    *watch // of the caller's context
	elder    *call  // of the same watch
	younger  *call
	returned bool // PublishAsync does not need the call any more
	stored   bool // nor does the driver
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
	if b.hooks.Publish != nil {
		ctx, event, done = b.hooked(ctx, topic, event, done)
	}
	c := p.asyncCall()
	ok := p.prepare(ctx, c, topic, []envelope.Event{event})
	p.encoded(c)
	if !ok {
		p.tell(c.failure(b.name, topic), done)
		return
	}
	c.queue.producer, c.queue.topic, c.queue.done = p, topic, done
	if !p.enter(ctx, c) {
		c.errs[0] = errBehind
		p.tell(c.failure(b.name, topic), done)
		return
	}
	c.ctx.begin(ctx, b.config.PublishTimeout)
	b.driverPublisher.Send(&c.ctx, driver.Address{Topic: topic, Unrouted: b.config.Unrouted}, c.send, c)
	c.ctx.end()
	p.watch(ctx, c)
}

// hooked calls the hook for one event.
func (b *Broker) hooked(ctx context.Context, topic string, event envelope.Event, done func(error)) (context.Context, envelope.Event, func(error)) {
	events := []envelope.Event{event}
	ctx, hooked := b.hooks.Publish(ctx, topic, events)
	if hooked != nil {
		done = both(hooked, done)
	}
	return ctx, events[0], done
}

// tell counts the outcome of an asynchronous call and passes it on.
func (p *Producer) tell(err error, done func(error)) {
	p.broker.stats.published.Add(1)
	if err != nil {
		p.broker.stats.unpublished.Add(1)
	}
	if done != nil {
		done(err)
	}
}

func both(first, second func(error)) func(error) {
	return func(err error) {
		first(err)
		if second != nil {
			second(err)
		}
	}
}

// enter lists the call, unless its key was blocked since it was prepared.
func (p *Producer) enter(ctx context.Context, c *call) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.isBlocked(c.queue.topic, c.msgs[0].Key) {
		return false
	}
	if deadline, ok := ctx.Deadline(); ok {
		c.queue.deadline = deadline
	} else {
		c.queue.deadline = time.Now().Add(p.broker.config.PublishTimeout)
	}
	p.begun++
	c.queue.number, c.queue.listed = p.begun, true
	c.queue.prev = p.last
	if p.last != nil {
		p.last.queue.next = c
	} else {
		p.first = c
	}
	p.last = c
	return true
}

// watch watches the context and the deadline of a call that is still under way once the driver has taken it; until then the driver does.
func (p *Producer) watch(ctx context.Context, c *call) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.queue.returned = true
	if c.queue.listed {
		p.attend(ctx, c)
		p.timer.arm(c.queue.deadline, p.sweep)
		return
	}
	if c.queue.stored {
		p.recycle(c)
	}
}

// leave takes the call off the list. One that failed is never used again: the driver may still have it, and its key remembers it.
func (p *Producer) leave(c *call, stored bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.queue.listed, c.queue.stored = false, stored
	p.unattend(c)
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
	}
	p.flushed()
	if stored && c.queue.returned {
		p.recycle(c)
	}
}

// finish tells the outcome of a call, once: whoever brought the last fate, or gave the call up, comes here.
func (p *Producer) finish(c *call) {
	err := c.failure(p.broker.name, c.queue.topic)
	if err != nil && p.ordered {
		p.stop(c.queue.topic, c.msgs[0].Key, c)
	}
	p.tell(err, c.queue.done)
	p.leave(c, err == nil)
}

// expire gives up every listed call whose time is over.
func (p *Producer) expire() {
	now := time.Now()
	var over []ticket
	p.mu.Lock()
	p.timer.fired()
	for c := p.first; c != nil; c = c.queue.next {
		if c.queue.deadline.After(now) {
			p.timer.arm(c.queue.deadline, p.sweep)
			continue
		}
		over = append(over, ticket{c, c.queue.number})
	}
	p.mu.Unlock()
	for _, t := range over {
		p.giveUp(t, context.DeadlineExceeded)
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
	if !s.at.IsZero() {
		s.timer.Stop()
		s.at = time.Time{}
	}
}
