package heraldwatermill

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/herald-go/herald/pkg/driver"
)

// batchMost is the most messages of one call of Watermill's Publish.
const batchMost = 128

// queue is the publisher of a Driver: one goroutine calls Watermill's Publish with what has gathered meanwhile.
type queue struct {
	to     message.Publisher
	config DriverConfig
	groups *knownGroups

	mu      sync.Mutex
	entries []entry
	count   int // queued or being published
	bytes   int
	closed  bool          // nothing more is taken
	writing bool          // a goroutine is at it, and goes on until entries is empty
	room    chan struct{} // closed, and replaced, when room becomes free
	idle    chan struct{} // closed when nothing is left; nil while nobody waits
}

type entry struct {
	topic  string
	m      *driver.Message
	size   int
	index  int
	result driver.Result
}

func newQueue(config DriverConfig, groups *knownGroups) *queue {
	return &queue{to: config.Publisher, config: config, groups: groups, room: make(chan struct{})}
}

// Send implements driver.Publisher.
func (q *queue) Send(ctx context.Context, to driver.Address, msgs []*driver.Message, r driver.Result) {
	for i, m := range msgs {
		if fate, err := q.refuse(to, m); err != nil {
			r.Done(i, fate, err)
			continue
		}
		if to.Group == "" && !to.Log && to.Unrouted == driver.Drop && q.config.Groups && !q.groups.has(to.Topic, "") {
			r.Done(i, driver.Stored, nil)
			continue
		}
		if err := q.put(ctx, entry{topic: q.config.topicOf(to), m: m, size: m.Size(), index: i, result: r}); err != nil {
			r.Done(i, driver.Unavailable, err)
		}
	}
}

// refuse says what can't be published.
func (q *queue) refuse(to driver.Address, m *driver.Message) (driver.Fate, error) {
	switch {
	case !to.Log && strings.HasPrefix(to.Topic, derivedPrefix):
		return driver.Invalid, fmt.Errorf("%w: topics that begin with %s are Herald's own", driver.ErrUnsupported, derivedPrefix)
	case (to.Log || to.Group != "" || to.Unrouted == driver.Keep) && !q.config.Groups:
		return driver.Invalid, driver.ErrUnsupported
	case to.Group == "" && !m.NotBefore.IsZero():
		return driver.Invalid, fmt.Errorf("%w: a delay", driver.ErrUnsupported)
	case q.config.MaxMessage > 0 && m.Size() > q.config.MaxMessage:
		return driver.TooLarge, fmt.Errorf("%d bytes, want at most %d", m.Size(), q.config.MaxMessage)
	case to.Group != "" && !q.groups.has(to.Topic, to.Group):
		return driver.Unroutable, fmt.Errorf("%w: group %s", driver.ErrUnknownTopic, to.Group)
	case !to.Log && to.Group == "" && to.Unrouted == driver.Refuse && !q.groups.has(to.Topic, ""):
		return driver.Unroutable, fmt.Errorf("%w: no group of it is known here", driver.ErrUnknownTopic)
	default:
		return 0, nil
	}
}

// put queues one message, once there is room.
func (q *queue) put(ctx context.Context, e entry) error {
	for {
		q.mu.Lock()
		if q.closed {
			q.mu.Unlock()
			return driver.ErrClosed
		}
		if q.count == 0 || q.count < queueCount && q.bytes+e.size <= queueBytes {
			q.entries = append(q.entries, e)
			q.count++
			q.bytes += e.size
			if !q.writing {
				q.writing = true
				go q.write()
			}
			q.mu.Unlock()
			return nil
		}
		room := q.room
		q.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// write publishes what is queued, until nothing is. Whoever queues the next starts it again, so an idle driver has no goroutine.
func (q *queue) write() {
	for batch := q.take(); len(batch) > 0; batch = q.take() {
		q.publish(batch)
		q.free(batch)
	}
}

// take returns the next messages, all of one topic.
func (q *queue) take() []entry {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for n < len(q.entries) && n < batchMost && q.entries[n].topic == q.entries[0].topic {
		n++
	}
	batch := q.entries[:n:n]
	q.entries = q.entries[n:]
	if n > 0 {
		return batch
	}
	q.entries, q.writing = nil, false
	if q.idle != nil {
		close(q.idle)
		q.idle = nil
	}
	return nil
}

// publish publishes a batch and reports the fates. Watermill does not say which messages of a call failed, nor whether they are stored.
func (q *queue) publish(batch []entry) {
	msgs := make([]*message.Message, 0, len(batch))
	sent := make([]entry, 0, len(batch))
	for _, e := range batch {
		if !e.m.Claim() {
			e.result.Done(e.index, driver.Unavailable, driver.ErrWithdrawn)
			continue
		}
		msgs = append(msgs, encode(e.m))
		sent = append(sent, e)
	}
	if len(sent) == 0 {
		return
	}
	fate, err := driver.Stored, q.to.Publish(sent[0].topic, msgs...)
	if err != nil {
		fate = driver.Unconfirmed
	}
	for _, e := range sent {
		e.result.Done(e.index, fate, err)
	}
}

func (q *queue) free(batch []entry) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range batch {
		q.bytes -= batch[i].size
	}
	q.count -= len(batch)
	close(q.room)
	q.room = make(chan struct{})
}

// Close implements driver.Publisher.
func (q *queue) Close(ctx context.Context) error {
	if idle := q.end(); idle != nil {
		select {
		case <-idle:
		case <-ctx.Done():
			return q.abandon(ctx)
		}
	}
	return nil
}

// end refuses further messages and returns a channel that is closed when nothing is left; nil when nothing is.
func (q *queue) end() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	if q.writing && q.idle == nil {
		q.idle = make(chan struct{})
	}
	return q.idle
}

// abandon fails what Watermill was not given yet, and waits for what it was given until ctx ends: a call of its Publish can't be ended.
func (q *queue) abandon(ctx context.Context) error {
	idle := q.end()
	q.mu.Lock()
	left := q.entries
	q.entries = nil
	q.mu.Unlock()
	for _, e := range left {
		if e.m.Withdraw() || e.m.Withdrawn() {
			e.result.Done(e.index, driver.Unavailable, driver.ErrClosed)
			continue
		}
		e.result.Done(e.index, driver.Unconfirmed, driver.ErrClosed)
	}
	if idle == nil {
		return nil
	}
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("close: a call of Publish has not returned: %w", context.Cause(ctx))
	}
}
