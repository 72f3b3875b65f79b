package messaging

import (
	"context"
	"fmt"
	"sync"
)

// Producer is a Publisher with options of its own, over the same connection. It is safe for concurrent use and needs no closing: the
// broker's Close flushes it.
type Producer struct {
	broker   *Broker
	failFast bool
	ordered  bool

	mu        sync.Mutex
	blocked   map[string]*call // ordered: topic and key whose last event was not stored, and whose event that was
	following map[*call]string // ordered: synchronous calls under way, with their topic
	first     *call            // asynchronous calls under way, oldest first
	last      *call
	begun     uint64 // asynchronous calls ever listed
	flushes   []flush
	timer     sweep
	sweep     func()                     // expire, made once
	watches   map[<-chan struct{}]*watch // by the context's Done
	calls     sync.Pool                  // asynchronous calls that are stored
}

// flush waits for the asynchronous calls up to a number.
type flush struct {
	upTo uint64
	done chan struct{}
}

// PublishOption changes a Producer.
type PublishOption func(*Producer)

// FailFast makes Publish return ErrUnavailable at once while the broker is not connected, instead of waiting for it.
func FailFast() PublishOption { return func(p *Producer) { p.failFast = true } }

// Ordered makes one failed event fail the later ones of its key (ErrUnavailable, surely not stored) until Resume is called with that key, so
// that a key's history has no hole in it. Events without a key have no order and are never held back. What the driver has already claimed when the failure is told can't be held back.
func Ordered() PublishOption { return func(p *Producer) { p.ordered = true } }

// Publisher returns a producer with options of its own, as slog.Logger.With does for loggers.
func (b *Broker) Publisher(opts ...PublishOption) *Producer {
	p := &Producer{broker: b}
	p.sweep = p.expire
	for _, o := range opts {
		o(p)
	}
	if p.ordered {
		p.blocked = make(map[string]*call)
		p.following = make(map[*call]string)
	}
	return p
}

// Resume lets the events of a key through again after one of them failed. It is for Ordered producers and does nothing for others.
func (p *Producer) Resume(topic, key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.blocked, orderKey(topic, key))
}

// Flush is Producer.Flush for what was published with the broker's own PublishAsync.
func (b *Broker) Flush(ctx context.Context) error { return b.producer.Flush(ctx) }

// Flush waits until every asynchronous publish that was begun before it has its fate and its done has returned, or ctx ends.
func (p *Producer) Flush(ctx context.Context) error {
	p.mu.Lock()
	if p.first == nil {
		p.mu.Unlock()
		return nil
	}
	f := flush{upTo: p.begun, done: make(chan struct{})}
	p.flushes = append(p.flushes, f)
	p.mu.Unlock()
	select {
	case <-f.done:
		return nil
	case <-ctx.Done():
		return &Error{Op: "flush", Broker: p.broker.name, Err: cause(ctx)}
	}
}

// flushed lets go of those that wait for nothing any more. p.mu is held.
func (p *Producer) flushed() {
	for len(p.flushes) > 0 && (p.first == nil || p.first.queue.number > p.flushes[0].upTo) {
		close(p.flushes[0].done)
		p.flushes = p.flushes[1:]
	}
}

// errBehind is why an ordered producer refuses an event.
var errBehind = fmt.Errorf("%w: an earlier event of this key failed; call Resume to go on", ErrUnavailable)

func (p *Producer) blockedKey(topic, key string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.isBlocked(topic, key) {
		return errBehind
	}
	return nil
}

// isBlocked reports whether the key stands still. p.mu is held.
func (p *Producer) isBlocked(topic, key string) bool {
	if len(p.blocked) == 0 {
		return false // without making a key to look up
	}
	_, ok := p.blocked[orderKey(topic, key)]
	return ok
}

// follow notes a synchronous call that is about to be sent, and takes back what was blocked since it was prepared.
func (p *Producer) follow(topic string, c *call) {
	c.ordered = true
	p.mu.Lock()
	defer p.mu.Unlock()
	p.following[c] = topic
	for _, m := range c.send {
		if by, ok := p.blocked[orderKey(topic, m.Key)]; ok && by != c { // what c itself blocked comes after m
			m.Withdraw()
		}
	}
}

func (p *Producer) unfollow(c *call) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.following, c)
}

// block stops the keys of a call's failed events.
func (p *Producer) block(topic string, c *call) {
	c.mu.Lock()
	var keys []string
	for i, m := range c.send {
		if c.errs[c.index[i]] != nil {
			keys = append(keys, m.Key)
		}
	}
	c.mu.Unlock()
	for _, key := range keys {
		p.stop(topic, key, c)
	}
}

// stop blocks a key for a call's failed event and takes back what waits behind it.
func (p *Producer) stop(topic, key string, by *call) {
	if key == "" {
		return
	}
	p.mu.Lock()
	if p.isBlocked(topic, key) {
		p.mu.Unlock()
		return
	}
	p.blocked[orderKey(topic, key)] = by
	for c, of := range p.following {
		for _, m := range c.send {
			if of == topic && m.Key == key {
				m.Withdraw()
			}
		}
	}
	var behind []ticket
	for c := p.first; c != nil; c = c.queue.next {
		if c.queue.topic == topic && c.msgs[0].Key == key && c.msgs[0].Withdraw() {
			behind = append(behind, ticket{c, c.queue.number})
		}
	}
	p.mu.Unlock()
	for _, t := range behind {
		p.giveUp(t, errBehind)
	}
}

// orderKey joins topic and key; a topic holds no NUL.
func orderKey(topic, key string) string { return topic + "\x00" + key }
