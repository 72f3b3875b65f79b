package messaging

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/driver"
)

// call is one Publish under way. It is pooled, and it is the driver's Result. One that was given up stays with the driver until its last
// Done and is then garbage, never pooled again, so that a late fate can't reach another call.
type call struct {
	scratch *scratch // an asynchronous call has it only while its event is encoded
	ids     []string
	msgs    []driver.Message
	send    []*driver.Message // those of msgs that go to the driver
	index   []int             // send[i] is msgs[index[i]]
	errs    []error           // by event; nil is stored, or not known yet
	fates   []driver.Fate     // of send; 0 is not known yet
	ctx     sendContext
	done    chan struct{} // nil for asynchronous calls; capacity 1, so that the last Done never blocks
	timer   *time.Timer   // of its wait, used again

	mu      sync.Mutex
	pending int
	ordered bool // a failed event takes the later ones of its key with it
	over    bool // given up: later fates change nothing

	queue async // for asynchronous calls
	pool  *sync.Pool

	// one is the backing of the slices for a call of one event, the common size, so that such a call is one allocation.
	one struct {
		ids   [1]string
		msgs  [1]driver.Message
		send  [1]*driver.Message
		index [1]int
		errs  [1]error
		fates [1]driver.Fate
	}
}

// scratch is what an event is encoded by way of.
type scratch struct {
	event  envelope.Event
	record envelope.Record
}

func makeCall() *call {
	c := emptyCall()
	c.scratch = &scratch{}
	c.done = make(chan struct{}, 1)
	return c
}

func emptyCall() *call {
	c := &call{}
	o := &c.one
	c.ids, c.msgs, c.send, c.index, c.errs, c.fates = o.ids[:0], o.msgs[:0], o.send[:0], o.index[:0], o.errs[:0], o.fates[:0]
	return c
}

// keptPerCall is the largest call whose buffers are kept in the pool.
const keptPerCall = 1024

// newCall returns a call with room for n events, from the broker's pool. The pool is the broker's own, and not the package's, because a call
// holds a channel, which must stay in the synctest bubble where it was made.
func (b *Broker) newCall(n int) *call {
	c, _ := b.calls.Get().(*call)
	if c == nil {
		c = makeCall()
	}
	c.pool = &b.calls
	c.msgs = slices.Grow(c.msgs[:0], n) // never moves while add hands out pointers
	return c
}

// free returns a call that the driver is done with.
func (c *call) free() {
	if c.pool == nil || cap(c.msgs) > keptPerCall {
		return
	}
	*c.scratch = scratch{}
	c.reset()
	c.pool.Put(c)
}

// reset forgets the events, and keeps the memory.
func (c *call) reset() {
	clear(c.ids)
	clear(c.send)
	clear(c.errs)
	clear(c.fates)
	c.ids, c.send, c.index, c.errs, c.fates = c.ids[:0], c.send[:0], c.index[:0], c.errs[:0], c.fates[:0]
	for i := range c.msgs {
		headers := c.msgs[i].Headers
		clear(headers)
		c.msgs[i] = driver.Message{Headers: headers[:0]}
	}
	c.pending, c.ordered, c.over, c.queue = 0, false, false, async{}
	c.ctx.reset()
}

// add makes room for one more message. What is there is empty: new, or reset.
func (c *call) add() *driver.Message {
	n := len(c.msgs)
	c.msgs = c.msgs[:n+1]
	c.errs = append(c.errs, nil)
	return &c.msgs[n]
}

// fail records why event i is not sent, or that it will be.
func (c *call) fail(i int, err error) {
	if err != nil {
		c.errs[i] = err
		return
	}
	c.send = append(c.send, &c.msgs[i])
	c.index = append(c.index, i)
	c.fates = append(c.fates, 0)
}

func (c *call) sendable() bool {
	c.pending = len(c.send)
	return c.pending > 0
}

// Done implements driver.Result.
func (c *call) Done(i int, fate driver.Fate, err error) {
	c.mu.Lock()
	if !c.over {
		c.fates[i] = fate
		c.errs[c.index[i]] = fated(fate, err)
		if c.ordered && fate != driver.Stored {
			c.withhold(i)
		}
	}
	c.pending--
	last := c.pending == 0
	over := c.over
	c.mu.Unlock()
	switch {
	case !last:
	case c.done != nil:
		c.done <- struct{}{}
	case !over:
		c.queue.producer.finish(c)
	}
}

// Waits implements driver.Waiter.
func (c *call) Waits() bool { return c.done != nil }

// withhold takes back what follows send[i] with its key. c.mu is held.
func (c *call) withhold(i int) {
	key := c.send[i].Key
	if key == "" {
		return
	}
	for _, m := range c.send[i+1:] {
		if m.Key == key {
			m.Withdraw()
		}
	}
}

// wait waits for every fate, and returns nil, or why it waits no longer.
func (c *call) wait() error {
	select {
	case <-c.done:
		return nil
	default:
	}
	timeout, timed := c.ctx.untimed()
	if !timed {
		select {
		case <-c.done:
			return nil
		case <-c.ctx.Done():
			return cause(&c.ctx)
		}
	}
	if c.timer == nil {
		c.timer = time.NewTimer(timeout)
	} else {
		c.timer.Reset(timeout)
	}
	defer c.timer.Stop()
	select {
	case <-c.done:
		return nil
	case <-c.ctx.Context.Done():
		return cause(c.ctx.Context)
	case <-c.timer.C:
		return context.DeadlineExceeded
	}
}

// withdraw takes back what the driver has not claimed and settles, for the caller, what has no fate yet: withdrawn is unavailable, claimed
// is unconfirmed, for ever. The last goes first, so that the driver, which claims in order, can't overtake it and leave a hole. It reports
// false when the last fate came first, and changes nothing then.
func (c *call) withdraw(why error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pending == 0 || c.over {
		return false
	}
	c.over = true
	for i, m := range slices.Backward(c.send) {
		if c.fates[i] != 0 {
			continue
		}
		sentinel := ErrUnconfirmed
		if m.Withdraw() || m.Withdrawn() { // perhaps withheld before
			sentinel = ErrUnavailable
		}
		c.errs[c.index[i]] = fmt.Errorf("%w: %w", sentinel, why)
	}
	return true
}

// failure returns the call's PublishError, or nil when everything is stored.
func (c *call) failure(broker, topic string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var failed []EventError
	for i, err := range c.errs {
		if err != nil {
			failed = append(failed, EventError{Index: i, ID: c.ids[i], Err: err})
		}
	}
	if failed == nil {
		return nil
	}
	return &PublishError{Broker: broker, Topic: topic, Total: len(c.errs), Failed: failed}
}
