package messaging

import (
	"context"
	"fmt"
	"sync"

	"github.com/herald-go/herald/pkg/driver"
)

// Producer is a Publisher with options of its own, over the same connection. It is safe for concurrent use and needs no closing: the
// broker's Close flushes it.
type Producer struct {
	broker   *Broker
	failFast bool
	ordered  bool

	mu      sync.Mutex
	blocked map[string]struct{} // ordered: topic and key whose last event was not stored
	first   *call               // asynchronous calls under way, oldest first
	last    *call
	flushed chan struct{} // closed when none is under way; nil while nobody waits
	timer   sweep
}

// PublishOption changes a Producer.
type PublishOption func(*Producer)

// FailFast makes Publish return ErrUnavailable at once while the broker is not connected, instead of waiting for it.
func FailFast() PublishOption { return func(p *Producer) { p.failFast = true } }

// Ordered makes one failed event fail the later ones of its key (ErrUnavailable, surely not stored) until Resume is called with that key, so
// that a key's history has no hole in it. What the driver has already claimed when the failure is told can't be held back.
func Ordered() PublishOption { return func(p *Producer) { p.ordered = true } }

// Publisher returns a producer with options of its own, as slog.Logger.With does for loggers.
func (b *Broker) Publisher(opts ...PublishOption) *Producer {
	p := &Producer{broker: b}
	for _, o := range opts {
		o(p)
	}
	if p.ordered {
		p.blocked = make(map[string]struct{})
	}
	b.mu.Lock()
	b.producers = append(b.producers, p)
	b.mu.Unlock()
	return p
}

// Resume lets the events of a key through again after one of them failed. It is for Ordered producers and does nothing for others.
func (p *Producer) Resume(topic, key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.blocked, orderKey(topic, key))
}

// Flush waits until every asynchronous publish that was begun before it has its fate, or ctx ends.
func (p *Producer) Flush(ctx context.Context) error {
	p.mu.Lock()
	if p.first == nil {
		p.mu.Unlock()
		return nil
	}
	if p.flushed == nil {
		p.flushed = make(chan struct{})
	}
	flushed := p.flushed
	p.mu.Unlock()
	select {
	case <-flushed:
		return nil
	case <-ctx.Done():
		return &Error{Op: "flush", Broker: p.broker.name, Err: cause(ctx)}
	}
}

func (p *Producer) blockedKey(topic, key string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.blocked[orderKey(topic, key)]; ok {
		return fmt.Errorf("%w: an earlier event of this key failed; call Resume to go on", ErrUnavailable)
	}
	return nil
}

// block stops the keys of failed events, and takes back what waits behind them.
func (p *Producer) block(topic string, c *call, failed *PublishError) {
	p.mu.Lock()
	keys := make(map[string]struct{}, len(failed.Failed))
	for _, f := range failed.Failed {
		key := c.msgs[f.Index].Key
		keys[key] = struct{}{}
		p.blocked[orderKey(topic, key)] = struct{}{}
	}
	var behind []*driver.Message
	for o := p.first; o != nil; o = o.queue.next {
		if _, ok := keys[o.msgs[0].Key]; ok && o != c && o.queue.topic == topic {
			behind = append(behind, &o.msgs[0])
		}
	}
	p.mu.Unlock()
	for _, m := range behind {
		m.Withdraw()
	}
}

// orderKey joins topic and key; a topic holds no NUL.
func orderKey(topic, key string) string { return topic + "\x00" + key }
